// A robot arm with two joints, and a lamp, on MQTT: nothing moves but numbers.
//
//   robot-arm [HOST] [PORT]
//
//   arm/command   {"shoulder": 90, "elbow": -45}   in degrees; either may be left out
//   arm/pose      {"shoulder": ..., "elbow": ..., "x": ..., "y": ..., "moving": false}   kept by the broker
//   lamp/command  on, off
//   lamp/state    on, off                                                                kept by the broker
#include <mosquitto.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "base/json.h"

namespace {

using ondol::Result;

constexpr double kDegreesPerSecond = 180;
constexpr double kStepSeconds = 0.02;
constexpr double kUpperArm = 0.30, kForearm = 0.25;  // metres

struct Joint {
  double low;
  double high;
  double angle = 0;
  double target = 0;

  bool moves() const { return angle != target; }
  void aim(double degrees) { target = std::clamp(degrees, low, high); }
  void step() {
    const double most = kDegreesPerSecond * kStepSeconds;
    angle += std::clamp(target - angle, -most, most);
  }
};

class Arm {
 public:
  explicit Arm(mosquitto* client) : client_(client) {}

  void take(std::string_view topic, std::string_view message) {
    if (topic == "lamp/command" && (message == "on" || message == "off")) {
      lamp_ = message;
      say("lamp/state", lamp_);
    }
    if (topic != "arm/command") return;
    const auto command = ondol::parse_json(message);
    if (!command || !command->is_object()) return;
    shoulder_.aim(ondol::double_or(*command, "shoulder", shoulder_.target));
    elbow_.aim(ondol::double_or(*command, "elbow", elbow_.target));
    say_pose();
  }

  void step() {
    if (!shoulder_.moves() && !elbow_.moves()) return;
    shoulder_.step();
    elbow_.step();
    say_pose();
  }

  void say_all() {
    say("lamp/state", lamp_);
    say_pose();
  }

 private:
  void say(const char* topic, const std::string& message) {
    mosquitto_publish(client_, nullptr, topic, static_cast<int>(message.size()), message.data(), 1, true);
  }

  void say_pose() {
    const double degree = M_PI / 180, first = shoulder_.angle * degree, second = first + elbow_.angle * degree;
    say("arm/pose",
        fmt::format(R"({{"shoulder": {:.1f}, "elbow": {:.1f}, "x": {:.3f}, "y": {:.3f}, "moving": {}}})",
                    shoulder_.angle, elbow_.angle, kUpperArm * std::cos(first) + kForearm * std::cos(second),
                    kUpperArm * std::sin(first) + kForearm * std::sin(second), shoulder_.moves() || elbow_.moves()));
  }

  mosquitto* client_;
  Joint shoulder_{0, 180};
  Joint elbow_{-150, 150};
  std::string lamp_ = "off";
};

}  // namespace

int main(int argc, char** argv) {
  const char* host = argc > 1 ? argv[1] : "localhost";
  const int port = argc > 2 ? std::atoi(argv[2]) : 1883;
  mosquitto_lib_init();
  mosquitto* client = mosquitto_new(nullptr, true, nullptr);
  Arm arm(client);
  mosquitto_user_data_set(client, &arm);
  mosquitto_connect_callback_set(client, [](mosquitto* connected, void* its_arm, int) {
    mosquitto_subscribe(connected, nullptr, "arm/command", 1);
    mosquitto_subscribe(connected, nullptr, "lamp/command", 1);
    static_cast<Arm*>(its_arm)->say_all();
  });
  mosquitto_message_callback_set(client, [](mosquitto*, void* its_arm, const mosquitto_message* message) {
    const auto size = static_cast<size_t>(std::max(message->payloadlen, 0));
    static_cast<Arm*>(its_arm)->take(message->topic, {static_cast<const char*>(message->payload), size});
  });
  if (mosquitto_connect(client, host, port, 30) != MOSQ_ERR_SUCCESS) {
    std::fprintf(stderr, "robot-arm: no MQTT broker at %s:%d; start one with: mosquitto\n", host, port);
    return 1;
  }
  while (true) {
    if (mosquitto_loop(client, static_cast<int>(kStepSeconds * 1000), 1) != MOSQ_ERR_SUCCESS) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      mosquitto_reconnect(client);
    }
    arm.step();
  }
}
