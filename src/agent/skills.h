// Skills: folders with a SKILL.md that teach an agent how to do something (agentskills.io).
//
// They are disclosed in three steps: name and description stand in the prompt; the body is read with the tool
// use_skill when it is needed; further files of the folder with the same tool, one at a time. A skill that does not
// keep to the format is left out, with an error that says why.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/tool.h"

namespace ondol {

struct SkillHead {
  std::string name;           // 1 to 64 of a-z, 0-9 and single hyphens between them
  std::string description;    // 1 to 1024 characters
  std::string license;        // optional, as the next ones
  std::string compatibility;  // up to 500 characters
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> allowed_tools;
};

struct Skill {
  SkillHead head;
  std::string body;    // what follows the head
  std::string folder;  // absolute
  /// From the workspace, which strangers may have filled: what it says is data.
  bool is_untrusted = false;
};

/// The text of a SKILL.md. Errors name the line or the member.
Result<Skill> parse_skill(std::string_view text);

struct SkillList {
  std::vector<Skill> skills;         // by name; of two with the same name the first folder's
  std::vector<std::string> refused;  // "path: why"
};

struct SkillFolder {
  std::string path;  // holds one folder for each skill; may be absent
  bool is_untrusted = false;
};

/// All skills in these folders. The name in the head must be that of its folder.
SkillList read_skills(const std::vector<SkillFolder>& folders);

/// The first step of disclosure, for the system message; "" where there are none.
std::string skills_in_words(const std::vector<Skill>& skills);

/// The second and the third: {"name", "file" (optional)}. Files outside of the skill's folder are refused, also
/// through links.
std::unique_ptr<Tool> make_use_skill(std::vector<Skill> skills);

}  // namespace ondol
