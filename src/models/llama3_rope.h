// Llama 3's way to stretch a context: low frequencies are divided, high ones left alone, with a blend between.
// Source: the configuration of Llama 3.1, "rope_scaling".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ondol {

struct Llama3Rope {
  double factor = 8.0;
  double low_freq_factor = 1.0;   // pairs that turn less often over the original context are divided
  double high_freq_factor = 4.0;  // pairs that turn more often are left alone
  int64_t original_context = 8192;
};

/// What the frequency of each of n_rotated / 2 pairs is divided by.
std::vector<double> llama3_divisors(const Llama3Rope& rope, double base, int64_t n_rotated);

/// Settings that give these divisors: those that Llama 3's relatives use are tried. GGUF keeps only the divisors.
std::optional<Llama3Rope> guess_llama3_rope(const std::vector<double>& divisors, double base);

}  // namespace ondol
