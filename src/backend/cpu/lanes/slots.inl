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
void round_coarse_columns(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                          int32_t* sums);
void round_coarse_row(const float* values, int64_t n, uint8_t* blocks);
void round_turned_x(const float* x, size_t stride, int n_rows, int8_t* q, float* scale, int32_t* sums);
void pack_turned_f32(const float* weights, size_t stride, int n, int64_t k, uint8_t* panel);
void pack_turned_bf16(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* panel);
void multiply_coarse_panels(const uint8_t* panels, int n_panels, int64_t k, const XBlock* x, float* tile,
                            size_t tile_stride);

}  // namespace ondol::cpu::ONDOL_ISA
