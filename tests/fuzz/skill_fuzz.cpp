// SKILL.md: any bytes are parsed or refused, and what is parsed keeps to the format.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/skills.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto skill = ondol::parse_skill(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!skill) {
    if (skill.error().message().empty()) std::abort();
    return 0;
  }
  const ondol::SkillHead& head = skill->head;
  if (head.name.empty() || head.name.size() > 64 || head.description.empty()) std::abort();
  if (head.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) std::abort();
  return 0;
}
