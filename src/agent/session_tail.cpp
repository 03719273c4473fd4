#include "agent/session_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;
constexpr size_t kLongestLine = size_t{64} << 20;

}  // namespace

Result<std::vector<json::object>> SessionTail::next() {
  std::vector<json::object> steps;
  Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return steps;
    return Error(fmt::format("{}: cannot open: {}", path_, std::strerror(errno)));
  }
  std::string bytes(kMostBytes, '\0');
  const ssize_t n = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_));
  if (n < 0) return Error(fmt::format("{}: cannot read: {}", path_, std::strerror(errno)));
  offset_ += static_cast<uint64_t>(n);
  rest_.append(bytes.data(), static_cast<size_t>(n));
  size_t at = 0;
  for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', at)) {
    auto line = parse_json(std::string_view(rest_).substr(at, end - at));
    if (!line || !line->is_object()) return Error(fmt::format("{}: expected a step as a JSON object a line", path_));
    if (int_or(*line, "step", 0) > after_) steps.push_back(std::move(line->get_object()));
    at = end + 1;
  }
  rest_.erase(0, at);
  if (rest_.size() > kLongestLine) return Error(fmt::format("{}: a line is too long", path_));
  return steps;
}

}  // namespace ondol
