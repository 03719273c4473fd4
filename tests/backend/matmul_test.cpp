// Matrix products against decode-and-multiply in double: type x instruction set x sizes.
#include "backend/cpu/cpu_backend.h"

#include <map>

#include "quant/format.h"
#include "tests/backend/testing.h"

namespace ondol::testing {
namespace {

std::vector<DType> weight_types() {
  std::vector<DType> types;
#define ONDOL_ADD(name, id, block, bytes) \
  if (has_format(DType::name)) types.push_back(DType::name);
  ONDOL_DTYPES(ONDOL_ADD)
#undef ONDOL_ADD
  return types;
}

/// Types whose products are of floats; x is rounded to 8 bits for the others that have kernels.
bool is_float(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16;
}

/// Blocks of random bytes whose values are of a moderate size, one after another.
std::vector<uint8_t> moderate_blocks(DType type, int n_blocks) {
  Random random(3);
  const DTypeInfo& info = info_of(type);
  const auto block_bytes = static_cast<size_t>(info.block_bytes);
  std::vector<uint8_t> blocks(static_cast<size_t>(n_blocks) * block_bytes);
  std::vector<float> values(static_cast<size_t>(info.block_size));
  for (size_t at = 0; at < blocks.size(); at += block_bytes) {
    bool moderate = false;
    while (!moderate) {
      for (size_t i = 0; i < block_bytes; ++i) blocks[at + i] = static_cast<uint8_t>(random.below(256));
      format_of(type).decode(&blocks[at], values.data(), info.block_size);
      moderate = true;
      for (const float value : values) moderate = moderate && std::fabs(value) < 8.0f;
    }
  }
  return blocks;
}

OwnedTensor random_weights(DType type, int64_t rows, int64_t columns, Random& random) {
  constexpr int kBlocks = 128;
  static std::map<DType, std::vector<uint8_t>> of_types;
  std::vector<uint8_t>& blocks = of_types[type];
  if (blocks.empty()) blocks = moderate_blocks(type, kBlocks);
  OwnedTensor weights(type, {rows, columns});
  const auto block_bytes = static_cast<size_t>(info_of(type).block_bytes);
  for (size_t at = 0; at < weights.tensor.size_bytes(); at += block_bytes) {
    std::memcpy(weights.tensor.bytes() + at, &blocks[static_cast<size_t>(random.below(kBlocks)) * block_bytes],
                block_bytes);
  }
  return weights;
}

/// x whose groups of 32 are whole numbers times a power of two, so that rounding to 8 bits is exact.
Matrix random_exact(int64_t rows, int64_t columns, int64_t gap, Random& random) {
  Matrix x(rows, columns, gap);
  for (int64_t r = 0; r < rows; ++r) {
    float factor = 1.0f;
    for (int64_t c = 0; c < columns; ++c) {
      if (c % 32 == 0) factor = std::ldexp(1.0f, random.below(5) - 4);
      x.at(r, c) =
          factor * static_cast<float>(c % 32 == 7 ? (random.below(2) == 0 ? 127 : -127) : random.below(255) - 127);
    }
  }
  return x;
}

struct Sums {
  std::vector<double> product;
  std::vector<double> magnitude;  // the sum of |terms|
};

Sums exact_products(const Tensor& x, const Tensor& weights) {
  const int64_t k = x.columns();
  Sums sums;
  std::vector<float> row(static_cast<size_t>(k));
  sums.product.resize(static_cast<size_t>(x.rows() * weights.rows()));
  sums.magnitude.resize(sums.product.size());
  for (int64_t h = 0; h < weights.rows(); ++h) {
    format_of(weights.type()).decode(weights.row_bytes(h), row.data(), k);
    for (int64_t t = 0; t < x.rows(); ++t) {
      double product = 0;
      double magnitude = 0;
      for (int64_t i = 0; i < k; ++i) {
        const double term = static_cast<double>(row[static_cast<size_t>(i)]) * static_cast<double>(x.f32(t)[i]);
        product += term;
        magnitude += std::fabs(term);
      }
      sums.product[static_cast<size_t>(t * weights.rows() + h)] = product;
      sums.magnitude[static_cast<size_t>(t * weights.rows() + h)] = magnitude;
    }
  }
  return sums;
}

struct Size {
  int64_t t;
  int64_t h;
  int64_t k;
};

std::vector<Size> sizes(DType type) {
  const int64_t block = std::max(info_of(type).block_size, 32);
  std::vector<Size> result;
  for (const int64_t t : {1, 3}) result.push_back({t, 1030, 5 * block});
  for (int64_t t = 1; t <= 10; ++t) result.push_back({t, 37, 3 * block});
  for (const int64_t t : {15, 16, 17, 24, 25, 33, 64}) result.push_back({t, 21, block});
  for (const int64_t h : {1, 5, 16, 64}) result.push_back({2, h, 2 * block});
  result.push_back({40, 3, block});
  if (is_float(type)) {
    for (const int64_t k : {1, 3, 31, 65}) result.push_back({3, 10, k});
    result.push_back({19, 6, 43});
  }
  return result;
}

/// The instruction sets, and what they do without the extensions of this processor.
struct Variant {
  std::string name;
  cpu::CpuKernels kernels;
};

std::pair<std::string, uint64_t> extensions_of(const std::string& instruction_set) {
  if (instruction_set == "avx2") return {"_without_vnni", cpu::kAvxVnni};
  if (instruction_set == "neon") return {"_without_i8mm", cpu::kNeonI8mm};
  return {"", 0};
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const std::string& name : instruction_sets()) {
    const uint64_t features = cpu::detect_features();
    const auto full = cpu::select_kernels(name, features);
    all.push_back({name, *full});
    const auto [suffix, extensions] = extensions_of(name);
    if ((full->features & extensions) == 0) continue;
    all.push_back({name + suffix, *cpu::select_kernels(name, features & ~extensions)});
  }
  return all;
}

class MatmulTest : public ::testing::TestWithParam<Variant> {
 protected:
  std::unique_ptr<Backend> create(int n_threads = 2, bool rounds_floats = false) const {
    return std::make_unique<cpu::CpuBackend>(GetParam().kernels,
                                             CpuOptions{.n_threads = n_threads, .rounds_floats = rounds_floats});
  }
};

/// Whether these products go through BF16 without being split: on processors with AVX-512's products of pairs.
bool is_rounded_to_bf16([[maybe_unused]] const std::string& instruction_set, [[maybe_unused]] DType type,
                        [[maybe_unused]] int64_t n_rows) {
#if defined(__x86_64__)
  return instruction_set == "avx512" && n_rows > cpu::kWide && type != DType::F32 &&
         cpu::avx512::kMatmul.lanes_type(type) == nullptr;
#else
  return false;
#endif
}

/// What weights lose on their way to many rows of x, as a part of their size: matrix instructions are of BF16.
double loss_of_weights(const std::string& instruction_set, DType type, int64_t n_rows) {
  if (is_rounded_to_bf16(instruction_set, type, n_rows)) return 0x1p-8;
  if (instruction_set != "amx" || n_rows <= cpu::kWide || type == DType::F32) return 0;
  return is_float(type) ? 0x1p-16 : 0x1p-8;
}

// Rounding of x is exact here, so only the order of additions makes a difference.
TEST_P(MatmulTest, EveryTypeMatchesExactProducts) {
  auto cpu = create();
  for (const DType type : weight_types()) {
    for (const Size& size : sizes(type)) {
      SCOPED_TRACE(std::string(info_of(type).name) + " T " + std::to_string(size.t) + " H " + std::to_string(size.h) +
                   " K " + std::to_string(size.k));
      Random random(static_cast<uint32_t>(size.t * 1000 + size.h));
      OwnedTensor weights = random_weights(type, size.h, size.k, random);
      const Matrix x = random_exact(size.t, size.k, 5, random);
      Matrix out(size.t, size.h, 3);
      const Weight weight{weights.tensor, {}};
      const LinearJob job{&weight, out.tensor};
      cpu->linear(x.tensor, {&job, 1});
      const Sums want = exact_products(x.tensor, weights.tensor);
      const double tolerance = 2e-6 + loss_of_weights(GetParam().name, type, size.t);
      EXPECT_TRUE(out.gaps_untouched());
      for (int64_t t = 0; t < size.t; ++t) {
        for (int64_t h = 0; h < size.h; ++h) {
          const auto i = static_cast<size_t>(t * size.h + h);
          ASSERT_NEAR(out.at(t, h), want.product[i], tolerance * want.magnitude[i] + 1e-30) << t << ", " << h;
        }
      }
    }
  }
}

TEST_P(MatmulTest, RoundingCostsLittle) {
  auto cpu = create();
  for (const DType type : weight_types()) {
    for (const int64_t n_rows : {1, 4, 40}) {
      SCOPED_TRACE(std::string(info_of(type).name) + " T " + std::to_string(n_rows));
      Random random(5);
      const int64_t k = 1024;
      OwnedTensor weights = random_weights(type, 48, k, random);
      const Matrix x = random.matrix(n_rows, k);
      Matrix out(n_rows, 48);
      const Weight weight{weights.tensor, {}};
      const LinearJob job{&weight, out.tensor};
      cpu->linear(x.tensor, {&job, 1});
      const Sums want = exact_products(x.tensor, weights.tensor);
      double error = 0;
      double norm = 0;
      for (int64_t t = 0; t < n_rows; ++t) {
        for (int64_t h = 0; h < 48; ++h) {
          const double exact = want.product[static_cast<size_t>(t * 48 + h)];
          error += (out.at(t, h) - exact) * (out.at(t, h) - exact);
          norm += exact * exact;
        }
      }
      const bool is_exact = is_float(type) && !is_rounded_to_bf16(GetParam().name, type, n_rows);
      EXPECT_LT(std::sqrt(error / norm), is_exact ? 1e-4 : 1e-2);
    }
  }
}

// What an embedding model may do: both sides lose at most half of BF16's last of eight digits.
TEST_P(MatmulTest, FloatsMayBeRounded) {
  constexpr int64_t kRows = 70, kOutputs = 50, kColumns = 384;
  Random random(9);
  const Matrix x = random.matrix(kRows, kColumns), weights = random.matrix(kOutputs, kColumns);
  Matrix out(kRows, kOutputs), exact(kRows, kOutputs);
  const Weight weight{weights.tensor, {}};
  const LinearJob rounded{&weight, out.tensor}, plain{&weight, exact.tensor};
  create(2, true)->linear(x.tensor, {&rounded, 1});
  create()->linear(x.tensor, {&plain, 1});
  const Sums sums = exact_products(x.tensor, weights.tensor);
  bool is_rounded = false;
  for (int64_t t = 0; t < kRows; ++t) {
    for (int64_t h = 0; h < kOutputs; ++h) {
      const auto at = static_cast<size_t>(t * kOutputs + h);
      ASSERT_NEAR(out.at(t, h), sums.product[at], sums.magnitude[at] * 0x1p-7);
      ASSERT_NEAR(exact.at(t, h), sums.product[at], sums.magnitude[at] * 0x1p-20);
      is_rounded |= std::fabs(out.at(t, h) - sums.product[at]) > sums.magnitude[at] * 0x1p-20;
    }
  }
  EXPECT_EQ(is_rounded, cpu::tiles_of(GetParam().kernels) != nullptr);
}

TEST_P(MatmulTest, BiasAndAccumulation) {
  auto cpu = create();
  for (const DType type : {DType::F32, DType::F16, DType::Q4_0, DType::Q4_K, DType::IQ2_S}) {
    for (const int64_t n_rows : {1, 3, 20, 40}) {
      SCOPED_TRACE(std::string(info_of(type).name) + " T " + std::to_string(n_rows));
      Random random(7);
      OwnedTensor weights = random_weights(type, 19, 256, random);
      const Matrix x = random_exact(n_rows, 256, 0, random);
      Matrix bias = random.matrix(1, 19);
      Matrix plain(n_rows, 19);
      Matrix biased(n_rows, 19);
      Matrix added = random.matrix(n_rows, 19);
      const Matrix before = copy_of(added);
      const Weight without{weights.tensor, {}};
      const Weight with{weights.tensor, bias.tensor};
      const LinearJob jobs[] = {{&without, plain.tensor}, {&with, biased.tensor}, {&with, added.tensor, true}};
      cpu->linear(x.tensor, jobs);
      for (int64_t t = 0; t < n_rows; ++t) {
        for (int64_t h = 0; h < 19; ++h) {
          // Some kernels begin their sums with the bias, and partial sums are larger than the products.
          const float want = plain.at(t, h) + bias.at(0, h);
          const double most = 1e-5 * (std::fabs(plain.at(t, h)) + std::fabs(bias.at(0, h))) + 1e-4;
          ASSERT_NEAR(biased.at(t, h), want, most);
          ASSERT_NEAR(added.at(t, h), before.at(t, h) + want, most + 1e-5 * std::fabs(before.at(t, h)));
        }
      }
    }
  }
}

/// Jobs of several types and shapes at once give what each gives alone, on any number of threads.
TEST_P(MatmulTest, JobsAndThreadsMakeNoDifference) {
  for (const int64_t n_rows : {1, 5, 50}) {
    Random random(11);
    const Matrix x = random.matrix(n_rows, 512, 1.0f, 7);
    std::vector<OwnedTensor> weights;
    for (const DType type :
         {DType::Q4_K, DType::Q6_K, DType::Q4_0, DType::F16, DType::Q8_0, DType::IQ1_S, DType::Q2_K}) {
      weights.push_back(random_weights(type, 300, 512, random));
    }
    std::vector<Matrix> alone;
    auto one = create(1);
    for (const OwnedTensor& weight : weights) {
      alone.emplace_back(n_rows, 300);
      const Weight only{weight.tensor, {}};
      const LinearJob job{&only, alone.back().tensor};
      one->linear(x.tensor, {&job, 1});
    }
    for (const int n_threads : {1, 2, 5}) {
      auto cpu = create(n_threads);
      std::vector<Weight> views;
      std::vector<Matrix> together;
      std::vector<LinearJob> jobs;
      for (const OwnedTensor& weight : weights) {
        views.push_back({weight.tensor, {}});
        together.emplace_back(n_rows, 300);
      }
      for (size_t i = 0; i < weights.size(); ++i) jobs.push_back({&views[i], together[i].tensor});
      cpu->linear(x.tensor, jobs);
      for (size_t i = 0; i < weights.size(); ++i) {
        EXPECT_TRUE(same_bits(together[i], alone[i])) << i << " with " << n_threads << " threads, T " << n_rows;
      }
    }
  }
}

/// Whether each of the first 2, 3 ... 8 rows of x gets from all of them what it gets alone.
void check_small_batches(Backend& cpu, const Tensor& weights, const Tensor& x) {
  const Weight weight{weights, {}};
  const int64_t n_rows = weights.rows();
  for (int64_t n = 2; n <= x.rows(); ++n) {
    Matrix all(n, n_rows);
    const LinearJob job{&weight, all.tensor};
    cpu.linear(x.slice_rows(0, n), {&job, 1});
    for (int64_t t = 0; t < n; ++t) {
      Matrix one(1, n_rows);
      const LinearJob single{&weight, one.tensor};
      cpu.linear(x.slice_rows(t, 1), {&single, 1});
      for (int64_t h = 0; h < n_rows; ++h) ASSERT_EQ(one.at(0, h), all.at(t, h)) << "row " << t << " of " << n;
    }
  }
}

/// So what a row says does not depend on what is checked or generated beside it.
TEST_P(MatmulTest, RowsOfSmallBatchesDoNotDependOnOneAnother) {
  auto cpu = create();
  for (const DType type : weight_types()) {
    // The second is not a whole number of kStretch.
    for (const int64_t k : {512, 160}) {
      if (k % std::max(info_of(type).block_size, 32) != 0) continue;
      SCOPED_TRACE(std::string(info_of(type).name) + " K " + std::to_string(k));
      Random random(13);
      OwnedTensor weights = random_weights(type, 50, k, random);
      check_small_batches(*cpu, weights.tensor, random.matrix(8, k).tensor);
    }
  }
}

/// An extension adds the same whole numbers faster; what is of floats stays in its order.
TEST(MatmulExtensions, MakeNoDifference) {
  for (const std::string& name : instruction_sets()) {
    const uint64_t features = cpu::detect_features();
    const auto extensions = extensions_of(name).second;
    if ((features & extensions) == 0) continue;
    cpu::CpuBackend with(*cpu::select_kernels(name, features), CpuOptions{.n_threads = 2});
    cpu::CpuBackend without(*cpu::select_kernels(name, features & ~extensions), CpuOptions{.n_threads = 2});
    for (const DType type : weight_types()) {
      for (const int64_t n_rows : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32}) {
        Random random(17);
        const int64_t k = std::max(512, info_of(type).block_size);
        OwnedTensor weights = random_weights(type, 13, k, random);
        const Weight weight{weights.tensor, {}};
        const Matrix x = random.matrix(n_rows, k);
        Matrix results[] = {Matrix(n_rows, 13), Matrix(n_rows, 13)};
        const LinearJob jobs[] = {{&weight, results[0].tensor}, {&weight, results[1].tensor}};
        with.linear(x.tensor, {&jobs[0], 1});
        without.linear(x.tensor, {&jobs[1], 1});
        EXPECT_TRUE(same_bits(results[0], results[1])) << name << " " << info_of(type).name << " T " << n_rows;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, MatmulTest, ::testing::ValuesIn(variants()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ondol::testing
