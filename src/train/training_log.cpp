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
  if (validation) line["validation_loss"] = *validation;
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file << json::serialize(line) + "\n";
  file.close();
  if (!file) return Error(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
  return {};
}

}  // namespace ondol::train
