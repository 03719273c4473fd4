// ondol template: renders a chat template with a given context, exactly.
#include <cstdio>
#include <memory>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/options.h"
#include "models/model.h"
#include "runtime/load_text.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string model;
  std::string template_file;
  std::string context_file;
};

Result<std::string> template_source(const Options& options) {
  if (!options.template_file.empty()) return read_file(options.template_file);
  const auto file = ONDOL_TRY(open_model_file(ONDOL_TRY(resolve_model(options.model))));
  std::string source = ONDOL_TRY(load_template_source(*file));
  if (source.empty()) return Error(file->path() + ": the model has no chat template; name one with --template-file");
  return source;
}

Result<void> render(const Options& options) {
  const std::string source = ONDOL_TRY(template_source(options));
  if (options.context_file.empty()) {
    std::fwrite(source.data(), 1, source.size(), stdout);
    return {};
  }
  const std::string where = options.template_file.empty() ? "chat template" : options.template_file;
  const ChatTemplate chat_template = ONDOL_TRY(ChatTemplate::parse(source).in(where));
  const json::value context =
      ONDOL_TRY(parse_json(ONDOL_TRY(read_file(options.context_file))).in(options.context_file));
  if (!context.is_object()) return Error(options.context_file + ": expected a JSON object of template variables");
  const int64_t now = ONDOL_TRY(now_unix_seconds());
  const std::string text = ONDOL_TRY(chat_template.render(context.get_object(), now).in(where));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

}  // namespace

void add_template(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "template", "Render a chat template, or show it when no context is given",
                                  "  ondol template model.gguf --context conversation.json\n"
                                  "  ondol template --template-file chat.jinja --context conversation.json\n",
                                  [options] { return render(*options); });
  command->add_option("MODEL", options->model, "The model whose template is used");
  command->add_option("--template-file", options->template_file, "A template to use instead of the model's");
  command->add_option("--context", options->context_file, "A JSON object: messages, add_generation_prompt, ...");
}

}  // namespace ondol::cli
