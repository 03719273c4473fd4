// How the formats with blocks of 256 weights become words of weights; see formats_32.inl.
namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Byte j of every word, as a number.
inline Floats byte_to_floats(Words bytes, int j) {
  return to_floats((Ints)(bytes >> (8 * j) & 0xffu));
}
inline Floats signed_byte_to_floats(Words bytes, int j) {
  return to_floats((Ints)(bytes << (24 - 8 * j)) >> 24);
}

/// The 32 bytes at p of all lanes, as words of weights.
inline __attribute__((always_inline)) void load32(const uint8_t* p, size_t stride, Words (&out)[8]) {
  Words part[4];
  load_codes(p, stride, part);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) out[j] = part[j];
  load_codes(p + 16, stride, part);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) out[4 + j] = part[j];
}

/// The head that Q4_K and Q5_K share: d, dmin and twelve bytes of scales and minimums (q4_k.h), a sub-block per byte.
struct KHead {
  Floats d;
  Floats minus_dmin;
  Words scales[2];
  Words mins[2];

  inline __attribute__((always_inline)) KHead(const uint8_t* p, size_t stride) {
    Words head[4];
    load16(p, stride, head);
    d = half_to_floats(head[0]);
    minus_dmin = -half_to_floats(head[0] >> 16);
    scales[0] = head[1] & 0x3f3f3f3fu;
    mins[0] = head[2] & 0x3f3f3f3fu;
    scales[1] = (head[3] & 0x0f0f0f0fu) | (head[1] >> 2 & 0x30303030u);
    mins[1] = (head[3] >> 4 & 0x0f0f0f0fu) | (head[2] >> 2 & 0x30303030u);
  }
  inline void set(int j, Group& group) const {
    group.scale[0] = d * byte_to_floats(scales[j / 4], j % 4);
    group.min[0] = minus_dmin * byte_to_floats(mins[j / 4], j % 4);
  }
};

struct Q4_K {
  static constexpr int kBlock = 256, kBytes = 144, kPer = 32, kZero = 0, kMax = 15;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const KHead head(p, stride);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Words packed[8];
      load32(p + offsetof(BlockQ4_K, qs) + 32 * i, stride, packed);
#pragma GCC unroll 2
      for (int high = 0; high < 2; ++high) {
        Group group;
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) group.w[j] = packed[j] >> (4 * high) & 0x0f0f0f0fu;
        head.set(2 * i + high, group);
        emit(2 * i + high, group);
      }
    }
  }
};

struct Q5_K {
  static constexpr int kBlock = 256, kBytes = 176, kPer = 32, kZero = 0, kMax = 31;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const KHead head(p, stride);
    Words fifth[8];
    load32(p + offsetof(BlockQ5_K, qh), stride, fifth);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Words packed[8];
      load32(p + offsetof(BlockQ5_K, qs) + 32 * i, stride, packed);
#pragma GCC unroll 2
      for (int high = 0; high < 2; ++high) {
        Group group;
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
          group.w[j] = (packed[j] >> (4 * high) & 0x0f0f0f0fu) | (fifth[j] >> (2 * i + high) << 4 & 0x10101010u);
        }
        head.set(2 * i + high, group);
        emit(2 * i + high, group);
      }
    }
  }
};

struct Q6_K {
  static constexpr int kBlock = 256, kBytes = 210, kPer = 16, kZero = 32, kMax = 63;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Floats d = half_to_floats(load4(p + offsetof(BlockQ6_K, d) - 2, stride) >> 16);
    Words scales[4];
    load16(p + offsetof(BlockQ6_K, scales), stride, scales);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Words top[8];
      load32(p + offsetof(BlockQ6_K, qh) + 32 * half, stride, top);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        Words low[8];
        load32(p + offsetof(BlockQ6_K, ql) + 64 * half + 32 * i, stride, low);
#pragma GCC unroll 2
        for (int high = 0; high < 2; ++high) {
          Group group;
#pragma GCC unroll 8
          for (int j = 0; j < 8; ++j) {
            group.w[j] = (low[j] >> (4 * high) & 0x0f0f0f0fu) | (top[j] >> (2 * i + 4 * high) << 4 & 0x30303030u);
          }
          const int step = 4 * half + 2 * high + i;
#pragma GCC unroll 2
          for (int part = 0; part < 2; ++part) {
            group.scale[part] = d * signed_byte_to_floats(scales[step / 2], step % 2 * 2 + part);
          }
          emit(step, group);
        }
      }
    }
  }
};

struct Q3_K {
  static constexpr int kBlock = 256, kBytes = 110, kPer = 16, kZero = 4, kMax = 7;
  static constexpr bool kMins = false;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    Words tail[4];  // the last 16 bytes: two of qs, the scales, d
    load16(p + offsetof(BlockQ3_K, d) + 2 - 16, stride, tail);
    const Floats d = half_to_floats(tail[3] >> 16);
    Words packed[3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) packed[j] = tail[j] >> 16 | tail[j + 1] << 16;
    Words scales[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      scales[j] = (packed[j % 2] >> (j / 2 * 4) & 0x0f0f0f0fu) | (packed[2] >> (2 * j) << 4 & 0x30303030u);
    }
    Words third[8];
    load32(p + offsetof(BlockQ3_K, hmask), stride, third);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Words low[8];
      load32(p + offsetof(BlockQ3_K, qs) + 32 * half, stride, low);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int step = 4 * half + i;
        Group group;
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
          group.w[j] = (low[j] >> (2 * i) & 0x03030303u) | (third[j] >> step << 2 & 0x04040404u);
        }
#pragma GCC unroll 2
        for (int part = 0; part < 2; ++part) {
          group.scale[part] = d * (byte_to_floats(scales[step / 2], step % 2 * 2 + part) - 32.0f);
        }
        emit(step, group);
      }
    }
  }
};

struct Q2_K {
  static constexpr int kBlock = 256, kBytes = 84, kPer = 16, kZero = 0, kMax = 3;
  static constexpr bool kMins = true;

  template <typename Emit>
  static inline __attribute__((always_inline)) void unpack(const uint8_t* p, size_t stride, Emit emit) {
    const Words head = load4(p + offsetof(BlockQ2_K, d), stride);
    const Floats d = half_to_floats(head);
    const Floats minus_dmin = -half_to_floats(head >> 16);
    Words scales[4];
    load16(p + offsetof(BlockQ2_K, scales), stride, scales);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Words low[8];
      load32(p + offsetof(BlockQ2_K, qs) + 32 * half, stride, low);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int step = 4 * half + i;
        Group group;
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) group.w[j] = low[j] >> (2 * i) & 0x03030303u;
#pragma GCC unroll 2
        for (int part = 0; part < 2; ++part) {
          const int j = step % 2 * 2 + part;
          group.scale[part] = d * byte_to_floats(scales[step / 2] & 0x0f0f0f0fu, j);
          group.min[part] = minus_dmin * byte_to_floats(scales[step / 2] >> 4 & 0x0f0f0f0fu, j);
        }
        emit(step, group);
      }
    }
  }
};

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
