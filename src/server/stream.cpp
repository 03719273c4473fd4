#include "server/stream.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/tls.h"

namespace ondol::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

class PlainStream final : public Stream {
 public:
  explicit PlainStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<error_code> handshake() override { co_return error_code(); }

  asio::awaitable<Done> read_some(asio::mutable_buffer buffer) override {
    const auto [code, bytes] = co_await socket_.async_read_some(buffer, kAwait);
    co_return Done{code, bytes};
  }

  asio::awaitable<Done> write_some(asio::const_buffer buffer) override {
    const auto [code, bytes] = co_await socket_.async_write_some(buffer, kAwait);
    co_return Done{code, bytes};
  }

  asio::awaitable<void> finish_writing() override {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(asio::ip::tcp::socket socket, asio::ssl::context& tls) : stream_(std::move(socket), tls) {}

  asio::awaitable<error_code> handshake() override {
    const auto [code] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
    co_return code;
  }

  asio::awaitable<Done> read_some(asio::mutable_buffer buffer) override {
    const auto [code, bytes] = co_await stream_.async_read_some(buffer, kAwait);
    co_return Done{code, bytes};
  }

  asio::awaitable<Done> write_some(asio::const_buffer buffer) override {
    const auto [code, bytes] = co_await stream_.async_write_some(buffer, kAwait);
    co_return Done{code, bytes};
  }

  asio::awaitable<void> finish_writing() override {
    error_code ignored;
    std::tie(ignored) = co_await stream_.async_shutdown(kAwait);
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(asio::ip::tcp::socket socket, asio::ssl::context* tls) {
  if (tls != nullptr) return std::make_unique<TlsStream>(std::move(socket), *tls);
  return std::make_unique<PlainStream>(std::move(socket));
}

Result<std::unique_ptr<asio::ssl::context>> load_tls(const std::string& certificate, const std::string& key) {
  if (certificate.empty() || key.empty())
    return Error(fmt::format("TLS needs both a certificate and a key file; the {} is missing",
                             certificate.empty() ? "certificate" : "key"));
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  // OpenSSL would ask the terminal for the password of an encrypted key.
  context->set_password_callback([](size_t, asio::ssl::context::password_purpose) { return std::string(); });
  error_code code;
  context->use_certificate_chain_file(certificate, code);
  if (code) return Error(fmt::format("{}: expected a certificate in PEM form: {}", certificate, code.message()));
  context->use_private_key_file(key, asio::ssl::context::pem, code);
  if (code)
    return Error(fmt::format("{}: expected the private key of {} in PEM form, without a password: {}", key, certificate,
                             code.message()));
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    ERR_clear_error();
    return Error(fmt::format("{}: this is not the key of the certificate {}", key, certificate));
  }
  return context;
}

}  // namespace ondol::server
