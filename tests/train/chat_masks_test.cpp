// What is learned of a conversation, template by template. tests/golden/train/chat_masks.jsonl has, for each case, the
// template (its source, or the name of one of the shared suite), its special tokens, the record, and the expected texts
// with the targets between U+27E6 and U+27E7. They were checked by eye; ONDOL_WRITE_GOLDENS=FILE writes what comes out.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/files.h"
#include "tests/train/marked_text.h"
#include "tests/train/small_tokenizer.h"
#include "train/data/encoder.h"

namespace ondol::train {
namespace {

const std::string kSuite = ONDOL_SHARED_DATA "/suites/chat-templates/";

std::vector<json::value> read_cases() {
  const auto text = read_file(ONDOL_SOURCE_DIR "/tests/golden/train/chat_masks.jsonl");
  EXPECT_TRUE(text);
  std::vector<json::value> cases;
  for (size_t begin = 0; text && begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    if (end > begin) cases.push_back(parse_json(std::string_view(*text).substr(begin, end - begin)).value());
    begin = end + 1;
  }
  return cases;
}

TrainOn train_on_of(const std::string& name) {
  return name == "all" ? TrainOn::kAll : name == "last" ? TrainOn::kLast : TrainOn::kAssistant;
}

/// The texts of a case, or an error in their place.
json::array run(const json::value& entry, const std::string& source) {
  std::vector<std::string> specials;
  for (const json::value& special : entry.at("specials").as_array()) specials.emplace_back(special.as_string());
  const auto tokenizer = small_tokenizer(specials, string_or(entry, "eos", ""), string_or(entry, "bos", ""));
  auto chat_template = ChatTemplate::parse(source);
  EXPECT_TRUE(chat_template) << chat_template.error().message();
  EncoderOptions options;
  options.train_on = train_on_of(string_or(entry, "train_on", "assistant"));
  options.sequence_length = 4096;
  options.now_unix_seconds = *parse_iso_time("2026-01-15T09:30:00");
  auto encoder = Encoder::create(tokenizer, std::move(*chat_template), options);
  EXPECT_TRUE(encoder) << encoder.error().message();
  const auto example = read_example(entry.at("record"), Format::kMessages);
  EXPECT_TRUE(example) << example.error().message();
  const auto encoded = encoder->encode(*example);
  json::array texts;
  if (!encoded) {
    texts.push_back(json::string("error: " + encoded.error().message()));
    return texts;
  }
  for (const Unit& unit : encoded->units) texts.push_back(json::string(show(unit[0], *tokenizer)));
  return texts;
}

TEST(ChatMasks, AreAsExpected) {
  const char* output = std::getenv("ONDOL_WRITE_GOLDENS");
  std::ofstream written;
  if (output != nullptr) written.open(output);
  int n_skipped = 0;
  for (json::value& entry : read_cases()) {
    const std::string name = string_or(entry, "template", "");
    SCOPED_TRACE(name);
    std::string source = string_or(entry, "source", "");
    if (source.empty() && !std::filesystem::exists(kSuite + name)) {
      ++n_skipped;
      continue;
    }
    if (source.empty()) source = *read_file(kSuite + name);
    json::array texts = run(entry, source);
    if (output == nullptr) {
      EXPECT_EQ(json::serialize(texts), json::serialize(entry.at("expected")));
      continue;
    }
    entry.as_object()["expected"] = std::move(texts);
    written << json::serialize(entry) << '\n';
  }
  if (n_skipped > 0) GTEST_SKIP() << n_skipped << " templates are skipped, as " << kSuite << " is absent";
}

/// The parts of the texts that are targets, and those that are not.
std::pair<std::string, std::string> parts_of(const std::vector<MarkedText>& texts) {
  std::pair<std::string, std::string> parts;
  for (const MarkedText& marked : texts) {
    size_t at = 0;
    for (const auto& [begin, end] : marked.targets) {
      EXPECT_LE(at, begin);
      EXPECT_LT(begin, end);
      parts.second += marked.text.substr(at, begin - at) + "\n";
      parts.first += marked.text.substr(begin, end - begin) + "\n";
      at = end;
    }
    parts.second += marked.text.substr(at) + "\n";
  }
  return parts;
}

constexpr const char* kTalk = R"({"messages": [{"role": "user", "content": "Asked once."},
    {"role": "assistant", "content": "Answered once."}, {"role": "user", "content": "Asked twice."},
    {"role": "assistant", "content": "Answered twice."}]})";
constexpr const char* kCalls = R"({"messages": [{"role": "user", "content": "Asked once."},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "abcdef123", "type": "function",
      "function": {"name": "look_up", "arguments": {"word": "Answered"}}}]},
    {"role": "tool", "tool_call_id": "abcdef123", "name": "look_up", "content": "Found."},
    {"role": "assistant", "content": "Answered twice."}],
    "tools": [{"type": "function", "function": {"name": "look_up", "description": "Looks up",
      "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}}}]})";

// This one writes a turn that only calls tools when other messages follow, and not otherwise.
constexpr const char* kCannotEndWithCalls = "NVIDIA-Nemotron-Nano-v2.jinja";

// All of what the assistant says is learned and nothing else, whatever the template.
TEST(ChatMasks, HoldForEveryTemplate) {
  if (!std::filesystem::exists(kSuite)) GTEST_SKIP() << kSuite << " is absent";
  const auto tokenizer = small_tokenizer({"<s>", "</s>"}, "</s>", "<s>");
  int n_with_calls = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSuite)) {
    if (entry.path().extension() != ".jinja") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const ConversationSpans spans(*ChatTemplate::parse(*read_file(entry.path().string())), *tokenizer, 1768469400);
    for (const char* record : {kTalk, kCalls}) {
      const auto example = read_example(*parse_json(record), Format::kMessages);
      ASSERT_TRUE(example) << example.error().message();
      const auto texts = spans.mark(example->exchanges[0], {}, TrainOn::kAssistant);
      if (!texts && texts.error().message().find("hint: a model that calls tools") != std::string::npos) continue;
      if (!texts && entry.path().filename() == kCannotEndWithCalls && record == kCalls) continue;
      EXPECT_TRUE(texts) << texts.error().message();
      if (!texts) continue;
      const auto [learned, given] = parts_of(*texts);
      const bool has_calls = record == kCalls;
      n_with_calls += has_calls ? 1 : 0;
      EXPECT_NE(learned.find(has_calls ? "look_up" : "Answered once."), std::string::npos) << learned;
      EXPECT_NE(learned.find("Answered twice."), std::string::npos) << learned;
      for (const char* foreign : {"Asked", "Found.", "Looks up"}) {
        EXPECT_EQ(learned.find(foreign), std::string::npos) << learned;
      }
      EXPECT_EQ(texts->front().text.find("Answered twice."), texts->front().text.rfind("Answered twice."));
    }
  }
  EXPECT_GT(n_with_calls, 30);
}

}  // namespace
}  // namespace ondol::train
