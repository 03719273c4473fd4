// TLS from certificate and key files.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "base/result.h"

namespace ondol::server {

/// A context for servers: TLS 1.2 and later. The certificate file may hold a chain, the server's own first.
Result<std::unique_ptr<boost::asio::ssl::context>> load_tls(const std::string& certificate, const std::string& key);

}  // namespace ondol::server
