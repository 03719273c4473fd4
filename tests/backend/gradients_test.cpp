// Gradients against central differences in double precision: the formulas in double to 1e-6, the operations in float to
// 1e-5.
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "backend/cpu/gradients.h"
#include "backend/derivatives.h"
#include "tests/backend/testing.h"

namespace ondol {
namespace {

using Numbers = std::vector<double>;

Numbers random_numbers(size_t n, uint32_t seed, double scale = 1.0) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, scale);
  Numbers numbers(n);
  for (double& number : numbers) number = normal(generator);
  return numbers;
}

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The gradient of f at x by central differences.
Numbers slopes_of(const std::function<double(const Numbers&)>& f, Numbers x) {
  constexpr double kStep = 1e-5;
  Numbers slopes(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double middle = x[i];
    x[i] = middle + kStep;
    const double above = f(x);
    x[i] = middle - kStep;
    slopes[i] = (above - f(x)) / (2 * kStep);
    x[i] = middle;
  }
  return slopes;
}

template <typename Got>
double distance(const Got& got, const Numbers& expected) {
  double difference = 0;
  double length = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(got[i]) - expected[i];
    difference += d * d;
    length += expected[i] * expected[i];
  }
  return std::sqrt(difference / length);
}

std::vector<float> in_floats(const Numbers& numbers) {
  return {numbers.begin(), numbers.end()};
}

constexpr double kFormula = 1e-6;
constexpr double kFloats = 1e-5;

const Activation kActivations[] = {Activation::kSilu,      Activation::kGelu, Activation::kGeluTanh,
                                   Activation::kGeluQuick, Activation::kRelu, Activation::kReluSquared};

TEST(Gradients, Activations) {
  const Numbers x = random_numbers(33, 1, 2.0);
  for (const Activation activation : kActivations) {
    const Numbers slopes = slopes_of(
        [&](const Numbers& at) {
          double sum = 0;
          for (const double value : at) sum += cpu::gradients::value_of(activation, value);
          return sum;
        },
        x);
    Numbers got;
    for (const double value : x) got.push_back(cpu::gradients::slope_of(activation, value));
    EXPECT_LE(distance(got, slopes), kFormula) << static_cast<int>(activation);
  }
}

/// The values that the slopes belong to are those of the backend.
TEST(Gradients, ValuesAreTheBackends) {
  const auto backend = testing::backend("ref", 1);
  for (const Activation activation : kActivations) {
    std::vector<float> x = in_floats(random_numbers(33, 2, 2.0));
    Numbers expected;
    for (const float value : x) expected.push_back(cpu::gradients::value_of(activation, static_cast<double>(value)));
    backend->activate(Tensor(DType::F32, {1, 33}, x.data()), activation);
    EXPECT_LE(distance(x, expected), 1e-6) << static_cast<int>(activation);
  }
}

/// gate and up, one after the other; the forward in double.
double gated_loss(const Numbers& both, const GatedUnit& unit, const Numbers& dy) {
  const size_t n = dy.size();
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    double gate = both[i];
    double up = both[n + i];
    if (unit.clamped_swiglu) {
      gate = std::min(gate, static_cast<double>(unit.limit));
      up = std::clamp(up, -static_cast<double>(unit.limit), static_cast<double>(unit.limit));
      sum += dy[i] * gate * cpu::gradients::sigmoid_of(static_cast<double>(unit.alpha) * gate) * (up + 1);
    } else {
      sum += dy[i] * up * cpu::gradients::value_of(unit.activation, gate);
    }
  }
  return sum;
}

TEST(Gradients, GatedUnits) {
  std::vector<GatedUnit> units;
  for (const Activation activation : kActivations) units.push_back({activation});
  GatedUnit clamped;
  clamped.clamped_swiglu = true;
  clamped.limit = 1.5f;
  units.push_back(clamped);
  constexpr size_t n = 40;
  const Numbers both = random_numbers(2 * n, 3, 1.5);
  const Numbers dy = random_numbers(n, 4);
  for (const GatedUnit& unit : units) {
    const Numbers expected = slopes_of([&](const Numbers& at) { return gated_loss(at, unit, dy); }, both);
    Numbers got = dy;
    got.resize(2 * n, 0.0);
    cpu::gradients::gated_unit(both.data(), both.data() + n, unit, got.data(), got.data() + n, n);
    EXPECT_LE(distance(got, expected), kFormula) << static_cast<int>(unit.activation) << unit.clamped_swiglu;

    for (const std::string& isa : testing::instruction_sets()) {
      const auto backend = testing::backend(isa, 2);
      std::vector<float> inputs = in_floats(both);
      std::vector<float> slopes = in_floats(dy);
      slopes.resize(2 * n, 0.0f);
      const auto part = [&](std::vector<float>& of, size_t i) { return Tensor(DType::F32, {2, n / 2}, &of[i]); };
      backend->derivatives()->gated_unit(part(inputs, 0), part(inputs, n), unit, part(slopes, 0), part(slopes, n));
      EXPECT_LE(distance(slopes, expected), kFloats) << isa;
    }
  }
}

/// Inputs x [rows, n], then weights [n], then biases [n].
double norm_loss(const Numbers& at, size_t rows, size_t n, bool centred, const Numbers& dy) {
  constexpr double kEpsilon = 1e-5;
  double sum = 0;
  for (size_t r = 0; r < rows; ++r) {
    const double* x = at.data() + r * n;
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < n && centred; ++i) mean += x[i] / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + kEpsilon);
    for (size_t i = 0; i < n; ++i) {
      const double bias = centred ? at[(rows + 1) * n + i] : 0;
      sum += dy[r * n + i] * ((x[i] - mean) * factor * at[rows * n + i] + bias);
    }
  }
  return sum;
}

TEST(Gradients, Norms) {
  constexpr size_t rows = 6;
  constexpr size_t n = 17;
  const Numbers at = random_numbers((rows + 2) * n, 5);
  const Numbers dy = random_numbers(rows * n, 6);
  for (const bool centred : {false, true}) {
    const Numbers expected = slopes_of([&](const Numbers& x) { return norm_loss(x, rows, n, centred, dy); }, at);
    for (const std::string& isa : testing::instruction_sets()) {
      const auto backend = testing::backend(isa, 2);
      std::vector<float> inputs = in_floats(at);
      std::vector<float> slopes = in_floats(dy);
      slopes.resize((rows + 2) * n, 0.0f);
      const Tensor x(DType::F32, {rows, n}, inputs.data());
      const Tensor weight(DType::F32, {n}, inputs.data() + rows * n);
      const Tensor dx(DType::F32, {rows, n}, slopes.data());
      const Tensor dweight(DType::F32, {n}, slopes.data() + rows * n);
      const Tensor dbias(DType::F32, {n}, slopes.data() + (rows + 1) * n);
      if (centred) {
        backend->derivatives()->layer_norm(x, weight, 1e-5f, dx, dweight, dbias);
      } else {
        backend->derivatives()->rms_norm(x, n, weight, 1e-5f, dx, dweight);
      }
      EXPECT_LE(distance(slopes, expected), kFloats) << isa << centred;
    }
  }
}

TEST(Gradients, ScaledColumns) {
  constexpr size_t rows = 5;
  constexpr size_t n = 67;
  const Numbers at = random_numbers((rows + 1) * n, 7);
  const Numbers dy = random_numbers(rows * n, 8);
  const auto loss = [&](const Numbers& x) {
    double sum = 0;
    for (size_t i = 0; i < rows * n; ++i) sum += dy[i] * x[i] * x[rows * n + i % n];
    return sum;
  };
  const Numbers expected = slopes_of(loss, at);
  for (const std::string& isa : testing::instruction_sets()) {
    const auto backend = testing::backend(isa, 2);
    std::vector<float> inputs = in_floats(at);
    std::vector<float> slopes = in_floats(dy);
    slopes.resize((rows + 1) * n, 0.0f);
    const Tensor x(DType::F32, {rows, n}, inputs.data());
    const Tensor factors(DType::F32, {n, 1}, inputs.data() + rows * n);
    backend->derivatives()->scale_columns(x, factors, Tensor(DType::F32, {rows, n}, slopes.data()),
                                          Tensor(DType::F32, {n, 1}, slopes.data() + rows * n));
    EXPECT_LE(distance(slopes, expected), kFloats) << isa;
    backend->scale_columns(x, factors);
    Numbers products;
    for (size_t i = 0; i < rows * n; ++i) products.push_back(at[i] * at[rows * n + i % n]);
    EXPECT_LE(distance(inputs,
                       [&] {
                         Numbers all = products;
                         all.insert(all.end(), at.end() - n, at.end());
                         return all;
                       }()),
              kFloats)
        << isa;
  }
}

/// Attention in double: queries [T, heads * d], then keys and values [T, kv heads * d], then a sink for each head.
struct AttentionCase {
  int rows = 0;
  int heads = 0;
  int kv_heads = 0;
  int dim = 0;
  int window = 0;
  double softcap = 0;
  bool sinks = false;
  double scale = 0.3;

  size_t q_size() const { return static_cast<size_t>(rows * heads * dim); }
  size_t k_size() const { return static_cast<size_t>(rows * kv_heads * dim); }
  size_t size() const { return q_size() + 2 * k_size() + (sinks ? static_cast<size_t>(heads) : 0); }

  double loss(const Numbers& at, const Numbers& dout) const {
    double total = 0;
    for (int h = 0; h < heads; ++h) {
      for (int t = 0; t < rows; ++t) total += row_loss(at, dout, h, t);
    }
    return total;
  }

  double row_loss(const Numbers& at, const Numbers& dout, int h, int t) const {
    const auto q = [&](int i) { return at[static_cast<size_t>((t * heads + h) * dim + i)]; };
    const auto kv = [&](size_t base, int position, int i) {
      return at[base + static_cast<size_t>((position * kv_heads + h / (heads / kv_heads)) * dim + i)];
    };
    double sum = sinks ? std::exp(at[q_size() + 2 * k_size() + static_cast<size_t>(h)]) : 0;
    double weighted = 0;
    for (int p = window > 0 ? std::max(0, t - window + 1) : 0; p <= t; ++p) {
      double logit = 0;
      double value = 0;
      for (int i = 0; i < dim; ++i) {
        logit += scale * q(i) * kv(q_size(), p, i);
        value += dout[static_cast<size_t>((t * heads + h) * dim + i)] * kv(q_size() + k_size(), p, i);
      }
      if (softcap > 0) logit = softcap * std::tanh(logit / softcap);
      sum += std::exp(logit);
      weighted += std::exp(logit) * value;
    }
    return weighted / sum;
  }
};

/// Its four tensors: queries, keys, values and sinks.
std::array<Tensor, 4> parts_of(const AttentionCase& c, std::vector<float>& of) {
  const int64_t q_width = c.heads * c.dim;
  const int64_t k_width = c.kv_heads * c.dim;
  float* data = of.data();
  return {Tensor(DType::F32, {c.rows, q_width}, data), Tensor(DType::F32, {c.rows, k_width}, data + c.q_size()),
          Tensor(DType::F32, {c.rows, k_width}, data + c.q_size() + c.k_size()),
          c.sinks ? Tensor(DType::F32, {c.heads}, data + c.q_size() + 2 * c.k_size()) : Tensor()};
}

/// The gradients of a batch of sequences, with products rounded to `type`.
std::vector<float> attention_slopes(const AttentionCase& c, std::span<const KvSlice> slices, const Numbers& at,
                                    const Numbers& dout, DType type, const std::string& isa, int n_threads) {
  const auto backend = testing::backend(isa, n_threads);
  std::vector<float> inputs = in_floats(at);
  std::vector<float> outputs = in_floats(dout);
  std::vector<float> slopes(c.size(), 0.0f);
  const auto [q, k, v, sinks] = parts_of(c, inputs);
  const auto [dq, dk, dv, dsinks] = parts_of(c, slopes);
  AttentionRecord record;
  record.args.q = q;
  record.args.n_heads = c.heads;
  record.args.scale = static_cast<float>(c.scale);
  record.args.softcap = static_cast<float>(c.softcap);
  record.args.window = c.window;
  record.args.sinks = sinks;
  record.k = k;
  record.v = v;
  record.n_kv_heads = c.kv_heads;
  record.type = type;
  backend->derivatives()->attention(record, slices, Tensor(DType::F32, q.shape(), outputs.data()), dq, dk, dv, dsinks);
  return slopes;
}

TEST(Gradients, Attention) {
  const AttentionCase cases[] = {{9, 2, 2, 8, 0, 0, false},   {70, 2, 1, 4, 0, 0, false}, {70, 2, 1, 4, 7, 0, false},
                                 {12, 4, 2, 8, 0, 2.0, true}, {12, 2, 1, 8, 5, 0, true},  {1, 1, 1, 4, 0, 0, false}};
  for (const AttentionCase& c : cases) {
    const Numbers at = random_numbers(c.size(), 7);
    const Numbers dout = random_numbers(c.q_size(), 8);
    const Numbers expected = slopes_of([&](const Numbers& x) { return c.loss(x, dout); }, at);
    const KvSlice slice{0, c.rows, 0, nullptr};
    for (const std::string& isa : testing::instruction_sets()) {
      EXPECT_LE(distance(attention_slopes(c, {&slice, 1}, at, dout, DType::F32, isa, 2), expected), kFloats)
          << isa << " rows " << c.rows << " window " << c.window;
    }
  }
}

// Rounded products stay near exact ones, at sizes that fill blocks and such that do not, whatever the threads.
TEST(Gradients, RoundedAttention) {
  const AttentionCase cases[] = {{150, 4, 2, 64, 0, 0, false}, {200, 2, 2, 80, 70, 0, false},
                                 {97, 3, 1, 20, 0, 5.0, true}, {33, 2, 1, 128, 9, 0, true},
                                 {64, 1, 1, 12, 0, 0, false},  {40, 2, 2, 6, 0, 0, false},
                                 {2, 2, 2, 32, 0, 0, false}};
  for (const AttentionCase& c : cases) {
    const Numbers at = random_numbers(c.size(), 7);
    const Numbers dout = random_numbers(c.q_size(), 8);
    const int first = c.rows / 3;
    const KvSlice slices[] = {{first, c.rows - first, 0, nullptr}, {0, first, 0, nullptr}};
    const std::span<const KvSlice> used(slices, first > 0 ? 2 : 1);
    for (const std::string& isa : testing::instruction_sets()) {
      const std::vector<float> exact = attention_slopes(c, used, at, dout, DType::F32, isa, 2);
      const std::vector<float> rounded = attention_slopes(c, used, at, dout, DType::BF16, isa, 2);
      EXPECT_LE(distance(rounded, Numbers(exact.begin(), exact.end())), 0.01)
          << isa << " rows " << c.rows << " dim " << c.dim;
      EXPECT_EQ(rounded, attention_slopes(c, used, at, dout, DType::BF16, isa, 1)) << isa;
    }
  }
}

/// Router weights for fixed choices, in double.
double route_loss(const Numbers& logits, const RouteParams& params, const std::vector<int32_t>& ids,
                  const Numbers& dweights) {
  Numbers scores = logits;
  if (params.score == RouteParams::Score::kSoftmax) scores = cpu::gradients::softmax_of(scores);
  if (params.score == RouteParams::Score::kSigmoid) {
    for (double& score : scores) score = cpu::gradients::sigmoid_of(score);
  }
  Numbers chosen;
  for (const int32_t id : ids) chosen.push_back(scores[static_cast<size_t>(id)]);
  if (params.score == RouteParams::Score::kSoftmaxOfChosen) chosen = cpu::gradients::softmax_of(chosen);
  double sum = 0;
  for (const double weight : chosen) sum += weight;
  return static_cast<double>(params.scale) * dot(chosen, dweights) / (params.normalize ? sum : 1.0);
}

TEST(Gradients, Routes) {
  const std::vector<int32_t> ids = {4, 1, 5};
  const Numbers logits = random_numbers(7, 9);
  const Numbers dweights = random_numbers(ids.size(), 10);
  for (const auto score :
       {RouteParams::Score::kSoftmax, RouteParams::Score::kSigmoid, RouteParams::Score::kSoftmaxOfChosen}) {
    for (const bool normalize : {false, true}) {
      RouteParams params;
      params.score = score;
      params.normalize = normalize;
      params.n_used = static_cast<int>(ids.size());
      params.scale = 1.5f;
      const Numbers expected =
          slopes_of([&](const Numbers& at) { return route_loss(at, params, ids, dweights); }, logits);
      Numbers got(logits.size(), 0.0);
      cpu::gradients::route(logits.data(), 7, params, ids.data(), dweights.data(), got.data());
      EXPECT_LE(distance(got, expected), kFormula) << static_cast<int>(score) << normalize;
    }
  }
}

TEST(Gradients, Rope) {
  constexpr int64_t rows = 3;
  constexpr int64_t width = 20;
  const Numbers x = random_numbers(rows * width, 11);
  const Numbers dy = random_numbers(rows * width, 12);
  std::vector<float> angles;
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < 3; ++i) angles.push_back(1.2f * std::cos(static_cast<float>(row + i)));
    for (int i = 0; i < 3; ++i) angles.push_back(1.2f * std::sin(static_cast<float>(row + i)));
  }
  const Tensor turns(DType::F32, {rows, 6}, angles.data());
  const auto backend = testing::backend("ref", 1);
  for (const RopePairs pairs : {RopePairs::kHalves, RopePairs::kInterleaved}) {
    // A rotation is linear, so its gradient is exact: <dy, R x> = <R^T dy, x> for every x.
    std::vector<float> turned = in_floats(x);
    std::vector<float> back = in_floats(dy);
    backend->rope(Tensor(DType::F32, {rows, width}, turned.data()), 10, 2, turns, pairs);
    backend->derivatives()->rope(Tensor(DType::F32, {rows, width}, back.data()), 10, 2, turns, pairs);
    EXPECT_NEAR(dot(Numbers(turned.begin(), turned.end()), dy), dot(Numbers(back.begin(), back.end()), x), 1e-5);
    EXPECT_NE(back, in_floats(dy));
  }
}

/// y = x W^T, dx = dy W and dW = dy^T x in all types that products of learning may use, with `rows` and `outputs` that
/// fill whole panels or do not.
void compare_products(int64_t rows, int64_t inputs, int64_t outputs) {
  std::vector<float> w = in_floats(random_numbers(static_cast<size_t>(outputs * inputs), 13));
  std::vector<float> x = in_floats(random_numbers(static_cast<size_t>(rows * inputs), 14));
  std::vector<float> dy = in_floats(random_numbers(static_cast<size_t>(rows * outputs), 15));
  Numbers y_expected(dy.size(), 0.125);
  Numbers dx_expected(x.size(), 0.5);
  Numbers dw_expected(w.size(), 0.25);
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t h = 0; h < outputs; ++h) {
      for (int64_t d = 0; d < inputs; ++d) {
        const auto at = [](int64_t i) { return static_cast<size_t>(i); };
        const double slope = dy[at(t * outputs + h)];
        y_expected[at(t * outputs + h)] += static_cast<double>(x[at(t * inputs + d)]) * w[at(h * inputs + d)];
        dx_expected[at(t * inputs + d)] += slope * w[at(h * inputs + d)];
        dw_expected[at(h * inputs + d)] += slope * x[at(t * inputs + d)];
      }
    }
  }
  const Tensor matrix(DType::F32, {outputs, inputs}, w.data());
  const Tensor activations(DType::F32, {rows, inputs}, x.data());
  const Tensor slopes(DType::F32, {rows, outputs}, dy.data());
  const Weight weight{matrix, {}};
  const std::pair<DType, double> types[] = {{DType::F32, 1e-6}, {DType::BF16, 1e-2}, {DType::Q8_0, 2e-2}};
  for (const std::string& isa : testing::instruction_sets()) {
    for (const auto& [type, limit] : types) {
      std::vector<std::vector<float>> results[2];
      for (const int n_threads : {1, 2}) {
        const auto backend = testing::backend(isa, n_threads);
        std::vector<float> y(dy.size(), 0.125f);
        std::vector<float> dx(x.size(), 0.5f);
        std::vector<float> dw(w.size(), 0.25f);
        const LinearJob job{&weight, Tensor(DType::F32, {rows, outputs}, y.data()), true};
        backend->derivatives()->linear(activations, {&job, 1}, type);
        backend->derivatives()->linear_input(slopes, matrix, type, Tensor(DType::F32, {rows, inputs}, dx.data()),
                                             {});
        backend->derivatives()->linear_weight(slopes, activations, type,
                                              Tensor(DType::F32, {outputs, inputs}, dw.data()));
        results[n_threads - 1] = {y, dx, dw};
      }
      const Numbers* expected[] = {&y_expected, &dx_expected, &dw_expected};
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_LE(distance(results[0][i], *expected[i]), limit)
            << isa << " " << info_of(type).name << " product " << i << " of " << rows << " x " << inputs << " x "
            << outputs;
      }
      EXPECT_EQ(results[0], results[1]) << isa << " " << info_of(type).name;
    }
  }
}

TEST(Gradients, Products) {
  compare_products(37, 64, 83);
  compare_products(80, 96, 128);
  compare_products(17, 32, 64);
  compare_products(5, 64, 32);
  compare_products(300, 544, 96);
  compare_products(70, 72, 64);
}

TEST(Gradients, CrossEntropy) {
  constexpr size_t rows = 3;
  constexpr size_t n = 37;
  Numbers logits = random_numbers(rows * n, 16, 3.0);
  logits[2 * n + 5] = 300.0;  // so that another target's probability is nothing in floats
  const std::vector<int32_t> targets = {4, 36, 7};
  const auto loss = [&](const Numbers& z) {
    double sum = 0;
    for (size_t row = 0; row < rows; ++row) {
      const double* values = z.data() + row * n;
      const double largest = *std::max_element(values, values + n);
      double total = 0;
      for (size_t i = 0; i < n; ++i) total += std::exp(values[i] - largest);
      sum += std::log(total) + largest - values[targets[row]];
    }
    return sum;
  };
  const Numbers expected = slopes_of([&](const Numbers& z) { return 0.25 * loss(z); }, logits);
  for (const std::string& isa : testing::instruction_sets()) {
    const auto backend = testing::backend(isa, 2);
    std::vector<float> values = in_floats(logits);
    std::vector<float> slopes(values.size());
    const double got = backend->derivatives()->cross_entropy(Tensor(DType::F32, {rows, n}, values.data()), targets,
                                                             0.25f, Tensor(DType::F32, {rows, n}, slopes.data()));
    EXPECT_NEAR(got, loss(logits), 1e-5 * got) << isa;
    EXPECT_LE(distance(slopes, expected), kFloats) << isa;
  }
}

TEST(Gradients, Divergence) {
  constexpr size_t rows = 3;
  constexpr size_t n = 37;
  const Numbers logits = random_numbers(rows * n, 17, 2.0);
  Numbers reference = random_numbers(rows * n, 18, 2.0);
  std::copy_n(logits.begin(), n, reference.begin());  // the first row is where it was
  const auto log_softmax = [&](const Numbers& z, size_t row, size_t i) {
    double total = 0;
    for (size_t j = 0; j < n; ++j) total += std::exp(z[row * n + j]);
    return z[row * n + i] - std::log(total);
  };
  const auto divergence = [&](const Numbers& z) {
    double sum = 0;
    for (size_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < n; ++i) {
        const double r = log_softmax(reference, row, i);
        sum += std::exp(r) * (r - log_softmax(z, row, i));
      }
    }
    return sum;
  };
  const Numbers expected = slopes_of([&](const Numbers& z) { return 0.25 * divergence(z); }, logits);
  for (const std::string& isa : testing::instruction_sets()) {
    const auto backend = testing::backend(isa, 2);
    std::vector<float> values = in_floats(logits);
    std::vector<float> before = in_floats(reference);
    std::vector<float> slopes(values.size());
    const double got = backend->derivatives()->divergence(Tensor(DType::F32, {rows, n}, values.data()),
                                                          Tensor(DType::F32, {rows, n}, before.data()), 0.25f,
                                                          Tensor(DType::F32, {rows, n}, slopes.data()));
    EXPECT_NEAR(got, divergence(logits), 1e-5 * got) << isa;
    EXPECT_LE(distance(slopes, expected), kFloats) << isa;
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(slopes[i], 0.0, 1e-7) << isa;
  }
}

}  // namespace
}  // namespace ondol
