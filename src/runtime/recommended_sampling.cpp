#include "runtime/recommended_sampling.h"

#include <string>

namespace ondol {
namespace {

void read(const ModelFile& file, const char* name, double low, double high, float& value) {
  const auto number = file.meta_double(std::string("general.sampling.") + name);
  if (number && *number >= low && *number <= high) value = static_cast<float>(*number);
}

void read(const ModelFile& file, const char* name, int64_t low, int64_t high, int& value) {
  const auto number = file.meta_int(std::string("general.sampling.") + name);
  if (number && *number >= low && *number <= high) value = static_cast<int>(*number);
}

}  // namespace

SamplerOptions recommended_sampling(const ModelFile& file) {
  SamplerOptions options;
  read(file, "temp", 0.0, 100.0, options.temperature);
  read(file, "top_k", 0, INT32_MAX, options.top_k);
  read(file, "top_p", 0.0, 1.0, options.top_p);
  read(file, "min_p", 0.0, 1.0, options.min_p);
  read(file, "penalty_last_n", -1, INT32_MAX, options.repeat_last_n);
  read(file, "penalty_repeat", 0.0, 100.0, options.repeat_penalty);
  read(file, "xtc_probability", 0.0, 1.0, options.xtc_probability);
  read(file, "xtc_threshold", 0.0, 1.0, options.xtc_threshold);
  int mirostat = 0;
  read(file, "mirostat", 0, 2, mirostat);
  options.mirostat = mirostat == 2;
  read(file, "mirostat_tau", 0.0, 100.0, options.mirostat_tau);
  read(file, "mirostat_eta", 0.0, 100.0, options.mirostat_eta);
  return options;
}

}  // namespace ondol
