#include <fmt/format.h>

#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"

namespace ondol {
namespace {

class AskUser : public PlainTool {
 public:
  AskUser()
      : PlainTool("ask_user", "Asks the user a question and gives the answer. Only for what you cannot find out.",
                  R"({"question": {"type": "string"}})", R"(["question"])", Effect::kNone) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    return fmt::format("ask: {}", string_or(arguments, "question", ""));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    if (!context.ask_user) return mistake("nobody is there to answer; go on with what you know");
    const auto answer = context.ask_user(string_or(arguments, "question", ""));
    if (!answer) return mistake(answer.error().message());
    return words(*answer);
  }
};

}  // namespace

std::unique_ptr<Tool> make_ask_user() {
  return std::make_unique<AskUser>();
}

}  // namespace ondol
