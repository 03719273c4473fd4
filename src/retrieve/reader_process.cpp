#include "retrieve/reader_process.h"

#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/subprocess.h"
#include "retrieve/document_codec.h"
#include "retrieve/document_format.h"
#include "retrieve/message_pipe.h"
#include "retrieve/picture_text.h"
#include "retrieve/read_document.h"
#include "retrieve/reader_exit.h"
#include "text/unicode.h"

namespace ondol {
namespace {

using Clock = MessagePipe::Clock;
using Kind = Message::Kind;

constexpr size_t kMostAnswerBytes = size_t{512} << 20;
constexpr size_t kMostReasonBytes = 500;
constexpr auto kStartTime = std::chrono::seconds(30);
constexpr auto kLife = std::chrono::minutes(10);

/// What a stranger may have made of it must not play with the terminal.
std::string printable(std::string_view text) {
  std::string line = replace_invalid_utf8(text.substr(0, kMostReasonBytes));
  for (char& c : line) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

std::string weakness_of(std::string_view ready) {
  const bool calls = ready.starts_with('1'), files = ready.ends_with('1');
  if (calls && files) return "";
  const char* missing = calls   ? "rules for files (Landlock)"
                        : files ? "filters of system calls (seccomp)"
                                : "filters of system calls and rules for files";
  return fmt::format("documents are read in a process with limits{}, but this system refuses {}",
                     calls   ? " and a filter of system calls"
                     : files ? " and rules for files"
                             : " only",
                     missing);
}

}  // namespace

struct ReaderProcess::Child {
  Subprocess process;
  MessagePipe pipe;
  Clock::time_point started = Clock::now();
  int n_files = 0;
};

ReaderProcess::ReaderProcess(ReaderProcessOptions options) : options_(std::move(options)) {}
ReaderProcess::~ReaderProcess() = default;

Result<Document> ReaderProcess::read(const std::string& name, std::string bytes, const GoesOn& goes_on) {
  if (document_format_of(name, bytes) == DocumentFormat::kText) return read_document(name, std::move(bytes));
  if (child_ && (child_->n_files >= options_.n_files || Clock::now() - child_->started > kLife)) child_.reset();
  if (!child_) ONDOL_TRY(start());
  const auto deadline = Clock::now() + std::chrono::seconds(options_.most_seconds) + kStartTime;
  std::string request = name.substr(name.rfind('/') + 1) + '\0';
  request += bytes;
  bytes.clear();
  bytes.shrink_to_fit();
  if (!child_->pipe.send(Kind::kRead, request, deadline, goes_on))
    return end_of_child(Clock::now() > deadline, goes_on);
  return listen(goes_on);
}

Result<void> ReaderProcess::start() {
  if (::access(options_.program.c_str(), X_OK) != 0) {
    return Error(fmt::format("expected the reader of this format at {}, found none; build it with ./ondol --version",
                             options_.program));
  }
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return Error(fmt::format("no socket: {}", std::strerror(errno)));
  Descriptor here(sockets[0]);
  const Descriptor there(sockets[1]);
  Subprocess process = ONDOL_TRY(Subprocess::start(options_.program,
                                                   {"ondol-reader", "read", std::to_string(options_.most_memory_bytes)},
                                                   there.get(), there.get()));
  ++n_started_;
  child_.reset(new Child{std::move(process), MessagePipe(std::move(here))});
  return {};
}

/// Until the answer is there. The time that pictures take is not the file's.
Result<Document> ReaderProcess::listen(const GoesOn& goes_on) {
  Clock::time_point deadline = Clock::now() + std::chrono::seconds(options_.most_seconds);
  if (child_->n_files == 0) deadline += kStartTime;
  ++child_->n_files;
  PictureText pictures({options_.program, options_.most_picture_seconds, goes_on});
  Message message;
  while (child_->pipe.receive(message, kMostAnswerBytes, deadline, goes_on)) {
    if (message.kind == Kind::kFailure) return Error(printable(message.bytes));
    if (message.kind == Kind::kReady) {
      weakness_ = weakness_of(message.bytes);
    } else if (message.kind == Kind::kRecognize) {
      const auto before = Clock::now();
      const auto text = pictures.recognize(message.bytes);
      deadline += Clock::now() - before;
      const std::string answer = text ? "1" + *text : "0" + text.error().message();
      if (!child_->pipe.send(Kind::kRecognized, answer, deadline, goes_on)) break;
    } else if (message.kind == Kind::kDocument) {
      auto document = decode_document(message.bytes);
      if (!document) child_.reset();
      return document;
    } else {
      break;
    }
  }
  return end_of_child(Clock::now() > deadline, goes_on);
}

Error ReaderProcess::end_of_child(bool is_late, const GoesOn& goes_on) {
  const std::unique_ptr<Child> child = std::move(child_);
  if (is_late || (goes_on && !goes_on())) {
    child->process.end();
    if (!is_late) return Error("stopped");
    return Error(fmt::format("the reader was ended: needed more than {} seconds", options_.most_seconds));
  }
  // It closed its side, or sent nonsense: in both cases it is at its end, and how it ended is to be told.
  child->pipe.close();
  child->process.wait_at_most(2000);
  const bool was_greedy = child->process.peak_bytes() > options_.most_memory_bytes / 4 * 3;
  if (child->process.exit_status() == kReaderOutOfMemory || was_greedy) {
    return Error(fmt::format("the reader was ended: needed more than {} MiB", options_.most_memory_bytes >> 20));
  }
  if (child->process.exit_status() == kReaderNotStarted)
    return Error(fmt::format("the reader {} cannot be started", options_.program));
  if (child->process.exit_status() == kReaderNotConfined)
    return Error("the reader refused to read: the limits for its process cannot be set");
  if (child->process.was_killed_by(SIGXCPU)) return Error("the reader was ended: needed too much processor time");
  return Error(fmt::format("the reader ended early ({})", child->process.fate()));
}

}  // namespace ondol
