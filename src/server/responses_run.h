// ResponseRun: a response of the Responses API while it is made and afterwards: its status, its output, its events, and
// those who wait for them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/answer_run.h"
#include "server/event_writer.h"
#include "server/responses_output.h"
#include "server/responses_request.h"
#include "server/responses_store.h"

namespace ondol::server {

class ResponseRun final : public AnswerWriter, public std::enable_shared_from_this<ResponseRun> {
 public:
  /// `history`: the conversation that it continues. `owner`: who alone may fetch it. `store` keeps it if it is to be.
  ResponseRun(ResponseRequest request, ResponseItems history, std::string owner,
              const std::shared_ptr<ResponseStore>& store);

  const std::string& id() const { return id_; }
  const std::string& owner() const { return owner_; }
  const ResponseRequest& request() const { return request_; }
  bool is_over() const { return is_over_; }
  /// Whether there is a record of its events to replay.
  bool keeps_events() const { return keeps_events_; }

  /// Everything that was said before the answer, and what of it was made in earlier rounds.
  ResponseItems prompt_items() const;
  /// The request for the round that is to come.
  ChatRequest chat() const;
  /// What another response continues. Once it is over.
  ResponseItems conversation() const;
  /// What came with the request, and the output once it is over.
  ResponseItems own_items() const;
  /// The response as it is now.
  json::object response() const;

  /// Sends the response when it is over.
  void answer(ResponderPtr responder);
  /// Sends the events from number `from` on, as they come. One that follows from the start gets an error's own status
  /// where there was no event before.
  void follow(ResponderPtr responder, size_t from);
  /// It is to be made without a client: from now on it is stored, and waits.
  void queue();
  // Calls that this server answers: the model makes them, they are run elsewhere, and another round of the model goes
  // on with what came of them.

  /// Called each time that the model has ended and something was, or is to be, run: from the thread that generates. It
  /// must see to it that begin_round() or finish() is called.
  void set_next(std::function<void()> next);
  /// Before the first round: something is done, and perhaps told, before the model begins.
  void open();
  /// What is told then.
  size_t begin_listing(const std::string& label);
  void end_listing(size_t item, const json::array& tools, const std::string& error);
  HostedCall begin_approved(const std::string& tool, const std::string& arguments, const std::string& request_id);
  /// A tool that only now is known. Does nothing where there is one of this name.
  void add_tool(const ToolDefinition& definition, const ResponseTool& shown);
  bool has_tool(const std::string& name) const;
  ResponseTool tool(const std::string& name) const;

  /// What is to be run now.
  std::vector<HostedCall> hosted_calls() const;
  /// Of the last round: its prompt and what was made of it.
  int n_tokens() const;
  /// How many calls the request still allows.
  int n_calls_left() const;
  /// What came of it. Once for each call.
  void ran(const HostedCall& call, const HostedResult& result);
  /// Whether the model is to go on now; otherwise finish() is.
  bool begin_round();
  /// The text of the answer so far.
  std::string message() const;
  void finish(json::array annotations);

  /// What makes it, for cancel(). `run` may be over.
  void set_run(const std::shared_ptr<AnswerRun>& run);
  /// At once, where it is not over. From any thread.
  void cancel();
  /// The oldest items that the prompt had no room for.
  void note_dropped(size_t n_items);

  void waiting() override;
  void begin(const AnswerStart& start) override;
  void delta(int choice, const AnswerDelta& delta) override;
  void token(int choice, const TokenReport& report) override;
  void flush() override;
  void choice_end(int choice, FinishReason reason, const std::string& stop_text) override;
  void end(const AnswerUsage& usage) override;
  void fail(const HttpError& error) override;

 private:
  struct Event {
    std::string type;
    std::string text;
  };

  json::object response_locked() const;
  json::object extras_locked() const;
  void announce_locked();
  void open_locked();
  void emit_locked(std::string_view type, json::object fields);
  void emit_response_locked(std::string_view type);
  void flush_locked();
  void finish_locked(const char* status, json::array annotations = {});
  ResponseItems made_locked() const;
  int n_left_locked() const;
  const char* end_status() const { return reason_ == FinishReason::kLength ? "incomplete" : "completed"; }
  void store_locked();
  size_t bytes_locked() const;

  bool is_hosted_locked(const std::string& tool) const;

  const std::string id_;
  const ResponseRequest request_;
  const ResponseItems history_;
  const std::string owner_;
  const std::weak_ptr<ResponseStore> store_;
  const int64_t created_;
  const bool keeps_events_;
  std::atomic<bool> is_over_{false};

  mutable std::mutex mutex_;  // of all that follows
  ResponseTools tools_;
  std::vector<ToolDefinition> added_tools_;
  ResponseOutput output_;
  std::string status_;
  std::string model_;
  int64_t completed_ = 0;
  std::optional<AnswerUsage> usage_;  // of all rounds
  int round_ = 0;
  int n_tokens_ = 0;  // of the last round
  struct Told {
    std::string text;
    int round = 0;
  };
  std::map<size_t, Told> told_;  // what the model was told of calls, by their items
  std::function<void()> next_;
  FinishReason reason_ = FinishReason::kStop;
  json::value error_;
  size_t n_dropped_ = 0;
  bool is_announced_ = false;
  bool is_open_ = false;  // response.in_progress was told
  ResponseItems made_;    // the output, once it is over
  std::vector<Event> events_;
  size_t n_events_ = 0;
  size_t event_bytes_ = 0;
  std::vector<EventWriter> followers_;
  ResponderPtr whole_;
  std::weak_ptr<AnswerRun> run_;
};

}  // namespace ondol::server
