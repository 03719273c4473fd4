// Muon: the momentum of a hidden matrix, brought near to the nearest orthogonal matrix by five steps of a Newton-Schulz
// iteration, is its step. Embeddings, the output and vectors follow AdamW.
//
// An orthogonal step [H, D] is multiplied by 0.2 sqrt(max(H, D)), which gives it the size of AdamW's steps (Liu et al.,
// 2025: Muon is scalable for LLM training), so that one rate and one decay serve both.
#include <algorithm>
#include <cstring>

#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

bool is_hidden(const Parameter& parameter) {
  const std::string& name = parameter.name;
  const bool is_outer = name.starts_with("token_embd") || name.starts_with("position_embd") ||
                        name.starts_with("token_types") || name.starts_with("output.");
  return parameter.is_matrix() && !is_outer;
}

void transpose(const Tensor& from, Tensor to) {
  constexpr int64_t kTile = 32;
  for (int64_t row0 = 0; row0 < from.rows(); row0 += kTile) {
    for (int64_t column0 = 0; column0 < from.columns(); column0 += kTile) {
      for (int64_t row = row0; row < std::min(row0 + kTile, from.rows()); ++row) {
        for (int64_t column = column0; column < std::min(column0 + kTile, from.columns()); ++column) {
          to.f32(column)[row] = from.f32(row)[column];
        }
      }
    }
  }
}

/// out = a b^T.
void multiply(Backend& backend, const Tensor& a, const Tensor& b, Tensor out) {
  const Weight weight{b, {}};
  const LinearJob job{&weight, out};
  backend.linear(a, {&job, 1});
}

/// x [m, n] with m <= n becomes nearly orthogonal: its singular values come near to 1.
void orthogonalise(Backend& backend, Tensor x) {
  constexpr float kA = 3.4445f;
  constexpr float kB = -4.7750f;
  constexpr float kC = 2.0315f;
  const int64_t m = x.rows();
  const int64_t n = x.columns();
  double squares = 0;
  for (int64_t i = 0; i < m * n; ++i) squares += static_cast<double>(x.f32()[i]) * static_cast<double>(x.f32()[i]);
  const auto factor = static_cast<float>(1.0 / (std::sqrt(squares) + 1e-7));
  for (int64_t i = 0; i < m * n; ++i) x.f32()[i] *= factor;
  OwnedTensor product(DType::F32, {m, m});
  OwnedTensor square(DType::F32, {m, m});
  OwnedTensor turned(DType::F32, {n, m});
  OwnedTensor next(DType::F32, {m, n});
  for (int round = 0; round < 5; ++round) {
    multiply(backend, x, x, product.tensor);
    multiply(backend, product.tensor, product.tensor, square.tensor);  // it equals its transpose
    for (int64_t i = 0; i < m * m; ++i)
      square.tensor.f32()[i] = kB * product.tensor.f32()[i] + kC * square.tensor.f32()[i];
    transpose(x, turned.tensor);
    multiply(backend, square.tensor, turned.tensor, next.tensor);
    for (int64_t i = 0; i < m * n; ++i) x.f32()[i] = kA * x.f32()[i] + next.tensor.f32()[i];
  }
}

class Muon final : public Optimizer {
 public:
  Muon(const Parameters& parameters, const OptimizerOptions& options, OptimizerTools tools)
      : options_(options), tools_(tools) {
    ONDOL_CHECK(tools.backend != nullptr);
    for (const Parameter& parameter : parameters.all()) {
      const Shape& shape = parameter.value.shape();
      const bool hidden = is_hidden(parameter);
      memories_.push_back(
          {parameter.name, hidden, {DType::F32, shape}, hidden ? OwnedTensor() : OwnedTensor(DType::F32, shape)});
    }
  }

  std::vector<TensorEntry> states() override {
    std::vector<TensorEntry> entries;
    for (const Memory& memory : memories_) {
      entries.push_back({memory.name + ".mean", memory.mean.tensor});
      if (!memory.is_hidden) entries.push_back({memory.name + ".square", memory.square.tensor});
    }
    return entries;
  }

 private:
  struct Memory {
    std::string name;
    bool is_hidden;
    OwnedTensor mean;  // of a hidden matrix: the momentum
    OwnedTensor square;
  };

  void update(Parameters& parameters, double rate) override {
    ONDOL_CHECK(parameters.all().size() == memories_.size());
    for (size_t p = 0; p < memories_.size(); ++p) {
      Parameter& parameter = parameters.all()[p];
      if (memories_[p].is_hidden) {
        update_hidden(parameter, memories_[p].mean.tensor, rate * parameter.rate_factor);
        continue;
      }
      const AdamWStep step(options_, parameter, rate, n_steps(), gradient_factor());
      for_parts(tools_.threads, parameter.value.shape().elements(), [&](int64_t begin, int64_t end) {
        step.apply(parameter.gradient.f32() + begin, memories_[p].mean.tensor.f32() + begin,
                   memories_[p].square.tensor.f32() + begin, parameter.value.f32() + begin, end - begin);
      });
    }
  }

  /// Experts lie behind one another; each is a matrix of its own.
  void update_hidden(Parameter& parameter, Tensor momentum, double rate) {
    const Shape& shape = parameter.value.shape();
    const int64_t columns = shape.columns();
    const int64_t rows = shape.rank() == 3 ? shape[1] : shape.rows();
    for (int64_t first = 0; first < shape.rows(); first += rows) {
      update_matrix(parameter.value.reshaped({shape.rows(), columns}).slice_rows(first, rows),
                    parameter.gradient.reshaped({shape.rows(), columns}).slice_rows(first, rows),
                    momentum.reshaped({shape.rows(), columns}).slice_rows(first, rows), rate);
    }
  }

  void update_matrix(Tensor value, const Tensor& gradient, Tensor momentum, double rate) {
    const auto kept_momentum = static_cast<float>(options_.momentum);
    OwnedTensor step(DType::F32, value.shape());
    const int64_t n = value.shape().elements();
    for (int64_t i = 0; i < n; ++i) {
      const float own = gradient_factor() * gradient.f32()[i];
      momentum.f32()[i] = kept_momentum * momentum.f32()[i] + own;
      step.tensor.f32()[i] = own + kept_momentum * momentum.f32()[i];  // Nesterov's
    }
    if (value.rows() <= value.columns()) {
      orthogonalise(*tools_.backend, step.tensor);
    } else {
      OwnedTensor turned(DType::F32, {value.columns(), value.rows()});
      transpose(step.tensor, turned.tensor);
      orthogonalise(*tools_.backend, turned.tensor);
      transpose(turned.tensor, step.tensor);
    }
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(value.rows(), value.columns())));
    const auto factor = static_cast<float>(rate * size);
    const auto kept = static_cast<float>(1.0 - rate * options_.decay);
    for (int64_t i = 0; i < n; ++i) value.f32()[i] = kept * value.f32()[i] - factor * step.tensor.f32()[i];
  }

  OptimizerOptions options_;
  OptimizerTools tools_;
  std::vector<Memory> memories_;
};

}  // namespace

std::unique_ptr<Optimizer> make_muon(const Parameters& parameters, const OptimizerOptions& options,
                                     OptimizerTools tools) {
  return std::make_unique<Muon>(parameters, options, tools);
}

}  // namespace ondol::train
