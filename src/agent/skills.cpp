#include "agent/skills.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/result_text.h"
#include "base/files.h"
#include "text/unicode.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 64;
constexpr size_t kLongestDescription = 1024;
constexpr size_t kLongestCompatibility = 500;
constexpr size_t kMostBytes = size_t{1} << 20;
constexpr size_t kMostSkills = 50;
constexpr size_t kMostFiles = 200;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

size_t n_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// The part of YAML that heads are written in: "key: value" lines, values plain, quoted or as blocks (| and >), and
/// one level of a map below "metadata:". Everything else is refused by line.
class HeadReader {
 public:
  explicit HeadReader(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  using Member = std::pair<std::string, std::string>;

  /// Calls add(key, value) for members and add_metadata for those below metadata.
  template <typename Add, typename AddMetadata>
  Result<void> read(const Add& add, const AddMetadata& add_metadata) {
    while (at_ < lines_.size()) {
      if (is_blank(lines_[at_])) {
        ++at_;
        continue;
      }
      if (indent_of(lines_[at_]) != 0) return error("expected a member without indentation");
      const auto key = ONDOL_TRY(read_key());
      if (key == "metadata" && rest_.empty()) {
        while (at_ < lines_.size() && (is_blank(lines_[at_]) || indent_of(lines_[at_]) > 0)) {
          if (is_blank(lines_[at_])) {
            ++at_;
            continue;
          }
          const auto name = ONDOL_TRY(read_key());
          ONDOL_TRY(add_metadata(name, ONDOL_TRY(read_value())));
        }
        continue;
      }
      ONDOL_TRY(add(key, ONDOL_TRY(read_value())));
    }
    return {};
  }

 private:
  static bool is_blank(std::string_view line) {
    const std::string_view text = trimmed(line);
    return text.empty() || text.starts_with('#');
  }

  Error error(std::string_view what) const {
    return Error(fmt::format("line {} of the head: {}, got '{}'", at_ + 2, what,
                             at_ < lines_.size() ? trimmed(lines_[at_]) : "the end"));
  }

  /// Leaves the rest of the line in rest_, and goes on to the next line.
  Result<std::string> read_key() {
    const std::string_view line = lines_[at_];
    indent_ = indent_of(line);
    const size_t colon = line.find(':');
    const bool has_value = colon != std::string_view::npos &&
                           (colon + 1 == line.size() || line[colon + 1] == ' ' || line[colon + 1] == '\t');
    if (!has_value) return error("expected 'name: value'");
    std::string_view key = trimmed(line.substr(0, colon));
    if (key.size() >= 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front()) {
      key = key.substr(1, key.size() - 2);
    }
    if (key.empty() || key.find_first_of("\"'{}[],&*!|>%@`") != std::string_view::npos) {
      return error("expected a plain name before ':'");
    }
    rest_ = trimmed(line.substr(colon + 1));
    ++at_;
    return std::string(key);
  }

  Result<std::string> read_value() {
    if (rest_.starts_with('|') || rest_.starts_with('>')) return read_block();
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return read_quoted();
    --at_;  // for messages
    if (!rest_.empty() && std::string_view("{[&*!%@`").find(rest_[0]) != std::string_view::npos) {
      return error("expected a plain or quoted text");
    }
    if (rest_.find(": ") != std::string_view::npos) return error("expected quotes around a text with ': '");
    ++at_;
    const size_t comment = rest_.find(" #");
    std::string value(trimmed(rest_.substr(0, comment)));
    // A plain text goes on in lines that are indented further.
    while (at_ < lines_.size() && !trimmed(lines_[at_]).empty() && indent_of(lines_[at_]) > indent_) {
      if (!value.empty()) value += ' ';
      value += trimmed(lines_[at_++]);
    }
    return value;
  }

  Result<std::string> read_quoted() {
    const char quote = rest_[0];
    std::string value;
    size_t i = 1;
    for (; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == quote && quote == '\'' && i + 1 < rest_.size() && rest_[i + 1] == '\'') {
        value += rest_[++i];
      } else if (c == quote) {
        break;
      } else if (c == '\\' && quote == '"' && i + 1 < rest_.size()) {
        const char escaped = rest_[++i];
        value += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      } else {
        value += c;
      }
    }
    const std::string_view after = i < rest_.size() ? trimmed(rest_.substr(i + 1)) : "x";
    if (!after.empty() && !after.starts_with('#')) {
      --at_;
      return error("expected the quoted text to end on its line");
    }
    return value;
  }

  Result<std::string> read_block() {
    const bool folds = rest_.starts_with('>');
    const bool strips = rest_.find('-') != std::string_view::npos;
    if (rest_.size() > 2 || (rest_.size() == 2 && rest_[1] != '-' && rest_[1] != '+')) {
      --at_;
      return error("expected '|', '>', '|-' or '>-'");
    }
    size_t indent = 0;
    std::string value;
    for (; at_ < lines_.size(); ++at_) {
      const std::string_view line = lines_[at_];
      const bool is_empty = trimmed(line).empty();
      if (!is_empty && indent_of(line) <= indent_) break;
      if (indent == 0 && !is_empty) indent = indent_of(line);
      const std::string_view text = is_empty ? std::string_view() : line.substr(std::min(indent, indent_of(line)));
      if (folds && !text.empty() && !value.empty() && value.back() != '\n') value += ' ';
      value += text;
      if (!folds || is_empty) value += '\n';
    }
    while (!value.empty() && value.back() == '\n') value.pop_back();
    if (!strips && !value.empty()) value += '\n';
    return value;
  }

  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  size_t indent_ = 0;
  std::string_view rest_;
};

Result<void> check_name(const std::string& name) {
  const bool has_letters = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  const bool hyphens = !name.starts_with('-') && !name.ends_with('-') && name.find("--") == std::string::npos;
  if (!name.empty() && name.size() <= kLongestName && has_letters && hyphens) return {};
  return Error(
      fmt::format("name: expected 1 to {} of a-z, 0-9 and single hyphens between them, got '{}'", kLongestName, name));
}

Result<void> check_length(std::string_view member, const std::string& text, size_t most) {
  const size_t n = n_characters(text);
  if (n >= 1 && n <= most && is_valid_utf8(text)) return {};
  return Error(fmt::format("{}: expected 1 to {} characters, got {}", member, most, n));
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = std::min(text.find_first_not_of(" \t\n,", at), text.size());
    // Bash(git add:*) is one word.
    size_t end = begin;
    for (int depth = 0;
         end < text.size() && (depth > 0 || std::string_view(" \t\n,").find(text[end]) == std::string_view::npos);
         ++end) {
      depth += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
    }
    if (end > begin) list.emplace_back(text.substr(begin, end - begin));
    at = end + 1;
  }
  return list;
}

Result<SkillHead> parse_head(std::string_view text) {
  SkillHead head;
  std::map<std::string, std::string> members;
  const auto add = [&](const std::string& key, std::string value) -> Result<void> {
    static constexpr std::string_view kKnown[] = {"name", "description", "license", "compatibility", "allowed-tools"};
    if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown)) {
      return Error(
          fmt::format("expected name, description, license, compatibility, metadata or allowed-tools, got '{}'", key));
    }
    if (!members.emplace(key, std::string(trimmed(value))).second) return Error(key + ": stands there twice");
    return {};
  };
  const auto add_metadata = [&](const std::string& key, std::string value) -> Result<void> {
    head.metadata.emplace_back(key, std::move(value));
    return {};
  };
  ONDOL_TRY(HeadReader(text).read(add, add_metadata));
  for (const char* needed : {"name", "description"}) {
    if (!members.contains(needed)) return Error(fmt::format("{}: expected it in the head", needed));
  }
  head.name = members["name"];
  head.description = members["description"];
  while (head.description.ends_with('\n')) head.description.pop_back();
  head.license = members["license"];
  head.compatibility = members["compatibility"];
  head.allowed_tools = words(members["allowed-tools"]);
  ONDOL_TRY(check_name(head.name));
  ONDOL_TRY(check_length("description", head.description, kLongestDescription));
  if (members.contains("compatibility") && !head.compatibility.empty()) {
    ONDOL_TRY(check_length("compatibility", head.compatibility, kLongestCompatibility));
  }
  return head;
}

Result<Skill> read_skill(const fs::path& folder, bool is_untrusted) {
  std::error_code code;
  const fs::path file = folder / "SKILL.md";
  if (!fs::is_regular_file(file, code)) return Error("expected a file SKILL.md");
  const std::string text = ONDOL_TRY(read_file(file, kMostBytes));
  Skill skill = ONDOL_TRY(parse_skill(text));
  if (skill.head.name != folder.filename().string()) {
    return Error(fmt::format("name: expected that of its folder, got '{}'", skill.head.name));
  }
  skill.folder = fs::canonical(folder, code);
  if (code) return Error(code.message());
  skill.is_untrusted = is_untrusted;
  return skill;
}

std::vector<std::string> files_of(const Skill& skill) {
  std::vector<std::string> files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(skill.folder, code), end; !code && at != end && files.size() < kMostFiles;
       at.increment(code)) {
    if (!at->is_regular_file(code)) continue;
    const std::string name = at->path().lexically_relative(skill.folder);
    if (name != "SKILL.md") files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Reads what an installed skill says. Asks nobody: it changes nothing.
class UseSkill final : public Tool {
 public:
  explicit UseSkill(std::vector<Skill> skills) : skills_(std::move(skills)) {
    json::array names;
    for (const Skill& skill : skills_) names.push_back(json::value(skill.head.name));
    json::object name = {{"type", "string"}};
    name["enum"] = std::move(names);
    json::object properties;
    properties["name"] = std::move(name);
    properties["file"] = json::object{{"type", "string"}, {"description", "A further file of the skill"}};
    json::object schema = {{"type", "object"}};
    schema["properties"] = std::move(properties);
    schema["required"] = json::array{"name"};
    definition_ = {"use_skill", "Read how to do something: the instructions of a skill, or a file that they name.",
                   std::move(schema)};
  }

  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return Effect::kReads; }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    return fmt::format("{} {}", string_or(arguments, "name", ""), string_or(arguments, "file", ""));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    const std::string name = string_or(arguments, "name", ""), file = string_or(arguments, "file", "");
    const auto skill = std::find_if(skills_.begin(), skills_.end(), [&](const auto& s) { return s.head.name == name; });
    if (skill == skills_.end()) return ToolResult{"There is no skill '" + name + "'.", true};
    if (!file.empty()) return read(*skill, file);
    std::string text = skill->body;
    const std::vector<std::string> files = files_of(*skill);
    if (!files.empty()) text += fmt::format("\n\nFurther files of this skill: {}", fmt::join(files, ", "));
    return ToolResult{std::move(text), false, skill->is_untrusted};
  }

 private:
  static ToolResult read(const Skill& skill, const std::string& file) {
    std::error_code code;
    const fs::path path = fs::canonical(fs::path(skill.folder) / file, code);
    const fs::path inside = path.lexically_relative(skill.folder);
    const bool is_inside = !code && !inside.empty() && *inside.begin() != "..";
    if (!is_inside || !fs::is_regular_file(path, code)) {
      return {fmt::format("The skill '{}' has no file '{}'.", skill.head.name, file), true};
    }
    const auto text = read_file(path, kMostBytes);
    if (!text) return {text.error().message(), true};
    return {printable_text(*text), false, skill.is_untrusted};
  }

  std::vector<Skill> skills_;
  ToolDefinition definition_;
};

}  // namespace

Result<Skill> parse_skill(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_valid_utf8(text)) return Error("expected UTF-8");
  const size_t first = text.find('\n');
  if (first == std::string_view::npos || trimmed(text.substr(0, first)) != "---") {
    return Error("line 1: expected '---', which opens the head");
  }
  for (size_t at = first + 1; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (trimmed(text.substr(at, end - at)) == "---" && text[at] == '-') {
      Skill skill;
      skill.head = ONDOL_TRY(parse_head(text.substr(first + 1, at - first - 1)));
      std::string_view body = end < text.size() ? text.substr(end + 1) : std::string_view();
      body.remove_prefix(std::min(body.find_first_not_of("\r\n"), body.size()));
      skill.body = std::string(body);
      return skill;
    }
    at = end + 1;
  }
  return Error("expected a line '---' that closes the head");
}

SkillList read_skills(const std::vector<SkillFolder>& folders) {
  SkillList list;
  for (const SkillFolder& folder : folders) {
    std::vector<fs::path> paths;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder.path, code)) {
      if (entry.is_directory(code)) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      auto skill = read_skill(path, folder.is_untrusted);
      if (!skill) {
        list.refused.push_back(skill.error().in(path).message());
        continue;
      }
      const bool is_known = std::any_of(list.skills.begin(), list.skills.end(),
                                        [&](const Skill& known) { return known.head.name == skill->head.name; });
      if (!is_known && list.skills.size() < kMostSkills) list.skills.push_back(std::move(*skill));
    }
  }
  std::sort(list.skills.begin(), list.skills.end(),
            [](const Skill& a, const Skill& b) { return a.head.name < b.head.name; });
  return list;
}

std::string skills_in_words(const std::vector<Skill>& skills) {
  if (skills.empty()) return "";
  std::string text = "Skills, to be read with use_skill before a task that they fit:\n";
  for (const Skill& skill : skills) {
    std::string description = skill.head.description;
    std::replace(description.begin(), description.end(), '\n', ' ');
    text += fmt::format("- {}: {}\n", skill.head.name, description);
  }
  return text;
}

std::unique_ptr<Tool> make_use_skill(std::vector<Skill> skills) {
  return std::make_unique<UseSkill>(std::move(skills));
}

}  // namespace ondol
