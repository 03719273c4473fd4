#include "text/chat_template.h"

#include "text/jinja/template.h"

namespace ondol {

struct ChatTemplate::Program {
  jinja::Template source;
};

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  ChatTemplate result;
  result.program_ = std::make_shared<const Program>(Program{ONDOL_TRY(jinja::Template::parse(source))});
  return result;
}

Result<std::string> ChatTemplate::render(const json::object& context, int64_t now_unix_seconds) const {
  return ONDOL_TRY(program_->source.render(context, now_unix_seconds)).text;
}

Result<ChatTemplate::Rendered> ChatTemplate::render_with_spans(const json::object& context, int64_t now_unix_seconds) const {
  jinja::Template::Output output = ONDOL_TRY(program_->source.render(context, now_unix_seconds));
  return Rendered{std::move(output.text), std::move(output.generation_spans)};
}

}  // namespace ondol
