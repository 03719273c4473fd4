// The table of ONDOL_ISA's products, from what its files define.
namespace ondol::cpu::ONDOL_ISA {

void multiply_f32(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                  const uint8_t* next, float* tile);
void multiply_f16(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                  const uint8_t* next, float* tile);
void multiply_bf16(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride, int width,
                   const uint8_t* next, float* tile);
void decode_f16(const void* from, float* to, int64_t n);
void decode_bf16(const void* from, float* to, int64_t n);

namespace {

const LanesType* lanes_type_of(DType type) {
  switch (type) {
#define ONDOL_CASE(type) \
  case DType::type:      \
    return &k##type;
    ONDOL_LANES_TYPES(ONDOL_CASE)
#undef ONDOL_CASE
    default:
      return nullptr;
  }
}

}  // namespace

const MatmulKernels kMatmul = {
    .round = round_column,
    .f32 = multiply_f32,
    .f16 = multiply_f16,
    .bf16 = multiply_bf16,
    .decode_f16 = decode_f16,
    .decode_bf16 = decode_bf16,
    .lanes_type = lanes_type_of,
};

}  // namespace ondol::cpu::ONDOL_ISA
