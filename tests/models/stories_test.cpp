// A really trained model: its greedy continuation must be the one that is known.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/models/golden_model.h"

namespace ondol {
namespace {

/// SentencePiece's pieces as text: U+2581 is a space and <0x0A> a byte.
std::string text_of(std::string piece) {
  if (piece.size() == 6 && piece.starts_with("<0x"))
    return std::string(1, static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16)));
  for (size_t at = 0; (at = piece.find("\xe2\x96\x81")) != std::string::npos;) piece.replace(at, 3, " ");
  return piece;
}

TEST(Stories260K, GreedyContinuation) {
  const std::string folder = fmt::format("{}/models/stories260K/", ONDOL_SHARED_DATA);
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not here";
  const auto file = open_gguf(folder + "stories260K.gguf").value();
  const auto model = load_model(file).value();
  const auto& array = std::get<MetaValue::Array>(file->find_meta("tokenizer.ggml.tokens")->value);
  const auto& pieces = std::get<std::vector<std::string>>(array);
  std::ifstream stream(folder + "greedy.txt");
  const std::string expected((std::istreambuf_iterator<char>(stream)), {});

  Runner runner(*model, {2, ""});
  KvSequence sequence(runner.cache());
  int32_t token = 1;  // <s>
  std::string text = "<s>";
  for (int position = 0; position < 220; ++position) {
    ASSERT_TRUE(sequence.append(1).has_value());
    const std::vector<float> logits = runner.forward({{token}, {{&sequence, 0, 1, position}}, {}, {}});
    token = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (token <= 2) break;
    text += text_of(pieces[static_cast<size_t>(token)]);
  }
  const size_t n = std::min(text.size(), expected.size());
  EXPECT_GT(n, expected.size() - 8);
  EXPECT_EQ(text.substr(0, n), expected.substr(0, n));
}

}  // namespace
}  // namespace ondol
