// The template engine on any bytes: the part before a NUL is the template, the part behind it the context as JSON.
// Whatever it is, parsing and rendering end soon, in bounded memory, with text or an error.
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "text/jinja/template.h"

namespace {

const ondol::json::object& default_context() {
  static const auto value = ondol::parse_json(R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "안녕 <b>"},
      {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5, "y": [1, "2"]}}}]}],
      "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "number"}}}}}],
      "add_generation_prompt": true, "s": "Hello, World", "n": 7, "xs": [3, 1, 2], "d": {"b": 1, "a": 2}, "nil": null})");
  return value->get_object();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t split = std::min(input.find('\0'), input.size());
  const auto parsed = ondol::jinja::Template::parse(input.substr(0, split));
  if (!parsed) return 0;
  // Small limits keep one input fast; the real ones are the same checks with larger numbers.
  ondol::jinja::Limits limits;
  limits.max_steps = 20'000;
  limits.max_allocated_bytes = 64 << 20;
  limits.max_output_bytes = 1 << 20;
  limits.max_evaluation_depth = 600;
  limits.max_macro_depth = 40;
  if (split < input.size()) {
    const auto context = ondol::parse_json(input.substr(split + 1));
    if (context && context->is_object()) (void)parsed->render(context->get_object(), 1768469400, limits);
  } else {
    (void)parsed->render(default_context(), 1768469400, limits);
  }
  return 0;
}
