// How operands are rounded that share a scale in coarse groups. Wants round.inl.
namespace ondol::cpu::ONDOL_ISA {

void round_coarse_columns(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                          int32_t* sums) {
  round_columns_in<kCoarseGroup / kXGroup>(x, x_stride, n, k, width, q, scale, sums);
}

void round_coarse_row(const float* values, int64_t n, uint8_t* blocks) {
  for (int64_t column = 0; column < n; column += kCoarseGroup) {
    const int groups = static_cast<int>(n - column < kCoarseGroup ? n - column : kCoarseGroup) / kXGroup;
    const float largest = largest_of_groups(values, groups);
    BlockQ8_0 block;
    block.d = f32_to_f16(largest * (1.0f / 127.0f));
    for (int i = 0; i < groups; ++i, values += kXGroup, blocks += sizeof(block)) {
      int32_t unused[2];
      round_group(values, factor_for(largest), block.qs, unused);
      __builtin_memcpy(blocks, &block, sizeof(block));
    }
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
