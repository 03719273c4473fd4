// ondol perplexity, logits and embed: what a model computes, as numbers.
#include <cmath>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "runtime/embedder.h"
#include "runtime/perplexity.h"
#include "runtime/session.h"

namespace ondol::cli {
namespace {

struct Options {
  ModelOptions model;
  std::string file;
  std::string tokens;
  std::string pooling;
  std::string base;
  std::string base_kv;
  int chunks = -1;
  bool json = false;
  bool no_normalize = false;
};

json::object describe(const Perplexity& result) {
  json::object document;
  document["ppl"] = result.ppl();
  document["tokens"] = result.n_tokens;
  document["nll"] = result.nll;
  document["nll_deviation"] = result.nll_deviation;
  document["chunks"] = result.n_chunks;
  return document;
}

std::string in_words(const Perplexity& result) {
  return fmt::format("perplexity {:.4f} +/- {:.4f} over {} tokens in {} chunks", result.ppl(),
                     result.ppl() * result.nll_deviation, result.n_tokens, result.n_chunks);
}

void print(const Perplexity& result, bool as_json) {
  fmt::print("{}\n", as_json ? json::serialize(describe(result)) : in_words(result));
}

void print(const Divergence& result, bool as_json) {
  if (as_json) {
    json::object document = describe(result.model);
    document["base"] = describe(result.base);
    document["kl"] = result.kl;
    document["kl_99"] = result.kl_99;
    document["same_best"] = result.same_best;
    fmt::print("{}\n", json::serialize(document));
    return;
  }
  fmt::print("model: {}\nbase:  {}\n", in_words(result.model), in_words(result.base));
  fmt::print("KL divergence {:.6f} nats a token (99th percentile {:.6f}); the same most likely token {:.2f} %\n",
             result.kl, result.kl_99, 100 * result.same_best);
}

Result<void> perplexity(Options& options) {
  if (options.model.context_length == 0) options.model.context_length = 512;
  const int context = static_cast<int>(options.model.context_length);
  auto engine = ONDOL_TRY(open_engine(options.model));
  const std::string text = ONDOL_TRY(read_file(options.file, size_t{4} << 30));
  const auto tokens = engine->tokenizer().encode(text, true, SpecialTokens::kAsPlainText);
  ProgressBar bar("perplexity", "chunks");
  const auto progress = [&](int done, int total) {
    bar.update(done, total);
    if (done == total) bar.clear();
    return !interrupted.load();
  };
  if (options.base.empty()) {
    print(ONDOL_TRY(measure_perplexity(*engine, tokens, context, options.chunks, progress).in(options.file)),
          options.json);
    return {};
  }
  ModelOptions base_options = options.model;
  base_options.model = options.base;
  if (!options.base_kv.empty()) base_options.kv_types = options.base_kv;
  auto base = ONDOL_TRY(open_engine(base_options));
  print(ONDOL_TRY(measure_divergence(*base, *engine, tokens, context, options.chunks, progress).in(options.file)),
        options.json);
  return {};
}

Result<std::vector<TokenId>> parse_token_list(const std::string& text) {
  const json::value document = ONDOL_TRY(parse_json("[" + text + "]").in("--tokens"));
  std::vector<TokenId> ids;
  for (const json::value& value : document.get_array()) {
    const int64_t* id = value.if_int64();
    if (id == nullptr || *id < 0 || *id > INT32_MAX) {
      return Error(fmt::format("--tokens: expected ids with commas between them, as in 1,2,3; got '{}'", text));
    }
    ids.push_back(static_cast<TokenId>(*id));
  }
  if (ids.empty()) return Error("--tokens: expected at least one token id");
  return ids;
}

/// One line with a JSON array. JSON has no infinities: a value that is not finite becomes null.
void print_array(std::span<const float> values) {
  std::string line;
  for (const float value : values) {
    if (!line.empty()) line += ", ";
    line += std::isfinite(value) ? fmt::format("{}", value) : "null";
  }
  fmt::print("[{}]\n", line);
}

Result<void> logits(Options& options) {
  options.model.needs_tokenizer = false;
  const auto tokens = ONDOL_TRY(parse_token_list(options.tokens));
  options.model.context_at_least = static_cast<int64_t>(tokens.size());
  auto engine = ONDOL_TRY(open_engine(options.model));
  Session session(*engine);
  ONDOL_TRY(session.sync(tokens));
  if (options.json) {
    print_array(session.logits());
    return {};
  }
  for (size_t id = 0; id < session.logits().size(); ++id) fmt::print("{} {:.6g}\n", id, session.logits()[id]);
  return {};
}

Result<std::vector<std::string>> lines_of_standard_input() {
  const std::string text = ONDOL_TRY(read_standard_input());
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    if (!lines.back().empty() && lines.back().back() == '\r') lines.back().pop_back();
    begin = end + 1;
  }
  return lines;
}

Result<Pooling> parse_pooling(const std::string& name) {
  if (name.empty()) return Pooling::kNone;
  if (name == "mean") return Pooling::kMean;
  if (name == "cls") return Pooling::kCls;
  if (name == "last") return Pooling::kLast;
  return Error(fmt::format("--pooling: expected mean, cls or last, got '{}'", name));
}

Result<void> embed(const Options& options) {
  EmbedOptions embedding;
  embedding.pooling = ONDOL_TRY(parse_pooling(options.pooling));
  embedding.normalize = !options.no_normalize;
  auto engine = ONDOL_TRY(open_engine(options.model));
  const auto lines = ONDOL_TRY(lines_of_standard_input());
  ProgressBar bar("embedding", "texts");
  constexpr size_t kAtOnce = 64;
  for (size_t begin = 0; begin < lines.size(); begin += kAtOnce) {
    if (interrupted) return Error("stopped");
    const auto part = std::span(lines).subspan(begin, std::min(kAtOnce, lines.size() - begin));
    const auto vectors = ONDOL_TRY(embed_texts(*engine, part, embedding));
    for (const auto& vector : vectors) print_array(vector);
    bar.update(static_cast<double>(begin + part.size()), static_cast<double>(lines.size()));
  }
  return {};
}

}  // namespace

void add_perplexity(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "perplexity", "How well a model predicts a text: the measure for quantisation and training",
                  "  ondol perplexity model.gguf -f book.txt --ctx 512 --json\n"
                  "  ondol perplexity model-Q4_K_M.gguf --base model-F16.gguf -f book.txt\n"
                  "  ondol perplexity model.gguf --kv q4_0 --base model.gguf --base-kv f16 -f book.txt\n",
                  [options] { return perplexity(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store")->required();
  command->add_option("-f,--file", options->file, "The text")->required();
  auto* base =
      command->add_option("--base", options->base, "Also measure how far the predictions are from this model's (KL)");
  command
      ->add_option("--base-kv", options->base_kv, "Precision of the base's key-value cache; without it, that of --kv")
      ->needs(base);
  command->add_option("--chunks", options->chunks, "Only the first so many chunks; -1 is all")->capture_default_str();
  command->add_flag("--json", options->json, "One JSON document");
  options->model.add_to(*command);
}

void add_logits(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "logits", "Logits of the token after the given ones",
                  "  ondol logits model.gguf --tokens 1,403,407 --json\n", [options] { return logits(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store")->required();
  command->add_option("--tokens", options->tokens, "Token ids with commas between them")->required();
  command->add_flag("--json", options->json, "One JSON array");
  options->model.kv_types = "f32";  // logits are asked for where exactness matters
  options->model.add_to(*command);
}

void add_embed(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "embed", "Turn each line of standard input into a vector",
                                  "  printf 'a cat\\na dog\\n' | ondol embed minilm.gguf --json\n",
                                  [options] { return embed(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store")->required();
  command->add_flag("--json", options->json, "JSON Lines, one vector a line (this is also the default)");
  command->add_option("--pooling", options->pooling, "mean, cls or last; without it, the model's own");
  command->add_flag("--no-normalize", options->no_normalize, "Leave vectors as long as they are");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
