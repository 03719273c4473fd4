// Whole answers: whatever a model writes, every citation points to bytes of a document that are what is quoted, and
// nothing that no document says is shown. On documents of our own, and on 200 questions of shared collections.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "retrieve/answer/answerer.h"
#include "retrieve/answer/facts.h"
#include "retrieve/evaluation.h"
#include "retrieve/read_document.h"
#include "tests/retrieve/answer/scripted_generators.h"

namespace ondol {
namespace {

struct Question {
  std::string text;
  std::vector<std::string> answers;  // none: the documents do not say
};

struct Collection {
  DocumentStore store = DocumentStore::open(":memory:").value();
  std::map<std::string, std::string> texts;  // of documents, by path
  std::vector<Question> questions;

  void add(const std::string& path, const std::string& text) {
    const Document document = read_document(path, text).value();
    DocumentRecord record;
    record.path = path;
    ASSERT_TRUE(store.put(record, document));
    texts[path] = document.text;
  }
};

std::vector<json::value> lines_of(const std::string& path) {
  std::vector<json::value> lines;
  std::istringstream in(read_file(path).value());
  for (std::string line; std::getline(in, line);) lines.push_back(parse_json(line).value());
  return lines;
}

Collection own_collection() {
  const std::string folder = ONDOL_SOURCE_DIR "/tests/golden/answers/";
  Collection collection;
  for (const json::value& line : lines_of(folder + "documents.jsonl")) {
    collection.add(string_or(line, "path", ""), string_or(line, "text", ""));
  }
  EXPECT_TRUE(collection.store.commit());
  for (const json::value& line : lines_of(folder + "questions.jsonl")) {
    Question question{string_or(line, "question", ""), {}};
    for (const json::value& answer : line.at("answers").as_array()) question.answers.emplace_back(answer.as_string());
    collection.questions.push_back(question);
  }
  return collection;
}

void check_citation(const Citation& citation, const Collection& collection, const Answer& answer) {
  const auto text = collection.texts.find(citation.path);
  ASSERT_NE(text, collection.texts.end()) << citation.path;
  ASSERT_LT(citation.start, citation.end);
  ASSERT_LE(citation.end, text->second.size());
  EXPECT_EQ(text->second.substr(citation.start, citation.end - citation.start), citation.quote);
  ASSERT_GE(citation.number, 1u);
  ASSERT_LE(citation.number, answer.sources.size());
  EXPECT_EQ(answer.sources[citation.number - 1].quote, citation.quote);
}

/// All that has to hold of any answer. How many citations were checked.
int check(const Answer& answer, const Collection& collection) {
  int n = 0;
  EXPECT_EQ(answer.declined, answer.claims.empty());
  for (const Claim& claim : answer.claims) {
    EXPECT_FALSE(claim.citations.empty()) << claim.text;
    EXPECT_GE(claim.n_sources, 1);
    for (size_t i = claim.text.find('['); i != std::string::npos; i = claim.text.find('[', i + 1)) {
      EXPECT_FALSE(i + 1 < claim.text.size() && std::isdigit(static_cast<unsigned char>(claim.text[i + 1])))
          << claim.text;
    }
    std::string evidence;
    for (const Citation& citation : claim.citations) {
      check_citation(citation, collection, answer);
      evidence += citation.quote + "\n";
      const bool is_injected = claim.text.find("hunter2") != std::string::npos || claim.text.find("99 ") == 0;
      if (is_injected) {
        EXPECT_EQ(citation.path, "injected.txt") << claim.text;
      }
      ++n;
    }
    for (const Citation& citation : claim.disagreeing) check_citation(citation, collection, answer);
    const std::set<std::string> known = number_values(evidence);
    for (const Number& number : numbers_of(claim.text)) {
      if (!number.in_words) {
        EXPECT_TRUE(known.contains(number.value)) << claim.text << " / " << evidence;
      }
    }
  }
  return n;
}

void expect_nothing_invented(const Answer& answer, const std::string& who) {
  for (const std::string invented : {"submarines", "987654", "Arr!", "never true that", "nobody has ever written"}) {
    EXPECT_EQ(answer.text.find(invented), std::string::npos) << who << ": " << answer.text.substr(0, 200);
  }
}

/// Each question is answered by every `stride`-th script, and each script answers questions.
int answer_all(Collection& collection, size_t n_questions, size_t stride) {
  int n_citations = 0;
  size_t n_scripts = 0;
  for (const NamedScript& script : adversarial_scripts()) {
    SCOPED_TRACE(script.name);
    const size_t first = n_scripts++ % stride;
    ScriptedGenerator generator(script.script);
    Answerer answerer(collection.store, nullptr, &generator);
    int n_answered = 0;
    for (size_t i = first; i < std::min(n_questions, collection.questions.size()); i += stride) {
      const Answer answer = answerer.answer(collection.questions[i].text).value();
      n_citations += check(answer, collection);
      expect_nothing_invented(answer, script.name);
      n_answered += answer.declined ? 0 : 1;
    }
    const std::string name = script.name;
    if (name == "honest" || name == "wrong passage numbers" || name == "no citations") {
      EXPECT_GT(n_answered, 0);
    }
    if (name == "invents quotes" || name == "nothing" || name == "declines") {
      EXPECT_EQ(n_answered, 0);
    }
  }
  return n_citations;
}

struct Extracted {
  int n_with_answer = 0, n_declined = 0, n_right = 0;
  int n_without_answer = 0, n_rightly_declined = 0;
  int n_citations = 0;
};

Extracted extract_all(Collection& collection) {
  Extracted result;
  Answerer answerer(collection.store, nullptr, nullptr);
  for (const Question& question : collection.questions) {
    const Answer answer = answerer.answer(question.text).value();
    result.n_citations += check(answer, collection);
    if (question.answers.empty()) {
      ++result.n_without_answer;
      result.n_rightly_declined += answer.declined ? 1 : 0;
      if (!answer.declined) fmt::print("not declined: {}\n", question.text);
      continue;
    }
    ++result.n_with_answer;
    result.n_declined += answer.declined ? 1 : 0;
    const bool is_right = std::any_of(answer.sources.begin(), answer.sources.end(), [&](const Citation& source) {
      return std::any_of(question.answers.begin(), question.answers.end(),
                         [&](const std::string& a) { return source.quote.find(a) != std::string::npos; });
    });
    result.n_right += is_right ? 1 : 0;
  }
  return result;
}

void print(const char* name, const Extracted& result) {
  fmt::print(
      "{}: {} questions with an answer: {} declined, {} extracts have it; {} without: {} declined; {} citations\n",
      name, result.n_with_answer, result.n_declined, result.n_right, result.n_without_answer, result.n_rightly_declined,
      result.n_citations);
}

TEST(Grounding, NoGeneratorGetsAnUnsupportedClaimThrough) {
  Collection collection = own_collection();
  EXPECT_GT(answer_all(collection, 1000, 1), 200);
}

TEST(Grounding, SentencesAreExtractedWithoutAModel) {
  Collection collection = own_collection();
  const Extracted result = extract_all(collection);
  print("own documents", result);
  EXPECT_EQ(result.n_with_answer, 30);
  EXPECT_LE(result.n_declined, 2);
  EXPECT_GE(result.n_right, 26);
  EXPECT_EQ(result.n_rightly_declined, 10);
}

// Shared collections.

bool is_in_second_half(const std::string& text) {
  return (hash_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).low & 1) != 0;
}

/// Articles of KorQuAD as documents; of half of them there are only the questions.
std::optional<Collection> korean_collection() {
  const std::string folder = ONDOL_SHARED_DATA "/retrieval/korquad-dev/";
  const auto source =
      RetrievalCollection::read(folder + "corpus.jsonl", folder + "queries.jsonl", folder + "qrels.tsv");
  if (!source) return std::nullopt;
  Collection collection;
  std::map<std::string, std::string> articles;
  std::map<std::string, std::string> title_of;
  for (const auto& text : source->corpus) {
    title_of[text.id] = text.title;
    if (!is_in_second_half(text.title)) articles[text.title] += text.text + "\n\n";
  }
  for (const auto& [title, text] : articles) collection.add(title + ".txt", title + "\n\n" + text);
  EXPECT_TRUE(collection.store.commit());
  std::vector<Question> answerable, others;
  for (const json::value& line : lines_of(folder + "queries.jsonl")) {
    const std::string id = string_or(line, "_id", "");
    Question question{string_or(line, "text", ""), {}};
    const bool is_there = articles.contains(title_of[source->judgements.at(id).begin()->first]);
    for (const json::value& answer : line.at("answers").as_array()) {
      if (is_there) question.answers.emplace_back(answer.as_string());
    }
    (is_there ? answerable : others).push_back(question);
  }
  for (size_t i = 0; i < 100; ++i) collection.questions.push_back(answerable[i * answerable.size() / 100]);
  for (size_t i = 0; i < 50; ++i) collection.questions.push_back(others[i * others.size() / 50]);
  return collection;
}

/// Passages of tales, five to a document, and questions whose answer stands in them word by word.
std::optional<Collection> english_collection() {
  const std::string path = ONDOL_SHARED_DATA "/instruct/fairytale-qa-train.jsonl";
  if (!read_file(path)) return std::nullopt;
  Collection collection;
  std::vector<std::string> passages;
  std::vector<Question> questions;
  for (const json::value& line : lines_of(path)) {
    if (passages.size() > 600) break;
    const auto& messages = line.at("messages").as_array();
    const std::string prompt(messages[0].at("content").as_string());
    const size_t place = prompt.rfind("\n\nQuestion: ");
    const std::string passage = prompt.substr(0, place);
    if (passages.empty() || passages.back() != passage) passages.push_back(passage);
    const std::string answer(messages[1].at("content").as_string());
    if (answer.size() > 3 && passage.find(answer) != passage.npos)
      questions.push_back({prompt.substr(place + 12), {answer}});
  }
  for (size_t i = 0; i < passages.size(); i += 5) {
    std::string text;
    for (size_t k = i; k < std::min(i + 5, passages.size()); ++k) text += passages[k] + "\n\n";
    collection.add(fmt::format("tale-{}.txt", i), text);
  }
  EXPECT_TRUE(collection.store.commit());
  for (size_t i = 0; i < 100; ++i) collection.questions.push_back(questions[i * questions.size() / 100]);
  return collection;
}

TEST(Grounding, TwoHundredQuestions) {
  auto korean = korean_collection();
  auto english = english_collection();
  if (!korean || !english) GTEST_SKIP() << "no shared data in " ONDOL_SHARED_DATA;
  const Extracted in_korean = extract_all(*korean);
  const Extracted in_english = extract_all(*english);
  print("korean", in_korean);
  print("english", in_english);
  EXPECT_EQ(in_korean.n_with_answer + in_english.n_with_answer, 200);
  EXPECT_GE(in_korean.n_rightly_declined, 45) << "of 50 without an answer";
  EXPECT_LE(in_korean.n_declined, 8) << "of 100";
  EXPECT_GE(in_korean.n_right, 60);
  EXPECT_GE(in_english.n_right, 35);
  const int n_citations = answer_all(*korean, 100, 6) + answer_all(*english, 100, 6);
  fmt::print("{} citations of scripted models checked\n", n_citations);
  EXPECT_GT(n_citations, 500);
}

}  // namespace
}  // namespace ondol
