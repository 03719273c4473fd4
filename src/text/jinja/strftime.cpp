#include <clocale>
#include <ctime>

#include "text/jinja/globals.h"

namespace ondol::jinja {
namespace {

constexpr size_t kMaxTime = 1 << 16;

// Python's datetime fills in %f, and leaves zones empty for a local time without one.
std::string without_python_fields(std::string_view format) {
  std::string result;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      result += format[i];
      continue;
    }
    const char c = format[++i];
    if (c == 'f') {
      result += "000000";
    } else if (c != 'z' && c != 'Z') {
      result += '%';
      result += c;
    }
  }
  return result;
}

}  // namespace

std::string format_time(std::string_view format, int64_t unix_seconds) {
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm time{};
  if (localtime_r(&seconds, &time) == nullptr) throw Failure("the time is out of range");
  const std::string pattern = without_python_fields(format);
  if (pattern.find('\0') != std::string::npos) throw Failure("embedded null character");
  if (pattern.empty()) return {};
  // strftime says nothing about why it wrote nothing, so one more character tells "empty" from "too long".
  const std::string marked = pattern + "|";
  std::string text(256, '\0');
  while (true) {
    const size_t size = strftime_l(text.data(), text.size(), marked.c_str(), &time, c_locale);
    if (size > 0) return text.substr(0, size - 1);
    if (text.size() >= kMaxTime) throw Failure("a formatted time is too long");
    text.resize(text.size() * 4);
  }
}

}  // namespace ondol::jinja
