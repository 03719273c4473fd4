// Declares the kernels that the files of simd/ define for ONDOL_ISA, for its table.
namespace ondol::cpu::ONDOL_ISA {

float dot(const float* a, const float* b, int64_t n);
void add(float* x, const float* y, int64_t n);
void add_scaled(float* x, const float* y, float factor, int64_t n);
void scale(float* x, float factor, int64_t n);
void softcap(float* x, float cap, int64_t n);
void activate(float* x, Activation activation, int64_t n);
void gated_unit(const float* gate, const float* up, const GatedUnit* unit, float* out, int64_t n);
void softmax(float* x, int64_t n);
void sigmoid(float* x, int64_t n);
void rms_norm(const float* x, const float* weight, float epsilon, float* out, int64_t n);
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* out, int64_t n);
void rope_halves(float* a, float* b, const float* cosines, const float* sines, int n_pairs);
void rope_interleaved(float* x, const float* cosines, const float* sines, int n_pairs);
void rms_norm_gradient(const float* x, const float* weight, float epsilon, float* dy, int64_t n);
void silu_gate_gradient(const float* gate, const float* sigmoids, const float* up, float* dy, float* dup, int64_t n);
void to_bf16(const float* from, uint16_t* to, int64_t n);
void from_bf16(const uint16_t* from, float* to, int64_t n);
void hadamard(float* x, int order, int n);
void kv_encode(KvType type, const float* values, uint8_t* out, int n);
void attention(const AttentionTask* task);

}  // namespace ondol::cpu::ONDOL_ISA
