// Actions as fenced blocks, for models whose templates know no tools: the answer may end with one block, which is a
// shell command, a Python program, or a call of a tool:
//
//   ```sh            ```python          ```tool
//   ls -l            print(1)           {"name": "read_file", "arguments": {"path": "a.txt"}}
//   ```              ```                ```
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_model.h"

namespace ondol {

enum class ActionForm {
  kCalls,   // tool calls in the model's own form
  kBlocks,  // fenced blocks
};

/// Text, and after it perhaps one block that fits one of the tools. run_shell and run_python are written as such.
Result<GrammarPtr> block_grammar(const std::vector<ToolDefinition>& tools);

/// What the system message says of blocks and tools.
std::string blocks_in_words(const std::vector<ToolDefinition>& tools);

struct BlockAction {
  std::string before;  // the text before the block
  AgentCall call;      // without an id
};
/// The block that ends the answer; none where it has none or the block is not closed.
std::optional<BlockAction> find_block(std::string_view answer, const std::vector<ToolDefinition>& tools);

}  // namespace ondol
