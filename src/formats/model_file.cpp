#include "formats/model_file.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include <fmt/format.h>

namespace ondol {
namespace {

template <typename T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <typename T>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, std::string>) return "string";
  if constexpr (std::is_floating_point_v<T>) return "float";
  return "integer";
}

/// "integer", "array of string", for messages.
std::string describe(const MetaValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::string {
        if constexpr (std::is_same_v<T, MetaValue::Array>) {
          return std::visit(
              []<typename E>(const std::vector<E>&) { return fmt::format("an array of type {}", type_name<E>()); },
              held);
        } else {
          return fmt::format("a value of type {}", type_name<T>());
        }
      },
      value.value);
}

/// An integer of any width as int64_t; nothing when it does not fit.
template <typename T>
std::optional<int64_t> to_int(T number) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

std::optional<int64_t> as_int(const MetaValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<int64_t> {
        if constexpr (kIsInteger<T>) return to_int(held);
        return std::nullopt;
      },
      value.value);
}

std::optional<double> as_double(const MetaValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<double> {
        if constexpr (kIsInteger<T> || std::is_floating_point_v<T>) return static_cast<double>(held);
        return std::nullopt;
      },
      value.value);
}

std::optional<std::vector<int64_t>> as_ints(const MetaValue& value) {
  if (const auto single = as_int(value)) return std::vector<int64_t>{*single};
  const auto* array = std::get_if<MetaValue::Array>(&value.value);
  if (array == nullptr) return std::nullopt;
  return std::visit(
      []<typename E>(const std::vector<E>& elements) -> std::optional<std::vector<int64_t>> {
        if constexpr (kIsInteger<E>) {
          std::vector<int64_t> numbers;
          numbers.reserve(elements.size());
          for (const E element : elements) {
            const auto number = to_int(element);
            if (!number) return std::nullopt;
            numbers.push_back(*number);
          }
          return numbers;
        }
        return std::nullopt;
      },
      *array);
}

std::optional<std::vector<float>> as_floats(const MetaValue& value) {
  if (const auto single = as_double(value)) return std::vector<float>{static_cast<float>(*single)};
  const auto* array = std::get_if<MetaValue::Array>(&value.value);
  if (array == nullptr) return std::nullopt;
  return std::visit(
      []<typename E>(const std::vector<E>& elements) -> std::optional<std::vector<float>> {
        if constexpr (kIsInteger<E> || std::is_floating_point_v<E>) {
          std::vector<float> numbers;
          numbers.reserve(elements.size());
          for (const E element : elements) numbers.push_back(static_cast<float>(element));
          return numbers;
        }
        return std::nullopt;
      },
      *array);
}

Error absent(const ModelFile& file, std::string_view key) {
  return Error(fmt::format("{}: key '{}' is missing", file.path(), key));
}

/// The converted value, or the error that says what was expected and what is there.
template <typename T>
Result<T> converted(const ModelFile& file, std::string_view key, const MetaValue& value, std::optional<T> result,
                    std::string_view expected) {
  if (result) return *std::move(result);
  return Error(fmt::format("{}: key '{}': expected {}, got {}", file.path(), key, expected, describe(value)));
}

constexpr std::string_view kInteger = "an integer of at most 63 bits";
constexpr std::string_view kNumber = "a number";
constexpr std::string_view kString = "a string";

std::optional<std::string> as_string(const MetaValue& value) {
  const auto* text = std::get_if<std::string>(&value.value);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

}  // namespace

const MetaValue* ModelFile::find_meta(std::string_view key) const {
  if (meta_index_.empty()) {
    for (size_t i = 0; i < metadata().size(); ++i) meta_index_.emplace(metadata()[i].first, i);
  }
  const auto found = meta_index_.find(key);
  return found == meta_index_.end() ? nullptr : &metadata()[found->second].second;
}

const Tensor* ModelFile::find_tensor(std::string_view name) const {
  if (tensor_index_.empty()) {
    for (size_t i = 0; i < tensors().size(); ++i) tensor_index_.emplace(tensors()[i].name, i);
  }
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors()[found->second].tensor;
}

Result<int64_t> ModelFile::meta_int(std::string_view key) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return absent(*this, key);
  return converted(*this, key, *value, as_int(*value), kInteger);
}

Result<double> ModelFile::meta_double(std::string_view key) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return absent(*this, key);
  return converted(*this, key, *value, as_double(*value), kNumber);
}

Result<std::string> ModelFile::meta_string(std::string_view key) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return absent(*this, key);
  return converted(*this, key, *value, as_string(*value), kString);
}

Result<std::vector<int64_t>> ModelFile::meta_ints(std::string_view key) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return absent(*this, key);
  return converted(*this, key, *value, as_ints(*value), "integers of at most 63 bits");
}

Result<std::vector<float>> ModelFile::meta_floats(std::string_view key) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return absent(*this, key);
  return converted(*this, key, *value, as_floats(*value), "numbers");
}

Result<int64_t> ModelFile::meta_int_or(std::string_view key, int64_t fallback) const {
  return find_meta(key) == nullptr ? fallback : meta_int(key);
}

Result<double> ModelFile::meta_double_or(std::string_view key, double fallback) const {
  return find_meta(key) == nullptr ? fallback : meta_double(key);
}

Result<bool> ModelFile::meta_bool_or(std::string_view key, bool fallback) const {
  const MetaValue* value = find_meta(key);
  if (value == nullptr) return fallback;
  const bool* held = std::get_if<bool>(&value->value);
  return converted(*this, key, *value, held == nullptr ? std::nullopt : std::optional(*held), "true or false");
}

Result<std::string> ModelFile::meta_string_or(std::string_view key, std::string_view fallback) const {
  return find_meta(key) == nullptr ? std::string(fallback) : meta_string(key);
}

}  // namespace ondol
