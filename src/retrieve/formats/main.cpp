// ondol-reader: the process in which documents are parsed. It is started by ondol (retrieve/reader_process.h), not by
// people.
//
//   ondol-reader read MEMORY                         answers kRead messages on standard input until it is closed
//   ondol-reader become MEMORY SECONDS DATA PROGRAM ARGUMENTS...   confines itself and becomes the program
//
// It is a program of its own because its libraries take longer to load than all of ondol.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "base/confine.h"
#include "retrieve/document_codec.h"
#include "retrieve/formats/readers.h"
#include "retrieve/message_pipe.h"
#include "retrieve/reader_exit.h"

namespace ondol {
namespace {

using Clock = MessagePipe::Clock;
using Kind = Message::Kind;

constexpr size_t kMostFileBytes = size_t{512} << 20;
constexpr uint64_t kLifeCpuSeconds = 20 * 60;  // the starting process watches over single files

/// Fonts and character maps for PDFs that do not bring their own, and converters of character sets.
const std::vector<std::string> kReadable = {
    "/usr/share/poppler",    "/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts", "/usr/share/fontconfig",
    "/var/cache/fontconfig", "/usr/lib"};

Clock::time_point never() {
  return Clock::time_point::max() - std::chrono::hours(24);
}

/// Asks the other side of the pipe, which runs the program that reads pictures.
class RemoteRecognizer : public TextRecognizer {
 public:
  explicit RemoteRecognizer(MessagePipe& pipe) : pipe_(pipe) {}

  Result<std::string> recognize(std::string_view picture) override {
    Message answer;
    if (!pipe_.send(Kind::kRecognize, picture, never(), {}) || !pipe_.receive(answer, kMostFileBytes, never(), {}) ||
        answer.kind != Kind::kRecognized || answer.bytes.empty()) {
      ::_exit(0);  // nobody is there any more
    }
    if (answer.bytes[0] != '1') return Error(answer.bytes.substr(1));
    return answer.bytes.substr(1);
  }

 private:
  MessagePipe& pipe_;
};

Result<Document> read_request(const std::string& request, TextRecognizer& recognizer) {
  const size_t end_of_name = request.find('\0');
  if (end_of_name == request.npos) return Error("expected a name");
  Reading reading;
  reading.recognizer = &recognizer;
  return read_any_document(request.substr(0, end_of_name), request.substr(end_of_name + 1), reading);
}

[[noreturn]] void read_until_closed(uint64_t most_memory) {
  std::set_new_handler([] { ::_exit(kReaderOutOfMemory); });
  const auto confined = confine_process({kReadable, false, most_memory, kLifeCpuSeconds});
  if (!confined) ::_exit(kReaderNotConfined);
  MessagePipe pipe{Descriptor(STDIN_FILENO)};
  const std::string ready = {confined->system_calls ? '1' : '0', confined->files ? '1' : '0'};
  pipe.send(Kind::kReady, ready, never(), {});
  RemoteRecognizer recognizer(pipe);
  Message request;
  while (pipe.receive(request, kMostFileBytes, never(), {}) && request.kind == Kind::kRead) {
    const auto document = read_request(request.bytes, recognizer);
    request.bytes = std::string();
    if (!pipe.send(document ? Kind::kDocument : Kind::kFailure,
                   document ? encode_document(*document) : document.error().message(), never(), {}))
      break;
  }
  ::_exit(0);  // nothing is left to be done, least of all by the libraries' own destructors
}

int become(char** arguments) {
  const uint64_t most_memory = std::strtoull(arguments[0], nullptr, 10);
  const uint64_t most_seconds = std::strtoull(arguments[1], nullptr, 10);
  const std::vector<std::string> readable = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache", arguments[2]};
  if (!confine_process({readable, true, most_memory, most_seconds})) return kReaderNotConfined;
  ::execve(arguments[3], arguments + 3, environ);
  return kReaderNotStarted;
}

}  // namespace
}  // namespace ondol

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "read") == 0) ondol::read_until_closed(std::strtoull(argv[2], nullptr, 10));
  if (argc > 5 && std::strcmp(argv[1], "become") == 0) return ondol::become(argv + 2);
  constexpr char kMessage[] = "ondol-reader reads documents for ondol, which starts it\n";
  return ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1) > 0 ? 2 : 1;
}
