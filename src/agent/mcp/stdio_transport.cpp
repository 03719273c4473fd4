#include "agent/mcp/stdio_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "agent/line_channel.h"
#include "base/descriptor.h"
#include "base/subprocess.h"
#include "text/unicode.h"

namespace ondol::mcp {
namespace {

constexpr size_t kMaxLineBytes = size_t{64} << 20;
constexpr size_t kMostStrayLines = 10'000;  // while one answer is awaited
constexpr size_t kKeptErrorBytes = 2000;
constexpr int kMillisecondsToEnd = 2000;

std::string found_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty()) {
    const size_t end = path.find(':');
    const std::string candidate = fmt::format("{}/{}", path.substr(0, end), program);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return {};
}

std::vector<std::string> environment_of(const ServerCommand& command) {
  std::vector<std::string> all;
  for (const char* name : {"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "USER"})
    if (const char* value = std::getenv(name)) all.push_back(fmt::format("{}={}", name, value));
  all.insert(all.end(), command.environment.begin(), command.environment.end());
  return all;
}

class StdioTransport : public Transport {
 public:
  StdioTransport(std::string name, std::unique_ptr<ServerProcess> process, Descriptor input, Descriptor output,
                 Descriptor errors)
      : name_(std::move(name)),
        process_(std::move(process)),
        input_(std::move(input)),
        output_(std::move(output)),
        errors_(std::move(errors)),
        reader_(output_.get(), kMaxLineBytes),
        writer_(input_.get()) {}
  ~StdioTransport() override { StdioTransport::close(); }

  Result<Response> exchange(const json::object& request, const std::vector<MirroredArgument>&, const Patience& patience,
                            const Listener& listener) override {
    const json::value& id = request.at("id");
    ONDOL_TRY(write(request));
    for (size_t n_stray = 0; n_stray < kMostStrayLines;) {
      std::string line;
      const LineReader::Got got = reader_.next(line, 100);
      read_errors();
      if (got == LineReader::Got::kEnd) return gone();
      if (got == LineReader::Got::kTooLong)
        return Error(fmt::format("{}: a message has more than {} bytes", name_, kMaxLineBytes));
      if (got == LineReader::Got::kNothing || ++n_stray % 100 == 0) {
        if (patience.is_over()) return give_up(request, patience);
        if (got == LineReader::Got::kNothing) continue;
      }
      auto read = read_rpc(line);
      RpcMessage* message = std::get_if<RpcMessage>(&read);
      if (message == nullptr) continue;  // servers have been seen to print other things
      const bool is_response = message->kind == RpcMessage::Kind::kResult || message->kind == RpcMessage::Kind::kError;
      if (is_response && message->id == id) return Response{std::move(*message)};
      if (is_response) continue;  // to what nobody waits for any more
      if (const auto answer = listener(*message)) ONDOL_TRY(write(*answer));
    }
    return Error(fmt::format("{}: {} lines came, but no answer to '{}'", name_, kMostStrayLines,
                             string_or(request, "method", "")));
  }

  Result<void> notify(const json::object& notification) override { return write(notification); }
  void listen(Listener) override {}  // heard while an answer is awaited
  void set_revision(Revision) override {}
  bool needs_mirrored_arguments() const override { return false; }
  std::string name() const override { return name_; }

  void close() override {
    if (!input_.is_open()) return;
    input_.close();  // which asks it to end
    process_->wait_at_most(kMillisecondsToEnd);
  }

 private:
  Result<void> write(const json::object& message) {
    if (input_.is_open() && writer_.write(json_text(message))) return {};
    return gone();
  }

  Result<Response> give_up(const json::object& request, const Patience& patience) {
    const std::string method = string_or(request, "method", "");
    json::object params{{"requestId", request.at("id")}, {"reason", "the answer is not awaited any more"}};
    if (method != "initialize") (void)write(rpc_notification("notifications/cancelled", std::move(params)));
    if (patience.goes_on != nullptr && !patience.goes_on()) return Error(fmt::format("{}: stopped", name_));
    return Error(fmt::format("{}: no answer to '{}' in time", name_, method));
  }

  // Keeps the end of what it said on standard error, so that it does not wait for somebody to read it.
  void read_errors() {
    char bytes[4096];
    pollfd waiting{errors_.get(), POLLIN, 0};
    while (::poll(&waiting, 1, 0) > 0) {
      const ssize_t n = ::read(errors_.get(), bytes, sizeof bytes);
      if (n <= 0) break;
      said_.append(bytes, static_cast<size_t>(n));
      if (said_.size() > kKeptErrorBytes) said_.erase(0, said_.size() - kKeptErrorBytes);
    }
  }

  Error gone() {
    process_->wait_at_most(kMillisecondsToEnd);
    read_errors();
    std::string message = fmt::format("{}: the server has ended ({})", name_, process_->fate());
    while (!said_.empty() && (said_.back() == '\n' || said_.back() == ' ')) said_.pop_back();
    if (!said_.empty()) message += "; it said: " + replace_invalid_utf8(said_);
    return Error(message);
  }

  const std::string name_;
  const std::unique_ptr<ServerProcess> process_;
  Descriptor input_, output_, errors_;
  LineReader reader_;
  LineWriter writer_;
  std::string said_;
};

class PlainProcess : public ServerProcess {
 public:
  explicit PlainProcess(Subprocess process) : process_(std::move(process)) {}
  void wait_at_most(int milliseconds) override { process_.wait_at_most(milliseconds); }
  std::string fate() const override { return process_.fate(); }

 private:
  Subprocess process_;
};

}  // namespace

Result<ServerPipes> ServerPipes::make(const std::string& name) {
  const auto none = [&] { return Error(fmt::format("{}: no pipe: {}", name, std::strerror(errno))); };
  int sockets[2], output[2], errors[2];
  // Its input is a socket, as writing to one that nobody reads is an error and not a signal.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return none();
  ServerPipes pipes;
  pipes.input_here.reset(sockets[0]);
  pipes.input_there.reset(sockets[1]);
  if (::pipe2(output, O_CLOEXEC) != 0) return none();
  pipes.output_here.reset(output[0]);
  pipes.output_there.reset(output[1]);
  if (::pipe2(errors, O_CLOEXEC) != 0) return none();
  pipes.errors_here.reset(errors[0]);
  pipes.errors_there.reset(errors[1]);
  return pipes;
}

std::unique_ptr<Transport> speak_with(std::string name, std::unique_ptr<ServerProcess> process, ServerPipes& pipes) {
  return std::make_unique<StdioTransport>(std::move(name), std::move(process), std::move(pipes.input_here),
                                          std::move(pipes.output_here), std::move(pipes.errors_here));
}

Result<std::unique_ptr<Transport>> start_server(const ServerCommand& command) {
  if (command.arguments.empty()) return Error(fmt::format("{}: no command", command.name));
  const std::string path = found_in_path(command.arguments[0]);
  if (path.empty())
    return Error(fmt::format("{}: there is no program '{}' in PATH", command.name, command.arguments[0]));
  ServerPipes pipes = ONDOL_TRY(ServerPipes::make(command.name));
  const std::array descriptors{pipes.input_there.get(), pipes.output_there.get(), pipes.errors_there.get()};
  Subprocess process = ONDOL_TRY(Subprocess::start(path, command.arguments, descriptors, environment_of(command)));
  return speak_with(command.name, std::make_unique<PlainProcess>(std::move(process)), pipes);
}

}  // namespace ondol::mcp
