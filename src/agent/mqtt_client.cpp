#include "agent/mqtt_client.h"

#ifdef ONDOL_HAS_MOSQUITTO

#include <mosquitto.h>

#include <chrono>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;
using boost::asio::ip::tcp;

constexpr int kKeepAliveSeconds = 30;
constexpr int kStepMs = 20;
constexpr auto kAnswerTime = std::chrono::seconds(10);
constexpr int kOnceAtLeast = 1;  // quality of service

struct Deleter {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

class MosquittoClient : public MqttClient {
 public:
  explicit MosquittoClient(GoesOn goes_on) : goes_on_(std::move(goes_on)) {
    static std::once_flag once;
    std::call_once(once, [] { mosquitto_lib_init(); });
    client_.reset(mosquitto_new(nullptr, true, this));
  }
  ~MosquittoClient() override {
    if (client_) mosquitto_disconnect(client_.get());
  }

  Result<void> start(const std::string& address, int port) {
    if (!client_) return Error("libmosquitto: no memory");
    mosquitto_connect_callback_set(
        client_.get(), [](mosquitto*, void* self, int code) { static_cast<MosquittoClient*>(self)->answer_ = code; });
    mosquitto_publish_callback_set(
        client_.get(), [](mosquitto*, void* self, int) { static_cast<MosquittoClient*>(self)->answer_ = 0; });
    mosquitto_subscribe_callback_set(client_.get(), [](mosquitto*, void* self, int, int n, const int* granted) {
      constexpr int kFailure = 0x80;
      static_cast<MosquittoClient*>(self)->answer_ = n > 0 && granted[0] < kFailure ? 0 : kFailure;
    });
    mosquitto_message_callback_set(client_.get(), [](mosquitto*, void* self, const mosquitto_message* message) {
      const auto* bytes = static_cast<const char*>(message->payload);
      const auto size = static_cast<size_t>(std::max(message->payloadlen, 0));
      static_cast<MosquittoClient*>(self)->messages_.push_back(
          {message->topic, bytes == nullptr ? "" : std::string(bytes, size)});
    });
    ONDOL_TRY(checked(mosquitto_connect(client_.get(), address.c_str(), port, kKeepAliveSeconds)));
    return wait_for_answer("the broker refused the connection");
  }

  Result<void> publish(const std::string& topic, std::string_view content) override {
    answer_ = kNone;
    ONDOL_TRY(checked(mosquitto_publish(client_.get(), nullptr, topic.c_str(), static_cast<int>(content.size()),
                                        content.data(), kOnceAtLeast, false)));
    return wait_for_answer("the broker refused the message");
  }

  Result<void> subscribe(const std::string& topic) override {
    answer_ = kNone;
    ONDOL_TRY(checked(mosquitto_subscribe(client_.get(), nullptr, topic.c_str(), kOnceAtLeast)));
    return wait_for_answer("the broker refused the subscription");
  }

  Result<void> listen(double seconds, const std::function<bool(const MqttMessage& message)>& take) override {
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < deadline && (!goes_on_ || goes_on_())) {
      for (const MqttMessage& message : std::exchange(messages_, {})) {
        if (!take(message)) return {};
      }
      ONDOL_TRY(checked(mosquitto_loop(client_.get(), kStepMs, 1)));
    }
    for (const MqttMessage& message : std::exchange(messages_, {})) {
      if (!take(message)) break;
    }
    return {};
  }

 private:
  static constexpr int kNone = -1;

  static Result<void> checked(int code) {
    if (code == MOSQ_ERR_SUCCESS) return {};
    return Error(fmt::format("MQTT: {}", mosquitto_strerror(code)));
  }

  Result<void> wait_for_answer(std::string_view failure) {
    const auto deadline = Clock::now() + kAnswerTime;
    while (answer_ == kNone) {
      if (goes_on_ && !goes_on_()) return Error("stopped");
      if (Clock::now() > deadline) return Error("the MQTT broker does not answer");
      ONDOL_TRY(checked(mosquitto_loop(client_.get(), kStepMs, 1)));
    }
    if (answer_ == 0) return {};
    return Error(std::string(failure));
  }

  GoesOn goes_on_;
  std::unique_ptr<mosquitto, Deleter> client_;
  int answer_ = kNone;
  std::vector<MqttMessage> messages_;
};

}  // namespace

bool MqttClient::is_built_in() {
  return true;
}

Result<std::unique_ptr<MqttClient>> MqttClient::connect(const HostAndPort& broker, const HostList& hosts,
                                                        const GoesOn& goes_on) {
  const std::string name = fmt::format("{}:{}", broker.host, broker.port);
  const HostList::Match match = hosts.match(broker.host, broker.port);
  if (match == HostList::Match::kNone) return Error(fmt::format("{}: is not among the allowed hosts", name));
  boost::asio::io_context context;
  boost::system::error_code error;
  std::string reason = "was not found";
  for (const auto& entry : tcp::resolver(context).resolve(broker.host, "", error)) {
    const auto address = entry.endpoint().address();
    reason = "leads to an address that is not public; allow HOST:PORT to reach it";
    if (match != HostList::Match::kNamed && !is_public_address(address)) continue;
    auto client = std::make_unique<MosquittoClient>(goes_on);
    const auto started = client->start(address.to_string(), broker.port);
    if (started) return std::unique_ptr<MqttClient>(std::move(client));
    reason = started.error().message();
  }
  return Error(fmt::format("{}: {}", name, reason));
}

}  // namespace ondol

#else

namespace ondol {

bool MqttClient::is_built_in() {
  return false;
}

Result<std::unique_ptr<MqttClient>> MqttClient::connect(const HostAndPort&, const HostList&, const GoesOn&) {
  return Error("this build has no MQTT; install libmosquitto-dev and build again");
}

}  // namespace ondol

#endif
