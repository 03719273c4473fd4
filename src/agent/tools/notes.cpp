#include <filesystem>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"
#include "base/files.h"
#include "base/hash.h"

namespace ondol {
namespace {

constexpr size_t kMostNotes = 200;
constexpr size_t kMostNoteBytes = 2000;
constexpr size_t kMostFileBytes = 4 << 20;

/// One JSON file for each workspace: {"workspace": PATH, "notes": [TEXT...]}.
class Notes : public PlainTool {
 public:
  explicit Notes(std::string folder)
      : PlainTool("notes",
                  "Remembers things about this workspace for later runs: list, add a text, or remove a number.",
                  R"({"action": {"enum": ["list", "add", "remove"]}, "text": {"type": "string"},
                      "number": {"type": "integer", "minimum": 1}})",
                  R"(["action"])", Effect::kChangesWorkspace),
        folder_(std::move(folder)) {}

  Effect effect(const json::object& arguments) const override {
    return string_or(arguments, "action", "") == "list" ? Effect::kReads : Effect::kChangesWorkspace;
  }

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    const std::string action = string_or(arguments, "action", "");
    if (action == "list") return std::string("read the notes");
    if (action == "add")
      return fmt::format("remember for later runs: {}", printable_text(string_or(arguments, "text", "")));
    const std::vector<std::string> notes = ONDOL_TRY(load(context.workspace));
    const size_t number = ONDOL_TRY(number_of(arguments, notes));
    return fmt::format("forget: {}", notes[number]);
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    std::vector<std::string> notes = ONDOL_TRY(load(context.workspace));
    const std::string action = string_or(arguments, "action", "");
    if (action == "list") return listed(notes);
    if (action == "add") {
      const std::string text = printable_text(string_or(arguments, "text", ""));
      if (text.empty()) return mistake("text: expected what to remember");
      if (text.size() > kMostNoteBytes) return mistake(fmt::format("text: expected at most {} bytes", kMostNoteBytes));
      if (notes.size() >= kMostNotes) return mistake("there are too many notes; remove some");
      notes.push_back(text);
    } else {
      const auto number = number_of(arguments, notes);
      if (!number) return mistake(number.error().message());
      notes.erase(notes.begin() + static_cast<ptrdiff_t>(*number));
    }
    ONDOL_TRY(save(context.workspace, notes));
    return words(fmt::format("done; {} notes now", notes.size()));
  }

 private:
  static Result<size_t> number_of(const json::object& arguments, const std::vector<std::string>& notes) {
    const int64_t number = int_or(arguments, "number", 0);
    if (number < 1 || static_cast<size_t>(number) > notes.size())
      return Error(fmt::format("number: expected 1 to {}, as the list shows them", notes.size()));
    return static_cast<size_t>(number - 1);
  }

  /// They may repeat what was read somewhere, and are no more to be trusted than that.
  static ToolResult listed(const std::vector<std::string>& notes) {
    std::string text;
    for (size_t i = 0; i < notes.size(); ++i) text += fmt::format("{}. {}\n", i + 1, notes[i]);
    return notes.empty() ? words("(no notes)") : foreign_words(text);
  }

  std::string path_of(const Workspace& workspace) const {
    const std::string& root = workspace.root();
    const std::span bytes(reinterpret_cast<const uint8_t*>(root.data()), root.size());
    return fmt::format("{}/{}.json", folder_, hash_bytes(bytes).hex());
  }

  Result<std::vector<std::string>> load(const Workspace& workspace) const {
    std::vector<std::string> notes;
    const std::string path = path_of(workspace);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return notes;
    const json::value document = ONDOL_TRY(parse_json(ONDOL_TRY(read_file(path, kMostFileBytes))).in(path));
    const json::value* list = find_member(document, "notes");
    if (list == nullptr || !list->is_array() || string_or(document, "workspace", "") != workspace.root())
      return Error(fmt::format("{}: expected the notes of {}", path, workspace.root()));
    for (const json::value& note : list->get_array()) {
      if (note.is_string()) notes.emplace_back(note.get_string());
    }
    return notes;
  }

  Result<void> save(const Workspace& workspace, const std::vector<std::string>& notes) const {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    const json::object document = {{"workspace", workspace.root()}, {"notes", json::value_from(notes)}};
    return write_file_atomically(path_of(workspace), json_text(document) + "\n");
  }

  std::string folder_;
};

}  // namespace

std::unique_ptr<Tool> make_notes(std::string folder) {
  return std::make_unique<Notes>(std::move(folder));
}

}  // namespace ondol
