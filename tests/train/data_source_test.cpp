#include "train/data/data_source.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "tests/train/marked_text.h"
#include "tests/train/small_tokenizer.h"
#include "tests/train/temporary_folder.h"

namespace ondol::train {
namespace {

const std::shared_ptr<const Tokenizer>& tokenizer() {
  static const auto shared = small_tokenizer({"<|im_start|>", "<|im_end|>"}, "<|im_end|>");
  return shared;
}

ChatTemplate chatml() {
  return *ChatTemplate::parse(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
}

Result<DataSource> open(const DataOptions& options, bool with_template = true) {
  return DataSource::open(options, tokenizer(), with_template ? std::optional(chatml()) : std::nullopt);
}

DataOptions options_for(std::vector<std::string> paths, uint32_t sequence_length = 128) {
  DataOptions options;
  options.paths = std::move(paths);
  options.encoder.sequence_length = sequence_length;
  options.n_threads = 2;
  return options;
}

std::string conversations(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    text += R"({"messages": [{"role": "user", "content": "Question )" + std::to_string(i) + "?" +
            std::string(static_cast<size_t>(i * 7 % 40), 'a') + R"("}, {"role": "assistant", "content": "Answer )" +
            std::to_string(i) + ".\"}]}\n";
  }
  return text;
}

std::vector<std::string> texts_of(const PackedSequence& sequence) {
  std::vector<std::string> texts;
  for (const Segment& segment : sequence.segments) texts.push_back(show(segment, *tokenizer()));
  return texts;
}

std::vector<std::string> epoch_of(DataSource& source) {
  std::vector<std::string> texts;
  const auto sequences = source.next(source.sequences_in_epoch());
  EXPECT_TRUE(sequences) << sequences.error().message();
  for (const PackedSequence& sequence : *sequences) {
    EXPECT_LE(sequence.n_tokens(), 128u);
    for (std::string& text : texts_of(sequence)) texts.push_back(std::move(text));
  }
  return texts;
}

TEST(DataSource, EveryExampleComesOnceInAnEpoch) {
  const TemporaryFolder folder;
  folder.write("a.jsonl", conversations(100));
  auto source = open(options_for({folder.path()}));
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->n_examples(), 100u);
  EXPECT_LT(source->sequences_in_epoch(), 100u);
  const auto first = epoch_of(*source), second = epoch_of(*source);
  EXPECT_EQ(first.size(), 100u);
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set(first.begin(), first.end()), std::set(second.begin(), second.end()));
  EXPECT_TRUE(
      std::find(first.begin(), first.end(),
                "<|im_start|>user\nQuestion 0?<|im_end|>\n<|im_start|>assistant\n\u27E6Answer 0.<|im_end|>\u27E7") !=
      first.end());
}

TEST(DataSource, DependsOnTheSeedAndNotOnThreads) {
  const TemporaryFolder folder;
  DataOptions options = options_for({folder.write("a.jsonl", conversations(60))});
  auto one = open(options);
  options.n_threads = 1;
  auto other = open(options);
  options.seed = 1;
  auto seeded = open(options);
  const auto expected = epoch_of(*one);
  EXPECT_EQ(expected, epoch_of(*other));
  EXPECT_NE(expected, epoch_of(*seeded));
}

TEST(DataSource, GoesOnExactlyWhereItWas) {
  const TemporaryFolder folder;
  const DataOptions options = options_for({folder.write("a.jsonl", conversations(60))});
  auto source = open(options);
  const size_t n = source->sequences_in_epoch();
  for (const size_t done : {size_t{0}, size_t{3}, n - 1, n, n + 2, 2 * n + 1}) {
    auto before = open(options), after = open(options);
    ASSERT_TRUE(before->next(done));
    const auto result = after->seek(before->position());
    ASSERT_TRUE(result) << result.error().message();
    const auto a = before->next(n + 1), b = after->next(n + 1);
    for (size_t i = 0; i <= n; ++i) EXPECT_EQ(texts_of((*a)[i]), texts_of((*b)[i])) << done << ' ' << i;
  }
}

TEST(DataSource, APositionOfOtherDataIsRefused) {
  const TemporaryFolder folder;
  DataOptions options = options_for({folder.write("a.jsonl", conversations(60))});
  const DataPosition position = open(options)->position();
  options.seed = 7;
  EXPECT_FALSE(open(options)->seek(position));
  options = options_for({folder.write("b.jsonl", conversations(61))});
  EXPECT_FALSE(open(options)->seek(position));
  auto same = open(options_for({folder.path() + "/a.jsonl"}));
  EXPECT_TRUE(same->seek(position));
  EXPECT_FALSE(same->seek({0, 1'000'000, position.data}));
}

TEST(DataSource, ValidationExamplesAreNeverTrainedOn) {
  const TemporaryFolder folder;
  DataOptions options = options_for({folder.write("a.jsonl", conversations(300))});
  options.validation_fraction = 0.2;
  auto source = open(options);
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_NEAR(static_cast<double>(source->statistics().n_validation_examples), 60, 30);
  EXPECT_EQ(source->n_examples() + source->statistics().n_validation_examples, 300u);
  std::set<std::string> kept;
  for (uint64_t i = 0; i < source->n_validation_sequences(); ++i) {
    for (const std::string& text : texts_of(*source->validation_sequence(i))) kept.insert(text);
  }
  EXPECT_EQ(kept.size(), source->statistics().n_validation_examples);
  for (const std::string& text : epoch_of(*source)) EXPECT_FALSE(kept.contains(text));
  // The same examples are kept when others join them, whatever the seed.
  options.seed = 9;
  options.paths = {folder.write("b.jsonl", conversations(310))};
  auto larger = open(options);
  std::set<std::string> kept_then;
  for (uint64_t i = 0; i < larger->n_validation_sequences(); ++i) {
    for (const std::string& text : texts_of(*larger->validation_sequence(i))) kept_then.insert(text);
  }
  EXPECT_TRUE(std::includes(kept_then.begin(), kept_then.end(), kept.begin(), kept.end()));
}

TEST(DataSource, AFractionOfFewKeepsOne) {
  const TemporaryFolder folder;
  DataOptions options = options_for({folder.write("a.jsonl", conversations(4))});
  options.validation_fraction = 1e-9;
  auto source = open(options);
  EXPECT_EQ(source->statistics().n_validation_examples, 1u);
  EXPECT_EQ(source->n_examples(), 3u);
}

TEST(DataSource, ValidationFilesOfTheirOwn) {
  const TemporaryFolder folder;
  DataOptions options = options_for({folder.write("a.jsonl", conversations(20))});
  options.validation_paths = {folder.write("v.jsonl", conversations(5))};
  auto source = open(options);
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->n_examples(), 20u);
  EXPECT_EQ(source->statistics().n_validation_examples, 5u);
  EXPECT_GE(source->n_validation_sequences(), 1u);
  options.validation_paths = {folder.write("w.jsonl", R"({"prompt": "p", "chosen": "c", "rejected": "r"})")};
  EXPECT_FALSE(open(options));
}

TEST(DataSource, TextsAndConversationsAreMixed) {
  const TemporaryFolder folder;
  const std::string texts = "{\"text\": \"One text.\"}\n{\"text\": \"Another text.\"}\n";
  const std::string mixed = folder.write("a.jsonl", conversations(3) + texts + conversations(1));
  auto source = open(options_for({mixed, folder.write("b.txt", "A plain text.")}));
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->n_examples(), 7u);
  EXPECT_EQ(source->statistics().format, "messages and text");
  const std::vector<std::string> found = epoch_of(*source);
  ASSERT_EQ(found.size(), 7u);
  const auto count = [&](const std::string& part) {
    return std::count_if(found.begin(), found.end(), [&](const std::string& text) { return text.find(part) != std::string::npos; });
  };
  EXPECT_EQ(count("Question"), 4);
  EXPECT_EQ(count("text"), 3);
}

TEST(DataSource, LongExamplesAreCutAndCounted) {
  const TemporaryFolder folder;
  const std::string lines = conversations(5) +
                            R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": ")" +
                            std::string(2000, 'x') + "\"}]}\n" + R"({"messages": [{"role": "user", "content": ")" +
                            std::string(2000, 'x') + R"("}, {"role": "assistant", "content": "never seen"}]})";
  DataOptions options = options_for({folder.write("a.jsonl", lines)});
  auto source = open(options);
  EXPECT_EQ(source->statistics().n_cut, 2u);
  EXPECT_EQ(source->statistics().n_without_targets, 1u);
  EXPECT_EQ(source->n_examples(), 6u);
  options.encoder.overlong = Overlong::kLeaveOut;
  source = open(options);
  EXPECT_EQ(source->statistics().n_left_out, 2u);
  EXPECT_EQ(source->n_examples(), 5u);
}

TEST(DataSource, PreferencesStayTogether) {
  const TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 30; ++i) {
    lines += R"({"prompt": "p)" + std::to_string(i) + R"(", "chosen": "good", "rejected": "bad"})" + "\n";
  }
  for (const bool with_template : {true, false}) {
    auto source = open(options_for({folder.write("a.jsonl", lines)}), with_template);
    ASSERT_TRUE(source) << source.error().message();
    const auto sequences = source->next(source->sequences_in_epoch());
    size_t n_pairs = 0;
    for (const PackedSequence& sequence : *sequences) {
      ASSERT_EQ(sequence.segments.size() % 2, 0u);
      for (size_t i = 0; i < sequence.segments.size(); i += 2, ++n_pairs) {
        const Segment &chosen = sequence.segments[i], &rejected = sequence.segments[i + 1];
        EXPECT_EQ(chosen.role, SegmentRole::kChosen);
        EXPECT_EQ(rejected.role, SegmentRole::kRejected);
        const std::string good = show(chosen, *tokenizer()), bad = show(rejected, *tokenizer());
        const size_t at = good.find("\u27E6good<|im_end|>\u27E7");
        ASSERT_NE(at, std::string::npos) << good;
        EXPECT_EQ(bad, good.substr(0, at) + "\u27E6bad<|im_end|>\u27E7");
      }
    }
    EXPECT_EQ(n_pairs, 30u);
  }
}

TEST(DataSource, WindowsCoverTextsAndKeepParagraphs) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += "Paragraph " + std::to_string(i) + " has a few words, \uC628\uB3CC\uC740 \uB530\uB73B\uD558\uB2E4.\n\n";
  }
  folder.write("a.txt", text);
  folder.write("b.md", "# Title\r\n\r\nShort.\r\n");
  folder.write("c/d.txt", std::string(3000, 'x'));
  auto source = open(options_for({folder.path()}), false);
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->statistics().n_files, 3u);
  std::set<std::string> seen;
  size_t n_ends = 0, n_bytes = 0;
  for (std::string one : epoch_of(*source)) {
    const size_t open_mark = one.find("\u27E6");
    ASSERT_NE(open_mark, std::string::npos);
    one.erase(open_mark, 3);
    one.erase(one.size() - 3);
    n_ends += one.ends_with("<|im_end|>") ? 1 : 0;
    if (one.ends_with("<|im_end|>")) one.erase(one.size() - 10);
    EXPECT_TRUE(!one.starts_with("Paragraph") || one.ends_with("\n\n")) << one;
    n_bytes += one.size();
    const bool is_of_x = one.find_first_not_of('x') == std::string::npos;
    EXPECT_TRUE(seen.insert(one).second || is_of_x) << one;
  }
  EXPECT_EQ(n_ends, 3u);
  EXPECT_EQ(n_bytes, text.size() + 3000 + std::string("# Title\n\nShort.\n").size());
}

TEST(DataSource, ErrorsNameFileAndLine) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.jsonl", conversations(2) + "{\"messages\": []}\n");
  const auto source = open(options_for({path}));
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message(),
            path + ":3: 'messages': expected a message of the assistant to learn from, got none");
  const std::string broken = folder.write("b.jsonl", conversations(1) + "{\"messages\": [}\n");
  EXPECT_NE(open(options_for({broken})).error().message().find(broken + ":2: line 1, column 15"), std::string::npos);
  const std::string pair = R"({"prompt": "p", "chosen": "c", "rejected": "r"})";
  const std::string mixed = folder.write("c.jsonl", conversations(1) + pair + "\n");
  EXPECT_NE(open(options_for({mixed})).error().message().find(mixed + ":2: expected messages"), std::string::npos);
  const std::string pairs = folder.write("d.jsonl", pair + "\n");
  EXPECT_NE(open(options_for({pairs, folder.write("e.txt", "x")})).error().message().find("got a plain text"),
            std::string::npos);
  EXPECT_NE(open(options_for({path}), false).error().message().find("chat template"), std::string::npos);
}

TEST(DataSource, ChangedFilesAreNoticed) {
  const TemporaryFolder folder;
  auto source = open(options_for({folder.write("a.jsonl", conversations(20))}));
  folder.write("a.jsonl", std::string(10'000, ' '));
  EXPECT_FALSE(source->next(source->sequences_in_epoch()));
}

}  // namespace
}  // namespace ondol::train
