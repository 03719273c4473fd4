#include "nn/attention.h"

namespace ondol {

Tensor attention(Context& context, const AttentionParams& params, const Tensor& q, const Tensor& k, const Tensor& v,
                 const KvLayer& layer, std::span<const KvSlice> slices) {
  Tensor out = context.arena.f32({q.rows(), int64_t{params.n_heads} * params.v_dim});
  if (q.rows() == 0) return out;
  context.backend.kv_store(k, v, layer, slices);
  AttentionArgs args;
  args.q = q;
  args.out = out;
  args.n_heads = params.n_heads;
  args.scale = params.scale;
  args.softcap = params.softcap;
  args.window = params.window;
  args.sinks = params.sinks;
  context.backend.attention(args, layer, slices);
  return out;
}

}  // namespace ondol
