// Declares the kernels that the files of simd/ define for ONDOL_ISA, for its table.
namespace ondol::cpu::ONDOL_ISA {

float dot(const float* a, const float* b, int64_t n);
void add(float* x, const float* y, int64_t n);
void add_scaled(float* x, const float* y, float factor, int64_t n);
void scale(float* x, float factor, int64_t n);

}  // namespace ondol::cpu::ONDOL_ISA
