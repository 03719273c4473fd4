// After a first call, operations reuse their memory: none of them allocates. Buffers allocate an owner with operator
// new too, so counting it sees them.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/backend/testing.h"

namespace {
std::atomic<int64_t> n_allocations = 0;
}

// Sanitizers bring their own operator new.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;

__attribute__((noinline)) void* operator new(std::size_t size) {
  ++n_allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
__attribute__((noinline)) void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++n_allocations;
  return std::malloc(size == 0 ? 1 : size);
}
__attribute__((noinline)) void operator delete(void* memory) noexcept {
  std::free(memory);
}
__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
__attribute__((noinline)) void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
#endif

namespace ondol {
namespace {

using testing::Matrix;
using testing::Random;

TEST(SteadyState, NoOperationAllocates) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer owns operator new";
  auto backend = testing::backend("");
  Random random(47);
  constexpr int kRows = 40;
  constexpr int kWidth = 64;
  const Matrix x = random.matrix(kRows, kWidth);
  const Matrix square = random.matrix(kWidth, kWidth);
  const Matrix angles = random.matrix(kRows, 32);
  Matrix out(kRows, kWidth);
  const Weight weight{square.tensor, {}};
  const std::vector<Tensor> heads = {square.tensor};
  const Experts experts = {{weight, weight, weight}, {weight, weight, weight}, {weight, weight, weight}};
  std::vector<int32_t> ids(kRows * 2);
  std::vector<float> weights(kRows * 2);
  const Matrix logits = random.matrix(kRows, 3);
  const std::vector<int32_t> tokens(kRows, 5);
  std::vector<uint8_t> k(64 * 256);
  std::vector<uint8_t> v(64 * 256);
  const KvLayer layer{DType::Q4_0, DType::Q8_0, 64,       64, 1,  64,      64,     false,
                      32,          k.data(),    v.data(), 36, 68, 32 * 36, 32 * 68};
  const int32_t pages[] = {1, 0};
  const std::vector<KvSlice> slices = {{0, kRows, 0, pages}};
  AttentionArgs args;
  args.q = x.tensor;
  args.out = out.tensor;
  args.n_heads = 1;

  auto everything = [&] {
    const LinearJob jobs[] = {{&weight, out.tensor}};
    backend->embed(square.tensor, tokens, out.tensor);
    backend->linear(x.tensor, jobs);
    backend->linear_heads(x.tensor, heads, out.tensor);
    backend->gated_mlp(x.tensor, weight, weight, weight, {}, out.tensor, true);
    backend->route(logits.tensor, {.n_used = 2}, ids, weights);
    backend->experts_mlp(x.tensor, experts, ids, weights, {}, out.tensor);
    backend->rms_norm(x.tensor, 32, {}, 1e-5f, out.tensor);
    backend->layer_norm(x.tensor, {}, {}, 1e-5f, out.tensor);
    backend->rope(out.tensor, 32, 0, angles.tensor, RopePairs::kHalves);
    backend->kv_store(x.tensor, x.tensor, layer, slices);
    backend->attention(args, layer, slices);
    backend->attention_both_ways(args, x.tensor, x.tensor, slices);
    backend->activate(out.tensor, Activation::kSilu);
    backend->gated_unit(x.tensor, x.tensor, {}, out.tensor);
    backend->add(out.tensor, x.tensor);
    backend->scale(out.tensor, 0.5f);
    backend->scale_columns(out.tensor, x.tensor.slice_rows(0, 1));
    backend->softcap(out.tensor, 30.0f);
  };
  everything();
  everything();
  const int64_t before = n_allocations;
  EXPECT_GT(before, 0);  // the counter counts
  everything();
  EXPECT_EQ(n_allocations - before, 0);
}

}  // namespace
}  // namespace ondol
