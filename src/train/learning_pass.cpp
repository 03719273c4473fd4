#include "train/learning_pass.h"

#include <algorithm>
#include <cstring>

namespace ondol::train {
namespace {

/// Rows that tell how many logits each has.
constexpr int64_t kFirstRows = 32;

void copy(const Tensor& from, Tensor to) {
  std::memcpy(to.bytes(), from.bytes(), from.size_bytes());
}

}  // namespace

int RecordingMemory::blocks(int n_blocks, int64_t n_rows) const {
  if (bytes_per_row <= 0) return 1;
  const double fitting = static_cast<double>(budget_bytes) / (bytes_per_row * static_cast<double>(n_rows));
  return static_cast<int>(std::clamp(fitting, 1.0, static_cast<double>(n_blocks)));
}

Tensor LearningPass::run(Context& context, int n_blocks, Tensor x, const std::function<void(int)>& block,
                         const std::function<Tensor(const Tensor&)>& output) {
  const Tape::Position start = tape_.position();
  const int recorded_from = learns() ? n_blocks - memory_.blocks(n_blocks, x.rows()) : n_blocks;
  const auto record = [&](int i) {
    const size_t before = tape_.kept_bytes();
    tape_.record(true);
    block(i);
    tape_.record(false);
    const auto kept = static_cast<double>(tape_.kept_bytes() - before);
    memory_.bytes_per_row = std::max(memory_.bytes_per_row, kept / static_cast<double>(x.rows()));
  };
  tape_.record(false);
  std::vector<Tensor> inputs;
  for (int i = 0; i < n_blocks; ++i) {
    if (i >= recorded_from) {
      record(i);
      continue;
    }
    if (learns()) {
      inputs.push_back(context.arena.f32(x.shape()));
      copy(x, inputs.back());
    }
    block(i);
  }
  learn_output(context, x, output);
  tape_.backward(start);
  for (int i = learns() ? recorded_from : 0; i-- > 0;) {
    copy(inputs[static_cast<size_t>(i)], x);
    record(i);
    tape_.backward(start);
  }
  return {};
}

void LearningPass::add_losses(std::span<const Target> targets, const Tensor& logits, Tensor dlogits) {
  Derivatives& derivatives = *tape_.derivatives();
  std::vector<int32_t> tokens;
  for (size_t begin = 0; begin < targets.size(); begin += tokens.size()) {
    tokens.clear();
    const auto group = static_cast<size_t>(targets[begin].group);
    for (size_t i = begin; i < targets.size() && targets[i].group == targets[begin].group; ++i) {
      tokens.push_back(targets[i].token);
    }
    const auto first = static_cast<int64_t>(begin);
    const auto n = static_cast<int64_t>(tokens.size());
    losses_[group] +=
        derivatives.cross_entropy(logits.slice_rows(first, n), tokens, weights_[group], dlogits.slice_rows(first, n));
  }
}

void LearningPass::find_losses(std::span<const Target> targets, const Tensor& logits, Tensor dlogits) {
  if (aim_ == Aim::kLearn || aim_ == Aim::kEvaluate) return add_losses(targets, logits, dlogits);
  std::vector<float>& known = reference_->logits;
  const auto n = static_cast<size_t>(logits.shape().elements());
  if (aim_ == Aim::kRemember) {
    known.insert(known.end(), logits.f32(), logits.f32() + n);
    return;
  }
  ONDOL_CHECK(reference_->used + n <= known.size());
  const Tensor before(DType::F32, logits.shape(), known.data() + reference_->used);
  reference_->used += n;
  losses_[0] += tape_.derivatives()->divergence(logits, before, weights_[0], dlogits);
}

void LearningPass::learn_output(Context& context, const Tensor& x, const std::function<Tensor(const Tensor&)>& output) {
  const Tape::Position start = tape_.position();
  Derivatives& derivatives = *tape_.derivatives();
  const Tensor dx = tape_.gradient(x);
  int64_t rows_at_once = kFirstRows;
  for (size_t begin = 0; begin < targets_.size();) {
    const std::span<const Target> part =
        targets_.subspan(begin, std::min(targets_.size() - begin, static_cast<size_t>(rows_at_once)));
    begin += part.size();
    ArenaScope scope(context.arena);
    Tensor rows = context.arena.f32({static_cast<int64_t>(part.size()), x.columns()});
    for (size_t i = 0; i < part.size(); ++i) {
      std::memcpy(rows.f32(static_cast<int64_t>(i)), x.f32(part[i].row), x.row_stride_bytes());
    }
    tape_.forget(rows);
    tape_.record(learns());
    tape_.make_logits(true);
    const Tensor logits = output(rows);
    tape_.make_logits(false);
    tape_.record(false);
    find_losses(part, logits, learns() ? tape_.gradient(logits) : logits);
    if (learns()) {
      tape_.backward(start);
      Tensor drows = tape_.gradient(rows);
      for (size_t i = 0; i < part.size(); ++i) {
        const float* from = drows.f32(static_cast<int64_t>(i));
        Tensor to = dx;
        for (int64_t c = 0; c < x.columns(); ++c) to.f32(part[i].row)[c] += from[c];
      }
      derivatives.set_zero(drows);
    }
    tape_.share_places(logits.columns());
    rows_at_once = std::max<int64_t>(kFirstRows, kLogitsAtOnce / logits.columns() / kFirstRows * kFirstRows);
  }
  tape_.share_places(0);
}

}  // namespace ondol::train
