// Cron: times that come again and again, as crontab(5) writes them.
//
// Five fields: minute, hour, day of the month, month, day of the week, with lists, ranges, steps and names; or @hourly,
// @daily, @weekly, @monthly, @yearly. When both days are given, either will do. Times are local: one that a change of
// clocks leaves out comes as much later, one that comes twice is taken once.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

class Cron {
 public:
  /// Error: the field, what was expected, what was found.
  static Result<Cron> parse(std::string_view text);

  /// The first time after `unix_seconds`, in the system's time zone. Error: there is none within five years (30
  /// February).
  Result<int64_t> next_after(int64_t unix_seconds) const;

  const std::string& text() const { return text_; }

 private:
  bool has_day(int day, int month, int weekday) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = true;
  bool any_weekday_ = true;
};

}  // namespace ondol
