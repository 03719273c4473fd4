// The proxy by itself, and as the only way out of a sandbox.
#include "agent/proxy.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

#include <gtest/gtest.h>

#include "agent/sandbox.h"
#include "base/descriptor.h"
#include "tests/agent/temporary_folder.h"
#include "tests/agent/web_server.h"

namespace ondol {
namespace {

using boost::asio::ip::make_address;

std::unique_ptr<Proxy> proxy_for(const std::vector<std::string>& hosts, decltype(ProxyOptions::resolve) resolve = {}) {
  ProxyOptions options;
  options.hosts = *HostList::parse(hosts);
  options.resolve = std::move(resolve);
  auto proxy = Proxy::start(std::move(options));
  EXPECT_TRUE(proxy);
  return std::move(*proxy);
}

/// All that comes back for these bytes.
std::string ask(const Proxy& proxy, const std::string& bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  proxy.socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  std::string reply;
  char piece[4096];
  for (ssize_t n = 0; (n = ::recv(client.get(), piece, sizeof piece, 0)) > 0;) {
    reply.append(piece, static_cast<size_t>(n));
    if (reply.find("200 Connection established\r\n\r\n") + 30 == reply.size()) {
      const std::string inner = "GET /tunnel HTTP/1.1\r\nHost: x\r\n\r\n";
      EXPECT_GT(::send(client.get(), inner.data(), inner.size(), MSG_NOSIGNAL), 0);
    }
  }
  return reply;
}

TEST(ProxyTest, ForwardsToNamedPlaces) {
  TestWebServer server;
  const auto proxy = proxy_for({"localhost:" + std::to_string(server.port())});
  const std::string place = "localhost:" + std::to_string(server.port());
  const std::string reply = ask(*proxy, "GET http://" + place + "/page HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_NE(reply.find("got GET /page HTTP/1.1"), std::string::npos) << reply;
  EXPECT_NE(server.requests().at(0).find("Host: " + place), std::string::npos);
  const std::string tunnel = ask(*proxy, "CONNECT " + place + " HTTP/1.1\r\n\r\n");
  EXPECT_NE(tunnel.find("got GET /tunnel"), std::string::npos) << tunnel;
  EXPECT_TRUE(proxy->take_refusals().empty());
}

TEST(ProxyTest, RefusesEverythingElse) {
  TestWebServer server;
  const std::string port = std::to_string(server.port());
  const auto proxy = proxy_for({"example.org", "*.example.org"});
  for (const std::string& place :
       std::vector<std::string>{"localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port, "evil.org:443",
                                std::string("example.org:22"), "127.1:" + port, std::string("169.254.169.254:80")}) {
    EXPECT_NE(ask(*proxy, "CONNECT " + place + " HTTP/1.1\r\n\r\n").find("403"), std::string::npos) << place;
    EXPECT_NE(ask(*proxy, "GET http://" + place + "/ HTTP/1.1\r\n\r\n").find("403"), std::string::npos) << place;
  }
  EXPECT_NE(ask(*proxy, "nonsense\r\n\r\n").find("400"), std::string::npos);
  EXPECT_EQ(proxy->take_refusals().size(), 14u);
  EXPECT_TRUE(server.requests().empty());
}

TEST(ProxyTest, ANameThatLeadsInsideIsRefused) {
  TestWebServer server;
  for (const char* address : {"127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"}) {
    const auto proxy = proxy_for({"example.org"}, [&](const std::string&) {
      return std::vector<boost::asio::ip::address>{make_address(address)};
    });
    EXPECT_NE(ask(*proxy, "GET http://example.org/ HTTP/1.1\r\n\r\n").find("not public"), std::string::npos) << address;
    EXPECT_EQ(proxy->take_refusals().size(), 1u);
  }
}

TEST(ProxyTest, ANameIsResolvedOnceForAConnection) {
  TestWebServer server;
  int n_looks = 0;
  // Public at the first look and the own machine at the second, as in DNS rebinding.
  const auto proxy = proxy_for({"example.org:" + std::to_string(server.port())}, [&](const std::string&) {
    return std::vector{make_address(++n_looks == 1 ? "127.0.0.1" : "203.0.113.1")};
  });
  const std::string reply =
      ask(*proxy, "GET http://example.org:" + std::to_string(server.port()) + "/ HTTP/1.1\r\n\r\n");
  EXPECT_NE(reply.find("200 OK"), std::string::npos) << reply;
  EXPECT_EQ(n_looks, 1);
}

// Programs in the sandbox.

class SandboxedProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto sandbox = Sandbox::open("bubblewrap");
    if (!sandbox) GTEST_SKIP() << sandbox.error().message();
    sandbox_ = std::move(*sandbox);
  }

  std::string run(const Proxy& proxy, std::vector<std::string> arguments) {
    SandboxedCommand command;
    command.arguments = std::move(arguments);
    command.workspace = folder_.path();
    command.proxy_socket = proxy.socket_path();
    command.limits.seconds = 20;
    const auto run = sandbox_->run(command, {});
    if (!run) return "not started: " + run.error().message();
    return run->output;
  }

  std::unique_ptr<Sandbox> sandbox_;
  TestFolder folder_;
};

TEST_F(SandboxedProxyTest, CurlReachesWhatIsAllowed) {
  TestWebServer server;
  const std::string place = "localhost:" + std::to_string(server.port());
  const auto proxy = proxy_for({place});
  const std::string plain = run(*proxy, {"curl", "-sS", "--noproxy", "", "http://" + place + "/from-curl"});
  if (plain.starts_with("not started")) GTEST_SKIP() << plain;
  EXPECT_EQ(plain, "got GET /from-curl HTTP/1.1");
  const std::string tunnel =
      run(*proxy, {"curl", "-sS", "--noproxy", "", "--proxytunnel", "http://" + place + "/by-tunnel"});
  EXPECT_EQ(tunnel, "got GET /by-tunnel HTTP/1.1");
}

TEST_F(SandboxedProxyTest, PythonReachesWhatIsAllowed) {
  TestWebServer server;
  const std::string place = "localhost:" + std::to_string(server.port());
  const auto proxy = proxy_for({place});
  const std::string text =
      run(*proxy,
          {"python3", "-c", "import urllib.request as u; print(u.urlopen('http://" + place + "/py').read().decode())"});
  if (text.starts_with("not started")) GTEST_SKIP() << text;
  EXPECT_EQ(text, "got GET /py HTTP/1.1\n");
}

TEST_F(SandboxedProxyTest, NothingElseIsReached) {
  TestWebServer server, other;
  const std::string place = "localhost:" + std::to_string(server.port());
  const std::string port = std::to_string(other.port());
  const auto proxy = proxy_for({place});
  for (const std::string& url :
       std::vector<std::string>{"http://localhost:" + port, "http://127.0.0.1:" + port, "https://localhost:" + port,
                                "http://127.0.0.1:" + std::to_string(server.port()), std::string("http://example.org"),
                                std::string("https://1.1.1.1"), std::string("http://169.254.169.254/latest"),
                                "http://[::1]:" + port, std::string("http://localhost:22")}) {
    const std::string out =
        run(*proxy, {"curl", "-sS", "--noproxy", "", "-o", "/dev/null", "-w", "%{http_code}/%{http_connect}", url});
    if (out.starts_with("not started")) GTEST_SKIP() << out;
    EXPECT_NE(out.find("403"), std::string::npos) << url << ": " << out;
    const std::string direct = run(*proxy, {"curl", "-sS", "-m", "3", "--noproxy", "*", url});
    EXPECT_NE(direct.find("curl: ("), std::string::npos) << url << ": " << direct;
  }
  const std::string socks =
      run(*proxy, {"curl", "-sS", "-m", "3", "-x", "socks5h://127.0.0.1:3128", "http://" + place});
  EXPECT_NE(socks.find("curl: ("), std::string::npos) << socks;
  EXPECT_TRUE(server.requests().empty());
  EXPECT_TRUE(other.requests().empty());
}

TEST(LandlockProxyTest, IsRefusedWithAReason) {
  auto sandbox = Sandbox::open("landlock");
  if (!sandbox) GTEST_SKIP() << sandbox.error().message();
  const TestFolder folder;
  SandboxedCommand command;
  command.arguments = {"true"};
  command.workspace = folder.path();
  command.proxy_socket = "/tmp/none";
  const auto run = (*sandbox)->run(command, {});
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message().find("bubblewrap"), std::string::npos);
}

}  // namespace
}  // namespace ondol
