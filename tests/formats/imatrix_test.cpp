#include "formats/imatrix.h"

#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

std::string error_of(const Result<ImportanceMatrix>& result) {
  return result ? "no error" : result.error().message();
}

void expect_contains(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
}

TEST(Imatrix, DividesSumsByTheTokensOfEachExpert) {
  const auto loaded = load_importance(golden("imatrix.gguf"));
  ASSERT_TRUE(loaded) << error_of(loaded);
  ASSERT_EQ(loaded->columns.size(), 2u);
  EXPECT_EQ(loaded->columns.at("blk.0.attn_q.weight"), (std::vector<float>{0, 0.125F, 0.25F, 0.375F}));
  EXPECT_EQ(loaded->columns.at("blk.0.ffn_up_exps.weight"),
            (std::vector<float>{0, 0.25F, 0.5F, 0.75F, 1, 1, 1, 1, 4, 4.5F, 5, 5.5F}));
}

TEST(Imatrix, ReadsTheOlderKind) {
  const auto loaded = load_importance(golden("imatrix.dat"));
  ASSERT_TRUE(loaded) << error_of(loaded);
  ASSERT_EQ(loaded->columns.size(), 2u);
  EXPECT_EQ(loaded->columns.at("blk.0.attn_q.weight"), (std::vector<float>{0, 0.125F, 0.25F, 0.375F}));
  EXPECT_EQ(loaded->columns.at("blk.0.attn_k.weight"), (std::vector<float>{2, 3}));
}

TEST(Imatrix, RefusesOtherFiles) {
  expect_contains(error_of(load_importance(golden("small.gguf"))),
                  "small.gguf: expected tensors that end in '.in_sum2'");
  expect_contains(error_of(load_importance(golden("none"))), "none: cannot open");
  expect_contains(error_of(parse_importance({})), "number of entries");
  const std::vector<uint8_t> none(4);
  expect_contains(error_of(parse_importance(none)), "expected at least one entry");
}

TEST(Imatrix, RefusesNumbersThatAreNoImportance) {
  auto bytes = bytes_of_file(golden("imatrix.dat"));
  // The first value of the first entry stands after 4 + 4 + 19 + 4 + 4 bytes; this makes it -2.
  bytes[35 + 3] = 0xc0;
  expect_contains(error_of(parse_importance(bytes)),
                  "'blk.0.attn_q.weight': column 0: expected a number from 0, got -0.5");
}

TEST(Imatrix, ACutOrFlippedBitNeverCrashes) {
  for (const std::string name : {"imatrix.gguf", "imatrix.dat"}) {
    const auto whole = bytes_of_file(golden(name));
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
      const auto parsed = parse_importance(part);
      EXPECT_TRUE(parsed || !parsed.error().message().empty());
    }
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      auto flipped = whole;
      flipped[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
      const auto parsed = parse_importance(flipped);
      EXPECT_TRUE(parsed || !parsed.error().message().empty());
    }
  }
}

}  // namespace
}  // namespace ondol
