#include "retrieve/encoding.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include "text/unicode.h"

namespace ondol {
namespace {

/// What is looked at to tell the encoding.
constexpr size_t kSampleBytes = size_t{64} << 10;
constexpr int32_t kLeastConfidence = 10;  // of 100

const char* encoding_by_mark(std::string_view bytes) {
  if (bytes.starts_with(std::string_view("\xFF\xFE\x00\x00", 4)) ||
      bytes.starts_with(std::string_view("\x00\x00\xFE\xFF", 4))) {
    return "UTF-32";
  }
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "UTF-16";
  return nullptr;
}

/// Empty when nothing fits.
std::string detected_encoding(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, void (*)(UCharsetDetector*)> detector(ucsdet_open(&status), ucsdet_close);
  const std::string_view sample = bytes.substr(0, kSampleBytes);
  ucsdet_setText(detector.get(), sample.data(), static_cast<int32_t>(sample.size()), &status);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &status);
  if (U_FAILURE(status) || match == nullptr || ucsdet_getConfidence(match, &status) < kLeastConfidence) return "";
  const char* name = ucsdet_getName(match, &status);
  return U_FAILURE(status) || name == nullptr ? "" : name;
}

Result<std::string> converted(std::string_view bytes, const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out(bytes.size() + bytes.size() / 2 + 16, '\0');
  while (true) {
    status = U_ZERO_ERROR;
    const int32_t n = ucnv_convert("UTF-8", encoding, out.data(), static_cast<int32_t>(out.size()), bytes.data(),
                                   static_cast<int32_t>(bytes.size()), &status);
    if (status == U_BUFFER_OVERFLOW_ERROR && static_cast<size_t>(n) > out.size()) {
      out.resize(static_cast<size_t>(n) + 1);
      continue;
    }
    if (U_FAILURE(status)) return Error(fmt::format("cannot be read as {}: {}", encoding, u_errorName(status)));
    out.resize(static_cast<size_t>(n));
    break;
  }
  if (out.starts_with("\xEF\xBB\xBF")) out.erase(0, 3);
  return out;
}

}  // namespace

Result<std::string> text_as_utf8(std::string bytes) {
  if (bytes.size() > INT32_MAX / 4)
    return Error(fmt::format("expected at most {} bytes of text, got {}", INT32_MAX / 4, bytes.size()));
  if (const char* encoding = encoding_by_mark(bytes)) return converted(bytes, encoding);
  if (std::find(bytes.begin(), bytes.end(), '\0') != bytes.end())
    return Error("expected text, got a file with zero bytes");
  if (is_valid_utf8(bytes)) return bytes;
  const std::string encoding = detected_encoding(bytes);
  if (encoding.empty()) return Error("expected text, got bytes of no known encoding");
  return converted(bytes, encoding.c_str());
}

}  // namespace ondol
