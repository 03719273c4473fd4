// Result and Error: the outcome of anything that depends on input.
//
// A function whose failure can be caused by bytes, files or users returns Result<T>. A broken invariant, which no
// input can reach, is an ONDOL_CHECK (check.h). Messages say where, expected, got and a hint:
//   qwen3.gguf: tensor 'blk.3.attn_q.weight': expected [2048, 2048], got [2048, 1024]
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace ondol {

/// What went wrong, as one sentence for a person. `in()` puts the place in front of it.
class [[nodiscard]] Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}

  const std::string& message() const { return message_; }

  /// Returns the same error with "place: " in front, innermost place last.
  Error in(const std::string& place) const { return Error(place + ": " + message_); }

 private:
  std::string message_;
};

/// A value of type T, or the Error that explains why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    ONDOL_CHECK(!has_value());
    return std::get<1>(state_);
  }

  /// Puts "place: " in front of the error, if there is one.
  Result in(const std::string& place) && {
    if (has_value()) return std::move(*this);
    return error().in(place);
  }

 private:
  T& checked() {
    ONDOL_CHECK(has_value());
    return std::get<0>(state_);
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }

  const Error& error() const {
    ONDOL_CHECK(error_.has_value());
    return *error_;
  }

  Result in(const std::string& place) && {
    if (has_value()) return {};
    return error_->in(place);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace ondol

/// Evaluates a Result expression: yields its value, or returns its error from the enclosing function.
#define ONDOL_TRY(expression)                                     \
  __extension__({                                                 \
    auto ondol_result_ = (expression);                            \
    if (!ondol_result_) return ondol_result_.error();             \
    ::ondol::detail::take(std::move(ondol_result_));              \
  })

namespace ondol::detail {
template <typename T>
T take(Result<T>&& result) {
  return std::move(result).value();
}
inline void take(Result<void>&&) {}
}  // namespace ondol::detail
