// A whole server over the sample model, in this process, and a client that asks it as a program would.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "server/routes.h"
#include "server/server.h"

namespace ondol::server {

inline std::string sample_path() {
  return std::string(ONDOL_SOURCE_DIR) + "/examples/sample.gguf";
}

struct ApiAnswer {
  int status = 0;
  std::string type;
  std::string body;

  json::value document() const {
    auto parsed = parse_json(body);
    if (!parsed) throw std::runtime_error("no JSON: " + body);
    return std::move(*parsed);
  }
  /// Data of the events, each a JSON document; "[DONE]" is a string.
  std::vector<json::value> events() const {
    std::vector<json::value> all;
    for (size_t at = body.find("data: "); at != std::string::npos; at = body.find("\ndata: ", at)) {
      at = body.find("data: ", at) + 6;
      const std::string line = body.substr(at, body.find('\n', at) - at);
      all.push_back(line == "[DONE]" ? json::value(line) : parse_json(line).value());
    }
    return all;
  }
};

class ApiClient {
 public:
  explicit ApiClient(int port) : port_(port) {}

  ApiAnswer ask(const std::string& method, const std::string& path, const std::string& body = "",
                const std::string& type = "application/json") const {
    namespace http = boost::beast::http;
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(port_)});
    http::request<http::string_body> request(http::string_to_verb(method), path, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::content_type, type);
    request.set(http::field::connection, "close");
    request.body() = body;
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(uint64_t{1} << 30);
    http::read(socket, buffer, parser);
    const auto& response = parser.get();
    return {static_cast<int>(response.result_int()), std::string(response[http::field::content_type]), response.body()};
  }
  ApiAnswer get(const std::string& path) const { return ask("GET", path); }
  ApiAnswer post(const std::string& path, const json::value& body) const {
    return ask("POST", path, json::serialize(body));
  }

 private:
  int port_;
};

class ApiServer {
 public:
  /// `data_folder`: Services. `prepare`: before it is started.
  explicit ApiServer(PoolOptions options = sample_options(), const std::string& data_folder = "",
                     const std::function<void(Services&)>& prepare = {}) {
    services_ = std::make_unique<Services>(checked(ModelPool::create(std::move(options))), 2, data_folder);
    if (prepare) prepare(*services_);
    const auto loaded = services_->load_data();
    if (!loaded) throw std::runtime_error(loaded.error().message());
    services_->start();
    ServerOptions server_options;
    server_options.port = 0;
    server_ = checked(Server::create(server_options, all_routes(*services_), [this](const RequestRecord& record) {
      services_->metrics.request_ended(record);
    }));
    thread_ = std::thread([this] { server_->run(); });
  }
  ~ApiServer() {
    server_->stop(std::chrono::seconds(0));
    thread_.join();
  }

  static PoolOptions sample_options() {
    PoolOptions options;
    options.models = {sample_path()};
    options.store = {"/nonexistent", "/nonexistent", "/nonexistent"};
    options.load.engine.cpu.n_threads = 2;
    return options;
  }

  ApiClient client() const { return ApiClient(server_->port()); }
  Services& services() { return *services_; }

 private:
  template <typename T>
  static T checked(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
  }

  std::unique_ptr<Services> services_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// One server for all tests of a suite.
inline ApiServer& shared_server() {
  static ApiServer server;
  return server;
}

/// A tool in OpenAI's form, of which two calls are possible.
inline json::object openai_weather_tool() {
  const json::object city = {{"type", "string"}, {"enum", json::array{"Seoul", "Busan"}}};
  const json::object schema = {{"type", "object"},
                               {"properties", json::object{{"city", city}}},
                               {"required", json::array{"city"}},
                               {"additionalProperties", false}};
  const json::object function = {{"name", "get_weather"}, {"description", "Weather"}, {"parameters", schema}};
  return {{"type", "function"}, {"function", function}};
}

inline json::value member(const json::value& document, std::string_view pointer) {
  boost::system::error_code code;
  const json::value* found = document.find_pointer(pointer, code);
  return found == nullptr ? json::value("(there is no " + std::string(pointer) + ")") : *found;
}

}  // namespace ondol::server
