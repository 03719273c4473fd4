#include <ctime>

#include <fmt/chrono.h>

#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "base/clock.h"

namespace ondol {
namespace {

class Clock : public PlainTool {
 public:
  Clock() : PlainTool("clock", "Tells the date and the time.", "{}", "[]", Effect::kNone) {}

  Result<std::string> preview(const json::object&, ToolContext&) override { return std::string("tell the time"); }

  Result<ToolResult> call(const json::object&, ToolContext&) override {
    const std::time_t now = ONDOL_TRY(now_unix_seconds());
    std::tm here{}, universal{};
    ::localtime_r(&now, &here);
    ::gmtime_r(&now, &universal);
    return words(fmt::format("{:%A, %Y-%m-%d %H:%M:%S %z} here; {:%Y-%m-%dT%H:%M:%SZ}", here, universal));
  }
};

}  // namespace

std::unique_ptr<Tool> make_clock() {
  return std::make_unique<Clock>();
}

}  // namespace ondol
