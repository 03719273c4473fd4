#include "retrieve/sign_codes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace ondol {
namespace {

/// Rows whose words lie side by side.
constexpr size_t kLanes = 8;
/// Bits of a question's numbers, beside the sign.
constexpr size_t kPlanes = 3;
constexpr float kMostLevel = (1 << kPlanes) - 1;
/// A question's numbers that are larger than so many times their root mean square are cut off.
constexpr float kCutOff = 2.5f;
/// Means and distances are those of so many rows.
constexpr size_t kMeasuredRows = 8192;

/// A question by bits: [words][1 + kPlanes], first the signs.
using Planes = std::vector<uint64_t>;
using Sums = std::array<int64_t, kLanes>;

/// For each of eight rows the sum of the question's levels at which the signs differ.
void differing_levels(const uint64_t* bits, const Planes& planes, Sums& sums) {
  sums.fill(0);
  for (size_t at = 0; at < planes.size(); at += 1 + kPlanes, bits += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const uint64_t differing = bits[lane] ^ planes[at];
      for (size_t p = 0; p < kPlanes; ++p) sums[lane] += int64_t{std::popcount(differing & planes[at + 1 + p])} << p;
    }
  }
}

#ifdef __x86_64__

__attribute__((target("popcnt"))) void differing_levels_popcnt(const uint64_t* bits, const Planes& planes, Sums& sums) {
  sums.fill(0);
  for (size_t at = 0; at < planes.size(); at += 1 + kPlanes, bits += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const uint64_t differing = bits[lane] ^ planes[at];
      for (size_t p = 0; p < kPlanes; ++p)
        sums[lane] += int64_t{__builtin_popcountll(differing & planes[at + 1 + p])} << p;
    }
  }
}

__attribute__((target("avx512f,avx512vpopcntdq"))) void differing_levels_avx512(const uint64_t* bits,
                                                                                const Planes& planes, Sums& sums) {
  static_assert(kPlanes == 3);
  const auto word_of = [](uint64_t word) { return static_cast<long long>(word); };
  __m512i ones = _mm512_setzero_si512(), twos = ones, fours = ones;
  for (size_t at = 0; at < planes.size(); at += 1 + kPlanes, bits += kLanes) {
    const __m512i differing = _mm512_xor_si512(_mm512_loadu_si512(bits), _mm512_set1_epi64(word_of(planes[at])));
    const auto counts = [&](size_t plane) __attribute__((target("avx512f,avx512vpopcntdq"), always_inline)) {
      return _mm512_popcnt_epi64(_mm512_and_si512(differing, _mm512_set1_epi64(word_of(planes[at + plane]))));
    };
    ones = _mm512_add_epi64(ones, counts(1));
    twos = _mm512_add_epi64(twos, counts(2));
    fours = _mm512_add_epi64(fours, counts(3));
  }
  // Doubled by addition: GCC 12 warns of its own shifts.
  fours = _mm512_add_epi64(fours, fours);
  const __m512i evens = _mm512_add_epi64(twos, fours);
  const __m512i all = _mm512_add_epi64(ones, _mm512_add_epi64(evens, evens));
  _mm512_storeu_si512(sums.data(), all);
}

#endif

using Count = void (*)(const uint64_t* bits, const Planes& planes, Sums& sums);

Count function_of(BitCounting counting) {
#ifdef __x86_64__
  if (counting == BitCounting::kAvx512) return differing_levels_avx512;
  if (counting == BitCounting::kPopcnt) return differing_levels_popcnt;
#endif
  (void)counting;
  return differing_levels;
}

/// The best n of what is offered, each offer costing little.
class BestRows {
 public:
  explicit BestRows(size_t n) : n_(n) { held_.reserve(2 * n); }

  void offer(float score, uint32_t row) {
    if (!(score > least_)) return;
    held_.push_back({score, row});
    if (held_.size() == 2 * n_) cut();
  }

  std::vector<uint32_t> take() {
    if (held_.size() > n_) cut();
    std::vector<uint32_t> rows;
    rows.reserve(held_.size());
    for (const Held& held : held_) rows.push_back(held.row);
    return rows;
  }

 private:
  struct Held {
    float score;
    uint32_t row;
  };

  void cut() {
    std::nth_element(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(n_ - 1), held_.end(),
                     [](const Held& a, const Held& b) { return a.score > b.score; });
    held_.resize(n_);
    least_ = held_.back().score;
  }

  size_t n_;
  float least_ = -std::numeric_limits<float>::infinity();
  std::vector<Held> held_;
};

}  // namespace

BitCounting best_bit_counting() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq")) return BitCounting::kAvx512;
  if (__builtin_cpu_supports("popcnt")) return BitCounting::kPopcnt;
#endif
  return BitCounting::kPortable;
}

SignCodes::SignCodes(const VectorRows& rows, BitCounting counting) : counting_(counting) {
  const auto columns = static_cast<size_t>(rows.columns());
  n_words_ = (columns + 63) / 64;
  const size_t n_blocks = (rows.size() + kLanes - 1) / kLanes;
  bits_.resize(n_blocks * n_words_ * kLanes);
  stretches_.reserve(rows.size());
  measure(rows);
  for (size_t row = 0; row < rows.size(); ++row) add(rows, row);
  values_ = {};
}

void SignCodes::measure(const VectorRows& rows) {
  const auto columns = static_cast<size_t>(rows.columns());
  std::vector<double> sums(columns), squares(columns);
  std::vector<float> values(columns);
  const size_t n = std::min(rows.size(), kMeasuredRows);
  for (size_t i = 0; i < n; ++i) {
    rows.decode(i * rows.size() / n, values.data());
    for (size_t k = 0; k < columns; ++k) {
      sums[k] += values[k];
      squares[k] += values[k] * values[k];
    }
  }
  means_.resize(n_words_ * 64);
  distances_.resize(n_words_ * 64);
  for (size_t k = 0; k < columns && n > 0; ++k) {
    const double mean = sums[k] / static_cast<double>(n);
    means_[k] = static_cast<float>(mean);
    distances_[k] = static_cast<float>(std::sqrt(std::max(squares[k] / static_cast<double>(n) - mean * mean, 0.0)));
  }
}

void SignCodes::add(const VectorRows& rows, size_t row) {
  values_.resize(n_words_ * 64);
  rows.decode(row, values_.data());
  uint64_t* words = &bits_[row / kLanes * n_words_ * kLanes + row % kLanes];
  std::array<float, 4> squares{}, products{};  // apart, so that sums need not wait for each other
  for (size_t at = 0; at < values_.size(); at += 64, words += kLanes) {
    uint64_t word = 0;
    for (size_t k = 0; k < 64; ++k) {
      const float off = values_[at + k] - means_[at + k];
      squares[k % 4] += off * off;
      products[k % 4] += std::abs(off) * distances_[at + k];
      word |= uint64_t{off >= 0} << k;
    }
    *words = word;
  }
  const float product = products[0] + products[1] + products[2] + products[3];
  stretches_.push_back(product > 0 ? (squares[0] + squares[1] + squares[2] + squares[3]) / product : 0);
}

std::vector<uint32_t> SignCodes::nearest(std::span<const float> question, size_t n) const {
  if (n == 0 || stretches_.empty()) return {};
  std::vector<float> weights(question.begin(), question.end());
  double squares = 0;
  for (size_t k = 0; k < weights.size(); ++k) {
    weights[k] *= distances_[k];
    squares += weights[k] * weights[k];
  }
  const auto usual = static_cast<float>(std::sqrt(squares / static_cast<double>(std::max<size_t>(weights.size(), 1))));
  const float per_level = usual > 0 ? kMostLevel / (kCutOff * usual) : 0;
  Planes planes(n_words_ * (1 + kPlanes));
  int64_t all_levels = 0;
  for (size_t k = 0; k < weights.size(); ++k) {
    const float scaled = std::round(std::abs(weights[k]) * per_level);
    const uint64_t level = scaled > 0 ? static_cast<uint64_t>(std::min(scaled, kMostLevel)) : 0;  // NaN is nothing
    const size_t at = k / 64 * (1 + kPlanes);
    all_levels += static_cast<int64_t>(level);
    if (weights[k] >= 0) planes[at] |= uint64_t{1} << k % 64;
    for (size_t p = 0; p < kPlanes; ++p) planes[at + 1 + p] |= (level >> p & 1) << k % 64;
  }
  const Count count = function_of(counting_);
  BestRows best(n);
  Sums sums;
  for (size_t row = 0; row < stretches_.size(); ++row) {
    if (row % kLanes == 0) count(&bits_[row * n_words_], planes, sums);
    best.offer(stretches_[row] * static_cast<float>(all_levels - 2 * sums[row % kLanes]), static_cast<uint32_t>(row));
  }
  return best.take();
}

}  // namespace ondol
