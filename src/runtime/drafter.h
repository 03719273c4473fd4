// Drafter: where guesses of the next tokens come from. Guesses only decide how fast a text comes, never which.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/sampler.h"

namespace ondol {

/// How a guess came about, which tells how far to trust it.
enum class GuessKind : uint8_t {
  // The text ended like this before, in so many tokens or more.
  kAfterRunOf2,
  kAfterRunOf4,
  kAfterRunOf8,
  kAfterRunOf16,
  // A model chose it, with rising probability.
  kUnsure,
  kLikely,
  kVeryLikely,
  kSure,
};
constexpr size_t kGuessKinds = 8;

struct Guess {
  TokenId token = kNoToken;
  GuessKind kind{};
  bool operator==(const Guess&) const = default;
};

/// Whether a further guess would be worth its time after these.
using AnotherPays = std::function<bool(std::span<const Guess> guesses)>;

class Drafter {
 public:
  virtual ~Drafter() = default;

  /// The text is now this.
  virtual void begin(std::span<const TokenId> text) = 0;
  /// A token follows.
  virtual void accept(TokenId token) = 0;

  /// Guesses of the next tokens, each on condition that those before it are right: n at most, or fewer, or none. They
  /// will be compared with what `sampler` chooses from here on; null stands for the most likely tokens. A drafter that
  /// takes time calls `another_pays` after each guess, the last one too, and stops when told to.
  virtual std::vector<Guess> guess(int n, const Sampler* sampler, const AnotherPays& another_pays) = 0;
};

}  // namespace ondol
