#include "train/training_log.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"

namespace ondol::train {
namespace {

/// The lines of steps up to `n_steps`; a line that was not finished ends them.
std::string first_steps(const std::string& text, int64_t n_steps) {
  size_t kept = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const auto line = parse_json(text.substr(begin, end - begin));
    if (!line || int_or(*line, "step", INT64_MAX) > n_steps) break;
    begin = kept = end + 1;
  }
  return text.substr(0, kept);
}

LoggedStep logged_step(const json::value& line) {
  LoggedStep step;
  step.step = int_or(line, "step", 0);
  step.time = int_or(line, "time", 0);
  step.loss = double_or(line, "loss", 0);
  step.tokens_per_s = double_or(line, "tokens_per_s", 0);
  step.rate = double_or(line, "lr", 0);
  step.gradient_norm = double_or(line, "grad_norm", 0);
  step.n_tokens = int_or(line, "tokens", 0);
  if (find_member(line, "validation_loss") != nullptr) step.validation_loss = double_or(line, "validation_loss", 0);
  if (find_member(line, "margin") != nullptr) {
    step.preferences = PreferenceSummary{double_or(line, "margin", 0), double_or(line, "accuracy", 0)};
  }
  if (find_member(line, "drift") != nullptr) step.drift = double_or(line, "drift", 0);
  return step;
}

}  // namespace

Result<TrainingLog> TrainingLog::open(std::string path, int64_t n_steps_kept) {
  if (path.empty()) return TrainingLog("");
  std::string old;
  if (n_steps_kept > 0) {
    const auto text = read_file(path);
    if (text) old = first_steps(*text, n_steps_kept);
  }
  ONDOL_TRY(write_file_atomically(path, old));
  return TrainingLog(std::move(path));
}

Result<void> TrainingLog::add(const StepReport& step, double seconds, std::optional<double> validation) {
  if (path_.empty()) return {};
  json::object line = {{"step", step.step},
                       {"loss", step.loss},
                       {"grad_norm", step.gradient_norm},
                       {"lr", step.rate},
                       {"tokens", step.n_tokens},
                       {"targets", step.n_targets},
                       {"tokens_per_s", static_cast<double>(step.n_tokens) / seconds},
                       {"seconds", seconds},
                       {"time", static_cast<int64_t>(std::time(nullptr))}};
  if (step.preferences) {
    line["margin"] = step.preferences->margin;
    line["accuracy"] = step.preferences->accuracy;
  }
  if (step.drift) line["drift"] = *step.drift;
  if (validation) line["validation_loss"] = *validation;
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file << json::serialize(line) + "\n";
  file.close();
  if (!file) return Error(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
  return {};
}

const std::vector<LoggedStep>& TrainingLogReader::steps() {
  std::ifstream file(path_, std::ios::binary | std::ios::ate);
  const auto size = file ? static_cast<uint64_t>(file.tellg()) : 0;
  if (size < offset_) {  // begun again
    offset_ = 0;
    steps_.clear();
  }
  if (size == offset_) return steps_;
  std::string text(size - offset_, '\0');
  file.seekg(static_cast<std::streamoff>(offset_));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  for (size_t begin = 0;;) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) return steps_;
    const auto line = parse_json(std::string_view(text).substr(begin, end - begin));
    offset_ += end + 1 - begin;
    begin = end + 1;
    if (line) steps_.push_back(logged_step(*line));
  }
}

}  // namespace ondol::train
