#include "server/tuning_run.h"

#include <filesystem>

#include <fmt/format.h>

#include "server/low_priority.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

/// Of what is free, a server leaves more than half to answers and to other models.
constexpr int64_t kShareOfMemory = 4;

std::string mebibytes(double bytes) {
  return fmt::format("{:.0f} MiB", bytes / (1 << 20));
}

/// What a training cannot do without must be there before it begins: the system would end the whole server.
Result<void> check_memory(const Engine& engine, const train::TrainingOptions& options) {
  const int64_t n = train::LoraAdapter::count(engine.model(), options.lora);
  const train::TrainingMemory plan = train::plan_training(engine.file(), engine.model(), options, n, 0, 0);
  const double needed = plan.learning + plan.recorded + plan.passing;
  const auto available = static_cast<double>(available_memory_bytes());
  if (needed <= available) return {};
  return Error(fmt::format("memory: expected {} that are free, got {}; hint: smaller ondol.seq or ondol.rank",
                           mebibytes(needed), mebibytes(available)));
}

/// A second name of a file, or a copy where the file system has no such thing.
Result<void> write_again(const std::string& from, const std::string& to) {
  const std::string temporary = to + ".new";
  std::error_code code;
  fs::remove(temporary, code);
  fs::create_hard_link(from, temporary, code);
  if (code) fs::copy_file(from, temporary, fs::copy_options::overwrite_existing, code);
  if (!code) fs::rename(temporary, to, code);
  if (code) return Error(fmt::format("{}: cannot write: {}", to, code.message()));
  return {};
}

class Run {
 public:
  Run(const LoadedModel& model, const TuningRequest& request, const TuningPlaces& places, TuningListener& listener)
      : engine_(model.engine()), request_(request), places_(places), listener_(listener), compute_(request.yields) {}

  Result<TuningEnd> go() {
    const train::TrainingOptions options = options_of(request_, places_);
    ONDOL_TRY(check_memory(engine_, options));
    training_ = ONDOL_TRY(compute_.run([&] { return train::Training::create(options, pupil_of(engine_)); }));
    train::CourseOptions wanted{places_.checkpoint(), places_.log(), request_.save_every, request_.save_seconds, true};
    train::Course course = ONDOL_TRY(train::Course::begin(*training_, wanted));
    listener_.on_begin(*training_, course.first_step());
    while (!course.is_over() && !listener_.wants_end()) ONDOL_TRY(step(course));
    if (course.is_over()) return TuningEnd::kDone;
    save_checkpoint(course);
    return TuningEnd::kBrokenOff;
  }

 private:
  Result<void> step(train::Course& course) {
    const train::Course::Lesson lesson = ONDOL_TRY(compute_.run([&] { return course.next(); }));
    listener_.on_step(lesson);
    if (lesson.saves || (lesson.is_checked && request_.is_live)) {
      const std::string path = places_.at_step(lesson.step.step);
      ONDOL_TRY(training_->adapter()->write_gguf(path, engine_.model().config().architecture));
      if (lesson.saves && course.is_worth_writing()) ONDOL_TRY(write_again(path, places_.result()));
      listener_.on_saved(lesson);
    }
    if (lesson.is_checked) save_checkpoint(course);
    return {};
  }

  /// The earlier one is still there when this one cannot be written.
  void save_checkpoint(train::Course& course) {
    const auto saved = course.save_checkpoint();
    if (!saved) listener_.on_warning(saved.error());
  }

  const Engine& engine_;
  const TuningRequest& request_;
  const TuningPlaces& places_;
  TuningListener& listener_;
  LowPriorityThread compute_;
  std::unique_ptr<train::Training> training_;
};

}  // namespace

train::TrainingOptions options_of(const TuningRequest& request, const TuningPlaces& places) {
  train::TrainingOptions options = request.options;
  options.data.paths = {places.training};
  if (!places.validation.empty()) options.data.validation_paths = {places.validation};
  options.free_memory = [] { return available_memory_bytes() / kShareOfMemory; };
  return options;
}

train::Pupil pupil_of(const Engine& engine) {
  train::Pupil pupil{&engine.file(), &engine.model(), engine.shared_tokenizer(), {}, false};
  if (engine.chat_template() != nullptr) pupil.chat_template = *engine.chat_template();
  return pupil;
}

Result<TuningEnd> run_tuning(const LoadedModel& model, const TuningRequest& request, const TuningPlaces& places,
                             TuningListener& listener) {
  return Run(model, request, places, listener).go();
}

}  // namespace ondol::server
