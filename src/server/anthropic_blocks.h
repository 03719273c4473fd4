// AnthropicBlocks: an answer as a list of content blocks, one open at a time, in the steps in which they are streamed.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "text/chat_format.h"

namespace ondol::server {

class AnthropicBlocks {
 public:
  struct Step {
    enum class Kind { kStart, kDelta, kStop };
    Kind kind;
    int index;          // of the block
    json::object what;  // the block, or the delta
  };

  std::vector<Step> push(const AnswerDelta& delta);
  std::vector<Step> finish();

 private:
  enum class Open { kNone, kThinking, kText, kTool };

  void open(Open kind, json::object block, std::vector<Step>& steps);
  void close(std::vector<Step>& steps);
  void push_text(const std::string& text, std::vector<Step>& steps);

  Open open_ = Open::kNone;
  int n_blocks_ = 0;
  std::string thinking_;
  std::string held_;  // white space, of which nothing comes unless words follow
};

/// The blocks of a whole answer, from its steps.
class AnthropicContent {
 public:
  void apply(std::vector<AnthropicBlocks::Step> steps);
  json::array take() { return std::move(blocks_); }

 private:
  json::array blocks_;
  std::string arguments_;  // of the open call
};

}  // namespace ondol::server
