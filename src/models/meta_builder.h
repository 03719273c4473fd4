// MetaBuilder: appends metadata under an architecture's prefix, in the types that GGUF uses for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "formats/model_file.h"

namespace ondol {

class MetaBuilder {
 public:
  MetaBuilder(std::string_view architecture, Metadata& metadata) : prefix_(architecture), metadata_(metadata) {
    prefix_ += '.';
  }

  /// Values outside 32 bits are cut to the ends of the range, which no reader of the key accepts.
  void u32(std::string_view key, int64_t value) {
    value = std::clamp<int64_t>(value, 0, std::numeric_limits<uint32_t>::max());
    put(key, static_cast<uint32_t>(value));
  }
  void f32(std::string_view key, double value) { put(key, static_cast<float>(value)); }
  void flag(std::string_view key, bool value) { put(key, value); }
  void text(std::string_view key, std::string value) { put(key, std::move(value)); }

  void put(std::string_view key, MetaValue::Value value) { put_plain(prefix_ + std::string(key), std::move(value)); }
  /// A key without the architecture in front.
  void put_plain(std::string key, MetaValue::Value value) {
    metadata_.emplace_back(std::move(key), MetaValue{std::move(value)});
  }

 private:
  std::string prefix_;
  Metadata& metadata_;
};

}  // namespace ondol
