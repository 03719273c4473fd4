// Segment and PackedSequence: what the trainer learns from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ondol::train {

/// What the objective makes of a segment.
enum class SegmentRole : uint8_t {
  kLearn,   // the targets are to become likelier
  kChosen,  // of a preference; the next segment is the rejected one
  kRejected,
  kDesirable,  // judged alone (KTO)
  kUndesirable,
};

/// One text. Its attention sees nothing else, and its positions start at 0.
struct Segment {
  std::vector<int32_t> tokens;
  /// As many as tokens. is_target[i]: token i is to be predicted from those before it; the first token never is.
  std::vector<uint8_t> is_target;
  SegmentRole role = SegmentRole::kLearn;
};

/// Segments side by side in one row of the batch: attention is block-diagonal.
struct PackedSequence {
  std::vector<Segment> segments;

  size_t n_tokens() const {
    size_t n = 0;
    for (const Segment& segment : segments) n += segment.tokens.size();
    return n;
  }
  size_t n_targets() const {
    size_t n = 0;
    for (const Segment& segment : segments) {
      for (const uint8_t is_target : segment.is_target) n += is_target;
    }
    return n;
  }
};

}  // namespace ondol::train
