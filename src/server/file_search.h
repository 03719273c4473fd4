// file_search: what a model of the Responses API looks up in vector stores while it answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieve/answer/answer.h"
#include "retrieve/answer/passages.h"
#include "server/vector_store_search.h"
#include "text/chat_format.h"

namespace ondol::server {

/// The tool as a request gives it.
struct FileSearchTool {
  std::vector<std::string> stores;
  VectorSearch options;  // without queries
};

/// `vector_store_ids` and the options; faults are those of `fields`.
FileSearchTool read_file_search(const Fields& fields);

/// The tool as a model knows it.
ToolDefinition file_search_definition();

/// The queries in the arguments of a call; none where they hold none.
std::vector<std::string> file_search_queries(const std::string& arguments);

/// What was found in the course of one response. Pieces are numbered from 1, once each.
class FileSearchFindings {
 public:
  struct Shown {
    std::string text;     // for the model
    json::array results;  // for the client
  };
  /// Adds what one search found, as much as `most_tokens` hold.
  Shown add(std::vector<FoundPiece> pieces, int64_t most_tokens, const TokenCounter& count);

  /// The annotations (file_citation) of a text: places that support its sentences, as far as check.h finds them.
  json::array annotations(std::string_view text) const;

  bool is_empty() const { return passages_.empty(); }

 private:
  size_t number_of(const FoundPiece& piece);
  json::object annotation(const Citation& citation, size_t index) const;

  std::vector<FoundPiece> pieces_;
  std::vector<Passage> passages_;  // of the same numbers
};

/// The text for the model of results that a client sends back.
std::string text_of_results(const json::value* results);

}  // namespace ondol::server
