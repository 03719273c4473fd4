// Rows of the KV cache. Blocks are those of GGUF's Q8_0 and Q4_0 (quant/q8_0.h, quant/q4_0.h), encoded to nearest.
#include <cmath>
#include <cstring>

#include "backend/cpu/ref/ref.h"
#include "quant/half.h"

namespace ondol::cpu::ref {
namespace {

constexpr int kBlock = 32;
constexpr int kQ8Bytes = 2 + kBlock;
constexpr int kQ4Bytes = 2 + kBlock / 2;

uint16_t load_half(const uint8_t* bytes) {
  uint16_t half;
  std::memcpy(&half, bytes, sizeof(half));
  return half;
}

void store_half(uint8_t* bytes, float value) {
  const uint16_t half = f32_to_f16(value);
  std::memcpy(bytes, &half, sizeof(half));
}

/// To nearest, ties to even. What no step can reach (infinities, NaN) becomes the highest code.
int code_of(float value, float inverse, float lowest, float highest) {
  return static_cast<int>(std::fmax(lowest, std::fmin(std::nearbyint(value * inverse), highest)));
}

void encode_q8_0_block(const float* values, uint8_t* out) {
  float largest = 0;
  for (int i = 0; i < kBlock; ++i) largest = std::fmax(largest, std::fabs(values[i]));
  const float step = largest / 127.0f;
  const float inverse = step > 0 ? 1.0f / step : 0.0f;
  store_half(out, step);
  for (int i = 0; i < kBlock; ++i) out[2 + i] = static_cast<uint8_t>(code_of(values[i], inverse, -128.0f, 127.0f));
}

/// The value of largest magnitude.
float extreme_of(const float* values) {
  float highest = values[0];
  float lowest = values[0];
  for (int i = 1; i < kBlock; ++i) {
    highest = std::fmax(highest, values[i]);
    lowest = std::fmin(lowest, values[i]);
  }
  return highest >= -lowest ? highest : lowest;
}

void encode_q4_0_block(const float* values, uint8_t* out) {
  const float extreme = extreme_of(values);
  const float to_units = std::fabs(extreme) > kSmallestExtreme ? kStepUnits / extreme : 0.0f;
  float units[kBlock];
  for (int i = 0; i < kBlock; ++i) units[i] = std::nearbyint(values[i] * to_units);
  float step = extreme / kReach[0];
  float reach = kReach[0];
  float best = 0;
  for (const float candidate : kReach) {
    float products = 0;
    float squares = 0;
    for (int i = 0; i < kBlock; ++i) {
      const auto code = static_cast<float>(code_of(units[i], candidate / kStepUnits, -8.0f, 7.0f));
      products += units[i] * code;
      squares += code * code;
    }
    const float score = products * products / squares;
    if (!(score > best)) continue;
    best = score;
    reach = candidate;
    step = products / squares * (extreme / kStepUnits);
  }
  store_half(out, step);
  int codes[kBlock];
  for (int i = 0; i < kBlock; ++i) codes[i] = 8 + code_of(units[i], reach / kStepUnits, -8.0f, 7.0f);
  for (int i = 0; i < kBlock / 2; ++i) out[2 + i] = static_cast<uint8_t>(codes[i] | codes[i + kBlock / 2] << 4);
}

void decode_q8_0_block(const uint8_t* block, float* out) {
  const float step = f16_to_f32(load_half(block));
  for (int i = 0; i < kBlock; ++i) out[i] = step * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

void decode_q4_0_block(const uint8_t* block, float* out) {
  const float step = f16_to_f32(load_half(block));
  for (int i = 0; i < kBlock / 2; ++i) {
    out[i] = step * static_cast<float>((block[2 + i] & 15) - 8);
    out[i + kBlock / 2] = step * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

}  // namespace

void kv_encode(KvType type, const float* values, uint8_t* out, int n) {
  switch (type) {
    case KvType::kF32:
      std::memcpy(out, values, static_cast<size_t>(n) * sizeof(float));
      return;
    case KvType::kF16:
      for (int i = 0; i < n; ++i) store_half(out + 2 * i, values[i]);
      return;
    case KvType::kQ8_0:
      for (int i = 0; i < n / kBlock; ++i) encode_q8_0_block(values + i * kBlock, out + i * kQ8Bytes);
      return;
    case KvType::kQ4_0:
      for (int i = 0; i < n / kBlock; ++i) encode_q4_0_block(values + i * kBlock, out + i * kQ4Bytes);
      return;
  }
}

void kv_decode(KvType type, const uint8_t* row, float* out, int n) {
  switch (type) {
    case KvType::kF32:
      std::memcpy(out, row, static_cast<size_t>(n) * sizeof(float));
      return;
    case KvType::kF16:
      for (int i = 0; i < n; ++i) out[i] = f16_to_f32(load_half(row + 2 * i));
      return;
    case KvType::kQ8_0:
      for (int i = 0; i < n / kBlock; ++i) decode_q8_0_block(row + i * kQ8Bytes, out + i * kBlock);
      return;
    case KvType::kQ4_0:
      for (int i = 0; i < n / kBlock; ++i) decode_q4_0_block(row + i * kQ4Bytes, out + i * kBlock);
      return;
  }
}

}  // namespace ondol::cpu::ref
