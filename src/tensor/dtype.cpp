#include "tensor/dtype.h"

#include <array>
#include <cctype>

#include "base/check.h"

namespace ondol {
namespace {

constexpr DTypeInfo kInfos[] = {
#define ONDOL_INFO(name, id, block, bytes) {DType::name, #name, block, bytes},
    ONDOL_DTYPES(ONDOL_INFO)
#undef ONDOL_INFO
};

constexpr size_t kMaxId = 64;

constexpr std::array<const DTypeInfo*, kMaxId> index_by_id() {
  std::array<const DTypeInfo*, kMaxId> table{};
  for (const DTypeInfo& info : kInfos) table[static_cast<size_t>(info.type)] = &info;
  return table;
}

constexpr auto kById = index_by_id();

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(a[i])) != std::toupper(static_cast<unsigned char>(b[i]))) return false;
  }
  return true;
}

}  // namespace

const DTypeInfo& info_of(DType type) {
  const DTypeInfo* info = kById[static_cast<size_t>(type) % kMaxId];
  ONDOL_CHECK(info != nullptr);
  return *info;
}

std::optional<DType> dtype_from_gguf_id(uint32_t id) {
  if (id >= kMaxId || kById[id] == nullptr || !is_gguf_type(static_cast<DType>(id))) return std::nullopt;
  return static_cast<DType>(id);
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeInfo& info : kInfos) {
    if (equal_ignoring_case(info.name, name)) return info.type;
  }
  return std::nullopt;
}

}  // namespace ondol
