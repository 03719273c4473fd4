// MessagePipe: messages between a process and its reader process, over one socket.
//
// A message is its kind, its size and its bytes. Both sides are programs of one build on one machine. Refuses sizes
// above what the receiver allows before it takes memory for them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"
#include "retrieve/document_reader.h"

namespace ondol {

struct Message {
  enum class Kind : uint64_t {
    kRead,        // to the reader: a name, a zero byte, the file's bytes
    kRecognized,  // to the reader: '1' and the text of a picture, or '0' and why there is none
    kReady,       // from the reader, first: two characters, '1' where system calls and files are confined
    kDocument,    // from the reader: a document (document_codec.h)
    kFailure,     // from the reader: why there is none
    kRecognize,   // from the reader: a picture whose text it asks for
  };
  Kind kind{};
  std::string bytes;
};

class MessagePipe {
 public:
  using Clock = std::chrono::steady_clock;

  explicit MessagePipe(Descriptor socket) : socket_(std::move(socket)) {}

  /// False: the other side is gone, the time is over, or goes_on said no.
  bool send(Message::Kind kind, std::string_view bytes, Clock::time_point deadline, const GoesOn& goes_on);
  bool receive(Message& message, size_t most_bytes, Clock::time_point deadline, const GoesOn& goes_on);
  void close() { socket_.close(); }

 private:
  bool wait_for(short events, Clock::time_point deadline, const GoesOn& goes_on);
  bool send_all(const char* data, size_t n, Clock::time_point deadline, const GoesOn& goes_on);
  bool receive_all(char* data, size_t n, Clock::time_point deadline, const GoesOn& goes_on);

  Descriptor socket_;
};

}  // namespace ondol
