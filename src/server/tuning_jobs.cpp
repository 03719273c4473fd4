#include "server/tuning_jobs.h"

#include <algorithm>
#include <ctime>
#include <exception>
#include <future>

#include <fmt/format.h>

#include "base/files.h"
#include "server/files.h"
#include "server/ownership.h"
#include "server/random_id.h"
#include "server/tuning_errors.h"
#include "train/data/check_records.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxJobs = 1000;
constexpr size_t kKeptCheckpoints = 3;
constexpr size_t kMaxMessages = 1000;
constexpr size_t kMaxAskedBytes = size_t{64} << 10;
constexpr size_t kKeptLogs = 4;

int64_t now() {
  return static_cast<int64_t>(std::time(nullptr));
}

HttpError wrong(std::string parameter, std::string message, int status = 400, std::string code = {}) {
  HttpError error = make_error(status, std::move(message), std::move(code));
  error.parameter = std::move(parameter);
  return error;
}

HttpError unknown_job(const std::string& id) {
  return wrong("fine_tuning_job_id", fmt::format("there is no fine-tuning job '{}'", id.substr(0, 100)), 404,
               "fine_tune_not_found");
}

void say(TuningJob& job, std::string text, int64_t after_step, std::string level = "info") {
  if (job.messages.size() >= kMaxMessages) job.messages.erase(job.messages.begin());
  job.messages.push_back({now(), std::move(level), std::move(text), after_step});
}

int64_t last_step(const TuningJob& job) {
  return job.messages.empty() ? 0 : job.messages.back().after_step;
}

std::optional<HttpError> check_kept(const FileStore& files, const std::string& id, const std::string& owner,
                                    const char* parameter) {
  const auto file = files.find(id, owner);
  if (!file) return unknown_file(id, parameter);
  if (file->purpose == "fine-tune") return {};
  return wrong(parameter,
               fmt::format("{}: expected a file with the purpose fine-tune, got {}", parameter, file->purpose));
}

}  // namespace

/// Tells the job what its training does.
class TuningJobs::Listener final : public TuningListener {
 public:
  Listener(TuningJobs& jobs, const std::string& id, const LoadedModel& model) : jobs_(jobs), id_(id), model_(model) {}

  void on_begin(const train::Training& training, int64_t first_step) override {
    int64_t n_tokens = 0;
    for (const train::LoggedStep& step : jobs_.steps(id_)) n_tokens += step.n_tokens;
    jobs_.edit(id_, [&](TuningJob& job) {
      job.n_steps = training.options().trainer.schedule.n_steps;
      job.n_examples = static_cast<int64_t>(training.data().statistics().n_examples);
      job.trained_tokens = n_tokens;
      if (first_step > 0) say(job, fmt::format("Going on after step {}", first_step), first_step);
    });
  }

  void on_step(const train::Course::Lesson& lesson) override {
    const std::lock_guard lock(jobs_.mutex_);
    const auto found = jobs_.jobs_.find(id_);
    if (found != jobs_.jobs_.end()) found->second.trained_tokens += lesson.step.n_tokens;
  }

  void on_saved(const train::Course::Lesson& lesson) override {
    const auto job = jobs_.copy(id_);
    if (job) jobs_.publish(*job, model_, lesson);
  }

  void on_warning(const Error& error) override {
    jobs_.edit(id_, [&](TuningJob& job) { say(job, error.message(), last_step(job), "warn"); });
  }

  bool wants_end() const override {
    if (jobs_.is_stopping_) return true;
    const std::lock_guard lock(jobs_.mutex_);
    const auto found = jobs_.jobs_.find(id_);
    return found == jobs_.jobs_.end() || found->second.status != TuningStatus::kRunning;
  }

 private:
  TuningJobs& jobs_;
  const std::string& id_;
  const LoadedModel& model_;
};

TuningJobs::~TuningJobs() {
  stop();
  checker_.stop();
  learner_.stop();
}

// On the disk.

Result<void> TuningJobs::write(const TuningJob& job) const {
  std::error_code code;
  fs::create_directories(folder(job.id), code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", folder(job.id), code.message()));
  return write_file_atomically(folder(job.id) + "/job.json", json::serialize(to_document(job)));
}

Result<void> TuningJobs::load() {
  std::error_code code;
  const fs::directory_iterator entries(data_.path() / "jobs", code);
  if (code) return {};  // none yet
  const std::lock_guard lock(mutex_);
  for (const fs::directory_entry& entry : entries) {
    const auto text = read_file(entry.path() / "job.json");
    const auto document = text ? parse_json(*text) : Result<json::value>(text.error());
    auto job = document ? from_document(*document) : Result<TuningJob>(document.error());
    if (!job || job->id != entry.path().filename()) continue;  // killed before it was there, or somebody else's
    if (job->status == TuningStatus::kRunning) job->status = TuningStatus::kQueued;
    register_all(*job);
    jobs_[job->id] = std::move(*job);
  }
  return {};
}

/// What had been learned can be named again; it is read when its model is loaded.
void TuningJobs::register_all(const TuningJob& job) {
  const TuningPlaces places{"", "", folder(job.id)};
  const auto add = [&](const std::string& name, const std::string& path) {
    RegisteredAdapter entry;
    entry.name = name;
    entry.model = job.base;
    entry.path = path;
    models_.adapters().remember(std::move(entry));
  };
  if (job.has_result) add(job.adapter, places.result());
  if (!job.has_result && job.request.is_live && !job.checkpoints.empty()) {
    add(job.adapter, places.at_step(job.checkpoints.back().step));
  }
  for (const TuningCheckpoint& checkpoint : job.checkpoints) {
    add(job.checkpoint_adapter(checkpoint.step), places.at_step(checkpoint.step));
  }
}

void TuningJobs::start() {
  std::vector<TuningJob> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_) {
      if (job.status == TuningStatus::kQueued || job.status == TuningStatus::kValidating) waiting.push_back(job);
    }
  }
  // Those that had begun first.
  std::stable_sort(waiting.begin(), waiting.end(), [](const TuningJob& a, const TuningJob& b) {
    return std::pair(a.n_steps == 0, a.created_at) < std::pair(b.n_steps == 0, b.created_at);
  });
  for (const TuningJob& job : waiting) {
    if (job.status == TuningStatus::kQueued) {
      queue(job.id);
    } else {
      checker_.post([this, id = job.id] { check_files(id); });
    }
  }
}

// Asked by clients.

/// A job of a request, when nothing is wrong with it.
TuningJobs::Outcome TuningJobs::prepare(const json::object& asked, const std::string& owner) const {
  TuningJob job;
  RequestFault fault;
  job.request = read_tuning_request(Fields(asked, fault));
  if (fault) return {{}, fault.error()};
  const ModelPool::Named named = models_.resolve(job.request.model);
  if (named.error) return {{}, *named.error};
  if (!named.adapter.empty()) {
    return {{},
            wrong("model", "model: expected a model without an adapter; what was taught cannot be taught more yet")};
  }
  if (auto error = check_kept(files_, job.request.training_file, owner, "training_file")) return {{}, error};
  if (!job.request.validation_file.empty()) {
    if (auto error = check_kept(files_, job.request.validation_file, owner, "validation_file")) return {{}, error};
  }
  job.asked = asked;
  job.owner = owner;
  job.base = named.model.name;
  job.created_at = now();
  return {std::move(job), {}};
}

TuningJobs::Outcome TuningJobs::create(json::object asked, const std::string& owner) {
  constexpr int kSeedDigits = 1 << 30;
  if (!asked.contains("seed"))
    asked["seed"] = static_cast<int64_t>(std::hash<std::string>()(random_id("")) % kSeedDigits);
  if (json::serialize(asked).size() > kMaxAskedBytes) {
    return {{}, wrong("", fmt::format("expected a request of at most {} bytes, which is kept", kMaxAskedBytes), 413)};
  }
  Outcome made = prepare(asked, owner);
  if (made.error) return made;
  TuningJob& job = made.job;
  const std::string suffix = job.request.suffix.empty() ? "" : job.request.suffix + "-";
  job.id = random_id("ftjob-");
  job.adapter = fmt::format("ft-{}{}", suffix, random_id("", 8));
  say(job, "Created fine-tuning job: " + job.id, 0);
  say(job, "Validating training file: " + job.request.training_file, 0);
  if (const auto claimed = data_.claim(); !claimed) {
    return {{}, make_error(503, claimed.error().message(), "no_data_folder")};
  }
  const std::lock_guard lock(mutex_);
  if (jobs_.size() >= kMaxJobs) return {{}, make_error(409, "there are too many jobs; hint: delete some", "too_many")};
  if (const auto written = write(job); !written) return {{}, make_error(500, written.error().message())};
  jobs_[job.id] = job;
  checker_.post([this, id = job.id] { check_files(id); });
  return made;
}

std::optional<TuningJob> TuningJobs::copy(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? std::nullopt : std::optional(found->second);
}

TuningJobs::Outcome TuningJobs::find(const std::string& id, const std::string& asker) const {
  auto job = copy(id);
  if (!job || !may_see(asker, job->owner)) return {{}, unknown_job(id)};
  return {std::move(*job), {}};
}

std::vector<TuningJob> TuningJobs::list(const std::string& asker) const {
  std::vector<TuningJob> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_) {
      if (may_see(asker, job.owner)) all.push_back(job);
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const TuningJob& a, const TuningJob& b) { return a.created_at > b.created_at; });
  return all;
}

bool TuningJobs::edit(const std::string& id, const std::function<void(TuningJob&)>& change_job) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return false;
  change_job(found->second);
  // What cannot be written is lost when the server ends before it can be.
  [[maybe_unused]] const auto written = write(found->second);
  return true;
}

bool TuningJobs::set_status(TuningJob& job, TuningStatus status, const std::string& message) const {
  if (!may_become(job.status, status)) return false;
  job.status = status;
  if (has_ended(status)) job.finished_at = now();
  say(job, message, std::max(last_step(job), job.checkpoints.empty() ? 0 : job.checkpoints.back().step));
  return true;
}

TuningJobs::Outcome TuningJobs::change(const std::string& id, const std::string& asker, TuningStatus status) {
  Outcome found = find(id, asker);
  if (found.error) return found;
  bool is_changed = false;
  edit(id, [&](TuningJob& job) {
    const bool is_odd = status == TuningStatus::kQueued && job.status != TuningStatus::kPaused;
    const char* message = status == TuningStatus::kCancelled ? "The job was cancelled"
                          : status == TuningStatus::kPaused  ? "The job was paused"
                                                             : "The job goes on";
    is_changed = !is_odd && set_status(job, status, message);
    found.job = job;
  });
  if (!is_changed) {
    found.error = wrong(
        "fine_tuning_job_id",
        fmt::format("the job is {}, so that it cannot become {}", status_name(found.job.status), status_name(status)),
        400, "invalid_state");
  } else if (status == TuningStatus::kQueued) {
    queue(id);
  }
  return found;
}

TuningJobs::Outcome TuningJobs::remove(const std::string& id, const std::string& asker) {
  Outcome found = find(id, asker);
  if (found.error) return found;
  if (!has_ended(found.job.status)) {
    return {{}, wrong("fine_tuning_job_id", "the job has not ended; hint: cancel it first", 400, "invalid_state")};
  }
  const std::lock_guard lock(mutex_);
  models_.adapters().remove(found.job.adapter);
  for (const TuningCheckpoint& checkpoint : found.job.checkpoints) {
    models_.adapters().remove(found.job.checkpoint_adapter(checkpoint.step));
  }
  jobs_.erase(id);
  logs_.erase(id);
  std::error_code code;
  fs::remove(fs::path(folder(id)) / "job.json", code);  // first: what is left of a folder without it is nothing
  fs::remove_all(folder(id), code);
  return found;
}

std::vector<train::LoggedStep> TuningJobs::steps(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (!logs_.contains(id) && logs_.size() >= kKeptLogs) logs_.clear();
  return logs_.try_emplace(id, TuningPlaces{"", "", folder(id)}.log()).first->second.steps();
}

// Checked and run.

Result<TuningPlaces> TuningJobs::places_of(const TuningJob& job) const {
  TuningPlaces places;
  const auto training = files_.find(job.request.training_file, job.owner);
  if (!training) return Error("training_file: the file is not there any more");
  places.training = training->path;
  if (!job.request.validation_file.empty()) {
    const auto validation = files_.find(job.request.validation_file, job.owner);
    if (!validation) return Error("validation_file: the file is not there any more");
    places.validation = validation->path;
  }
  places.folder = folder(job.id);
  return places;
}

void TuningJobs::check_files(const std::string& id) {
  const auto job = copy(id);
  if (!job || job->status != TuningStatus::kValidating) return;
  const auto places = places_of(*job);
  if (!places) return fail(id, places.error(), "invalid_training_file");
  const auto checked = train::check_records(places->training, job->request.options.method);
  if (!checked) return fail(id, checked.error(), "invalid_training_file");
  if (!places->validation.empty()) {
    const auto other = train::check_records(places->validation, job->request.options.method);
    if (!other) return fail(id, other.error(), "invalid_validation_file");
  }
  edit(id, [&](TuningJob& own) {
    own.n_examples = static_cast<int64_t>(checked->n_records);
    set_status(own, TuningStatus::kQueued, "Files validated, moving job to queued state");
  });
  queue(id);
}

/// Errors of files are told with the names and lines that clients know.
void TuningJobs::fail(const std::string& id, const Error& error, const std::string& code) {
  edit(id, [&](TuningJob& job) {
    TuningError told = explain(error, files_, job);
    if (told.parameter.empty()) told.code = code;
    job.error = std::move(told);
    if (!set_status(job, TuningStatus::kFailed, job.error->message)) return;
    job.messages.back().level = "error";
  });
}

void TuningJobs::queue(const std::string& id) {
  learner_.post([this, id] { run(id); });
}

void TuningJobs::run(const std::string& id) {
  if (is_stopping_) return;
  bool begins = false;
  edit(id, [&](TuningJob& job) { begins = set_status(job, TuningStatus::kRunning, "Fine-tuning job started"); });
  const auto job = copy(id);
  if (!begins || !job) return;
  try {
    const auto learned = learn(*job);
    if (!learned) fail(id, learned.error(), "training_failed");
  } catch (const std::exception& failure) {
    fail(id, Error(fmt::format("the training failed: {}", failure.what())), "training_failed");
  }
}

Result<void> TuningJobs::learn(const TuningJob& job) {
  const TuningPlaces places = ONDOL_TRY(places_of(job));
  std::promise<ModelPool::Outcome> promise;
  models_.use(job.base, [&promise](ModelPool::Outcome outcome) { promise.set_value(std::move(outcome)); });
  const ModelPool::Outcome outcome = promise.get_future().get();
  if (outcome.error) {
    if (is_stopping_) return {};
    return Error(outcome.error->message);
  }
  const auto held = models_.hold(job.base);
  Listener listener(*this, job.id, *outcome.model);
  const TuningEnd end = ONDOL_TRY(run_tuning(*outcome.model, job.request, places, listener));
  if (end == TuningEnd::kDone) succeed(job, *outcome.model);
  return {};
}

/// Its name can be used before the job says that it has succeeded.
void TuningJobs::succeed(const TuningJob& job, const LoadedModel& model) {
  RegisteredAdapter entry;
  entry.name = job.adapter;
  entry.path = TuningPlaces{"", "", folder(job.id)}.result();
  const auto added = models_.add_adapter(model, std::move(entry), true);
  if (added.error) return fail(job.id, Error(added.error->message), "training_failed");
  bool is_done = false;
  edit(job.id, [&](TuningJob& own) {
    is_done = may_become(own.status, TuningStatus::kSucceeded);
    if (!is_done) return;
    say(own, "New fine-tuned model created: " + own.model_name(), own.n_steps);
    own.has_result = true;
    set_status(own, TuningStatus::kSucceeded, "The job has successfully completed");
  });
  // Cancelled in the last moment.
  if (!is_done && !job.request.is_live) models_.adapters().remove(job.adapter);
}

/// What was learned up to here can be used: under a name of its own, and, if that is wanted, in place of the result.
void TuningJobs::publish(const TuningJob& job, const LoadedModel& model, const train::Course::Lesson& lesson) {
  const TuningPlaces places{"", "", folder(job.id)};
  const TuningCheckpoint made{lesson.step.step, now(), lesson.step.loss, lesson.validation};
  RegisteredAdapter entry;
  entry.path = places.at_step(made.step);
  entry.name = job.checkpoint_adapter(made.step);
  models_.add_adapter(model, entry, true);
  entry.name = job.adapter;
  if (job.request.is_live) models_.add_adapter(model, entry, true);
  std::vector<TuningCheckpoint> dropped;
  const bool is_there = edit(job.id, [&](TuningJob& own) {
    std::erase_if(own.checkpoints, [&](const TuningCheckpoint& other) { return other.step >= made.step; });
    own.checkpoints.push_back(made);
    while (own.checkpoints.size() > kKeptCheckpoints) {
      dropped.push_back(own.checkpoints.front());
      own.checkpoints.erase(own.checkpoints.begin());
    }
    say(own, fmt::format("Checkpoint created at step {}", made.step), made.step);
  });
  if (!is_there) dropped.push_back(made);
  for (const TuningCheckpoint& checkpoint : dropped) {
    models_.adapters().remove(job.checkpoint_adapter(checkpoint.step));
    std::error_code code;
    fs::remove(places.at_step(checkpoint.step), code);
  }
}

}  // namespace ondol::server
