#include "formats/metadata_override.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace ondol {
namespace {

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

/// In 32 bits where it fits, as files have their integers.
MetaValue::Value integer(int64_t number) {
  if (number >= 0 && number <= std::numeric_limits<uint32_t>::max()) return static_cast<uint32_t>(number);
  if (number < 0 && number >= std::numeric_limits<int32_t>::min()) return static_cast<int32_t>(number);
  return number;
}

std::optional<MetaValue::Value> value_of(std::string_view type, std::string_view text) {
  if (type == "str") return std::string(text);
  if (type == "bool" && (text == "true" || text == "false")) return text == "true";
  if (type == "int") {
    if (const auto number = number_in<int64_t>(text)) return integer(*number);
  }
  if (type == "float") {
    const auto number = number_in<float>(text);
    if (number && std::isfinite(*number)) return *number;
  }
  return std::nullopt;
}

}  // namespace

Result<MetadataOverride> parse_metadata_override(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t colon = equals == std::string::npos ? equals : text.find(':', equals);
  if (equals != 0 && colon != std::string::npos) {
    const std::string_view all = text;
    auto value = value_of(all.substr(equals + 1, colon - equals - 1), all.substr(colon + 1));
    if (value) return MetadataOverride(text.substr(0, equals), MetaValue{std::move(*value)});
  }
  return Error(
      fmt::format("expected KEY=TYPE:VALUE with int, float, bool or str as TYPE, got '{}'; hint: as in "
                  "general.sampling.temp=float:0.6",
                  text));
}

void set_metadata(Metadata& metadata, const MetadataOverride& change) {
  const auto found =
      std::find_if(metadata.begin(), metadata.end(), [&](const auto& entry) { return entry.first == change.first; });
  if (found != metadata.end()) {
    found->second = change.second;
  } else {
    metadata.push_back(change);
  }
}

}  // namespace ondol
