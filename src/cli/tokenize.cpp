// ondol tokenize and detokenize: text to token ids and back.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/options.h"
#include "runtime/load_text.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string model;
  bool json = false;
  bool no_special = false;
};

Result<void> tokenize(const Options& options) {
  const auto tokenizer = ONDOL_TRY(open_tokenizer(ONDOL_TRY(resolve_model(options.model))));
  const std::string text = ONDOL_TRY(read_standard_input());
  const auto ids = tokenizer->encode(text, !options.no_special, SpecialTokens::kParse);
  if (options.json) {
    fmt::print("[{}]\n", fmt::join(ids, ", "));
    return {};
  }
  for (const TokenId id : ids) {
    fmt::print("{:>8}  {}\n", id, json::serialize(json::value(tokenizer->piece(id, true))));
  }
  return {};
}

Result<std::vector<TokenId>> parse_ids(const std::string& text) {
  const json::value document = ONDOL_TRY(parse_json(text).in("standard input"));
  const json::array* array = document.if_array();
  if (array == nullptr) return Error("standard input: expected a JSON array of token ids, as in [1, 2, 3]");
  std::vector<TokenId> ids;
  for (const json::value& value : *array) {
    const int64_t* id = value.if_int64();
    if (id == nullptr || *id < 0 || *id > INT32_MAX) {
      return Error(fmt::format("standard input: expected token ids, got {}", json::serialize(value)));
    }
    ids.push_back(static_cast<TokenId>(*id));
  }
  return ids;
}

Result<void> detokenize(const Options& options) {
  const auto tokenizer = ONDOL_TRY(open_tokenizer(ONDOL_TRY(resolve_model(options.model))));
  const auto ids = ONDOL_TRY(parse_ids(ONDOL_TRY(read_standard_input())));
  const std::string text = tokenizer->decode(ids, !options.no_special);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

}  // namespace

void add_tokenize(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "tokenize", "Turn standard input into token ids",
                  "  echo -n \"Hello\" | ondol tokenize model.gguf --json\n", [options] { return tokenize(*options); });
  command->add_option("MODEL", options->model, "A file, a folder or a name in the store")->required();
  command->add_flag("--json", options->json, "One JSON array");
  command->add_flag("--no-special", options->no_special, "Without BOS, EOS, CLS or SEP around the text");
}

void add_detokenize(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "detokenize", "Turn a JSON array of token ids on standard input into text",
                                  "  echo \"[1, 403, 407]\" | ondol detokenize model.gguf\n",
                                  [options] { return detokenize(*options); });
  command->add_option("MODEL", options->model, "A file, a folder or a name in the store")->required();
  command->add_flag("--no-special", options->no_special, "Leave special tokens out of the text");
}

}  // namespace ondol::cli
