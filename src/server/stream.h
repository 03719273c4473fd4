// Stream: the bytes of one connection, plain or through TLS.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

namespace ondol::server {

/// One read and one write may be under way at once. All of it on the I/O thread.
class Stream {
 public:
  struct Done {
    boost::system::error_code code;
    size_t bytes = 0;
  };

  virtual ~Stream() = default;
  virtual boost::asio::awaitable<boost::system::error_code> handshake() = 0;
  virtual boost::asio::awaitable<Done> read_some(boost::asio::mutable_buffer buffer) = 0;
  virtual boost::asio::awaitable<Done> write_some(boost::asio::const_buffer buffer) = 0;
  /// Says that nothing more will be written. May wait for the peer.
  virtual boost::asio::awaitable<void> finish_writing() = 0;
  /// At once; what is under way ends with an error.
  virtual void close() = 0;
};

/// With `tls`, which must live longer, or without.
std::unique_ptr<Stream> make_stream(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

}  // namespace ondol::server
