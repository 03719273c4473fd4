// MultipartParser: bodies of the type multipart/form-data (RFC 7578), piece by piece as they come, in bounded memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol::server {

/// The parameter `boundary` of a Content-Type that is multipart/form-data. Errors: another type; no boundary, or one
/// that RFC 2046 does not allow.
Result<std::string> multipart_boundary(std::string_view content_type);

/// What a part says about itself.
struct MultipartHead {
  std::string name;
  std::optional<std::string> file_name;
};

class MultipartParser {
 public:
  /// Told what is found, in the order of the body. on_data may be called any number of times for a part.
  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_part(const MultipartHead& head) = 0;
    virtual void on_data(std::string_view piece) = 0;
  };

  /// `events` must outlive it.
  MultipartParser(std::string_view boundary, Events& events)
      : delimiter_("\r\n--" + std::string(boundary)), events_(events) {}

  /// Goes on with more of the body. Errors, after which nothing may be fed: headers that are too long or that cannot be
  /// understood, and more than kMaxParts parts.
  Result<void> feed(std::string_view bytes);

  /// Whether the last part has ended. What follows it is ignored.
  bool is_complete() const { return state_ == State::kEpilogue; }

  static constexpr size_t kMaxHeaderBytes = size_t{8} << 10;
  static constexpr size_t kMaxParts = 64;

 private:
  enum class State { kPreamble, kData, kAfterDelimiter, kHeaders, kEpilogue };

  bool take_data();
  Result<bool> take_delimiter_end();
  Result<bool> take_headers();

  std::string delimiter_;
  Events& events_;
  State state_ = State::kPreamble;
  size_t n_parts_ = 0;
  // Not yet understood. The first delimiter may stand at the very beginning, where no line has ended before it.
  std::string rest_ = "\r\n";
};

}  // namespace ondol::server
