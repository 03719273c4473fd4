#include "retrieve/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"

namespace ondol {
namespace {

constexpr size_t kDepth = 100;

Result<std::vector<RetrievalCollection::Text>> read_texts(const std::string& path) {
  std::vector<RetrievalCollection::Text> texts;
  const std::string content = ONDOL_TRY(read_file(path));
  int64_t line_number = 0;
  for (size_t start = 0; start < content.size();) {
    const size_t end = std::min(content.find('\n', start), content.size());
    const std::string_view line = std::string_view(content).substr(start, end - start);
    start = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string place = fmt::format("{}:{}", path, line_number);
    const json::value value = ONDOL_TRY(parse_json(line).in(place));
    RetrievalCollection::Text text{string_or(value, "_id", ""), string_or(value, "title", ""),
                                   string_or(value, "text", "")};
    if (text.id.empty()) return Error(place + ": expected an object with \"_id\" and \"text\"");
    texts.push_back(std::move(text));
  }
  return texts;
}

double gain_at(size_t place) {
  return 1 / std::log2(static_cast<double>(place) + 2);
}

struct Judged {
  double ndcg = 0;
  double recall_10 = 0;
  double recall_100 = 0;
  double mrr = 0;
};

Judged judge(const std::vector<std::string>& found, const std::map<std::string, int>& judgements) {
  Judged judged;
  double gained = 0;
  int n_10 = 0, n_100 = 0;
  for (size_t i = 0; i < std::min(found.size(), kDepth); ++i) {
    const auto known = judgements.find(found[i]);
    if (known == judgements.end()) continue;
    ++n_100;
    if (i >= 10) continue;
    ++n_10;
    gained += known->second * gain_at(i);
    if (judged.mrr == 0) judged.mrr = 1 / static_cast<double>(i + 1);
  }
  std::vector<int> best;
  for (const auto& [document, relevance] : judgements) best.push_back(relevance);
  std::sort(best.rbegin(), best.rend());
  double possible = 0;
  for (size_t i = 0; i < std::min<size_t>(best.size(), 10); ++i) possible += best[i] * gain_at(i);
  const auto n = static_cast<double>(judgements.size());
  judged.ndcg = gained / possible;
  judged.recall_10 = n_10 / n;
  judged.recall_100 = n_100 / n;
  return judged;
}

}  // namespace

Result<RetrievalCollection> RetrievalCollection::read(const std::string& corpus, const std::string& queries,
                                                      const std::string& qrels) {
  RetrievalCollection collection;
  collection.corpus = ONDOL_TRY(read_texts(corpus));
  collection.queries = ONDOL_TRY(read_texts(queries));
  std::istringstream lines(ONDOL_TRY(read_file(qrels)));
  int64_t line_number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++line_number;
    std::istringstream fields(line);
    std::string query, document, relevance;
    if (!(fields >> query >> document >> relevance)) continue;
    if (line_number == 1 && query == "query-id") continue;
    const int value = std::atoi(relevance.c_str());
    if (value == 0 && relevance != "0") {
      return Error(fmt::format("{}:{}: expected query-id, corpus-id and a number, got '{}'", qrels, line_number, line));
    }
    if (value > 0) collection.judgements[query][document] = value;
  }
  if (collection.judgements.empty())
    return Error(qrels + ": expected lines of query-id, corpus-id and score, got none");
  return collection;
}

Result<RetrievalScores> evaluate(const RetrievalCollection& collection, const Retriever& retriever) {
  RetrievalScores scores;
  for (const RetrievalCollection::Text& query : collection.queries) {
    const auto judgements = collection.judgements.find(query.id);
    if (judgements == collection.judgements.end()) continue;
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::string> found = ONDOL_TRY(retriever(query.text));
    scores.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Judged judged = judge(found, judgements->second);
    scores.ndcg_10 += judged.ndcg;
    scores.recall_10 += judged.recall_10;
    scores.recall_100 += judged.recall_100;
    scores.mrr_10 += judged.mrr;
    ++scores.n_queries;
  }
  if (scores.n_queries == 0) return Error("expected queries with judgements, got none");
  const auto n = static_cast<double>(scores.n_queries);
  for (double* mean : {&scores.ndcg_10, &scores.recall_10, &scores.recall_100, &scores.mrr_10}) *mean /= n;
  return scores;
}

Result<void> index_corpus(const RetrievalCollection& collection, DocumentStore& store) {
  // Passages that were judged as a whole.
  const ChunkerOptions whole{size_t{1} << 30, size_t{1} << 30};
  for (const RetrievalCollection::Text& text : collection.corpus) {
    Document document;
    const bool has_title = !text.title.empty() && !text.text.starts_with(text.title);
    document.text = has_title ? text.title + "\n" + text.text : text.text;
    document.blocks = {{0, document.text.size()}};
    DocumentRecord record;
    record.path = text.id;
    ONDOL_TRY(store.put(record, document, whole));
    ONDOL_TRY(store.commit_if_large());
  }
  return store.commit();
}

Retriever retriever(DocumentStore& store, const SearchOptions& options, TextEmbedder* embedder) {
  return [&store, options, embedder](const std::string& query) -> Result<std::vector<std::string>> {
    SearchOptions deep = options;
    deep.n = kDepth;
    if (embedder != nullptr) deep.meaning = ONDOL_TRY(embedder->embed_question(query));
    std::vector<std::string> found;
    std::set<std::string> seen;
    for (const Hit& hit : ONDOL_TRY(store.search(query, deep))) {
      if (seen.insert(hit.path).second) found.push_back(hit.path);
    }
    return found;
  };
}

}  // namespace ondol
