// Calls written as a header that holds the name, then the arguments as JSON.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/chat_format/dialect.h"
#include "text/chat_format/loose_json.h"

namespace ondol::chat_format {

struct NamedCallStyle {
  std::string block_begin = "";  // around all calls, where it stands
  std::string block_end = "";
  std::string call_begin;                // the header follows it
  std::string header_before = "";        // what is to be written in the header before the name,
  std::string header_number = "";        // and after it, with a number behind it,
  std::string header_id = "";            // or, if the model likes, with an id behind it
  std::vector<std::string> header_ends;  // markers that end the header; the first is the one to write
  bool brace_ends_header = false;        // an opening brace does, too
  bool fence = false;                    // arguments stand between ```json and ```
  std::string call_end = "";             // after the arguments
  /// Finds name and id in a header; null: the header is the name.
  void (*split)(std::string_view header, std::string& name, std::string& id) = nullptr;
  LooseJsonOptions arguments = {};  // how they are written, where not as JSON,
  /// and the grammar of such arguments.
  Result<GrammarBuilder::Part> (*write_arguments)(CallGrammar& context, const ToolDefinition& tool) = nullptr;
  bool in_prompt = false;           // the prompt ends with call_begin: an answer begins with a header
  std::string content_header = "";  // a header that content follows
};

std::shared_ptr<const CallSyntax> named_calls(NamedCallStyle style);

}  // namespace ondol::chat_format
