// Probes: loops that reach a processor's limits, so that a figure can be given as a share of them. Plain data.
//
// Arithmetic probes run `rounds` rounds of independent multiply-adds in registers and return the operations done, two
// for each multiply-add. A probe that an instruction set lacks is nullptr.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace ondol::cpu {

struct Probes {
  double (*int8)(int64_t rounds);
  double (*bf16)(int64_t rounds);
  double (*fp32)(int64_t rounds);
  /// Reads all of `data`, whose size is a multiple of 512 bytes, and returns a value that depends on it.
  uint64_t (*read)(const uint8_t* data, size_t size_bytes);
};

/// Where the results of arithmetic probes go, so that the compiler has to compute them.
extern volatile float probe_sink;

namespace ref {
extern const Probes kProbes;
}
namespace avx2 {
extern const Probes kProbes;
double probe_vnni(int64_t rounds);
}  // namespace avx2
namespace avx512 {
extern const Probes kProbes;
double probe_bf16(int64_t rounds);
double probe_amx_int8(int64_t rounds);
double probe_amx_bf16(int64_t rounds);
}  // namespace avx512
namespace neon {
extern const Probes kProbes;
double probe_i8mm(int64_t rounds);
}  // namespace neon

}  // namespace ondol::cpu
