// Declares what the files of ONDOL_ISA's folder define for its table of products.
namespace ondol::cpu::ONDOL_ISA {

void multiply_f32(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                  int width, float* tile, size_t tile_stride);
void multiply_f16(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                  int width, float* tile, size_t tile_stride);
void multiply_bf16(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x, size_t x_stride,
                   int width, float* tile, size_t tile_stride);
void decode_f16(const void* from, float* to, int64_t n);
void decode_bf16(const void* from, float* to, int64_t n);
void round_columns(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                   int32_t* sums);

}  // namespace ondol::cpu::ONDOL_ISA
