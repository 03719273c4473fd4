// What a request for a training would learn from, before it begins.
#include <exception>
#include <future>

#include <fmt/format.h>

#include "server/low_priority.h"
#include "server/tuning_errors.h"
#include "server/tuning_jobs.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxShownTokens = 4000;

/// The text of a segment in runs that are learned, and that are only read.
json::array runs_of(const train::Segment& segment, const Tokenizer& tokenizer) {
  json::array runs;
  const size_t n = std::min(segment.tokens.size(), kMaxShownTokens);
  StreamDecoder decoder(tokenizer, true);
  std::string text;
  for (size_t i = 0; i < n; ++i) {
    text += decoder.push(segment.tokens[i]);
    const bool is_last = i + 1 == n;
    // A run ends at a whole character.
    if (!is_last && (segment.is_target[i] == segment.is_target[i + 1] || decoder.is_within_character())) continue;
    if (is_last) text += decoder.finish();
    if (!text.empty()) runs.push_back(json::object{{"text", text}, {"is_learned", segment.is_target[i] != 0}});
    text.clear();
  }
  return runs;
}

std::string_view role_name(train::SegmentRole role) {
  switch (role) {
    case train::SegmentRole::kLearn:
      return "learned";
    case train::SegmentRole::kChosen:
      return "chosen";
    case train::SegmentRole::kRejected:
      return "rejected";
    case train::SegmentRole::kDesirable:
      return "desirable";
    case train::SegmentRole::kUndesirable:
      return "undesirable";
  }
  return "";
}

Result<json::object> look(const Engine& engine, const TuningRequest& request, const TuningPlaces& places) {
  train::TrainingOptions options = options_of(request, places);
  options.data.shuffles = false;  // the first example is the file's
  options.data.packs = false;
  options.data.n_threads = 1;
  const train::Pupil pupil = pupil_of(engine);
  ONDOL_TRY(train::check_can_learn(engine.model()));
  const auto data = ONDOL_TRY(train::open_data(options, pupil));
  const train::DataStatistics& statistics = data->statistics();
  json::object found = {{"format", statistics.format}, {"n_examples", statistics.n_examples}};
  found["n_validation_examples"] = statistics.n_validation_examples;
  found["n_tokens"] = statistics.n_tokens;
  found["n_targets"] = statistics.n_targets;
  found["n_cut"] = statistics.n_cut;
  found["n_left_out"] = statistics.n_left_out;
  found["n_without_targets"] = statistics.n_without_targets;
  json::array segments;
  for (const train::PackedSequence& sequence : ONDOL_TRY(data->next(1))) {
    for (const train::Segment& segment : sequence.segments) {
      segments.push_back(json::object{{"role", role_name(segment.role)}, {"runs", runs_of(segment, *pupil.tokenizer)}});
    }
  }
  found["first_example"] = std::move(segments);
  const int64_t n = train::LoraAdapter::count(engine.model(), options.lora);
  const train::TrainingMemory plan = train::plan_training(engine.file(), engine.model(), options, n, 0, 0);
  found["memory_bytes"] = static_cast<int64_t>(plan.learning + plan.recorded + plan.passing);
  found["n_learning"] = n;
  return found;
}

}  // namespace

void TuningJobs::preview(json::object asked, const std::string& owner,
                         std::function<void(json::object, std::optional<HttpError>)> done) {
  Outcome made = prepare(asked, owner);
  if (made.error) return done({}, made.error);
  checker_.post([this, job = std::move(made.job), done = std::move(done)] {
    const auto places = places_of(job);
    if (!places) return done({}, make_error(404, places.error().message()));
    std::promise<ModelPool::Outcome> promise;
    models_.use(job.base, [&promise](ModelPool::Outcome outcome) { promise.set_value(std::move(outcome)); });
    const ModelPool::Outcome outcome = promise.get_future().get();
    if (outcome.error) return done({}, outcome.error);
    LowPriorityThread thread;
    const auto found = thread.run([&] { return look(outcome.model->engine(), job.request, *places); });
    json::object document = {{"object", "fine_tuning.preview"}, {"model", job.base}, {"error", nullptr}};
    if (found) {
      for (const auto& [key, value] : *found) document[key] = value;
    } else {
      document["error"] = shown(explain(found.error(), files_, job));
    }
    done(std::move(document), {});
  });
}

}  // namespace ondol::server
