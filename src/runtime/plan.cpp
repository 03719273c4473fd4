#include "runtime/plan.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr int64_t kHeadroomBytes = int64_t{256} << 20;  // for the program itself and what starts meanwhile

int64_t meminfo_bytes(const std::string& key) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  int64_t kib = 0;
  std::string unit;
  while (file >> name >> kib) {
    std::getline(file, unit);
    if (name == key + ":") return kib * 1024;
  }
  return 0;
}

/// The number in a control-group file, or -1 when there is none ("max").
int64_t number_in(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  return file >> number ? number : -1;
}

/// Bytes left under the control group's limit, or -1 without a limit. File pages that the kernel can drop count as
/// free.
int64_t control_group_bytes() {
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const int64_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit < 0 || used < 0) return -1;
  int64_t droppable = 0;
  std::ifstream file("/sys/fs/cgroup/memory.stat");
  std::string name;
  int64_t value = 0;
  while (file >> name >> value) {
    if (name == "inactive_file" || name == "active_file") droppable += value;
  }
  return std::max<int64_t>(0, limit - used + droppable);
}

int64_t weights_bytes_of(const ModelFile& file) {
  int64_t bytes = 0;
  for (const TensorEntry& entry : file.tensors()) bytes += static_cast<int64_t>(entry.tensor.size_bytes());
  return bytes;
}

/// Activations of a batch: the residual stream with a handful of copies as wide as the MLP, and the logits of one row.
int64_t working_bytes_of(const ModelConfig& config, int batch_rows) {
  constexpr int64_t kCopies = 24;
  return config.width * batch_rows * kCopies * 4 + config.vocabulary_size * 8;
}

/// Without an exact wish: what the model was trained for, within reason. Rotated positions go on beyond it; learned
/// ones and encoders end there.
int64_t usual_context(const ModelConfig& config, const ContextWish& wish) {
  const int64_t trained = config.context_length > 0 ? config.context_length : kDefaultContext;
  const int64_t usual = std::min(trained, kDefaultContext);
  const bool ends_there = config.learned_positions || !config.causal;
  const int64_t wanted = ends_there ? usual : std::max({usual, wish.at_least, kMinContext});
  return wish.at_most > 0 ? std::min(wanted, wish.at_most) : wanted;
}

}  // namespace

int64_t available_memory_bytes() {
  const int64_t machine = meminfo_bytes("MemAvailable");
  const int64_t group = control_group_bytes();
  return group < 0 ? machine : std::min(machine, group);
}

MemoryPlan plan_memory(const ModelFile& file, const ModelConfig& config, KvTypes kv_types, const ContextWish& wish,
                       int batch_rows, int64_t available_bytes, const CompanionMemory& companion) {
  MemoryPlan plan;
  plan.weights_bytes = weights_bytes_of(file);
  plan.kv_bytes_per_token = static_cast<int64_t>(KvCache::bytes_per_position(config.kv_layers, kv_types));
  plan.working_bytes = working_bytes_of(config, batch_rows);
  plan.companion = companion;
  plan.available_bytes = available_bytes;
  plan.context_wanted = wish.length > 0 ? wish.length : usual_context(config, wish);
  plan.context_length = plan.context_wanted;

  const int64_t fitting = plan.fitting_context();
  plan.fits = fitting >= std::min(plan.context_wanted, kMinContext);
  // A context that was asked for is never cut; without a wish, it shrinks to what fits.
  if (wish.length > 0) plan.fits = plan.fits && fitting >= wish.length;
  if (wish.length == 0 && plan.fits) plan.context_length = std::min(plan.context_wanted, fitting);
  return plan;
}

int64_t MemoryPlan::fitting_context() const {
  const int64_t left = available_bytes - kHeadroomBytes - weights_bytes - working_bytes - companion.fixed_bytes;
  if (left < 0) return -1;
  const int64_t per_token = kv_bytes_per_token + companion.kv_bytes_per_token;
  const int64_t both = per_token == 0 ? context_wanted : left / per_token;
  if (both <= companion.most_tokens || kv_bytes_per_token == 0) return both;
  return (left - companion.kv_bytes_per_token * companion.most_tokens) / kv_bytes_per_token;
}

std::string MemoryPlan::explain() const {
  const auto gib = [](int64_t bytes) { return static_cast<double>(bytes) / kGiB; };
  const int64_t beside = companion.bytes(context_length);
  const std::string needs = fmt::format(
      "{:.2f} GiB of weights, {:.2f} GiB for a context of {} tokens and {:.2f} GiB to work in{}; {:.2f} GiB are free",
      gib(weights_bytes), gib(kv_bytes_per_token * context_length), context_length, gib(working_bytes),
      beside > 0 ? fmt::format(", {:.2f} GiB for the draft model", gib(beside)) : "", gib(available_bytes));
  if (fits && context_length < context_wanted) {
    return fmt::format("Fits with a shorter context: {} (wanted {} tokens).", needs, context_wanted);
  }
  if (fits) return fmt::format("Fits: {}.", needs);
  const int64_t fitting = fitting_context();
  if (fitting < 0) {
    return fmt::format(
        "Does not fit: {}. Close other programs, or take a smaller model or quantisation "
        "(ondol quantize MODEL OUT --type Q4_K_M).",
        needs);
  }
  return fmt::format(
      "Does not fit: {}. A context of {} tokens would fit (--ctx {}), or a smaller cache "
      "(--kv q8_0).",
      needs, fitting, std::max<int64_t>(1, fitting));
}

}  // namespace ondol
