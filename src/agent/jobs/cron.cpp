#include "agent/jobs/cron.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

constexpr int kMostDays = 5 * 366;

struct Field {
  std::string_view name;
  int first;
  int last;
  std::span<const std::string_view> names;  // of `first` and on
};

constexpr Field kFields[] = {{"minute", 0, 59, {}},
                             {"hour", 0, 23, {}},
                             {"day of the month", 1, 31, {}},
                             {"month", 1, 12, kMonths},
                             {"day of the week", 0, 7, kWeekdays}};  // 0 and 7 are Sunday

struct Short {
  std::string_view name;
  std::string_view cron;
};
constexpr Short kShorts[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                             {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                             {"@annually", "0 0 1 1 *"}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = text.find_first_not_of(" \t", i);
    if (begin == text.npos) break;
    i = std::min(text.find_first_of(" \t", begin), text.size());
    found.push_back(text.substr(begin, i - begin));
  }
  return found;
}

std::string lowered(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

Error wrong(const Field& field, std::string_view text) {
  return Error(fmt::format("{}: expected {} to {}{}, with lists (1,2), ranges (1-5) and steps (*/10), got '{}'",
                           field.name, field.first, field.last, field.names.empty() ? "" : " or names", text));
}

Result<int> value_of(const Field& field, std::string_view text, std::string_view whole) {
  const std::string name = lowered(text);
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (name == field.names[i]) return field.first + static_cast<int>(i);
  }
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < field.first || value > field.last) {
    return wrong(field, whole);
  }
  return value;
}

/// Calls put(value) for what one part of a list says: *, 5, 1-5, with /2 behind it.
template <typename Put>
Result<void> read_part(const Field& field, std::string_view part, std::string_view whole, Put put) {
  int step = 1;
  const size_t slash = part.find('/');
  const bool has_step = slash != part.npos;
  if (has_step) {
    const std::string_view text = part.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc() || end != text.data() + text.size() || step < 1) return wrong(field, whole);
    part = part.substr(0, slash);
  }
  int first = field.first;
  int last = field.last;
  if (part != "*") {
    const size_t dash = part.find('-');
    first = ONDOL_TRY(value_of(field, part.substr(0, dash), whole));
    if (dash != part.npos) {
      last = ONDOL_TRY(value_of(field, part.substr(dash + 1), whole));
    } else if (!has_step) {
      last = first;
    }
    if (last < first) return wrong(field, whole);
  }
  // Steps are compared before they are added, so that large ones do not overflow.
  for (int value = first; value <= last; value += step) {
    put(value);
    if (step > last - value) break;
  }
  return {};
}

template <typename Put>
Result<void> read_field(const Field& field, std::string_view text, Put put) {
  for (const std::string_view part : split(text, ',')) ONDOL_TRY(read_part(field, part, text, put));
  return {};
}

std::tm local(int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::localtime_r(&time, &parts);
  return parts;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  Cron cron;
  cron.text_ = text;
  const std::string name = lowered(text);
  for (const Short& known : kShorts) {
    if (name == known.name) text = known.cron;
  }
  const std::vector<std::string_view> fields = words(text);
  if (fields.size() != std::size(kFields)) {
    return Error(
        fmt::format("'{}': expected five fields (minute hour day month weekday), as '0 8 * * mon-fri', or "
                    "@hourly, @daily, @weekly, @monthly; got {}",
                    cron.text_, fields.size()));
  }
  const auto in_text = [&](Result<void> read) { return std::move(read).in(fmt::format("'{}'", cron.text_)); };
  const auto set = [](auto& bits) { return [&bits](int value) { bits.set(static_cast<size_t>(value)); }; };
  ONDOL_TRY(in_text(read_field(kFields[0], fields[0], set(cron.minutes_))));
  ONDOL_TRY(in_text(read_field(kFields[1], fields[1], set(cron.hours_))));
  ONDOL_TRY(in_text(read_field(kFields[2], fields[2], set(cron.days_))));
  ONDOL_TRY(in_text(read_field(kFields[3], fields[3], set(cron.months_))));
  ONDOL_TRY(in_text(
      read_field(kFields[4], fields[4], [&](int value) { cron.weekdays_.set(static_cast<size_t>(value % 7)); })));
  cron.any_day_ = fields[2].front() == '*';
  cron.any_weekday_ = fields[4].front() == '*';
  return cron;
}

bool Cron::has_day(int day, int month, int weekday) const {
  if (!months_[static_cast<size_t>(month)]) return false;
  const bool in_month = days_[static_cast<size_t>(day)];
  const bool in_week = weekdays_[static_cast<size_t>(weekday)];
  return any_day_ || any_weekday_ ? in_month && in_week : in_month || in_week;
}

Result<int64_t> Cron::next_after(int64_t unix_seconds) const {
  const std::tm now = local(unix_seconds);
  for (int i = 0; i < kMostDays; ++i) {
    // Noon is on every day, whatever becomes of the clocks at night.
    std::tm day = now;
    day.tm_mday += i;
    day.tm_hour = 12;
    day.tm_min = day.tm_sec = 0;
    day.tm_isdst = -1;
    if (::mktime(&day) == -1) break;
    if (!has_day(day.tm_mday, day.tm_mon + 1, day.tm_wday)) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if (!hours_[static_cast<size_t>(hour)]) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if (!minutes_[static_cast<size_t>(minute)]) continue;
        std::tm at = day;
        at.tm_hour = hour;
        at.tm_min = minute;
        at.tm_sec = 0;
        at.tm_isdst = -1;
        const auto time = static_cast<int64_t>(::mktime(&at));
        if (time > unix_seconds) return time;
      }
    }
  }
  return Error(fmt::format("'{}': expected a time within five years, got none", text_));
}

}  // namespace ondol
