#include "formats/quantize_plan.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <regex>

#include <fmt/format.h>

#include "quant/format.h"

namespace ondol {
namespace {

/// What a tensor does in the model, as far as its precision is concerned.
enum class Role { kAny, kOutput, kEmbedding, kAttnV, kAttnK, kAttnQ, kAttnOutput, kFfnDown, kFfnUp, kFfnGate, kOther };

/// What a rule may look at.
struct Situation {
  Role role = Role::kOther;
  int64_t index = 0;    // the how manieth of its role, in the order of layers
  int64_t n_index = 0;  // how many there are
  int64_t n_experts = 0;
  int64_t queries_per_key = 1;
  bool has_importance = false;
  bool is_stack = false;  // three dimensions: a matrix for each expert
  bool divides = true;    // rows are a multiple of the base type's block
  DType base = DType::F32;
};

bool always(const Situation&) {
  return true;
}
bool first_two(const Situation& s) {
  return s.index < 2;
}
bool first_four(const Situation& s) {
  return s.index < 4;
}
bool first_eighth(const Situation& s) {
  return s.index < s.n_index / 8;
}
bool first_sixteenth(const Situation& s) {
  return s.index < s.n_index / 16;
}
bool many_queries(const Situation& s) {
  return s.queries_per_key >= 4;
}
bool eight_experts(const Situation& s) {
  return s.n_experts == 8;
}
bool stack(const Situation& s) {
  return s.is_stack;
}
bool odd_columns(const Situation& s) {
  return !s.divides;
}
bool base_is_q8(const Situation& s) {
  return s.base == DType::Q8_0;
}
bool early_with_importance(const Situation& s) {
  return s.has_importance && first_eighth(s);
}
bool early_without_importance(const Situation& s) {
  return !s.has_importance && first_eighth(s);
}

/// The first and the last eighth of the layers, and every third one between.
bool more_bits(const Situation& s) {
  const int64_t eighth = s.n_index / 8;
  return s.index < eighth || s.index >= 7 * s.n_index / 8 || (s.index - eighth) % 3 == 2;
}

bool many_queries_or_experts(const Situation& s) {
  return s.queries_per_key >= 4 || s.n_experts >= 4;
}
bool without_importance(const Situation& s) {
  return !s.has_importance;
}
bool eight_experts_and_more_bits(const Situation& s) {
  return eight_experts(s) && more_bits(s);
}
bool middle(const Situation& s) {
  return s.index >= s.n_index / 8 && s.index < 7 * s.n_index / 8;
}

/// File types below 3 bits, whose mixes have nothing in common with the others.
constexpr std::string_view kVeryLow = "IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M";

/// One line of the mixes: the first whose file types (separated by spaces; "" is any), role and condition fit gives the
/// type. Where none fits, the base type stands.
struct Rule {
  std::string_view file_types;
  Role role;
  bool (*when)(const Situation&);
  DType type;
};

constexpr Rule kRules[] = {
    {"MXFP4_MOE", Role::kOutput, always, DType::Q8_0},
    {"MXFP4_MOE", Role::kAny, stack, DType::MXFP4},
    {"MXFP4_MOE", Role::kAny, always, DType::Q8_0},
    {"MXFP4", Role::kOutput, always, DType::Q8_0},
    {"MXFP4", Role::kEmbedding, always, DType::Q8_0},

    {"", Role::kOutput, odd_columns, DType::Q8_0},
    {"", Role::kOutput, base_is_q8, DType::Q8_0},
    {kVeryLow, Role::kOutput, always, DType::Q5_K},
    {"IQ3_XXS", Role::kOutput, always, DType::Q5_K},
    {"", Role::kOutput, always, DType::Q6_K},
    {"TQ1_0 TQ2_0", Role::kEmbedding, always, DType::Q4_K},
    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS", Role::kEmbedding, always, DType::Q2_K},
    {"IQ2_S IQ2_M IQ3_XXS", Role::kEmbedding, always, DType::IQ3_S},

    {kVeryLow, Role::kAttnV, many_queries_or_experts, DType::Q4_K},
    {"IQ2_S IQ2_M", Role::kAttnV, always, DType::IQ3_S},
    {kVeryLow, Role::kAttnV, always, DType::Q2_K},
    {kVeryLow, Role::kAttnK, eight_experts, DType::Q4_K},
    {"IQ2_S IQ2_M", Role::kFfnDown, first_eighth, DType::IQ3_S},
    {kVeryLow, Role::kFfnDown, first_eighth, DType::Q2_K},
    {kVeryLow, Role::kAttnOutput, eight_experts, DType::Q5_K},
    {"IQ1_S IQ1_M", Role::kAttnOutput, always, DType::IQ2_XXS},
    {"IQ2_S IQ2_M", Role::kAttnOutput, always, DType::IQ3_S},

    {"", Role::kAttnV, eight_experts, DType::Q8_0},
    {"Q2_K", Role::kAttnV, many_queries, DType::Q4_K},
    {"Q2_K", Role::kAttnV, always, DType::Q3_K},
    {"Q2_K_S IQ3_XXS IQ3_XS IQ3_S", Role::kAttnV, many_queries, DType::Q4_K},
    {"IQ3_XXS", Role::kAttnV, without_importance, DType::IQ3_S},
    {"IQ3_M", Role::kAttnV, always, DType::Q4_K},
    {"Q3_K_M", Role::kAttnV, first_two, DType::Q5_K},
    {"Q3_K_M", Role::kAttnV, always, DType::Q4_K},
    {"Q3_K_L", Role::kAttnV, always, DType::Q5_K},
    {"Q4_K_S", Role::kAttnV, first_four, DType::Q5_K},
    {"Q4_K_M Q5_K_M", Role::kAttnV, more_bits, DType::Q6_K},
    {"IQ4_NL IQ4_XS", Role::kAttnV, many_queries, DType::Q5_K},

    {"", Role::kAttnK, eight_experts, DType::Q8_0},
    {"IQ3_XS", Role::kAttnK, always, DType::IQ3_XXS},
    {"IQ3_XS", Role::kAttnQ, always, DType::IQ3_XXS},
    {"IQ3_XXS", Role::kAttnK, always, DType::IQ2_S},
    {"IQ3_XXS", Role::kAttnQ, always, DType::IQ2_S},

    {"Q2_K", Role::kFfnDown, always, DType::Q3_K},
    {"Q2_K_S IQ3_M", Role::kFfnDown, first_eighth, DType::Q4_K},
    {"IQ3_M", Role::kFfnDown, eight_experts_and_more_bits, DType::Q4_K},
    {"IQ3_XXS", Role::kFfnDown, early_without_importance, DType::Q4_K},
    {"IQ3_XXS", Role::kFfnDown, without_importance, DType::Q3_K},
    {"Q3_K_M", Role::kFfnDown, first_sixteenth, DType::Q5_K},
    {"Q3_K_M", Role::kFfnDown, always, DType::Q4_K},
    {"Q3_K_L", Role::kFfnDown, always, DType::Q5_K},
    {"Q4_K_S", Role::kFfnDown, first_eighth, DType::Q5_K},
    {"Q4_K_M Q5_K_M", Role::kFfnDown, more_bits, DType::Q6_K},
    {"IQ4_NL IQ4_XS", Role::kFfnDown, early_without_importance, DType::Q5_K},
    {"Q4_0", Role::kFfnDown, early_with_importance, DType::Q4_1},
    {"Q5_0", Role::kFfnDown, early_with_importance, DType::Q5_1},
    {"IQ3_XS", Role::kFfnUp, middle, DType::IQ3_XXS},
    {"IQ3_XS", Role::kFfnGate, middle, DType::IQ3_XXS},

    {"Q2_K Q3_K_S Q3_K_M Q4_K_S Q4_K_M IQ3_XXS IQ3_XS IQ3_S IQ3_M IQ4_NL IQ4_XS", Role::kAttnOutput, eight_experts,
     DType::Q5_K},
    {"Q3_K_L", Role::kAttnOutput, eight_experts, DType::Q3_K},
    {"Q2_K", Role::kAttnOutput, always, DType::Q3_K},
    {"IQ3_XXS", Role::kAttnOutput, always, DType::IQ3_S},
    {"Q3_K_M IQ3_M", Role::kAttnOutput, always, DType::Q4_K},
    {"Q3_K_L", Role::kAttnOutput, always, DType::Q5_K},
};

/// Whether `names`, separated by spaces, has `name`.
bool listed(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const size_t space = std::min(names.find(' '), names.size());
    if (names.substr(0, space) == name) return true;
    names.remove_prefix(std::min(space + 1, names.size()));
  }
  return false;
}

struct FileType {
  std::string_view name;
  std::string_view alias;
  uint32_t id;  // general.file_type
  DType base;
};

constexpr FileType kFileTypes[] = {
    {"F32", "", 0, DType::F32},          {"F16", "", 1, DType::F16},          {"BF16", "", 32, DType::BF16},
    {"Q8_0", "", 7, DType::Q8_0},        {"Q6_K", "", 18, DType::Q6_K},       {"Q5_K_M", "Q5_K", 17, DType::Q5_K},
    {"Q5_K_S", "", 16, DType::Q5_K},     {"Q5_0", "", 8, DType::Q5_0},        {"Q5_1", "", 9, DType::Q5_1},
    {"Q4_K_M", "Q4_K", 15, DType::Q4_K}, {"Q4_K_S", "", 14, DType::Q4_K},     {"Q4_0", "", 2, DType::Q4_0},
    {"Q4_1", "", 3, DType::Q4_1},        {"IQ4_NL", "", 25, DType::IQ4_NL},   {"IQ4_XS", "", 30, DType::IQ4_XS},
    {"MXFP4", "", 38, DType::MXFP4},     {"MXFP4_MOE", "", 38, DType::MXFP4}, {"Q3_K_L", "", 13, DType::Q3_K},
    {"Q3_K_M", "Q3_K", 12, DType::Q3_K}, {"Q3_K_S", "", 11, DType::Q3_K},     {"Q2_K", "", 10, DType::Q2_K},
    {"Q2_K_S", "", 21, DType::Q2_K},     {"IQ3_M", "", 27, DType::IQ3_S},     {"IQ3_S", "", 26, DType::IQ3_S},
    {"IQ3_XS", "", 22, DType::IQ3_S},    {"IQ3_XXS", "", 23, DType::IQ3_XXS}, {"IQ2_M", "", 29, DType::IQ2_S},
    {"IQ2_S", "", 28, DType::IQ2_XS},    {"IQ2_XS", "", 20, DType::IQ2_XS},   {"IQ2_XXS", "", 19, DType::IQ2_XXS},
    {"IQ1_M", "", 31, DType::IQ1_M},     {"IQ1_S", "", 24, DType::IQ1_S},     {"TQ2_0", "", 37, DType::TQ2_0},
    {"TQ1_0", "", 36, DType::TQ1_0},
};

/// Parts of names of matrices that stay as they are: small, or read by code that wants plain numbers.
constexpr std::string_view kNeverQuantized[] = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "position_embd",
    "cls.weight",
    "cls.output.weight",
    "token_types.weight",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "time_mix_first",
    "time_mix_w0",
    "time_mix_w1",
    "time_mix_w2",
    "time_mix_v0",
    "time_mix_v1",
    "time_mix_v2",
    "time_mix_a0",
    "time_mix_a1",
    "time_mix_a2",
    "time_mix_g1",
    "time_mix_g2",
    "time_mix_decay_w1",
    "time_mix_decay_w2",
    "time_mix_lerp_fused",
    "attn_rel_b.weight",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
};

/// Parts of names, in the order in which they are looked for, and the roles of what carries them.
constexpr std::pair<std::string_view, Role> kRoles[] = {
    {"attn_qkv.weight", Role::kAttnV},  // values are in there, so the more sensitive role counts
    {"attn_kv_b.weight", Role::kAttnV},
    {"attn_v.weight", Role::kAttnV},
    {"attn_k.weight", Role::kAttnK},
    {"attn_q.weight", Role::kAttnQ},
    {"attn_output.weight", Role::kAttnOutput},
    {"ffn_down", Role::kFfnDown},
    {"ffn_up", Role::kFfnUp},
    {"ffn_gate", Role::kFfnGate},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

Result<FileType> find_file_type(std::string_view name) {
  std::string known;
  for (const FileType& type : kFileTypes) {
    const bool is_alias = !type.alias.empty() && equal_ignoring_case(type.alias, name);
    if (is_alias || equal_ignoring_case(type.name, name)) return type;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", type.name);
  }
  return Error(fmt::format("file type '{}' is unknown; expected one of {}", name, known));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Role role_of(std::string_view name, bool tied) {
  if (name == "output.weight") return Role::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
    return tied ? Role::kOutput : Role::kEmbedding;
  }
  for (const auto& [part, role] : kRoles) {
    if (contains(name, part)) return role;
  }
  return Role::kOther;
}

/// The number in "blk.7.", or -1.
int64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  int64_t layer = -1;
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

bool may_be_quantized(const TensorEntry& entry, bool leave_output) {
  const Shape& shape = entry.tensor.shape();
  if (shape.rows() < 2 || !has_format(entry.tensor.type()) || !entry.name.ends_with("weight")) return false;
  if (leave_output && entry.name == "output.weight") return false;
  return std::none_of(std::begin(kNeverQuantized), std::end(kNeverQuantized),
                      [&](std::string_view part) { return contains(entry.name, part); });
}

/// What the metadata says about the model. Files that are no language model lack the keys.
struct ModelFacts {
  std::string architecture;
  int64_t n_layers = 0;
  int64_t n_experts = 0;
  int64_t queries_per_key = 1;
  bool tied = true;
  /// Eight queries share a key in the 70B models, so their values are small and worth more bits.
  bool is_70b = false;
};

Result<ModelFacts> model_facts(const ModelFile& file) {
  ModelFacts facts;
  facts.architecture = ONDOL_TRY(file.meta_string_or("general.architecture", ""));
  const auto key = [&](std::string_view name) { return fmt::format("{}.{}", facts.architecture, name); };
  facts.n_layers = ONDOL_TRY(file.meta_int_or(key("block_count"), 0));
  facts.n_experts = ONDOL_TRY(file.meta_int_or(key("expert_count"), 0));
  const auto first = [&](const std::string& name) -> Result<int64_t> {
    if (file.find_meta(name) == nullptr) return int64_t{0};
    const auto values = ONDOL_TRY(file.meta_ints(name));
    return values.empty() ? int64_t{0} : values[0];
  };
  const int64_t n_heads = ONDOL_TRY(first(key("attention.head_count")));
  int64_t n_kv_heads = ONDOL_TRY(first(key("attention.head_count_kv")));
  if (n_kv_heads <= 0) n_kv_heads = std::max<int64_t>(n_heads, 1);
  facts.queries_per_key = n_heads / n_kv_heads;
  facts.tied = file.find_tensor("output.weight") == nullptr;
  facts.is_70b = facts.n_layers == 80 && facts.queries_per_key > 1 &&
                 (facts.architecture == "llama" || facts.architecture == "qwen2" || facts.architecture == "deci");
  return facts;
}

/// Makes the plan, tensor by tensor.
class Planner {
 public:
  Planner(const ModelFile& file, const QuantizePlanOptions& options, FileType file_type, ModelFacts facts)
      : file_(file), options_(options), file_type_(file_type), facts_(std::move(facts)) {}

  Result<void> compile_overrides() {
    for (const auto& [pattern, type] : options_.overrides) {
      try {
        patterns_.emplace_back(std::regex(pattern), type);
      } catch (const std::regex_error& error) {
        return Error(fmt::format("pattern '{}': not a regular expression: {}", pattern, error.what()));
      }
    }
    return {};
  }

  QuantizePlan make() {
    number_by_layer();
    QuantizePlan plan;
    plan.file_type = std::string(file_type_.name);
    plan.file_type_id = file_type_.id;
    for (size_t i = 0; i < file_.tensors().size(); ++i) {
      const TensorEntry& entry = file_.tensors()[i];
      DType type = entry.tensor.type();
      if (may_be_quantized(entry, options_.leave_output)) {
        const DType wanted = wanted_type(i);
        type = fitting_type(wanted, entry.tensor.columns());
        if (type != wanted) {
          plan.notes.push_back(fmt::format(
              "tensor '{}': {} instead of {}, which needs rows of a multiple of {}, got {}", entry.name,
              info_of(type).name, info_of(wanted).name, info_of(wanted).block_size, entry.tensor.columns()));
        }
      }
      plan.types.push_back(type);
    }
    const bool wants_importance = listed(kVeryLow, file_type_.name) || listed("IQ3_XXS Q2_K_S", file_type_.name);
    if (wants_importance && !options_.has_importance) {
      plan.notes.push_back(fmt::format("{} without an importance matrix loses much quality", file_type_.name));
    }
    return plan;
  }

 private:
  /// Numbers the tensors of each role in the order of layers, whatever the order in the file.
  void number_by_layer() {
    const auto& tensors = file_.tensors();
    std::vector<size_t> order(tensors.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::pair(layer_of(tensors[a].name), std::string_view(tensors[a].name)) <
             std::pair(layer_of(tensors[b].name), std::string_view(tensors[b].name));
    });
    index_.resize(tensors.size());
    std::map<Role, int64_t> n_seen;
    for (const size_t i : order) {
      if (!may_be_quantized(tensors[i], options_.leave_output)) continue;
      const Role role = role_of(tensors[i].name, facts_.tied);
      index_[i] = n_seen[role]++;
      // Layers with experts may have several of these, so there the layer itself counts.
      const bool is_ffn = role == Role::kFfnDown || role == Role::kFfnUp || role == Role::kFfnGate;
      if (is_ffn && facts_.n_experts > 1) index_[i] = layer_of(tensors[i].name);
    }
    n_values_ = n_seen[Role::kAttnV];
  }

  DType wanted_type(size_t i) const {
    const std::string& name = file_.tensors()[i].name;
    const Role role = role_of(name, facts_.tied);
    const bool is_embedding = name == "token_embd.weight" || name == "per_layer_token_embd.weight";
    if (options_.embedding_type && is_embedding) return *options_.embedding_type;
    if (options_.output_type && role == Role::kOutput) return *options_.output_type;
    for (const auto& [pattern, type] : patterns_) {
      if (std::regex_search(name, pattern)) return type;
    }
    const bool is_plain = info_of(file_type_.base).block_size == 1;
    return options_.pure || is_plain ? file_type_.base : mixed_type(i, role);
  }

  DType mixed_type(size_t i, Role role) const {
    const Tensor& tensor = file_.tensors()[i].tensor;
    Situation situation;
    situation.role = role;
    situation.index = index_[i];
    situation.n_index = role == Role::kAttnV ? n_values_ : facts_.n_layers;
    situation.n_experts = facts_.n_experts;
    situation.queries_per_key = facts_.queries_per_key;
    situation.has_importance = options_.has_importance;
    situation.is_stack = tensor.shape().rank() > 2 && tensor.shape()[tensor.shape().rank() - 3] > 1;
    situation.base = file_type_.base;
    situation.divides = tensor.columns() % info_of(file_type_.base).block_size == 0;
    const DType type = by_rules(situation);
    const bool raise = facts_.is_70b && role == Role::kAttnV && !listed(kVeryLow, file_type_.name) &&
                       (type == DType::Q3_K || type == DType::Q4_K);
    return raise ? DType::Q5_K : type;
  }

  DType by_rules(const Situation& situation) const {
    for (const Rule& rule : kRules) {
      if (!rule.file_types.empty() && !listed(rule.file_types, file_type_.name)) continue;
      if (rule.role != Role::kAny && rule.role != situation.role) continue;
      if (rule.when(situation)) return rule.type;
    }
    return file_type_.base;
  }

  /// A type of about as many bits whose blocks divide the rows.
  static DType fitting_type(DType type, int64_t columns) {
    constexpr std::pair<DType, DType> kSmallerBlocks[] = {
        {DType::Q2_K, DType::Q4_0},    {DType::Q3_K, DType::Q4_0},      {DType::Q4_K, DType::Q5_0},
        {DType::Q5_K, DType::Q5_1},    {DType::Q6_K, DType::Q8_0},      {DType::IQ4_XS, DType::IQ4_NL},
        {DType::TQ1_0, DType::Q4_0},   {DType::TQ2_0, DType::Q4_0},     {DType::IQ1_S, DType::IQ4_NL},
        {DType::IQ1_M, DType::IQ4_NL}, {DType::IQ2_XXS, DType::IQ4_NL}, {DType::IQ2_XS, DType::IQ4_NL},
        {DType::IQ2_S, DType::IQ4_NL}, {DType::IQ3_XXS, DType::IQ4_NL}, {DType::IQ3_S, DType::IQ4_NL},
    };
    const auto fits = [&](DType candidate) { return columns % info_of(candidate).block_size == 0; };
    if (fits(type)) return type;
    for (const auto& [from, to] : kSmallerBlocks) {
      if (from == type && fits(to)) return to;
    }
    return DType::F16;
  }

  const ModelFile& file_;
  const QuantizePlanOptions& options_;
  FileType file_type_;
  ModelFacts facts_;
  std::vector<std::pair<std::regex, DType>> patterns_;
  std::vector<int64_t> index_;
  int64_t n_values_ = 0;
};

Result<void> check_writable(DType type) {
  if (has_format(type) && is_gguf_type(type) && format_of(type).encode != nullptr) return {};
  return Error(fmt::format("tensors of type {} cannot be written", info_of(type).name));
}

}  // namespace

Result<QuantizePlan> plan_quantization(const ModelFile& file, const QuantizePlanOptions& options) {
  const FileType file_type = ONDOL_TRY(find_file_type(options.file_type));
  if (options.output_type) ONDOL_TRY(check_writable(*options.output_type));
  if (options.embedding_type) ONDOL_TRY(check_writable(*options.embedding_type));
  for (const auto& [pattern, type] : options.overrides) ONDOL_TRY(check_writable(type));
  Planner planner(file, options, file_type, ONDOL_TRY(model_facts(file)));
  ONDOL_TRY(planner.compile_overrides());
  return planner.make();
}

std::vector<std::string> quantize_file_types() {
  std::vector<std::string> names;
  for (const FileType& type : kFileTypes) names.emplace_back(type.name);
  return names;
}

Result<std::pair<std::string, DType>> parse_type_override(std::string_view text) {
  const size_t equals = text.rfind('=');
  const auto type = equals == std::string_view::npos ? std::nullopt : dtype_from_name(text.substr(equals + 1));
  if (equals == 0 || !type) return Error(fmt::format("'{}': expected PATTERN=TYPE, such as attn_v=Q6_K", text));
  return std::pair(std::string(text.substr(0, equals)), *type);
}

}  // namespace ondol
