// mqtt_publish and mqtt_subscribe: devices.
#include <utility>

#include <fmt/format.h>

#include "agent/mqtt_client.h"
#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"

namespace ondol {
namespace {

constexpr int kMqttPort = 1883;
constexpr int64_t kDefaultSeconds = 5, kMostSeconds = 300, kMostMessages = 50;

/// Names of topics have no wildcards (MQTT 3.1.1, section 4.7).
bool is_topic(const std::string& topic, bool may_have_wildcards) {
  return !topic.empty() && topic.size() < 500 && topic.find('\0') == topic.npos &&
         (may_have_wildcards || topic.find_first_of("+#") == topic.npos);
}

class MqttTool : public PlainTool {
 public:
  MqttTool(std::string name, std::string description, std::string_view properties, std::string_view required,
           std::string broker, HostList hosts)
      : PlainTool(std::move(name), std::move(description), properties, required, Effect::kReachesOut),
        broker_(std::move(broker)),
        allowed_(std::move(hosts)) {}

  std::vector<std::string> hosts(const json::object&) const override {
    const auto place = parse_host_and_port(broker_, kMqttPort);
    return {place ? fmt::format("{}:{}", place->host, place->port) : broker_};
  }

 protected:
  Result<std::unique_ptr<MqttClient>> connect(const ToolContext& context) const {
    return MqttClient::connect(ONDOL_TRY(parse_host_and_port(broker_, kMqttPort)), allowed_, context.goes_on);
  }

  std::string broker_;

 private:
  HostList allowed_;
};

class MqttPublish : public MqttTool {
 public:
  MqttPublish(std::string broker, HostList hosts)
      : MqttTool("mqtt_publish", "Sends a message to a device.",
                 R"({"topic": {"type": "string"}, "message": {"type": "string"}})", R"(["topic", "message"])",
                 std::move(broker), std::move(hosts)) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    const std::string topic = string_or(arguments, "topic", "");
    if (!is_topic(topic, false)) return Error("topic: expected one without wildcards");
    return printable_text(fmt::format("send to {} by {}:\n{}", topic, broker_, string_or(arguments, "message", "")));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const std::string topic = string_or(arguments, "topic", "");
    if (!is_topic(topic, false)) return mistake("topic: expected one without wildcards");
    const auto client = connect(context);
    if (!client) return mistake(client.error().message());
    const auto sent = (*client)->publish(topic, string_or(arguments, "message", ""));
    return sent ? words("sent") : mistake(sent.error().message());
  }
};

class MqttSubscribe : public MqttTool {
 public:
  MqttSubscribe(std::string broker, HostList hosts)
      : MqttTool("mqtt_subscribe", "Waits for messages of devices and gives them.",
                 R"({"topic": {"type": "string", "description": "+ and # are wildcards"},
                     "count": {"type": "integer", "minimum": 1, "maximum": 50},
                     "seconds": {"type": "integer", "minimum": 1, "maximum": 300}})",
                 R"(["topic"])", std::move(broker), std::move(hosts)) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    const std::string topic = string_or(arguments, "topic", "");
    if (!is_topic(topic, true)) return Error("topic: expected one");
    return printable_text(fmt::format("listen to {} at {}", topic, broker_));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const std::string topic = string_or(arguments, "topic", "");
    if (!is_topic(topic, true)) return mistake("topic: expected one");
    const int64_t most = std::clamp(int_or(arguments, "count", 1), int64_t{1}, kMostMessages);
    const int64_t seconds = std::clamp(int_or(arguments, "seconds", kDefaultSeconds), int64_t{1}, kMostSeconds);
    const auto client = connect(context);
    if (!client) return mistake(client.error().message());
    const auto subscribed = (*client)->subscribe(topic);
    if (!subscribed) return mistake(subscribed.error().message());
    std::string text;
    int64_t n = 0;
    const auto listened = (*client)->listen(static_cast<double>(seconds), [&](const MqttMessage& message) {
      text += fmt::format("{}: {}\n", message.topic, message.content);
      return ++n < most;
    });
    if (!listened) return mistake(listened.error().message());
    if (n == 0) return words(fmt::format("(no message within {} seconds)", seconds));
    return foreign_words(printable_text(text));
  }
};

}  // namespace

std::unique_ptr<Tool> make_mqtt_publish(const std::string& broker, HostList hosts) {
  if (!MqttClient::is_built_in()) return nullptr;
  return std::make_unique<MqttPublish>(broker, std::move(hosts));
}

std::unique_ptr<Tool> make_mqtt_subscribe(const std::string& broker, HostList hosts) {
  if (!MqttClient::is_built_in()) return nullptr;
  return std::make_unique<MqttSubscribe>(broker, std::move(hosts));
}

}  // namespace ondol
