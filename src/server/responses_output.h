// ResponseOutput: an answer as the output items of a response, and the events that tell of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/answer_writer.h"
#include "server/responses_tools.h"

namespace ondol::server {

class ResponseOutput {
 public:
  /// `fields` lacks the type and the sequence number.
  using Emit = std::function<void(std::string_view type, json::object fields)>;

  /// `tools` must live longer.
  ResponseOutput(const ResponseTools& tools, bool wants_summary, Emit emit);

  void delta(const AnswerDelta& delta);
  void token(const TokenReport& report);
  /// Tells of the text that has come with the last token.
  void flush();
  /// `annotations`: of the message that is open.
  void end(FinishReason reason, json::array annotations = {});

  // Calls that this server answers. What the model calls in one go is a round.

  /// Those of this round.
  const std::vector<HostedCall>& hosted_calls() const { return hosted_calls_; }
  /// The calls of a round are shown as completed when this was called for each.
  void ran(const HostedCall& call, const HostedResult& result);
  /// Whether the client must answer a call of this round, or approve one.
  bool has_calls() const { return has_calls_; }
  /// The text of the message that is open.
  std::string message() const { return open_ == Open::kMessage ? text_ + pending_text_ : std::string(); }
  /// The model goes on with what came of them.
  void begin_round();

  // Before the model begins.

  /// The tools of an MCP server are asked for: the item that is to hold them.
  size_t begin_listing(const std::string& label);
  /// With tools, or with what went wrong.
  void end_listing(size_t item, const json::array& tools, const std::string& error);
  /// A call of such a tool that was approved: it is to be run, and ran() called. `tool`: as the model knows it.
  HostedCall begin_approved(const std::string& tool, const std::string& arguments, const std::string& request_id);

  /// The items so far; the last may be unfinished.
  const json::array& items() const { return items_; }

 private:
  enum class Open { kNothing, kReasoning, kMessage, kCall };

  void open(Open kind, json::object item);
  void open_message();
  void open_reasoning();
  void open_call(const AnswerDelta& delta);
  void close(std::string_view status);
  void close_message();
  void close_reasoning();
  void close_call();
  void open_hosted(const std::string& name);
  void close_hosted(bool is_whole);
  void close_search();
  void close_code();
  void close_remote();
  void close_approval_request();
  void add_content(const std::string& text);
  void add_reasoning(const std::string& text);
  void emit_in_item(std::string_view type, json::object fields);
  void emit_part(std::string_view type, json::object part);
  json::object& item() { return items_.back().as_object(); }

  const ResponseTools& tools_;
  const bool wants_summary_;
  const Emit emit_;
  json::array items_;
  Open open_ = Open::kNothing;
  bool is_custom_ = false;                   // the open call
  ToolRunner runner_ = ToolRunner::kClient;  // of the open call
  std::string tool_;                         // of the open call: as the model knows it
  bool must_ask_ = false;                    // the open call: it has no item before it is whole
  std::string text_;                         // of the open item: content, reasoning or arguments
  std::string pending_text_;                 // of it: not yet told
  std::string blank_;                        // content so far that is only white space, while no message is open
  json::array logprobs_;                     // of the open message
  json::array pending_logprobs_;
  json::array annotations_;  // of the open message
  bool has_answer_ = false;  // a message or a call, in this round
  bool has_calls_ = false;
  std::vector<HostedCall> hosted_calls_;
};

}  // namespace ondol::server
