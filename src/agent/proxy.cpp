#include "agent/proxy.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/proxy_request.h"
#include "agent/sandbox_files.h"

namespace ondol {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;  // NOLINT: how Asio's operators are used

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr auto kConnectTime = std::chrono::seconds(15);
constexpr auto kHeadTime = std::chrono::seconds(30);
constexpr size_t kMostRefusals = 1000;

/// Why a connection was not made: the answer's status, and the reason.
struct Refused {
  Refused(int its_status, std::string its_reason) : status(its_status), reason(std::move(its_reason)) {}
  int status;
  std::string reason;
};

std::optional<Refused> refuse(int status, std::string reason) {
  return Refused(status, std::move(reason));
}

class ProxyThread : public Proxy {
 public:
  ProxyThread(ProxyOptions options, TemporaryPlace folder)
      : options_(std::move(options)),
        folder_(std::move(folder)),
        path_(folder_.path() + "/proxy"),
        acceptor_(context_),
        resolver_(context_) {}

  ~ProxyThread() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start() {
    error_code error;
    acceptor_.open(Local(), error);
    if (!error) acceptor_.bind(Local::endpoint(path_), error);
    if (!error) acceptor_.listen(64, error);
    if (error) return Error(fmt::format("the proxy's socket {}: {}", path_, error.message()));
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
    return {};
  }

  const std::string& socket_path() const override { return path_; }

  std::vector<std::string> take_refusals() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(refusals_, {});
  }

 private:
  asio::awaitable<void> accept() {
    while (true) {
      auto [error, client] = co_await acceptor_.async_accept(kResult);
      if (error) {  // no descriptors, perhaps: others will be freed
        asio::steady_timer pause(context_, std::chrono::milliseconds(50));
        co_await pause.async_wait(kResult);
      } else if (n_connections_ < options_.most_connections) {
        ++n_connections_;
        asio::co_spawn(context_, serve(std::move(client)), [this](const std::exception_ptr&) { --n_connections_; });
      }
    }
  }

  asio::awaitable<void> serve(Local::socket client) {
    std::string bytes;
    asio::steady_timer timer(context_, kHeadTime);
    const auto read = co_await (
        asio::async_read_until(client, asio::dynamic_buffer(bytes, kMostProxyHeadBytes), "\r\n\r\n", kResult) ||
        timer.async_wait(kResult));
    if (read.index() != 0 || std::get<0>(std::get<0>(read))) co_return;
    const size_t size = std::get<1>(std::get<0>(read));
    const auto request = parse_proxy_request(std::string_view(bytes).substr(0, size));
    if (!request) {
      const Refused malformed(400, request.error().message());  // no temporary: GCC 12 would destroy it twice
      co_await answer(client, malformed);
      co_return;
    }
    tcp::socket host(context_);
    if (const auto refused = co_await connect(*request, host)) {
      if (refused->status == 403) remember(fmt::format("{}:{}: {}", request->host, request->port, refused->reason));
      co_await answer(client, *refused);
      co_return;
    }
    std::string first = request->head + bytes.substr(size);
    if (request->is_tunnel) {
      const auto told = co_await asio::async_write(
          client, asio::buffer(std::string_view("HTTP/1.1 200 Connection established\r\n\r\n")), kResult);
      if (std::get<0>(told)) co_return;
    }
    const auto sent = co_await asio::async_write(host, asio::buffer(first), kResult);
    if (!std::get<0>(sent)) co_await join(client, host);
  }

  asio::awaitable<void> answer(Local::socket& client, const Refused& refused) {
    const std::string body = fmt::format("Ondol's proxy: {}\n", refused.reason);
    const std::string text = fmt::format(
        "HTTP/1.1 {} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        refused.status, body.size(), body);
    co_await asio::async_write(client, asio::buffer(text), kResult);
    error_code ignored;
    client.shutdown(Local::socket::shutdown_both, ignored);
  }

  asio::awaitable<std::optional<Refused>> connect(const ProxyRequest& request, tcp::socket& host) {
    const HostList::Match match = options_.hosts.match(request.host, request.port);
    if (match == HostList::Match::kNone) co_return refuse(403, "is not among the allowed hosts");
    std::vector<asio::ip::address> addresses = co_await addresses_of(request.host);
    if (addresses.empty()) co_return refuse(502, fmt::format("{} was not found", request.host));
    if (match == HostList::Match::kPublic)
      std::erase_if(addresses, [](const asio::ip::address& address) { return !is_public_address(address); });
    if (addresses.empty()) co_return refuse(403, "leads to an address that is not public; allow HOST:PORT to reach it");
    for (const asio::ip::address& address : addresses) {
      asio::steady_timer timer(context_, kConnectTime);
      const auto outcome =
          co_await (host.async_connect(tcp::endpoint(address, static_cast<uint16_t>(request.port)), kResult) ||
                    timer.async_wait(kResult));
      if (outcome.index() == 0 && !std::get<0>(std::get<0>(outcome))) co_return std::nullopt;
      error_code ignored;
      host.close(ignored);
    }
    co_return refuse(502, fmt::format("{}:{} does not answer", request.host, request.port));
  }

  asio::awaitable<std::vector<asio::ip::address>> addresses_of(const std::string& host) {
    if (options_.resolve) co_return options_.resolve(host);
    std::vector<asio::ip::address> addresses;
    const auto [error, found] = co_await resolver_.async_resolve(host, "", kResult);
    if (!error) {
      for (const auto& entry : found) addresses.push_back(entry.endpoint().address());
    }
    co_return addresses;
  }

  /// Both directions until both have ended, or nothing came for a while.
  asio::awaitable<void> join(Local::socket& client, tcp::socket& host) {
    asio::steady_timer idle(context_, std::chrono::seconds(options_.idle_seconds));
    const auto both = [&]() -> asio::awaitable<void> {
      co_await (pass(client, host, idle) && pass(host, client, idle));
    };
    const auto silence = [&]() -> asio::awaitable<void> {
      // Each byte moves the moment on, which cancels the wait.
      while (idle.expiry() > std::chrono::steady_clock::now()) co_await idle.async_wait(kResult);
    };
    co_await (both() || silence());
  }

  template <typename From, typename To>
  asio::awaitable<void> pass(From& from, To& to, asio::steady_timer& idle) {
    std::vector<char> bytes(32 << 10);
    while (true) {
      const auto [error, n] = co_await from.async_read_some(asio::buffer(bytes), kResult);
      if (error) break;
      idle.expires_after(std::chrono::seconds(options_.idle_seconds));
      const auto written = co_await asio::async_write(to, asio::buffer(bytes.data(), n), kResult);
      if (std::get<0>(written)) break;
    }
    error_code ignored;
    to.shutdown(To::shutdown_send, ignored);
  }

  void remember(std::string refusal) {
    const std::lock_guard lock(mutex_);
    if (refusals_.size() < kMostRefusals) refusals_.push_back(std::move(refusal));
  }

  ProxyOptions options_;
  TemporaryPlace folder_;
  std::string path_;
  std::mutex mutex_;  // guards refusals_
  std::vector<std::string> refusals_;
  int n_connections_ = 0;  // only the thread's
  asio::io_context context_;
  Local::acceptor acceptor_;
  tcp::resolver resolver_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::start(ProxyOptions options) {
  TemporaryPlace folder = ONDOL_TRY(TemporaryPlace::make());
  auto proxy = std::make_unique<ProxyThread>(std::move(options), std::move(folder));
  ONDOL_TRY(proxy->start());
  return std::unique_ptr<Proxy>(std::move(proxy));
}

}  // namespace ondol
