// The example of examples/robot-arm: a command by the tool, and the pose that the simulated arm reaches.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/sandbox.h"
#include "agent/tool_list.h"
#include "agent/workspace.h"
#include "base/descriptor.h"
#include "base/subprocess.h"
#include "tests/agent/temporary_folder.h"

namespace ondol {
namespace {

#ifdef ONDOL_ROBOT_ARM

std::string broker_program() {
  for (const char* path : {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return "";
}

int free_port() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Subprocess start(const std::string& program, std::vector<std::string> arguments) {
  const Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  arguments.insert(arguments.begin(), program);
  auto process = Subprocess::start(program, std::move(arguments), nothing.get(), nothing.get());
  EXPECT_TRUE(process);
  return std::move(*process);
}

class UnusedSandbox : public Sandbox {
 public:
  Kind kind() const override { return Kind::kBubblewrap; }
  std::string description() const override { return ""; }
  Result<SandboxedRun> run(const SandboxedCommand&, const std::function<bool()>&) override { return Error("unused"); }
};

class RobotArmTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string program = broker_program();
    if (program.empty()) GTEST_SKIP() << "mosquitto is not installed";
    port_ = free_port();
    folder_.write("broker.conf", fmt::format("listener {} 127.0.0.1\nallow_anonymous true\n{}", port_,
                                             ::getuid() == 0 ? "user root\n" : ""));
    broker_.emplace(start(program, {"-c", folder_ / "broker.conf"}));
    folder_.write("work/empty", "");
    workspace_.emplace(*Workspace::open(folder_ / "work"));
    use_hosts({"127.0.0.1:" + std::to_string(port_)});
    for (int i = 0; i < 100 && call("mqtt_publish", {{"topic", "hello"}, {"message", ""}}).is_error; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    arm_.emplace(start(ONDOL_ROBOT_ARM, {"127.0.0.1", std::to_string(port_)}));
    EXPECT_NE(wait_for("arm/pose", "\"moving\": false").find("\"shoulder\": 0.0"), std::string::npos);
  }

  void use_hosts(std::vector<std::string> hosts) {
    ToolNeeds needs;
    needs.host_names = std::move(hosts);
    needs.mqtt_broker = fmt::format("127.0.0.1:{}", port_);
    tools_ = std::move(*make_tools(needs));
  }

  ToolResult call(std::string_view name, json::object arguments) {
    ToolContext context{*workspace_, sandbox_, {}, {}};
    for (const auto& tool : tools_) {
      if (tool->definition().name == name) return *tool->call(arguments, context);
    }
    return {"no such tool", true};
  }

  /// Until the topic says it, for some seconds.
  std::string wait_for(const std::string& topic, std::string_view text) {
    std::string last;
    for (int i = 0; i < 40 && last.find(text) == std::string::npos; ++i)
      last = call("mqtt_subscribe", {{"topic", topic}, {"seconds", 1}}).text;
    return last;
  }

  TestFolder folder_;
  UnusedSandbox sandbox_;
  int port_ = 0;
  std::optional<Subprocess> broker_, arm_;
  std::optional<Workspace> workspace_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

TEST_F(RobotArmTest, ReachesTheCommandedPose) {
  EXPECT_EQ(call("mqtt_publish", {{"topic", "arm/command"}, {"message", R"({"shoulder": 90, "elbow": -45})"}}).text,
            "sent");
  const std::string pose =
      wait_for("arm/pose", R"("shoulder": 90.0, "elbow": -45.0, "x": 0.177, "y": 0.477, "moving": false)");
  EXPECT_NE(pose.find(R"("shoulder": 90.0, "elbow": -45.0, "x": 0.177, "y": 0.477, "moving": false)"), pose.npos)
      << pose;
  call("mqtt_publish", {{"topic", "lamp/command"}, {"message", "on"}});
  EXPECT_EQ(wait_for("lamp/state", "on"), "lamp/state: on\n");
}

TEST_F(RobotArmTest, DoesNotLeaveItsLimits) {
  call("mqtt_publish", {{"topic", "arm/command"}, {"message", R"({"shoulder": 1000})"}});
  EXPECT_NE(wait_for("arm/pose", "\"shoulder\": 180.0").find("180.0"), std::string::npos);
}

TEST_F(RobotArmTest, ABrokerThatIsNotAllowedIsNotReached) {
  use_hosts({"example.org"});
  const ToolResult result = call("mqtt_publish", {{"topic", "arm/command"}, {"message", "{}"}});
  EXPECT_TRUE(result.is_error);
  EXPECT_NE(result.text.find("not among the allowed hosts"), std::string::npos) << result.text;
  EXPECT_TRUE(call("mqtt_publish", {{"topic", "arm/#"}, {"message", "{}"}}).is_error);
}

#else

TEST(RobotArmTest, NeedsLibmosquitto) {
  GTEST_SKIP() << "built without libmosquitto";
}

#endif

}  // namespace
}  // namespace ondol
