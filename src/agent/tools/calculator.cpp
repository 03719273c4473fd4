#include <fmt/format.h>

#include "agent/calculation.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"

namespace ondol {
namespace {

class Calculator : public PlainTool {
 public:
  Calculator()
      : PlainTool("calculator", "Calculates exactly: + - * / % ^ ( ), sqrt, min, max, round, ln, sin and the like.",
                  R"({"expression": {"type": "string"}})", R"(["expression"])", Effect::kNone) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    return fmt::format("calculate {}", string_or(arguments, "expression", ""));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    const auto value = calculate(string_or(arguments, "expression", ""));
    return value ? words(*value) : mistake(value.error().message());
  }
};

}  // namespace

std::unique_ptr<Tool> make_calculator() {
  return std::make_unique<Calculator>();
}

}  // namespace ondol
