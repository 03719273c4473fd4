#include "server/engine_embedder.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/embedder.h"
#include "runtime/prefix_store.h"
#include "text/unicode.h"

namespace ondol {
namespace {

/// Embedding models are trained on short texts; longer ones blur.
constexpr size_t kMostTokens = 256;

/// Where to part a text near its middle: after a space, or else between two characters.
size_t middle_of(std::string_view text) {
  const size_t half = text.size() / 2;
  const size_t space = text.find_first_of(" \n", half);
  if (space != text.npos && space < text.size() - text.size() / 4) return space + 1;
  return half - unfinished_utf8_suffix(text.substr(0, half));
}

void append_parts(const Engine& engine, std::string_view text, std::vector<std::string>& parts) {
  const size_t limit = std::min(kMostTokens, static_cast<size_t>(std::max<int64_t>(engine.context_length(), 8)));
  const size_t n = engine.tokenizer().encode(text, true, SpecialTokens::kAsPlainText).size();
  if (n <= limit || text.size() < 8) {
    parts.emplace_back(text);
    return;
  }
  const size_t middle = middle_of(text);
  append_parts(engine, text.substr(0, middle), parts);
  append_parts(engine, text.substr(middle), parts);
}

}  // namespace

std::vector<std::string> parts_to_embed(const Engine& engine, std::string_view text) {
  std::vector<std::string> parts;
  append_parts(engine, text, parts);
  return parts;
}

std::string embedder_name(Engine& engine) {
  return prefix_tag(engine).hex();
}

Result<std::unique_ptr<EngineEmbedder>> EngineEmbedder::create(std::unique_ptr<Engine> engine) {
  std::string name = embedder_name(*engine);
  return std::unique_ptr<EngineEmbedder>(new EngineEmbedder(std::move(engine), std::move(name)));
}

Result<std::vector<TextEmbedder::Parts>> EngineEmbedder::embed_documents(std::span<const std::string> texts) {
  std::vector<std::string> parts;
  std::vector<size_t> ends;
  for (const std::string& text : texts) {
    append_parts(*engine_, text, parts);
    ends.push_back(parts.size());
  }
  const auto vectors = ONDOL_TRY(embed_texts(*engine_, parts));
  std::vector<Parts> all;
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    all.emplace_back(vectors.begin() + static_cast<std::ptrdiff_t>(begin),
                     vectors.begin() + static_cast<std::ptrdiff_t>(ends[i]));
  }
  return all;
}

/// Of a long question, its beginning counts.
Result<std::vector<float>> EngineEmbedder::embed_question(const std::string& text) {
  std::vector<std::string> parts = parts_to_embed(*engine_, text);
  parts.resize(1);
  return ONDOL_TRY(embed_texts(*engine_, parts)).front();
}

}  // namespace ondol
