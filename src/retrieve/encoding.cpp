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

/// Korean of a few words: pairs of the bytes that EUC-KR gives Hangul and signs, with Hangul among them. Texts that are
/// this short tell a detector nothing, and no Latin text looks like it.
bool is_like_euc_kr(std::string_view bytes) {
  size_t n_hangul = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    if (lead < 0x80) continue;
    const auto trail = i + 1 < bytes.size() ? static_cast<uint8_t>(bytes[i + 1]) : uint8_t{0};
    const bool is_hangul = lead >= 0xB0 && lead <= 0xC8;
    if (trail < 0xA1 || trail == 0xFF || !(is_hangul || (lead >= 0xA1 && lead <= 0xA9))) return false;
    n_hangul += is_hangul ? 1 : 0;
    ++i;
  }
  return n_hangul >= 2;
}

/// Empty when nothing fits.
std::string detected_encoding(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, void (*)(UCharsetDetector*)> detector(ucsdet_open(&status), ucsdet_close);
  const std::string_view sample = bytes.substr(0, kSampleBytes);
  if (sample.size() < kSampleBytes && is_like_euc_kr(sample)) return "windows-949";
  ucsdet_setText(detector.get(), sample.data(), static_cast<int32_t>(sample.size()), &status);
  int32_t n_matches = 0;
  const UCharsetMatch** matches = ucsdet_detectAll(detector.get(), &n_matches, &status);
  for (int32_t i = 0; i < n_matches && U_SUCCESS(status); ++i) {
    const char* name = ucsdet_getName(matches[i], &status);
    if (ucsdet_getConfidence(matches[i], &status) < kLeastConfidence) return "";
    // A few Latin words look like UTF-16; what is it has a mark, or zero bytes. Nothing comes from IBM's mainframes.
    const std::string_view view = name;
    if (!view.starts_with("UTF-16") && !view.starts_with("UTF-32") && !view.starts_with("IBM42")) return name;
  }
  return "";
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

/// Empty: nothing that is known here, or UTF-8, which shows by itself.
std::string known_encoding(std::string_view declared) {
  struct Superset {
    std::string_view name;
    const char* means;
  };
  constexpr Superset kSupersets[] = {
      {"euc-kr", "windows-949"},
      {"ks_c_5601-1987", "windows-949"},
      {"ksc5601", "windows-949"},
      {"cp949", "windows-949"},
      {"uhc", "windows-949"},
      {"shift_jis", "ibm-943_P15A-2003"},
      {"sjis", "ibm-943_P15A-2003"},
      {"gb2312", "gb18030"},
      {"gbk", "gb18030"},
      {"iso-8859-1", "windows-1252"},
      {"us-ascii", "windows-1252"},
      {"utf-8", ""},
      {"utf8", ""},
  };
  const std::string name = lowercase(declared);
  for (const Superset& superset : kSupersets) {
    if (name == superset.name) return superset.means;
  }
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, void (*)(UConverter*)> converter(ucnv_open(name.c_str(), &status), ucnv_close);
  return U_FAILURE(status) ? "" : name;
}

}  // namespace

Result<std::string> text_as_utf8(std::string bytes, std::string_view declared) {
  const std::string encoding = declared.empty() ? "" : known_encoding(declared);
  const bool is_shifted = encoding.starts_with("iso-2022");  // seven bits
  if (encoding.empty() || encoding.starts_with("utf") || encoding_by_mark(bytes) != nullptr ||
      bytes.size() > INT32_MAX / 4 || (is_valid_utf8(bytes) && !is_shifted)) {
    return text_as_utf8(std::move(bytes));
  }
  return converted(bytes, encoding.c_str());
}

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
