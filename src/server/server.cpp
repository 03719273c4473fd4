#include "server/server.h"

#include <netinet/tcp.h>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/connection.h"
#include "server/tls.h"

namespace ondol::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds kTick{200};

// Beyond max_connections, so many more are told so; the others are closed without a word.
constexpr size_t kMaxRefused = 64;

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

std::string authority(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Error cannot_listen(const ServerOptions& options, const error_code& code) {
  std::string hint;
  if (code == asio::error::address_in_use) hint = "; choose another port with --port, or 0 for any free one";
  if (code == asio::error::access_denied)
    hint = "; ports below 1024 are for the administrator, choose another with --port";
  if (code == error_code(EADDRNOTAVAIL, boost::system::system_category()))
    hint = "; it is no address of this machine (0.0.0.0 means all of them)";
  return Error(fmt::format("{}: cannot listen: {}{}", authority(options.host, options.port), code.message(), hint));
}

// A client whose machine has vanished is noticed in about a minute: by probes in silence, and by the time that what was
// sent stays unacknowledged.
void set_options(tcp::socket& socket, std::chrono::milliseconds write_timeout) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  const int idle = 30, interval = 10, count = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  const unsigned unacknowledged = static_cast<unsigned>(write_timeout.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerOptions& options, Router router, Recorder recorder, std::unique_ptr<asio::ssl::context> tls)
      : tls_(std::move(tls)),
        core_(options, std::move(router), std::move(recorder)),
        acceptor_(core_.io),
        ticks_(core_.io),
        grace_(core_.io) {
    core_.on_closed = [this] { on_closed(); };
  }

  ~ServerImpl() override {
    core_.on_closed = nullptr;
    while (!core_.connections.empty()) std::shared_ptr<Connection>(*core_.connections.begin())->close();
  }

  Result<void> listen();

  int port() const override { return port_; }
  std::string url() const override {
    const std::string& host = core_.options.host;
    const bool is_any = host == "0.0.0.0" || host == "::";
    return fmt::format("{}://{}", tls_ ? "https" : "http", authority(is_any ? "localhost" : host, port_));
  }
  void run() override;
  void stop(std::chrono::seconds grace) override;
  int connection_count() const override { return n_connections_; }

 private:
  asio::awaitable<void> accept_loop();
  asio::awaitable<void> tick_loop();
  void add(tcp::socket socket);
  void cut_all();
  void on_closed();

  std::unique_ptr<asio::ssl::context> tls_;
  Core core_;
  tcp::acceptor acceptor_;
  asio::steady_timer ticks_;
  asio::steady_timer grace_;
  int port_ = 0;
  std::atomic<int> n_connections_{0};
  bool is_ticking_ = false;
};

Result<void> ServerImpl::listen() {
  const ServerOptions& options = core_.options;
  if (options.port < 0 || options.port > 65535) return Error(fmt::format("port {}: expected 0 to 65535", options.port));
  error_code code;
  tcp::resolver resolver(core_.io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, code);
  if (code || found.empty()) return Error(fmt::format("{}: no such host or address: {}", options.host, code.message()));
  for (const auto& entry : found) {
    const tcp::endpoint endpoint = entry.endpoint();
    error_code ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), code);
    if (code) continue;
    acceptor_.set_option(tcp::acceptor::reuse_address(true), ignored);
    if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(options.host != "::"), ignored);
    acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (!code) break;
  }
  if (code) return cannot_listen(options, code);
  port_ = acceptor_.local_endpoint().port();
  return {};
}

void ServerImpl::run() {
  asio::co_spawn(core_.io, accept_loop(), asio::detached);
  core_.io.run();
}

asio::awaitable<void> ServerImpl::accept_loop() {
  while (acceptor_.is_open()) {
    auto [code, socket] = co_await acceptor_.async_accept(kAwait);
    if (!acceptor_.is_open()) break;
    if (!code) {
      add(std::move(socket));
      continue;
    }
    // Out of file descriptors or memory: trying again at once would only burn time.
    asio::steady_timer pause(core_.io, kTick);
    co_await pause.async_wait(kAwait);
  }
}

void ServerImpl::add(tcp::socket socket) {
  error_code code;
  const tcp::endpoint peer = socket.remote_endpoint(code);
  const size_t n = core_.connections.size(), limit = static_cast<size_t>(std::max(1, core_.options.max_connections));
  if (code || n >= limit + kMaxRefused) return;
  set_options(socket, core_.options.write_timeout);
  const auto connection = std::make_shared<Connection>(core_, make_stream(std::move(socket), tls_.get()),
                                                       address_text(peer.address()), n >= limit);
  core_.connections.insert(connection);
  n_connections_ = static_cast<int>(core_.connections.size());
  connection->start();
  if (!std::exchange(is_ticking_, true)) asio::co_spawn(core_.io, tick_loop(), asio::detached);
}

// Time-outs of all connections. Nothing wakes up while there are none.
asio::awaitable<void> ServerImpl::tick_loop() {
  while (!core_.connections.empty()) {
    ticks_.expires_after(kTick);
    co_await ticks_.async_wait(kAwait);
    const std::vector<std::shared_ptr<Connection>> all(core_.connections.begin(), core_.connections.end());
    const auto now = Connection::Clock::now();
    for (const auto& connection : all) connection->tick(now);
  }
  is_ticking_ = false;
}

void ServerImpl::on_closed() {
  n_connections_ = static_cast<int>(core_.connections.size());
  if (!core_.connections.empty()) return;
  ticks_.cancel();
  if (*core_.is_stopping) grace_.cancel();
}

void ServerImpl::cut_all() {
  const std::vector<std::shared_ptr<Connection>> all(core_.connections.begin(), core_.connections.end());
  for (const auto& connection : all) connection->close();
}

void ServerImpl::stop(std::chrono::seconds grace) {
  asio::post(core_.io, [this, grace] {
    *core_.is_stopping = true;
    error_code ignored;
    acceptor_.close(ignored);
    const std::vector<std::shared_ptr<Connection>> all(core_.connections.begin(), core_.connections.end());
    for (const auto& connection : all) connection->stop();
    if (core_.connections.empty()) return;
    if (grace.count() <= 0) {
      cut_all();
      return;
    }
    grace_.expires_after(grace);
    grace_.async_wait([this](const error_code& code) {
      if (!code) cut_all();
    });
  });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(const ServerOptions& options, std::vector<Route> routes,
                                               Recorder recorder) {
  // OpenSSL tidies up at exit, in the reverse order of first uses: begun here, it does so after a server that lives
  // until then has ended its threads.
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  std::unique_ptr<asio::ssl::context> tls;
  if (!options.tls_certificate.empty() || !options.tls_key.empty())
    tls = ONDOL_TRY(load_tls(options.tls_certificate, options.tls_key));
  Router router = ONDOL_TRY(Router::create(std::move(routes)));
  auto server = std::make_unique<ServerImpl>(options, std::move(router), std::move(recorder), std::move(tls));
  ONDOL_TRY(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace ondol::server
