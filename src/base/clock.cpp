#include "base/clock.h"

#include <cstdlib>
#include <ctime>
#include <optional>

#include <fmt/format.h>

namespace ondol {
namespace {

// Reads an ISO 8601 time from the left.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  /// Exactly `n` digits, within [low, high].
  std::optional<int> number(size_t n, int low, int high) {
    if (text_.size() < n) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < n; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return std::nullopt;
      value = value * 10 + (text_[i] - '0');
    }
    if (value < low || value > high) return std::nullopt;
    text_.remove_prefix(n);
    return value;
  }

  void skip_fraction() {
    if (!take('.')) return;
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') text_.remove_prefix(1);
  }

 private:
  std::string_view text_;
};

bool read_date(Reader& reader, std::tm& time) {
  const auto year = reader.number(4, 1, 9999);
  if (!year || !reader.take('-')) return false;
  const auto month = reader.number(2, 1, 12);
  if (!month || !reader.take('-')) return false;
  const bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
  const int n_days = *month == 2                                                 ? (leap ? 29 : 28)
                     : *month == 4 || *month == 6 || *month == 9 || *month == 11 ? 30
                                                                                 : 31;
  const auto day = reader.number(2, 1, n_days);
  if (!day) return false;
  time.tm_year = *year - 1900;
  time.tm_mon = *month - 1;
  time.tm_mday = *day;
  return true;
}

bool read_time(Reader& reader, std::tm& time) {
  const auto hour = reader.number(2, 0, 23);
  if (!hour || !reader.take(':')) return false;
  const auto minute = reader.number(2, 0, 59);
  if (!minute) return false;
  time.tm_hour = *hour;
  time.tm_min = *minute;
  if (!reader.take(':')) return true;
  const auto second = reader.number(2, 0, 59);
  if (!second) return false;
  time.tm_sec = *second;
  reader.skip_fraction();
  return true;
}

// Z, +09:00 or +0900, in seconds east of Greenwich; nothing if the text is not an offset.
std::optional<int> read_offset(Reader& reader) {
  if (reader.take('Z')) return 0;
  const bool west = reader.take('-');
  if (!west && !reader.take('+')) return std::nullopt;
  const auto hours = reader.number(2, 0, 23);
  if (!hours) return std::nullopt;
  int minutes = 0;
  if (!reader.done()) {
    reader.take(':');
    const auto given = reader.number(2, 0, 59);
    if (!given) return std::nullopt;
    minutes = *given;
  }
  const int seconds = (*hours * 60 + minutes) * 60;
  return west ? -seconds : seconds;
}

}  // namespace

Result<int64_t> parse_iso_time(std::string_view text) {
  const Error bad(fmt::format(
      "'{}' is not an ISO 8601 time: expected a form like 2026-01-15T09:30 or 2026-01-15T09:30:00+09:00", text));
  Reader reader(text);
  std::tm time{};
  if (!read_date(reader, time)) return bad;
  if (!reader.done() && ((!reader.take('T') && !reader.take(' ')) || !read_time(reader, time))) return bad;
  if (reader.done()) {
    time.tm_isdst = -1;  // let the time zone decide
    return static_cast<int64_t>(mktime(&time));
  }
  const auto offset = read_offset(reader);
  if (!offset || !reader.done()) return bad;
  return static_cast<int64_t>(timegm(&time)) - *offset;
}

Result<int64_t> now_unix_seconds() {
  const char* fixed = std::getenv("ONDOL_NOW");
  if (fixed == nullptr || *fixed == '\0') return static_cast<int64_t>(std::time(nullptr));
  return parse_iso_time(fixed).in("ONDOL_NOW");
}

}  // namespace ondol
