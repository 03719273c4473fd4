#include "retrieve/answer/line_number.h"

#include <algorithm>
#include <fstream>
#include <vector>

namespace ondol {

int line_of(const std::string& path, size_t start, std::string_view text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return 0;
  int line = 1;
  std::vector<char> part(size_t{1} << 16);
  for (size_t left = start; left > 0;) {
    const size_t n = std::min(left, part.size());
    if (!file.read(part.data(), static_cast<std::streamsize>(n))) return 0;
    line += static_cast<int>(std::count(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(n), '\n'));
    left -= n;
  }
  std::string found(text.size(), '\0');
  if (!file.read(found.data(), static_cast<std::streamsize>(found.size())) || found != text) return 0;
  return line;
}

}  // namespace ondol
