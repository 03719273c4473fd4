#include "agent/mcp/stdio_server.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "agent/line_channel.h"
#include "agent/mcp/batch_outlet.h"

namespace ondol::mcp {
namespace {

constexpr size_t kMaxLineBytes = size_t{64} << 20;

/// What runs without a session, by the key of its id.
struct Running {
  std::mutex mutex;
  std::map<std::string, Canceller> cancellers;
};

class LineOutlet : public Outlet {
 public:
  LineOutlet(std::shared_ptr<LineWriter> writer, std::shared_ptr<Running> running, std::string key)
      : writer_(std::move(writer)), running_(std::move(running)), key_(std::move(key)) {}

  void send(const json::object& message) override {
    const std::lock_guard lock(mutex_);  // nothing comes behind the answer
    if (!has_ended_) writer_->write(json_text(message));
  }
  void finish(const json::value& answer, int) override { end(&answer); }
  void drop() override { end(nullptr); }
  bool has_ended() const { return has_ended_; }

 private:
  void end(const json::value* answer) {
    {
      const std::lock_guard lock(mutex_);
      if (has_ended_.exchange(true)) return;
      if (answer != nullptr) writer_->write(json_text(*answer));
    }
    if (running_ == nullptr) return;
    const std::lock_guard lock(running_->mutex);
    running_->cancellers.erase(key_);
  }

  const std::shared_ptr<LineWriter> writer_;
  const std::shared_ptr<Running> running_;
  const std::string key_;
  std::mutex mutex_;
  std::atomic<bool> has_ended_ = false;
};

class LineServer {
 public:
  LineServer(Server& server, int output) : server_(server), writer_(std::make_shared<LineWriter>(output)) {}

  void take_line(const std::string& line) {
    if (line.find_first_not_of(" \t") == std::string::npos) return;
    const auto value = parse_json(line);
    if (!value) return refuse({nullptr, {kRpcParseError, value.error().message()}});
    if (value->is_array()) return take_batch(value->get_array());
    auto read = read_rpc(*value);
    if (const RpcRefusal* refusal = std::get_if<RpcRefusal>(&read)) return refuse(*refusal);
    take(std::move(std::get<RpcMessage>(read)));
  }

  void refuse(const RpcRefusal& refusal) { writer_->write(json_text(rpc_error(refusal.id, refusal.error))); }

  /// What was asked before the end, as in `printf ... | ondol mcp`, is still answered where it takes no time.
  void end() {
    for (int i = 0; i < 100 && server_.n_running() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (session_ != nullptr) session_->cancel_all();
    writer_->close();
    server_.stop();
  }

 private:
  std::shared_ptr<LineOutlet> outlet(const json::value& id = nullptr) {
    if (id.is_null()) return std::make_shared<LineOutlet>(writer_, nullptr, "");
    return std::make_shared<LineOutlet>(writer_, running_, rpc_key(id));
  }

  void take(RpcMessage message) {
    using Kind = RpcMessage::Kind;
    if (message.kind == Kind::kRequest && Server::is_stateless(message)) return take_stateless(std::move(message));
    if (message.kind == Kind::kRequest && message.method == "initialize" && session_ == nullptr) {
      session_ = server_.open_session(message, *outlet());
      if (session_ != nullptr) session_->set_standalone(outlet());
      return;
    }
    if (message.kind == Kind::kNotification && message.method == "notifications/cancelled") cancel(message);
    if (session_ != nullptr) return server_.take(session_, std::move(message), outlet());
    if (message.kind != Kind::kRequest) return;
    refuse({message.id,
            {kRpcInvalidParams, fmt::format("'_meta' must name the protocol version ({}), or 'initialize' come first",
                                            name_of(kNewest))}});
  }

  void take_stateless(RpcMessage message) {
    const std::string key = rpc_key(message.id);
    const auto way_back = outlet(message.id);
    Canceller canceller = server_.answer(std::move(message), way_back);
    const std::lock_guard lock(running_->mutex);
    if (canceller && !way_back->has_ended()) running_->cancellers[key] = std::move(canceller);
  }

  void cancel(const RpcMessage& notification) {
    const json::value* id = notification.params.if_contains("requestId");
    if (id == nullptr) return;
    Canceller canceller;
    {
      const std::lock_guard lock(running_->mutex);
      const auto found = running_->cancellers.find(rpc_key(*id));
      if (found != running_->cancellers.end()) canceller = found->second;
    }
    if (canceller) canceller();
  }

  void take_batch(const json::array& batch) {
    if (batch.empty() || session_ == nullptr || !has_batches(session_->revision))
      return refuse({nullptr, {kRpcInvalidRequest, "expected one message, got an array"}});
    std::vector<RpcMessage> messages;
    size_t n_requests = 0;
    for (const json::value& value : batch) {
      auto read = read_rpc(value);
      if (const RpcRefusal* refusal = std::get_if<RpcRefusal>(&read)) {
        refuse(*refusal);
        continue;
      }
      messages.push_back(std::move(std::get<RpcMessage>(read)));
      if (messages.back().kind == RpcMessage::Kind::kRequest) ++n_requests;
    }
    BatchOutlet answers(outlet(), n_requests);
    for (RpcMessage& message : messages) {
      const bool is_request = message.kind == RpcMessage::Kind::kRequest;
      server_.take(session_, std::move(message), is_request ? answers.for_one() : nullptr);
    }
  }

  Server& server_;
  const std::shared_ptr<LineWriter> writer_;
  const std::shared_ptr<Running> running_ = std::make_shared<Running>();
  std::shared_ptr<Session> session_;
};

}  // namespace

void serve_lines(Server& server, int input, int output, const std::function<bool()>& goes_on) {
  LineServer lines(server, output);
  LineReader reader(input, kMaxLineBytes);
  std::string line;
  while (goes_on()) {
    switch (reader.next(line, 100)) {
      case LineReader::Got::kLine:
        lines.take_line(line);
        break;
      case LineReader::Got::kTooLong:
        lines.refuse({nullptr, {kRpcInvalidRequest, fmt::format("a message has more than {} bytes", kMaxLineBytes)}});
        break;
      case LineReader::Got::kNothing:
        break;
      case LineReader::Got::kEnd:
        return lines.end();
    }
  }
  lines.end();
}

}  // namespace ondol::mcp
