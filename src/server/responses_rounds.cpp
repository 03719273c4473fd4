#include "server/responses_rounds.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/result_text.h"
#include "server/responses_prompt.h"
#include "server/vector_stores.h"

namespace ondol::server {
namespace {

using RunPtr = std::shared_ptr<ResponseRun>;
using Kind = ResponseItem::Kind;

// For what came of one call: so much of the context, and of what is left of it.
constexpr int64_t kShareOfContext = 4;
constexpr int64_t kShareOfRest = 2;

/// What happens before the first round and between the rounds of one response. One thread at a time.
class Rounds : public std::enable_shared_from_this<Rounds> {
 public:
  Rounds(Services& services, const RunPtr& run, const ResponderPtr& responder, HostedNeeds needs)
      : services_(services),
        run_(run),
        responder_(responder),
        has_client_(responder != nullptr),
        container_(std::move(needs.container)),
        servers_(std::make_unique<RemoteServers>(std::move(needs.servers), services.hosted.mcp_hosts())) {}
  // Sessions with servers end with a word to them, for which no model shall wait.
  ~Rounds() {
    if (servers_->servers().empty()) return;
    services_.hosted.post([servers = std::shared_ptr<RemoteServers>(std::move(servers_))] {});
  }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  /// Asks servers for their tools, and makes calls that were approved, before the model begins.
  void open() {
    const RunPtr run = run_.lock();
    if (!run) return;
    run->open();
    with_model(run, [this](ResponseRun& response, const LoadedModel& model) {
      n_left_ = model.engine().context_length();
      if (const auto error = list_tools(response)) return response.fail(*error);
      if (const auto error = check_choice(response)) return response.fail(*error);
      call_approved(response, model);
      if (is_wanted(response)) start();
    });
  }

  void start() {
    const RunPtr run = run_.lock();
    const ResponderPtr responder = responder_.lock();
    if (!run) return;
    // The writer of a run lives as long as what it writes.
    auto prepare = [weak = run_](const LoadedModel& model, AnswerJob& job) -> std::optional<HttpError> {
      const auto response = weak.lock();
      if (!response) return make_error(500, "the response was dropped");
      const ResponseRequest& wanted = response->request();
      size_t n_dropped = 0;
      auto error = prepare_response(model, response->chat(), {wanted.instructions, wanted.letters},
                                    response->prompt_items(), wanted.truncates, job, n_dropped);
      response->note_dropped(n_dropped);
      return error;
    };
    run->set_run(AnswerRun::start(services_, run->request().chat.model, std::move(prepare), run, responder));
  }

  /// The model has ended. What follows takes too long for its thread.
  void next() {
    const RunPtr run = run_.lock();
    if (!run) return;
    with_model(run, [this](ResponseRun& response, const LoadedModel& model) {
      n_left_ = model.engine().context_length() - response.n_tokens();
      for (const HostedCall& call : response.hosted_calls()) {
        if (const auto error = make(response, call, model)) return response.fail(*error);
        if (!is_wanted(response)) return;
      }
      if (response.begin_round()) return start();
      response.finish(findings_.annotations(response.message()));
    });
  }

 private:
  using Step = std::function<void(ResponseRun& run, const LoadedModel& model)>;

  void with_model(const RunPtr& run, Step step) {
    // The models may be going.
    if (services_.vector_stores.is_ending() || services_.hosted.is_ending())
      return run->fail(make_error(503, "the server is shutting down", "cancelled"));
    services_.models->use(run->request().chat.model,
                          [self = shared_from_this(), run, step = std::move(step)](ModelPool::Outcome outcome) {
                            if (outcome.error) return run->fail(*outcome.error);
                            self->post([self, run, step, model = std::move(outcome.model)] {
                              if (self->is_wanted(*run)) step(*run, *model);
                            });
                          });
  }

  /// Programs and servers may take minutes, for which searches need not wait.
  void post(std::function<void()> job) {
    const bool is_slow = container_ != nullptr || !servers_->servers().empty();
    return is_slow ? services_.hosted.post(std::move(job)) : services_.vector_stores.post(std::move(job));
  }

  /// Cancels the response where its client has gone.
  bool is_wanted(ResponseRun& run) {
    if (run.is_over()) return false;
    const ResponderPtr responder = responder_.lock();
    const bool is_alone = has_client_ && (!responder || responder->is_gone());
    if (is_alone) run.cancel();
    return !is_alone;
  }

  std::function<bool()> goes_on(ResponseRun& run) {
    return [this, &run] { return !services_.hosted.is_ending() && is_wanted(run); };
  }

  /// What the conversation has already is not asked for again.
  static const json::array* known_listing(const ResponseItems& items, const std::string& label) {
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      const json::object& value = (*item)->value;
      const bool is_it = (*item)->kind == Kind::kListing && string_or(value, "server_label", "") == label &&
                         string_or(value, "error", "").empty();
      const json::value* tools = is_it ? value.if_contains("tools") : nullptr;
      if (tools != nullptr && tools->is_array()) return &tools->get_array();
    }
    return nullptr;
  }

  std::optional<HttpError> list_tools(ResponseRun& run) {
    const ResponseItems items = run.prompt_items();
    for (const RemoteServer& server : servers_->servers()) {
      json::array listings;
      if (const json::array* known = known_listing(items, server.label)) {
        listings = *known;
      } else {
        const size_t item = run.begin_listing(server.label);
        auto listed = servers_->list(server.label, goes_on(run));
        run.end_listing(item, listed ? *listed : json::array(), listed ? "" : listed.error().message());
        if (!listed) return unreachable(server, listed.error().message());
        listings = std::move(*listed);
      }
      for (const json::value& listing : listings) {
        if (!server.allows(listing)) continue;
        run.add_tool(
            remote_tool_definition(server.label, listing),
            {string_or(listing, "name", ""), server.label, false, ToolRunner::kRemote, server.must_ask(listing)});
      }
    }
    return {};
  }

  static HttpError unreachable(const RemoteServer& server, const std::string& what) {
    HttpError error = make_error(
        424, fmt::format("the tools of the MCP server '{}' could not be listed: {}", server.label, what), "http_error");
    error.type = "external_connector_error";
    error.parameter = "tools";
    return error;
  }

  static std::optional<HttpError> check_choice(ResponseRun& run) {
    const ChatRequest chat = run.chat();
    if (chat.tool_choice != ToolChoice::kNamed || run.has_tool(chat.tool_name)) return {};
    HttpError error = make_error(400, fmt::format("tool_choice: there is no tool '{}'", chat.tool_name));
    error.parameter = "tool_choice";
    return error;
  }

  void call_approved(ResponseRun& run, const LoadedModel& model) {
    const ResponseItems items = run.prompt_items();
    for (const ResponseItemPtr& answer : run.request().input) {
      if (answer->kind != Kind::kApprovalAnswer || !answer->is_approved) continue;
      const ResponseItemPtr asked = find_approval_request(items, answer->call_id);
      const bool was_made = std::ranges::any_of(items, [&](const ResponseItemPtr& item) {
        return item->kind == Kind::kHosted && string_or(item->value, "approval_request_id", "") == answer->call_id;
      });
      if (!asked || was_made) continue;
      const std::string arguments = string_or(asked->value, "arguments", "");
      const HostedCall call = run.begin_approved(asked->name, arguments, answer->call_id);
      if (!is_wanted(run)) return;
      run_remote(run, call, model);
    }
  }

  std::optional<HttpError> make(ResponseRun& run, const HostedCall& call, const LoadedModel& model) {
    if (run.n_calls_left() <= 0) {
      refuse(run, call, "No more calls are allowed.");
      return {};
    }
    if (call.runner == ToolRunner::kFileSearch) return search(run, call, model);
    if (call.runner == ToolRunner::kRemote) {
      run_remote(run, call, model);
    } else if (container_ != nullptr) {
      HostedResult result = run_code(services_.hosted, *container_, code_of_call(call.arguments), goes_on(run));
      if (!run.request().wants_outputs) result.shown["outputs"] = nullptr;
      told(run, call, std::move(result), model);
    }
    return {};
  }

  static void refuse(ResponseRun& run, const HostedCall& call, const std::string& why) {
    HostedResult result;
    result.text = why;
    if (call.runner == ToolRunner::kFileSearch) return run.ran(call, result);
    result.end = HostedResult::End::kFailed;
    if (call.runner == ToolRunner::kRemote)
      result.shown["error"] = json::object{{"type", "mcp_protocol_error"}, {"code", 0}, {"message", why}};
    run.ran(call, result);
  }

  void run_remote(ResponseRun& run, const HostedCall& call, const LoadedModel& model) {
    const ResponseTool tool = run.tool(call.tool);
    const auto arguments = parse_json(call.arguments);
    HostedResult result =
        servers_->call(tool.space, tool.name, arguments ? *arguments : json::value(nullptr), goes_on(run));
    told(run, call, std::move(result), model);
  }

  TokenCount counter(const LoadedModel& model) const {
    return [&model](std::string_view text) {
      return static_cast<int64_t>(model.tokenizer().encode(text, false, SpecialTokens::kAsPlainText).size());
    };
  }

  int64_t room(const LoadedModel& model) const {
    return std::max<int64_t>(0, std::min(model.engine().context_length() / kShareOfContext, n_left_ / kShareOfRest));
  }

  /// As much of it as there is room for.
  void told(ResponseRun& run, const HostedCall& call, HostedResult result, const LoadedModel& model) {
    const TokenCount count = counter(model);
    result.text = trim_result(result.text, room(model), count, "and not kept").text;
    n_left_ -= count(result.text);
    run.ran(call, result);
  }

  std::optional<HttpError> search(ResponseRun& run, const HostedCall& call, const LoadedModel& model) {
    const FileSearchTool& tool = *run.request().tools.search;
    VectorSearch wish = tool.options;
    wish.queries = file_search_queries(call.arguments);
    if (wish.queries.empty()) {
      refuse(run, call, "There was no query.");
      return {};
    }
    FoundPieces found = search_stores(services_.vector_stores, tool.stores, run.owner(), wish);
    if (found.error) return found.error;
    const TokenCount count = counter(model);
    FileSearchFindings::Shown shown = findings_.add(std::move(found.pieces), room(model), count);
    n_left_ -= count(shown.text);
    HostedResult result;
    result.text = shown.text;
    result.shown["results"] = run.request().wants_results ? json::value(std::move(shown.results)) : json::value();
    run.ran(call, result);
    return {};
  }

  Services& services_;
  const std::weak_ptr<ResponseRun> run_;
  const std::weak_ptr<Responder> responder_;
  const bool has_client_;
  const CodeContainerPtr container_;
  std::unique_ptr<RemoteServers> servers_;
  FileSearchFindings findings_;
  int64_t n_left_ = 0;  // tokens of the context
};

}  // namespace

void start_response(Services& services, const RunPtr& run, const ResponderPtr& responder, HostedNeeds needs) {
  const bool opens = !needs.servers.empty() || needs.is_given_back;
  const bool has_hosted = opens || needs.container != nullptr || run->request().tools.search;
  const auto rounds = std::make_shared<Rounds>(services, run, responder, std::move(needs));
  if (has_hosted) run->set_next([rounds] { rounds->next(); });
  return opens ? rounds->open() : rounds->start();
}

}  // namespace ondol::server
