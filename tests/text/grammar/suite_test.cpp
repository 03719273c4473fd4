// The official JSON Schema test suite, drafts 7 and 2020-12: no document that it calls valid is masked away, and none
// that it calls invalid is let through. Schemas may be refused by name.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/files.h"
#include "base/random.h"
#include "tests/text/grammar/json_text.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/matcher.h"
#include "text/grammar/token_mask.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;
using grammar_tests::accepts;
using grammar_tests::python_text;

struct Group {
  std::string name;  // "draft7/optional/format/uri.json / validation of URIs"
  json::value schema;
  json::array tests;
};

/// Every group of the suite, in the order of their names; draft 7's schemas name their dialect.
std::vector<Group> read_suite() {
  std::vector<Group> groups;
  const fs::path root = fs::path(ONDOL_SHARED_DATA) / "suites/json-schema";
  std::set<fs::path> files;
  for (const char* draft : {"draft7", "draft2020-12"}) {
    if (!fs::exists(root / draft)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / draft)) {
      if (entry.path().extension() == ".json") files.insert(entry.path());
    }
  }
  for (const fs::path& file : files) {
    const std::string name = fs::relative(file, root).string();
    const json::value content = *parse_json(*read_file(file.string()));
    for (const json::value& group : content.get_array()) {
      json::value schema = group.at("schema");
      if (name.starts_with("draft7") && schema.is_object() && !schema.get_object().contains("$schema")) {
        schema.get_object()["$schema"] = "http://json-schema.org/draft-07/schema#";
      }
      groups.push_back({name + " / " + std::string(group.at("description").get_string()), std::move(schema),
                        group.at("tests").get_array()});
    }
  }
  return groups;
}

/// Why a document may be let through or masked although the suite says otherwise; "" if it may not.
std::string excuse(const std::string& name, bool valid) {
  const auto is = [&](std::string_view file) { return name.find(file) != std::string::npos; };
  // There a format is a remark; here it is held to.
  if (valid) return name.starts_with("draft2020-12/format.json") ? "formats are held to" : "";
  if (is("/optional/content.json")) return "the content of strings is a remark, as in draft 2020-12";
  if (is("/format/hostname.json") && is("punycode")) return "punycode is not decoded";
  if (is("/format/idn-hostname.json")) return "idn-hostname is taken as a remark";
  if (is("/format/regex.json") || is("/format/ecmascript-regex.json")) return "regex is taken as a remark";
  return "";
}

TEST(JsonSchemaSuite, ValidDocumentsAndNoOthers) {
  const std::vector<Group> groups = read_suite();
  if (groups.empty()) GTEST_SKIP() << "the JSON Schema test suite is absent: " << ONDOL_SHARED_DATA;
  std::map<std::string, int> refused;
  std::map<std::string, int> excused;
  int n_valid = 0;
  int n_invalid = 0;
  for (const Group& group : groups) {
    const auto made = grammar_from_json_schema(group.schema);
    const bool none = !made && made.error().message() == "grammar: no text matches it";
    if (!made && !none) {
      const std::string& message = made.error().message();
      ASSERT_TRUE(message.starts_with("schema: #")) << group.name << ": " << message;
      const std::string place = message.substr(0, message.find(": ", 8));
      ++refused[place.substr(place.rfind('/') + 1)];
      continue;
    }
    const auto compact = grammar_from_json_schema(group.schema, {.compact = true});
    for (const json::value& test : group.tests) {
      const bool valid = test.at("valid").get_bool();
      for (const bool spaces : {true, false}) {
        const std::string text = python_text(test.at("data"), spaces);
        const bool accepted = made && accepts(*made, text);
        EXPECT_EQ(accepted, compact && accepts(*compact, text)) << group.name << ": " << text;
        ++(valid ? n_valid : n_invalid);
        const std::string reason = accepted == valid ? "" : excuse(group.name, valid);
        if (!reason.empty()) {
          ++excused[reason];
          continue;
        }
        EXPECT_EQ(accepted, valid) << group.name << ": " << text << "\n" << json::serialize(group.schema);
      }
    }
  }
  for (const auto& [keyword, n] : refused) std::printf("refused for %s: %d\n", keyword.c_str(), n);
  for (const auto& [reason, n] : excused) std::printf("%s: %d texts\n", reason.c_str(), n);
  std::printf("%zu schemas, %d valid and %d invalid texts\n", groups.size(), n_valid, n_invalid);
  // The numbers of the suite as it was when this was written, so that refusals do not grow unnoticed.
  int n_refused = 0;
  for (const auto& [keyword, n] : refused) n_refused += n;
  EXPECT_LE(n_refused, 67);
}

/// A text that the masks allow, token by token, drawn at random; "" if it got too long.
std::string random_text(const GrammarPtr& grammar, const std::shared_ptr<const MaskVocabulary>& vocabulary,
                        const Tokenizer& tokenizer, Random& random) {
  const auto constraint = constrain(grammar, vocabulary);
  std::string text;
  for (int n_tokens = 0; n_tokens < 400; ++n_tokens) {
    const TokenSet* allowed = constraint->allowed();
    std::vector<TokenId> all;
    std::vector<TokenId> closing;
    for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
      if (allowed != nullptr && !allowed->contains(id)) continue;
      all.push_back(id);
      const std::string piece = tokenizer.piece(id);
      if (tokenizer.ends_generation(id) || piece == "\"" || piece == "}" || piece == "]" || piece == ",") {
        closing.push_back(id);
      }
    }
    const double to_the_end = n_tokens < 30 ? 0.15 : 0.6;
    const auto& from = !closing.empty() && random.uniform() < to_the_end ? closing : all;
    if (from.empty()) return "";
    const TokenId token = from[static_cast<size_t>(random.uniform() * static_cast<double>(from.size()))];
    if (tokenizer.ends_generation(token)) return text;
    text += tokenizer.piece(token);
    constraint->accept(token);
  }
  return "";
}

/// Writes what random walks through masks give, one {"schema", "text"} a line, for tools/check_generated_json.py.
TEST(JsonSchemaSuite, WriteRandomTexts) {
  const char* path = std::getenv("ONDOL_RANDOM_TEXTS");
  if (path == nullptr) GTEST_SKIP() << "ONDOL_RANDOM_TEXTS names no file";
  const auto tokenizer = grammar_tests::make_tokenizer(
      {"\": ", "\":",  "\", \"", ", ",           "{\"",          "\"}",          "}}",
       "[]",   "{}",   "true",   "false",        "null",         "foo",          "bar",
       "ba",   "oo",   "10",     "00",           "12",           ".5",           "99",
       "e+",   "\\u",  "\\\"",   "\xED\x95",     "\xED\x95\x9C", "\xEA\xB5\xAD", "\xF0\x9F\x98",
       "\\n",  "\n  ", "2026-",  "@example.com", "http://",      "::1"});
  const auto vocabulary = MaskVocabulary::create(tokenizer);
  std::ofstream out(path);
  Random random(7);
  for (const Group& group : read_suite()) {
    // As the specification has them, and as the server generates them.
    const auto made = grammar_from_json_schema(group.schema);
    const auto served =
        grammar_from_json_schema(group.schema, {.compact = true, .closed = true, .plain_numbers = true});
    if (!made) continue;
    for (int n = 0; n < 12; ++n) {
      const auto& grammar = n < 8 || !served ? made : served;
      const std::string text = random_text(*grammar, vocabulary, *tokenizer, random);
      if (!text.empty()) out << json::object{{"name", group.name}, {"schema", group.schema}, {"text", text}} << "\n";
    }
  }
}

}  // namespace
}  // namespace ondol
