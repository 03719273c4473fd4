#include "backend/cpu/matmul.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "backend/cpu/matmul_rows.h"
#include "quant/format.h"

namespace ondol::cpu {

const TileKernels* tiles_of([[maybe_unused]] const CpuKernels& kernels) {
#if defined(__x86_64__)
  if (kernels.level == IsaLevel::kAmx) return &avx512::kTiles;
  if (kernels.level == IsaLevel::kAvx512 && (kernels.features & kAvx512Bf16) != 0) return &avx512::kPairTiles;
#endif
  return nullptr;
}

namespace {

/// Weight rows that are decoded together and then meet every row of x.
constexpr int64_t kDecodedRows = 32;

/// nullptr: plain code only.
const MatmulKernels* table_for(const CpuKernels& kernels) {
  switch (kernels.level) {
#if defined(__x86_64__)
    case IsaLevel::kAvx2:
      return (kernels.features & kAvxVnni) != 0 ? &avx2_vnni::kMatmul : &avx2::kMatmul;
    case IsaLevel::kAvx512:
    case IsaLevel::kAmx:
      return &avx512::kMatmul;
#elif defined(__aarch64__)
    case IsaLevel::kNeon:
      return (kernels.features & kNeonI8mm) != 0 ? &neon_i8mm::kMatmul : &neon::kMatmul;
#endif
    default:
      return nullptr;
  }
}

void check_job(const MatmulJob& job) {
  ONDOL_CHECK(job.k() == (job.weight_turned ? job.weight.rows() : job.weight.columns()));
  ONDOL_CHECK(job.out.columns() == job.n_weights() && job.out.rows() == job.n_x());
  ONDOL_CHECK(job.bias.empty() || job.bias.columns() == job.n_weights());
}

/// The work of one multiply() call.
class Multiplication {
 public:
  Multiplication(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& scratch, std::span<const MatmulJob> jobs)
      : kernels_(kernels),
        table_(table_for(kernels)),
        tiles_(tiles_of(kernels)),
        pool_(pool),
        scratch_(scratch),
        jobs_(jobs) {}

  void run() {
    plan();
    if (table_ != nullptr) scratch_.inputs.build(*table_, pool_);
    if (tiles_ != nullptr) scratch_.tiled_inputs.build(*tiles_, pool_);
    cut_into_units();
    float* memory = scratch_.of_threads.floats(thread_floats_ * static_cast<size_t>(pool_.size()));
    auto body = [&](int64_t begin, int64_t end, int thread) {
      for (int64_t i = begin; i < end; ++i) {
        multiply_unit(scratch_.units[static_cast<size_t>(i)], memory + thread_floats_ * static_cast<size_t>(thread));
      }
    };
    pool_.run(static_cast<int64_t>(scratch_.units.size()), 1, std::ref(body));
  }

 private:
  void plan();
  size_t scratch_floats(const MatmulJob& job, const MatmulScratch::Plan& plan) const;
  int64_t cost_of_row(const MatmulJob& job) const;
  void cut_into_units();

  void multiply_unit(const MatmulUnit& unit, float* memory) const;
  void multiply_plainly(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const;
  void multiply_decoded(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const;
  void multiply_floats(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const;
  void multiply_lanes(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin, int64_t end,
                      float* memory) const;
  void multiply_in_lanes(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin, int64_t end, int64_t n_x,
                         float* memory) const;
  void multiply_in_panels(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin, int64_t end,
                          int64_t n_x, float* memory) const;
  void fetch_panels(const MatmulJob& job, int64_t begin, int64_t end, int64_t part, int64_t n_parts) const;
  RowGroup pack_panel(const MatmulJob& job, const LanesType& type, int64_t row, int64_t end, uint8_t* panel,
                      uint8_t* copied) const;
  void multiply_as_it_lies(const MatmulJob& job, const MatmulScratch::Plan& plan, const RowGroup& group, int64_t row,
                           const BlockOfRows& block) const;
  void multiply_in_strips(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin, int64_t end,
                          const BlockOfRows& block, float* memory) const;

  const CpuKernels& kernels_;
  const MatmulKernels* table_;
  const TileKernels* tiles_;
  ThreadPool& pool_;
  MatmulScratch& scratch_;
  std::span<const MatmulJob> jobs_;
  size_t thread_floats_ = 0;
};

FloatKernel float_kernel(const MatmulKernels& table, DType type) {
  switch (type) {
    case DType::F32:
      return table.f32;
    case DType::F16:
      return table.f16;
    case DType::BF16:
      return table.bf16;
    default:
      return nullptr;
  }
}

void Multiplication::plan() {
  scratch_.inputs.clear();
  scratch_.tiled_inputs.clear();
  scratch_.plans.clear();
  thread_floats_ = 0;
  for (const MatmulJob& job : jobs_) {
    check_job(job);
    const DType type = job.weight.type();
    MatmulScratch::Plan plan{way_to_multiply(kernels_, type, job.k(), job.n_x(), job.rounded), nullptr, 0};
    if (job.x_turned || job.weight_turned) {
      ONDOL_CHECK(job.rounded && (type == DType::F32 || type == DType::BF16));
      ONDOL_CHECK(job.coarse || takes_turned(kernels_));
      plan.way = MatmulWay::kTiles;
    }
    if (job.coarse) {
      ONDOL_CHECK(takes_coarse(kernels_, job));
      plan.way = MatmulWay::kLanes;
    }
    if (table_ != nullptr && job.n_x() > 0) plan.type = table_->lanes_type(job.coarse ? DType::Q8_0 : type);
    if (plan.way == MatmulWay::kTiles) plan.input = scratch_.tiled_inputs.add(*tiles_, job);
    if (plan.way == MatmulWay::kLanes) {
      plan.input = scratch_.inputs.add(job.x, *plan.type, {.coarse = job.coarse, .turned = job.x_turned});
    }
    scratch_.plans.push_back(plan);
    thread_floats_ = std::max(thread_floats_, scratch_floats(job, plan));
  }
}

/// The columns of weights, with zeros that fill up the last group of turned ones.
int64_t padded_k(const MatmulJob& job) {
  return (job.k() + kXGroup - 1) / kXGroup * kXGroup;
}

size_t panel_bytes(const MatmulJob& job, const MatmulScratch::Plan& plan) {
  return static_cast<size_t>(padded_k(job) / kXGroup) * plan.type->panel_step;
}

/// What multiply_unit needs for the rows that it decodes, packs or copies.
size_t Multiplication::scratch_floats(const MatmulJob& job, const MatmulScratch::Plan& plan) const {
  if (plan.way == MatmulWay::kLanes && job.weight_turned) return kMostPanels * panel_bytes(job, plan) / sizeof(float);
  const auto k = static_cast<size_t>(job.weight.columns());
  const size_t copied = (kMaxLanes * row_bytes(job.weight.type(), job.weight.columns()) + 63) / 64 * 16;
  if (plan.way == MatmulWay::kDecode) return (kDecodedRows * k + 15) / 16 * 16;
  if (plan.way == MatmulWay::kFloats) return copied;
  if (plan.way == MatmulWay::kTiles) return tiled_floats(job);
  return copied + kMostPanels * panel_bytes(job, plan) / sizeof(float);
}

/// About how many processor cycles a row of weights takes: to read it from memory, and to multiply.
int64_t Multiplication::cost_of_row(const MatmulJob& job) const {
  constexpr int64_t kBytesPerCycle = 6;
  constexpr int64_t kProductsPerCycle = 64;
  return static_cast<int64_t>(row_bytes(job.weight.type(), job.k())) / kBytesPerCycle +
         job.n_x() * job.k() / kProductsPerCycle + 1;
}

/// Units become smaller towards the end, so that the threads finish together although one may have been held up.
void Multiplication::cut_into_units() {
  constexpr int64_t kLeastCost = 30000;
  scratch_.units.clear();
  int64_t total = 0;
  for (const MatmulJob& job : jobs_) total += cost_of_row(job) * job.n_weights();
  for (size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].n_x() == 0) continue;
    const int64_t n_rows = jobs_[i].n_weights();
    const int64_t cost = cost_of_row(jobs_[i]);
    for (int64_t begin = 0; begin < n_rows;) {
      const int64_t wanted = std::max(kLeastCost, total / (3 * pool_.size()));
      const int64_t rows = (wanted / cost + kDecodedRows) / kDecodedRows * kDecodedRows;
      const int64_t end = std::min(n_rows, begin + rows);
      scratch_.units.push_back({i, begin, end});
      total -= cost * (end - begin);
      begin = end;
    }
  }
}

void Multiplication::multiply_unit(const MatmulUnit& unit, float* memory) const {
  const MatmulJob& job = jobs_[unit.job];
  const MatmulScratch::Plan& plan = scratch_.plans[unit.job];
  if (plan.way == MatmulWay::kLanes) return multiply_lanes(job, plan, unit.begin, unit.end, memory);
  if (plan.way == MatmulWay::kTiles) {
    return multiply_tiled(*tiles_, job, plan.type, scratch_.tiled_inputs, plan.input, unit.begin, unit.end, memory);
  }
  if (plan.way == MatmulWay::kFloats) return multiply_floats(job, unit.begin, unit.end, memory);
  for (int64_t begin = unit.begin; begin < unit.end; begin += kDecodedRows) {
    const int64_t end = std::min(unit.end, begin + kDecodedRows);
    if (table_ == nullptr) {
      multiply_plainly(job, begin, end, memory);
    } else {
      multiply_decoded(job, begin, end, memory);
    }
  }
}

/// By decoding and multiplying, for instruction sets without kernels for products.
void Multiplication::multiply_plainly(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const {
  const int64_t k = job.weight.columns();
  for (int64_t row = begin; row < end; ++row) {
    format_of(job.weight.type()).decode(job.weight.row_bytes(row), memory + (row - begin) * k, k);
  }
  const float* bias = job.bias.empty() ? nullptr : job.bias.f32();
  for (int64_t t = 0; t < job.x.rows(); ++t) {
    const float* x = job.x.f32(t);
    float* out = Tensor(job.out).f32(t);
    for (int64_t row = begin; row < end; ++row) {
      float value = kernels_.dot(memory + (row - begin) * k, x, k);
      if (bias != nullptr) value += bias[row];
      out[row] = job.accumulate ? out[row] + value : value;
    }
  }
}

namespace {

/// Weight rows that a kernel goes through at once, in several streams.
constexpr int64_t kRowsAtOnce = 256;

/// As many of the rows [row, end) as a kernel for `streams` streams takes at once.
RowGroup next_streams(const Tensor& matrix, int64_t row, int64_t end, int streams, void* memory) {
  const int64_t whole = std::min(kRowsAtOnce, (end - row) / streams * streams);
  return group_of_rows(matrix, row, end, static_cast<int>(whole > 0 ? whole : streams), memory);
}

/// Rows [begin, end) of a matrix of floats times all of x. They are the rows of the job's weights from `first_row` on.
void multiply_float_rows(const MatmulJob& job, FloatKernel kernel, const Tensor& matrix, int64_t begin, int64_t end,
                         int64_t first_row, float* memory) {
  alignas(64) float tile[kWide * kRowsAtOnce];
  const size_t x_stride = job.x.row_stride_bytes() / sizeof(float);
  for (int64_t x = 0; x < job.x.rows(); x += kWide) {
    const auto width = static_cast<int>(std::min<int64_t>(kWide, job.x.rows() - x));
    for (int64_t row = begin; row < end;) {
      const RowGroup group = next_streams(matrix, row, end, kFloatRows, memory);
      kernel(group.rows, group.row_bytes, group.lanes, matrix.columns(), job.x.f32(x), x_stride, width, tile,
             kRowsAtOnce);
      store_tile(job, tile, kRowsAtOnce, group, first_row + row, x, width);
      row += group.n;
    }
  }
}

}  // namespace

void Multiplication::multiply_decoded(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const {
  const int64_t k = job.weight.columns();
  // The last group is filled up with copies of the last row.
  const int64_t padded_end = begin + (end - begin + kFloatRows - 1) / kFloatRows * kFloatRows;
  for (int64_t row = begin; row < padded_end; ++row) {
    float* to = memory + (row - begin) * k;
    const uint8_t* from = job.weight.row_bytes(std::min(row, end - 1));
    if (job.weight.type() == DType::F16) {
      table_->decode_f16(from, to, k);
    } else if (job.weight.type() == DType::BF16) {
      table_->decode_bf16(from, to, k);
    } else {
      format_of(job.weight.type()).decode(from, to, k);
    }
  }
  const Tensor decoded(DType::F32, {padded_end - begin, k}, memory);
  multiply_float_rows(job, table_->f32, decoded, 0, end - begin, begin, nullptr);
}

void Multiplication::multiply_floats(const MatmulJob& job, int64_t begin, int64_t end, float* memory) const {
  const FloatKernel kernel = float_kernel(*table_, job.weight.type());
  // So many rows are read from memory once, however many rows x has.
  const int64_t at_once = job.x.rows() <= kWide ? end - begin : kDecodedRows;
  for (int64_t row = begin; row < end; row += at_once) {
    multiply_float_rows(job, kernel, job.weight, row, std::min(end, row + at_once), 0, memory);
  }
}

void Multiplication::multiply_lanes(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin, int64_t end,
                                    float* memory) const {
  if (job.coarse) return multiply_in_panels(job, plan, begin, end, job.n_x(), memory);
  const BlockOfRows last = block_of(job.x.rows(), n_blocks_of(job.x.rows()) - 1);
  const bool last_in_strips = last.width <= table_->few;
  const int64_t in_lanes = last_in_strips ? last.begin : job.x.rows();
  if (in_lanes > 0) multiply_in_lanes(job, plan, begin, end, in_lanes, memory);
  if (last_in_strips) multiply_in_strips(job, plan, begin, end, last, memory);
}

/// The first n_x rows of x.
void Multiplication::multiply_in_lanes(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin,
                                       int64_t end, int64_t n_x, float* memory) const {
  // Unpacked once for many rows of x, or else for each block of them.
  if (n_x > kWide + kNarrow) return multiply_in_panels(job, plan, begin, end, n_x, memory);
  for (int64_t row = begin; row < end;) {
    const RowGroup group = next_streams(job.weight, row, end, plan.type->lanes, memory);
    for (int64_t b = 0; b < n_blocks_of(n_x); ++b) multiply_as_it_lies(job, plan, group, row, block_of(n_x, b));
    row += group.n;
  }
}

void Multiplication::multiply_as_it_lies(const MatmulJob& job, const MatmulScratch::Plan& plan, const RowGroup& group,
                                         int64_t row, const BlockOfRows& block) const {
  alignas(64) float tile[kWide * kRowsAtOnce];
  const LanesType& type = *plan.type;
  const XBlock x = scratch_.inputs.block(plan.input, block.begin / kWide, type);
  const LanesKernel kernel = block.width == kWide ? type.wide : type.narrow[block.width - 1];
  kernel(group.rows, group.row_bytes, group.lanes, job.weight.columns(), &x, tile, kRowsAtOnce);
  store_tile(job, tile, kRowsAtOnce, group, row, block.begin, block.n_rows);
}

/// The last blocks of x, while which the next panels are fetched.
constexpr int64_t kFetchingBlocks = 8;

/// Asks for one of n_parts parts of the rows [begin, end), which are packed next: there are more of them than the
/// processor follows by itself.
void Multiplication::fetch_panels(const MatmulJob& job, int64_t begin, int64_t end, int64_t part,
                                  int64_t n_parts) const {
  const Tensor& weight = job.weight;
  // Lines of memory, and what of each belongs to the part.
  int64_t first = begin;
  int64_t last = end;
  size_t from = row_bytes(weight.type(), begin);
  size_t to = row_bytes(weight.type(), end);
  if (job.weight_turned) {
    first = part * weight.rows() / n_parts;
    last = (part + 1) * weight.rows() / n_parts;
  } else {
    const size_t size_bytes = row_bytes(weight.type(), weight.columns());
    from = size_bytes * static_cast<size_t>(part) / static_cast<size_t>(n_parts);
    to = size_bytes * static_cast<size_t>(part + 1) / static_cast<size_t>(n_parts);
  }
  for (int64_t line = first; line < last; ++line) {
    for (size_t byte = from; byte < to; byte += 64) __builtin_prefetch(weight.row_bytes(line) + byte, 0, 2);
  }
}

/// Packs the next rows from `row` on, at most type.lanes of them.
RowGroup Multiplication::pack_panel(const MatmulJob& job, const LanesType& type, int64_t row, int64_t end,
                                    uint8_t* panel, uint8_t* copied) const {
  const Tensor& weight = job.weight;
  if (!job.weight_turned) {
    const RowGroup group = group_of_rows(weight, row, end, type.lanes, copied);
    type.pack(group.rows, group.row_bytes, weight.columns(), panel);
    return group;
  }
  const auto n = static_cast<int>(std::min<int64_t>(type.lanes, end - row));
  if (weight.type() == DType::F32) {
    table_->coarse->pack_turned_f32(weight.f32() + row, weight.row_stride_bytes() / sizeof(float), n, job.k(), panel);
  } else {
    table_->coarse->pack_turned_bf16(reinterpret_cast<const uint16_t*>(weight.bytes()) + row,
                              weight.row_stride_bytes() / sizeof(uint16_t), n, job.k(), panel);
  }
  return {nullptr, 0, type.lanes, 0, n};
}

void Multiplication::multiply_in_panels(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin,
                                        int64_t end, int64_t n_x, float* memory) const {
  alignas(64) float tile[kWide * kMostPanels * kMaxLanes];
  const LanesType& type = *plan.type;
  const PanelKernel multiply_panels = job.coarse ? table_->coarse->multiply_panels : type.multiply_panels;
  const int64_t k = padded_k(job);
  const size_t apart = panel_bytes(job, plan);
  auto* panels = reinterpret_cast<uint8_t*>(memory);
  const auto end_of_panels = [&](int64_t row) { return std::min(end, row + kMostPanels * type.lanes); };
  fetch_panels(job, begin, end_of_panels(begin), 0, 1);
  for (int64_t row = begin; row < end;) {
    RowGroup groups[kMostPanels];
    int64_t rows[kMostPanels];
    int n = 0;
    for (; n < kMostPanels && row < end; row += groups[n++].n) {
      rows[n] = row;
      groups[n] = pack_panel(job, type, row, end, panels + static_cast<size_t>(n) * apart, panels + kMostPanels * apart);
    }
    const int64_t n_blocks = n_blocks_of(n_x);
    const int64_t n_parts = std::min(n_blocks, kFetchingBlocks);
    for (int64_t b = 0; b < n_blocks; ++b) {
      const BlockOfRows block = block_of(n_x, b, job.coarse);
      // Not sooner: x alone passes through all of the second-level cache.
      if (b >= n_blocks - n_parts) fetch_panels(job, row, end_of_panels(row), b - (n_blocks - n_parts), n_parts);
      if (block.width < kWide) {
        for (int i = 0; i < n; ++i) multiply_as_it_lies(job, plan, groups[i], rows[i], block);
        continue;
      }
      const XBlock x = scratch_.inputs.block(plan.input, b, type);
      fetch_target(job, rows[0], row, block.begin, block.n_rows);
      multiply_panels(panels, n, k, &x, tile, kMostPanels * kMaxLanes);
      for (int i = 0; i < n; ++i) {
        store_tile(job, tile + i * type.lanes, kMostPanels * kMaxLanes, groups[i], rows[i], block.begin, block.n_rows);
      }
    }
  }
}

void Multiplication::multiply_in_strips(const MatmulJob& job, const MatmulScratch::Plan& plan, int64_t begin,
                                        int64_t end, const BlockOfRows& block, float* memory) const {
  alignas(64) float tile[kFew * kRowsAtOnce];
  const StripsType& type = *table_->strips_type(job.weight.type());
  const StripsKernel kernel = type.few[block.width - 1];
  const XBlock x = scratch_.inputs.block(plan.input, block.begin / kWide, *plan.type);
  for (int64_t row = begin; row < end;) {
    const RowGroup group = next_streams(job.weight, row, end, type.rows, memory);
    kernel(group.rows, group.row_bytes, group.lanes, job.weight.columns(), &x, tile, kRowsAtOnce);
    store_tile(job, tile, kRowsAtOnce, group, row, block.begin, block.width);
    row += group.n;
  }
}

}  // namespace

MatmulWay way_to_multiply(const CpuKernels& kernels, DType weight, int64_t k, int64_t n_x, bool rounded) {
  const MatmulKernels* table = table_for(kernels);
  if (table == nullptr || n_x == 0) return MatmulWay::kDecode;
  const LanesType* lanes = table->lanes_type(weight);
  const TileKernels* tiles = tiles_of(kernels);
  if (tiles != nullptr && may_be_tiled(*tiles, weight, k, n_x, lanes, rounded)) return MatmulWay::kTiles;
  if (lanes != nullptr) return MatmulWay::kLanes;
  // With many rows of x, floats are decoded once for all of them.
  const bool as_they_lie = weight == DType::F32 || n_x <= kWide;
  return as_they_lie && float_kernel(*table, weight) != nullptr ? MatmulWay::kFloats : MatmulWay::kDecode;
}

bool takes_turned(const CpuKernels& kernels) {
  return tiles_of(kernels) != nullptr;
}

const CoarseKernels* coarse_of(const CpuKernels& kernels) {
  const MatmulKernels* table = table_for(kernels);
  const TileKernels* tiles = tiles_of(kernels);
  return table == nullptr || (tiles != nullptr && tiles->beats_bytes) ? nullptr : table->coarse;
}

bool takes_coarse(const CpuKernels& kernels, const MatmulJob& job) {
  if (coarse_of(kernels) == nullptr || job.n_x() < kFewestTiledRows) return false;
  if (!job.weight_turned && job.weight.type() != DType::Q8_0) return false;
  return job.x_turned ? job.n_x() % kWide == 0 : job.k() % kXGroup == 0;
}

void multiply(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& scratch, std::span<const MatmulJob> jobs) {
  Multiplication(kernels, pool, scratch, jobs).run();
}

}  // namespace ondol::cpu
