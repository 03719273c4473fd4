// ToolPicker: which of many tools a model is shown. Small models break when they are offered more than a handful, so
// the few whose names and descriptions fit the task best are found, by BM25 over the terms of retrieve/terms.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieve/terms.h"
#include "text/chat_format.h"

namespace ondol {

class ToolPicker {
 public:
  /// In the order of their importance, which decides where words do not.
  explicit ToolPicker(const std::vector<const ToolDefinition*>& tools);

  struct Scored {
    size_t tool = 0;  // index
    double score = 0;
  };
  /// All tools, the best first. Not from several threads at once.
  std::vector<Scored> rank(std::string_view query);

  /// The tool that the task lacks among those that are offered: it fits the task, and clearly better than any of them.
  std::optional<size_t> missing(std::string_view query, const std::vector<size_t>& offered);

  /// Up to `most` tools for the task, in ascending order of their indices. What was offered before stays while none is
  /// missing, so that prompts go on beginning alike.
  /// `used` are indices of tools that were called, which stay whatever happens.
  std::vector<size_t> pick(std::string_view query, size_t most, const std::vector<size_t>& offered,
                           const std::vector<size_t>& used);

 private:
  std::vector<std::string> terms_of(std::string_view text);
  double rarity(int n_tools) const;

  TermReader reader_;
  std::vector<std::unordered_map<std::string, int>> counts_;  // per tool
  std::vector<double> lengths_;
  double mean_length_ = 1;
  std::unordered_map<std::string, int> n_tools_with_;
};

}  // namespace ondol
