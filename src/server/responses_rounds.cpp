#include "server/responses_rounds.h"

#include <algorithm>

#include "server/ownership.h"
#include "server/responses_prompt.h"
#include "server/vector_stores.h"

namespace ondol::server {
namespace {

using RunPtr = std::shared_ptr<ResponseRun>;

// For what one search found: so much of the context, and of what is left of it.
constexpr int64_t kShareOfContext = 4;
constexpr int64_t kShareOfRest = 2;

/// Between the rounds of one response.
class Rounds : public std::enable_shared_from_this<Rounds> {
 public:
  Rounds(Services& services, const RunPtr& run, const ResponderPtr& responder)
      : services_(services), run_(run), responder_(responder), has_client_(responder != nullptr) {}

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
      auto error = prepare_response(model, response->chat(), wanted.instructions, response->prompt_items(),
                                    wanted.truncates, job, n_dropped);
      response->note_dropped(n_dropped);
      return error;
    };
    run->set_run(AnswerRun::start(services_, run->request().chat.model, std::move(prepare), run, responder));
  }

  /// The model has ended. What follows takes too long for its thread.
  void next() {
    const RunPtr run = run_.lock();
    if (!run) return;
    // The models may be going.
    if (services_.vector_stores.is_ending())
      return run->fail(make_error(503, "the server is shutting down", "cancelled"));
    services_.models->use(run->request().chat.model, [self = shared_from_this(), run](ModelPool::Outcome outcome) {
      if (outcome.error) return run->fail(*outcome.error);
      self->services_.vector_stores.post(
          [self, run, model = std::move(outcome.model)] { self->search_and_go_on(*run, *model); });
    });
  }

 private:
  void search_and_go_on(ResponseRun& run, const LoadedModel& model) {
    const ResponderPtr responder = responder_.lock();
    if (has_client_ && (!responder || responder->is_gone())) return run.cancel();
    n_left_ = model.engine().context_length() - run.n_tokens();
    for (const ResponseOutput::Search& search : run.searches()) {
      if (const auto error = make(run, search, model)) return run.fail(*error);
    }
    if (run.begin_round()) return start();
    run.finish(findings_.annotations(run.message()));
  }

  std::optional<HttpError> make(ResponseRun& run, const ResponseOutput::Search& search, const LoadedModel& model) {
    const FileSearchTool& tool = *run.request().tools.search;
    if (run.n_searches_left() <= 0 || search.queries.empty()) {
      run.searched(search, search.queries.empty() ? "There was no query." : "No more searches are allowed.", {});
      return {};
    }
    VectorSearch wish = tool.options;
    wish.queries = search.queries;
    FoundPieces found = search_stores(services_.vector_stores, tool.stores, run.owner(), wish);
    if (found.error) return found.error;
    const auto count = [&](std::string_view text) {
      return static_cast<int64_t>(model.tokenizer().encode(text, false, SpecialTokens::kAsPlainText).size());
    };
    const int64_t room = std::min(model.engine().context_length() / kShareOfContext, n_left_ / kShareOfRest);
    FileSearchFindings::Shown shown = findings_.add(std::move(found.pieces), room, count);
    n_left_ -= count(shown.text);
    run.searched(search, shown.text, std::move(shown.results));
    return {};
  }

  Services& services_;
  const std::weak_ptr<ResponseRun> run_;
  const std::weak_ptr<Responder> responder_;
  const bool has_client_;
  FileSearchFindings findings_;  // one thread at a time
  int64_t n_left_ = 0;           // tokens of the context
};

}  // namespace

std::optional<HttpError> check_file_search(Services& services, const ResponseTools& tools, const Request& request) {
  if (!tools.search) return {};
  if (auto error = check_right(request, "vector stores are searched")) return error;
  for (const std::string& id : tools.search->stores) {
    if (services.vector_stores.has(id, owner_of(request))) continue;
    HttpError error = unknown_vector_store(id);
    error.parameter = "tools";
    return error;
  }
  return {};
}

void start_response(Services& services, const RunPtr& run, const ResponderPtr& responder) {
  const auto rounds = std::make_shared<Rounds>(services, run, responder);
  if (run->request().tools.search) run->set_next([rounds] { rounds->next(); });
  rounds->start();
}

}  // namespace ondol::server
