#include "server/file_search.h"

#include <algorithm>

#include <fmt/format.h>

#include "retrieve/answer/check.h"
#include "retrieve/answer/generated_claims.h"
#include "retrieve/sentences.h"

namespace ondol::server {
namespace {

constexpr size_t kMostStores = 16;
constexpr size_t kMostQueries = 3;
constexpr size_t kMostQueryCharacters = 100;
constexpr size_t kMostMarkerBytes = 40;

constexpr const char* kDescription =
    "Searches the user's files. Write short questions or key words, in the language of the files. What is found comes "
    "as numbered passages: answer from them, and put the number of the passage behind each sentence, like [1].";
constexpr const char* kNothing = "Nothing was found.";

/// Where markers like [1] that follow at once end.
size_t end_with_markers(std::string_view text, size_t end) {
  while (true) {
    const size_t open = text.find_first_not_of(" ", end);
    if (open == text.npos || text[open] != '[' || open + 1 >= text.size()) return end;
    const size_t close = text.substr(0, open + kMostMarkerBytes).find(']', open);
    if (close == text.npos || text[open + 1] < '0' || text[open + 1] > '9') return end;
    end = close + 1;
  }
}

/// The sentences of an answer, each with the markers behind it.
std::vector<ByteRange> marked_sentences(std::string_view text) {
  std::vector<ByteRange> marked;
  for (ByteRange sentence : sentences_of(text)) {
    if (!marked.empty()) sentence.start = std::max(sentence.start, marked.back().end);
    if (sentence.start >= sentence.end) continue;
    marked.push_back({sentence.start, end_with_markers(text, sentence.end)});
  }
  return marked;
}

size_t n_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

json::object result_of(const FoundPiece& piece) {
  json::object result = {{"file_id", piece.file.id}, {"filename", piece.file.name}, {"score", piece.score}};
  result["text"] = piece.hit.text;
  result["attributes"] = piece.file.attributes;
  json::object place = shown_place(piece.hit);
  place["vector_store_id"] = piece.store;
  result["ondol"] = std::move(place);
  return result;
}

}  // namespace

FileSearchTool read_file_search(const Fields& fields) {
  FileSearchTool tool;
  if (fields.array("vector_store_ids") != nullptr) tool.stores = fields.texts("vector_store_ids");
  if (tool.stores.empty() || tool.stores.size() > kMostStores) {
    fields.fail("vector_store_ids", fmt::format("{}: expected an array of 1 to {} ids of vector stores",
                                                fields.path_of("vector_store_ids"), kMostStores));
  }
  tool.options = read_search_options(fields);
  return tool;
}

ToolDefinition file_search_definition() {
  ToolDefinition tool;
  tool.name = "file_search";
  tool.description = kDescription;
  tool.strict = true;
  const json::object query = {{"type", "string"}, {"minLength", 1}, {"maxLength", kMostQueryCharacters}};
  const json::object queries = {{"type", "array"}, {"items", query}, {"minItems", 1}, {"maxItems", kMostQueries}};
  json::object properties;
  properties["queries"] = queries;
  json::object parameters = {{"type", "object"}, {"required", json::array{"queries"}}};
  parameters["properties"] = std::move(properties);
  parameters["additionalProperties"] = false;
  tool.parameters = std::move(parameters);
  return tool;
}

std::vector<std::string> file_search_queries(const std::string& arguments) {
  std::vector<std::string> queries;
  const auto parsed = parse_json(arguments);
  const json::value* list = parsed ? find_member(*parsed, "queries") : nullptr;
  if (list == nullptr || !list->is_array()) return queries;
  for (const json::value& query : list->get_array()) {
    const bool is_one = query.is_string() && !query.get_string().empty() && queries.size() < kMostQueries;
    if (is_one) queries.emplace_back(query.get_string());
  }
  return queries;
}

size_t FileSearchFindings::number_of(const FoundPiece& piece) {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (pieces_[i].store == piece.store && pieces_[i].hit.chunk == piece.hit.chunk) return i + 1;
  }
  pieces_.push_back(piece);
  passages_.push_back({piece.hit, static_cast<int>(pieces_.size()), sentences_of(piece.hit.text)});
  return pieces_.size();
}

FileSearchFindings::Shown FileSearchFindings::add(std::vector<FoundPiece> pieces, int64_t most_tokens,
                                                  const TokenCounter& count) {
  std::vector<Passage> passages;
  for (const FoundPiece& piece : pieces) passages.push_back({piece.hit, 0, sentences_of(piece.hit.text)});
  fit_passages(passages, most_tokens, count);
  Shown shown;
  for (size_t i = 0; i < passages.size(); ++i) {
    pieces[i].hit = passages[i].hit;
    const size_t number = number_of(pieces[i]);
    shown.text += passage_text(passages[i], number) + "\n";
    shown.results.push_back(result_of(pieces[i]));
  }
  if (shown.text.empty()) shown.text = kNothing;
  return shown;
}

/// Empty: the citation is of no piece.
json::object FileSearchFindings::annotation(const Citation& citation, size_t index) const {
  const auto at = std::find_if(pieces_.begin(), pieces_.end(), [&](const FoundPiece& piece) {
    return piece.hit.path == citation.path && piece.hit.start <= citation.start && citation.end <= piece.hit.end;
  });
  if (at == pieces_.end()) return {};
  json::object annotation = {{"type", "file_citation"}, {"index", index}};
  annotation["file_id"] = at->file.id;
  annotation["filename"] = at->file.name;
  json::object place = {{"vector_store_id", at->store}, {"start", citation.start}, {"end", citation.end}};
  place["page"] = citation.page > 0 ? json::value(citation.page) : json::value();
  place["quote"] = citation.quote;
  annotation["ondol"] = std::move(place);
  return annotation;
}

json::array FileSearchFindings::annotations(std::string_view text) const {
  json::array all;
  if (passages_.empty()) return all;
  ClaimChecker checker(passages_);
  for (const ByteRange& sentence : marked_sentences(text)) {
    const size_t index = n_characters(text.substr(0, sentence.end));
    for (const GeneratedClaim& said : read_claims(sentence.of(text))) {
      const auto claim = checker.check(said);
      if (!claim) continue;
      for (const Citation& citation : claim->citations) {
        json::object made = annotation(citation, index);
        if (!made.empty()) all.push_back(std::move(made));
      }
    }
  }
  return all;
}

std::string text_of_results(const json::value* results) {
  std::string text;
  if (results == nullptr || !results->is_array()) return "What was found is not kept.";
  size_t number = 0;
  for (const json::value& result : results->get_array()) {
    text += fmt::format("[{}] ({}) {}\n", ++number, string_or(result, "filename", ""),
                        one_line(string_or(result, "text", "")));
  }
  return text.empty() ? kNothing : text;
}

}  // namespace ondol::server
