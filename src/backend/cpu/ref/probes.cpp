#include "backend/cpu/probes.h"

namespace ondol::cpu {

volatile float probe_sink = 0;

namespace ref {
namespace {

double fp32(int64_t rounds) {
  constexpr int kChains = 8;
  float sum[kChains] = {};
  const float x = probe_sink + 0.5f;
  for (int64_t i = 0; i < rounds; ++i) {
    for (float& s : sum) s = s * x + x;
  }
  for (const float s : sum) probe_sink = s;
  return 2.0 * kChains * static_cast<double>(rounds);
}

double int8(int64_t rounds) {
  constexpr int kChains = 8;
  int32_t sum[kChains] = {};
  const auto x = static_cast<int8_t>(probe_sink + 3);
  for (int64_t i = 0; i < rounds; ++i) {
    for (int32_t& s : sum) s += x * static_cast<int8_t>(i);
  }
  for (const int32_t s : sum) probe_sink = static_cast<float>(s);
  return 2.0 * kChains * static_cast<double>(rounds);
}

uint64_t read(const uint8_t* data, size_t size_bytes) {
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  uint64_t all[8] = {};
  for (size_t i = 0; i < size_bytes / 8; i += 8) {
    for (size_t j = 0; j < 8; ++j) all[j] ^= words[i + j];
  }
  uint64_t result = 0;
  for (const uint64_t word : all) result ^= word;
  return result;
}

}  // namespace

const Probes kProbes = {int8, nullptr, fp32, read};

}  // namespace ref
}  // namespace ondol::cpu
