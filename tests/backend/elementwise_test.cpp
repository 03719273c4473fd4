// Elementwise operations, norms and rotary embedding against plain double loops, at odd sizes and with strided rows.
#include "quant/format.h"
#include "tests/backend/testing.h"

namespace ondol {
namespace {

using testing::Matrix;
using testing::Random;

constexpr double kTolerance = 1e-6;
const std::vector<int> kWidths = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257};

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kGelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kGeluQuick:
      return x * sigmoid(1.702 * x);
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kReluSquared:
      return std::max(x, 0.0) * std::max(x, 0.0);
  }
  return 0;
}

const std::vector<Activation> kActivations = {Activation::kSilu,      Activation::kGelu, Activation::kGeluTanh,
                                              Activation::kGeluQuick, Activation::kRelu, Activation::kReluSquared};

/// Applies f to every element, with doubles.
template <typename Function>
Matrix mapped(const Matrix& x, Function f) {
  Matrix result(x.tensor.rows(), x.tensor.columns());
  for (int64_t r = 0; r < x.tensor.rows(); ++r) {
    for (int64_t c = 0; c < x.tensor.columns(); ++c) result.at(r, c) = static_cast<float>(f(r, c));
  }
  return result;
}

/// Runs `body(backend, name)` for every instruction set.
template <typename Body>
void for_each_set(Body body) {
  for (const std::string& isa : testing::instruction_sets()) {
    SCOPED_TRACE(isa);
    auto backend = testing::backend(isa);
    body(*backend, isa);
  }
}

/// Numbers from -limit to limit in small steps.
Matrix sweep(float limit, int n) {
  Matrix x(1, n);
  for (int i = 0; i < n; ++i) x.at(0, i) = limit * (2.0f * static_cast<float>(i) / static_cast<float>(n - 1) - 1.0f);
  return x;
}

TEST(Activate, IsWithinOneMillionthOfTheExactValue) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const Activation activation : kActivations) {
      for (const float limit : {1e-3f, 1.0f, 9.0f, 60.0f}) {
        const Matrix x = sweep(limit, 20011);
        Matrix got = testing::copy_of(x);
        backend.activate(got.tensor, activation);
        const Matrix want = mapped(x, [&](int64_t r, int64_t c) { return activated(activation, x.at(r, c)); });
        // Tails are the exponential of a rounded argument, so there the error is relative to a small floor.
        EXPECT_LT(testing::largest_error(got, want, 1e-6), kTolerance * (limit > 1 ? 3 : 1))
            << "activation " << static_cast<int>(activation) << " up to " << limit;
      }
    }
  });
}

TEST(Activate, StandsHugeValues) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const Activation activation :
         {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh, Activation::kGeluQuick}) {
      Matrix x(1, 4);
      x.at(0, 0) = -1e10f;
      x.at(0, 1) = 1e10f;
      x.at(0, 2) = -200.0f;
      x.at(0, 3) = 200.0f;
      backend.activate(x.tensor, activation);
      EXPECT_NEAR(x.at(0, 0), 0.0f, 1e-20f);
      EXPECT_FLOAT_EQ(x.at(0, 1), 1e10f);
      EXPECT_NEAR(x.at(0, 2), 0.0f, 1e-20f);
      EXPECT_FLOAT_EQ(x.at(0, 3), 200.0f);
    }
  });
}

TEST(Activate, TouchesOnlyItsOwnColumns) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const int width : kWidths) {
      Random random(5);
      const Matrix x = random.matrix(3, width, 2.0f, 5);
      for (const Activation activation : kActivations) {
        Matrix got = testing::copy_of(x);
        backend.activate(got.tensor, activation);
        const Matrix want = mapped(x, [&](int64_t r, int64_t c) { return activated(activation, x.at(r, c)); });
        EXPECT_LT(testing::largest_error(got, want, 1e-3), kTolerance);
        EXPECT_TRUE(got.gaps_untouched());
      }
    }
  });
}

TEST(GatedUnit, EqualsItsDefinition) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const int width : kWidths) {
      Random random(7);
      const Matrix gate = random.matrix(3, width, 3.0f, 2);
      const Matrix up = random.matrix(3, width, 3.0f, 9);
      for (const Activation activation : kActivations) {
        Matrix out(3, width, 4);
        backend.gated_unit(gate.tensor, up.tensor, {.activation = activation}, out.tensor);
        const Matrix want = mapped(gate, [&](int64_t r, int64_t c) {
          return activated(activation, gate.at(r, c)) * static_cast<double>(up.at(r, c));
        });
        EXPECT_LT(testing::largest_error(out, want, 1e-3), 2 * kTolerance);
        EXPECT_TRUE(out.gaps_untouched());
      }
      Matrix in_place = testing::copy_of(gate);
      backend.gated_unit(in_place.tensor, up.tensor, {.clamped_swiglu = true, .limit = 2.5f}, in_place.tensor);
      const Matrix want = mapped(gate, [&](int64_t r, int64_t c) {
        const double g = std::min<double>(gate.at(r, c), 2.5);
        const double u = std::clamp<double>(up.at(r, c), -2.5, 2.5);
        return g * sigmoid(static_cast<double>(1.702f) * g) * (u + 1.0);
      });
      EXPECT_LT(testing::largest_error(in_place, want, 1e-3), 2 * kTolerance);
    }
  });
}

TEST(Softcap, IsWithinOneMillionthOfTheExactValue) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const float cap : {0.5f, 30.0f, 50.0f}) {
      for (const float limit : {1e-2f, 40.0f, 1000.0f}) {
        const Matrix x = sweep(limit, 9001);
        Matrix got = testing::copy_of(x);
        backend.softcap(got.tensor, cap);
        const Matrix want = mapped(x, [&](int64_t r, int64_t c) {
          return static_cast<double>(cap) * std::tanh(static_cast<double>(x.at(r, c)) / static_cast<double>(cap));
        });
        EXPECT_LT(testing::largest_error(got, want, 1e-9), kTolerance) << cap << " " << limit;
      }
    }
  });
}

TEST(AddAndScale, EqualPlainLoops) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const int width : {1, 5, 16, 33, 5000}) {
      Random random(9);
      const Matrix x = random.matrix(5, width, 1.0f, 3);
      for (const int y_rows : {1, 5}) {
        const Matrix y = random.matrix(y_rows, width, 1.0f, 1);
        Matrix got = testing::copy_of(x);
        backend.add(got.tensor, y.tensor);
        const Matrix want = mapped(x, [&](int64_t r, int64_t c) { return x.at(r, c) + y.at(y_rows == 1 ? 0 : r, c); });
        EXPECT_TRUE(testing::same_bits(got, want));
        EXPECT_TRUE(got.gaps_untouched());
      }
      Matrix got = testing::copy_of(x);
      backend.scale(got.tensor, 0.3f);
      EXPECT_TRUE(testing::same_bits(got, mapped(x, [&](int64_t r, int64_t c) { return x.at(r, c) * 0.3f; })));
      EXPECT_TRUE(got.gaps_untouched());
    }
  });
}

TEST(RmsNorm, EqualsItsDefinitionPerHeadAndPerRow) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const int width : kWidths) {
      for (const int heads : {1, 3}) {
        Random random(11);
        const Matrix x = random.matrix(4, width * heads, 2.0f, 3);
        const Matrix weight = random.matrix(1, width);
        for (const bool weighted : {true, false}) {
          const Matrix want = mapped(x, [&](int64_t r, int64_t c) {
            const int64_t first = c / width * width;
            double squares = 0;
            for (int64_t i = first; i < first + width; ++i)
              squares += static_cast<double>(x.at(r, i)) * static_cast<double>(x.at(r, i));
            const double factor = weighted ? static_cast<double>(weight.at(0, c - first)) : 1.0;
            return static_cast<double>(x.at(r, c)) / std::sqrt(squares / width + 1e-5) * factor;
          });
          Matrix out(4, width * heads, 6);
          backend.rms_norm(x.tensor, width, weighted ? weight.tensor : Tensor(), 1e-5f, out.tensor);
          EXPECT_LT(testing::largest_error(out, want, 1e-2), kTolerance) << width;
          EXPECT_TRUE(out.gaps_untouched());
          Matrix in_place = testing::copy_of(x);
          backend.rms_norm(in_place.tensor, width, weighted ? weight.tensor : Tensor(), 1e-5f, in_place.tensor);
          EXPECT_TRUE(testing::same_bits(in_place, out));
        }
      }
    }
  });
}

TEST(LayerNorm, EqualsItsDefinition) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const int width : kWidths) {
      Random random(13);
      Matrix x = random.matrix(4, width, 2.0f, 3);
      for (int64_t c = 0; c < width; ++c) x.at(1, c) += 100.0f;  // a large mean
      const Matrix weight = random.matrix(1, width);
      const Matrix bias = random.matrix(1, width);
      for (const int parts : {0, 1, 2}) {
        const Matrix want = mapped(x, [&](int64_t r, int64_t c) {
          double mean = 0;
          double squares = 0;
          for (int i = 0; i < width; ++i) mean += static_cast<double>(x.at(r, i)) / width;
          for (int i = 0; i < width; ++i) squares += std::pow(static_cast<double>(x.at(r, i)) - mean, 2) / width;
          double value = (static_cast<double>(x.at(r, c)) - mean) / std::sqrt(squares + 1e-5);
          if (parts > 0) value *= static_cast<double>(weight.at(0, c));
          if (parts > 1) value += static_cast<double>(bias.at(0, c));
          return value;
        });
        Matrix out(4, width, 6);
        backend.layer_norm(x.tensor, parts > 0 ? weight.tensor : Tensor(), parts > 1 ? bias.tensor : Tensor(), 1e-5f,
                           out.tensor);
        // Row 1's mean of 100 costs two digits of what is left of it.
        EXPECT_LT(testing::largest_error(out, want, 1.0), width == 1 ? 3e-3 : 3e-5) << width;
        EXPECT_TRUE(out.gaps_untouched());
      }
    }
  });
}

TEST(Rope, RotatesPairsOfEveryHead) {
  for_each_set([](Backend& backend, const std::string&) {
    for (const RopePairs pairs : {RopePairs::kHalves, RopePairs::kInterleaved}) {
      for (const int n_pairs : {1, 2, 5, 8, 16, 19, 32, 64}) {
        for (const int offset : {0, 3}) {
          Random random(17);
          const int head_dim = offset + 2 * n_pairs + 2;
          const Matrix x = random.matrix(3, 4 * head_dim, 1.0f, 2);
          Matrix angles(3, 2 * n_pairs, 1);
          for (int64_t r = 0; r < 3; ++r) {
            for (int i = 0; i < n_pairs; ++i) {
              const float angle = random.normal(2.0f);
              angles.at(r, i) = std::cos(angle);
              angles.at(r, n_pairs + i) = std::sin(angle);
            }
          }
          const Matrix want = mapped(x, [&](int64_t r, int64_t c) -> double {
            const int64_t head = c / head_dim * head_dim + offset;
            const int64_t i = c - head;
            if (i < 0 || i >= 2 * n_pairs) return x.at(r, c);
            const int64_t pair = pairs == RopePairs::kHalves ? i % n_pairs : i / 2;
            const bool second = pairs == RopePairs::kHalves ? i >= n_pairs : i % 2 == 1;
            const double a = x.at(r, head + (pairs == RopePairs::kHalves ? pair : 2 * pair));
            const double b = x.at(r, head + (pairs == RopePairs::kHalves ? pair + n_pairs : 2 * pair + 1));
            const double cosine = angles.at(r, pair);
            const double sine = angles.at(r, n_pairs + pair);
            return second ? a * sine + b * cosine : a * cosine - b * sine;
          });
          Matrix got = testing::copy_of(x);
          backend.rope(got.tensor, head_dim, offset, angles.tensor, pairs);
          EXPECT_LT(testing::largest_error(got, want, 0.1), kTolerance) << n_pairs << " offset " << offset;
          EXPECT_TRUE(got.gaps_untouched());
        }
      }
    }
  });
}

TEST(Embed, DecodesRowsOfEveryType) {
  auto backend = testing::backend("");
  for (const DType type : {DType::F32, DType::F16, DType::BF16, DType::Q8_0, DType::Q4_0, DType::Q6_K}) {
    OwnedTensor table(type, {7, 256});
    Random random(19);
    for (size_t i = 0; i < table.tensor.size_bytes(); ++i)
      table.tensor.bytes()[i] = static_cast<uint8_t>(random.below(64));
    const std::vector<int32_t> ids = {6, 0, 3, 3};
    Matrix out(4, 256, 3);
    backend->embed(table.tensor, ids, out.tensor);
    for (size_t r = 0; r < ids.size(); ++r) {
      float row[256];
      format_of(type).decode(table.tensor.row_bytes(ids[r]), row, 256);
      EXPECT_EQ(0, std::memcmp(row, out.tensor.f32(static_cast<int64_t>(r)), sizeof(row))) << info_of(type).name;
    }
    EXPECT_TRUE(out.gaps_untouched());
  }
}

TEST(KvStore, IsBitForBitTheSameInAllInstructionSets) {
  for (const DType type : {DType::F32, DType::F16, DType::Q8_0, DType::Q4_0}) {
    const bool blocks = info_of(type).block_size > 1;
    for (const int dim : {32, 64, 96, blocks ? 128 : 37}) {
      Random random(23);
      Matrix k = random.matrix(40, 2 * dim, 1.0f, 3);
      for (int i = 0; i < 2 * dim; ++i) {
        k.at(0, i) = 0;
        k.at(1, i) = i % 2 == 0 ? 1.0f : -1.0f;
        k.at(2, i) = static_cast<float>(i % 9) - 4.0f;
        k.at(3, i) = 1e-30f * static_cast<float>(i);
        k.at(5, i) = i % 32 == 0 ? -8.0f : 0.50000006f + static_cast<float>(i % 4);  // just above ties
      }
      std::vector<uint8_t> want;
      for (const std::string& isa : testing::instruction_sets()) {
        auto backend = testing::backend(isa);
        const size_t bytes = row_bytes(type, dim);
        const int order = blocks ? dim & -dim : 0;
        KvLayer layer{type, type,    order,   order, 2,     dim,        dim,       false,
                      32,   nullptr, nullptr, bytes, bytes, 64 * bytes, 64 * bytes};
        std::vector<uint8_t> keys(2 * layer.k_page_bytes, 0xaa);
        std::vector<uint8_t> values(2 * layer.v_page_bytes, 0xaa);
        layer.k = keys.data();
        layer.v = values.data();
        const int32_t pages[] = {1, 0};
        const KvSlice slices[] = {{0, 40, 5, pages}};
        backend->kv_store(k.tensor, k.tensor, layer, slices);
        EXPECT_EQ(keys, values);
        if (want.empty()) want = keys;
        EXPECT_EQ(keys, want) << isa << " " << info_of(type).name << " " << dim;
        for (size_t i = 0; i < 5 * bytes; ++i) ASSERT_EQ(keys[layer.k_page_bytes + i], 0xaa);
        std::vector<float> decoded(static_cast<size_t>(dim));
        format_of(type).decode(keys.data() + layer.k_page_bytes + (32 + 9) * bytes, decoded.data(), dim);
        std::vector<double> as_given(decoded.begin(), decoded.end());
        if (order > 0) as_given = testing::times_hadamard(as_given, order);
        for (int i = 0; i < dim; ++i) {
          const double step = type == DType::F32 ? 0 : type == DType::F16 ? 2e-3 : type == DType::Q8_0 ? 0.02 : 0.4;
          EXPECT_NEAR(as_given[static_cast<size_t>(i)], k.at(4, dim + i), step);
        }
      }
    }
  }
}

}  // namespace
}  // namespace ondol
