// MqttClient: one connection to a broker of devices (MQTT 3.1.1), by libmosquitto.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/host_list.h"
#include "base/result.h"

namespace ondol {

struct MqttMessage {
  std::string topic;
  std::string content;
};

class MqttClient {
 public:
  using GoesOn = std::function<bool()>;

  /// False: this build has no libmosquitto, and connect() fails.
  static bool is_built_in();
  /// The broker must be on the list; a name is resolved once, and what it means must be public unless host and port
  /// are listed. Error: it does not answer within 10 seconds.
  static Result<std::unique_ptr<MqttClient>> connect(const HostAndPort& broker, const HostList& hosts,
                                                     const GoesOn& goes_on);
  virtual ~MqttClient() = default;

  /// Waits until the broker has it.
  virtual Result<void> publish(const std::string& topic, std::string_view content) = 0;
  virtual Result<void> subscribe(const std::string& topic) = 0;
  /// Hands over messages for so long, or until `take` gives false.
  virtual Result<void> listen(double seconds, const std::function<bool(const MqttMessage& message)>& take) = 0;
};

}  // namespace ondol
