// SignCodes: a first look at vectors by one bit for each of their numbers, to find those that are worth a second one.
//
// A bit tells on which side of the mean of all vectors a number lies. A question is multiplied with the bits as if each
// stood for the usual distance of its numbers from their mean, and the product is stretched so that a vector's product
// with itself comes out right (after RaBitQ; Gao and Long, 2024). The question itself is kept to a sign and three bits
// for each number, so that a product is a few counts of bits. 100,000 vectors of 384 numbers take 5 MB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "retrieve/vector_rows.h"

namespace ondol {

/// Ways to count bits; what the processor lacks is not used.
enum class BitCounting { kPortable, kPopcnt, kAvx512 };
BitCounting best_bit_counting();

class SignCodes {
 public:
  SignCodes() = default;
  explicit SignCodes(const VectorRows& rows, BitCounting counting = best_bit_counting());

  /// The n rows (fewer if there are no more) that seem to be nearest to a question, in no order.
  std::vector<uint32_t> nearest(std::span<const float> question, size_t n) const;

  size_t n_rows() const { return stretches_.size(); }
  size_t size_bytes() const { return bits_.size() * sizeof(uint64_t) + stretches_.size() * sizeof(float); }

 private:
  void measure(const VectorRows& rows);
  void add(const VectorRows& rows, size_t row);

  BitCounting counting_ = BitCounting::kPortable;
  size_t n_words_ = 0;            // of 64 bits, of a vector
  std::vector<float> means_;      // of each column, filled up to whole words, as what follows
  std::vector<float> distances_;  // from it, usual ones
  std::vector<uint64_t> bits_;    // [rows / 8][words][8]
  std::vector<float> stretches_;  // of each row
  std::vector<float> values_;     // of the row that is added
};

}  // namespace ondol
