#include "train/keeping.h"

#include <fmt/format.h>

namespace ondol::train {

Result<Keeping> Keeping::open(const KeepOptions& options, uint64_t seed, const Tokenizer& tokenizer, Student& student) {
  if (!ONDOL_TRY(TextStream::takes(options.paths))) {
    return Error(fmt::format("{}: expected plain texts (.txt, .md), got other files", options.paths.front()));
  }
  const TextStreamOptions stream{options.paths, {}, 0, kWindow, seed};
  return Keeping(student, options.weight, ONDOL_TRY(TextStream::open(stream, tokenizer)));
}

Result<double> Keeping::learn() {
  const std::vector<PackedSequence> windows = ONDOL_TRY(texts_->next(1));
  const auto n = static_cast<double>(windows[0].n_targets());
  return ONDOL_TRY(student_->stay(windows[0], static_cast<float>(weight_ / n))) / n;
}

Result<void> Keeping::seek(int64_t n_steps) {
  return texts_->seek({0, static_cast<uint64_t>(n_steps), hash()});
}

}  // namespace ondol::train
