// The Berkeley function calling leaderboard's questions (version 4), one JSON object a line:
//
//   BFCL_v4_<category>.json                  {"id", "question": [[messages]], "function": [definitions]}
//   possible_answer/BFCL_v4_<category>.json  {"id", "ground_truth": [{name: {parameter: [values that are right]}}]}
//
// Its types are those of several languages ("dict", "ArrayList", ...); models get JSON Schema, and names without dots.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/chat_format.h"

namespace ondol {

enum class BfclLanguage { kPython, kJava, kJavaScript };

/// What must come of a question.
enum class BfclKind {
  kOneCall,    // simple: the only function
  kOneOfMany,  // multiple: the right one of several
  kCalls,      // parallel: several calls, in any order
  kNoCall,     // irrelevance
  kSomeCall,   // relevance: any call
};

struct BfclCategory {
  std::string_view name;  // "simple_python"
  BfclKind kind = BfclKind::kOneCall;
  BfclLanguage language = BfclLanguage::kPython;
};

/// All that are known, in the leaderboard's order.
const std::vector<BfclCategory>& bfcl_categories();
/// Error: the names that there are.
Result<BfclCategory> find_bfcl_category(std::string_view name);

struct BfclCase {
  std::string id;
  json::array messages;
  json::array functions;  // as the file has them
  json::array answers;    // ground_truth; empty where nothing but a call or none is asked for
};

/// The file of answers is read where the kind needs one. Errors name file and line.
Result<std::vector<BfclCase>> read_bfcl(const std::string& folder, const BfclCategory& category);

/// A function's name as models get it: with underscores for dots.
std::string bfcl_tool_name(std::string_view function);

/// The functions as models get them. For Java and JavaScript, every parameter is a text in that language's notation.
std::vector<ToolDefinition> bfcl_tools(const json::array& functions, BfclLanguage language);

}  // namespace ondol
