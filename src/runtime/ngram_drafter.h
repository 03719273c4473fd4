// NgramDrafter: guesses the next tokens by looking up where the text's last few tokens stood before.
//
// Texts repeat themselves: an answer quotes its question, code repeats names, lists repeat their form. What followed
// the last time is a free guess of what follows now.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/drafter.h"

namespace ondol {

class NgramDrafter : public Drafter {
 public:
  void begin(std::span<const TokenId> text) override;

  /// Constant time, but for the rare doubling of the tables.
  void accept(TokenId token) override;

  /// Guesses n tokens from the longest run, and of equally long ones the last, that ended like the text ends now; none
  /// when nothing like the text's end stood before. What repeats up to the end is guessed to go on repeating. Takes no
  /// time worth asking about.
  std::vector<Guess> guess(int n, const Sampler* sampler = nullptr, const AnotherPays& another_pays = {}) override;

 private:
  /// Runs of these lengths are looked up, the longest first.
  static constexpr std::array<size_t, 3> kRuns = {8, 4, 2};

  size_t slot_of(size_t run, size_t end) const;
  void remember(size_t end);
  void grow();
  size_t find_follower() const;

  std::vector<TokenId> text_;
  /// Per length: where a run's last follower stands, by hash. A run that loses its slot to another is forgotten, and a
  /// look-up compares the tokens, so no text can make this slow.
  std::array<std::vector<uint32_t>, kRuns.size()> followers_;
};

}  // namespace ondol
