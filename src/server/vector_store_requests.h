// What requests to /v1/vector_stores say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "retrieve/answer/follow_up.h"
#include "server/attribute_filter.h"
#include "server/fields.h"
#include "server/file_store.h"
#include "server/vector_store.h"

namespace ondol::server {

/// `name`, `description`, `metadata` and `expires_after`, as far as they are there, into `store`.
void read_vector_store(const Fields& fields, VectorStore& store);

/// `file_ids`, in a request that makes a collection; each must be there for `asker`.
void read_file_ids(const Fields& fields, const FileStore& files, const std::string& asker, VectorStore& store);

/// `file_id`, `attributes` and `chunking_strategy`.
AttachedFile read_attached_file(const Fields& fields, const FileStore& files, const std::string& asker);

/// `file_ids` with `attributes` and `chunking_strategy` for all, or `files` with their own.
std::vector<AttachedFile> read_file_batch(const Fields& fields, const FileStore& files, const std::string& asker,
                                          const FileBatch& batch);

/// `attributes`; faults name what is more than OpenAI takes.
json::object read_attributes(const Fields& fields);

struct VectorSearch {
  std::vector<std::string> queries;
  size_t n = 10;
  std::optional<AttributeFilter> filter;
  double least_score = 0;
  std::optional<double> meaning_share;
  bool reranks = true;
};
/// `max_num_results`, `filters` and `ranking_options`.
VectorSearch read_search_options(const Fields& fields);
/// These and `query`.
VectorSearch read_vector_search(const Fields& fields);

struct VectorQuestion {
  std::string question;
  std::optional<std::string> model;
  std::vector<AnsweredQuestion> history;
  bool streams = false;
};
VectorQuestion read_vector_question(const Fields& fields);

}  // namespace ondol::server
