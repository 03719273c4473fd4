// Attention: by lanes along the head for few queries, along queries for many.
namespace ondol::cpu::ONDOL_ISA {
namespace {

template <KvType kType>
void attend(const AttentionTask& task) {
  constexpr int kManyFrom = kLanes / 2 > 4 ? kLanes / 2 + 1 : 5;
  if (task.n_rows * task.group >= kManyFrom) return attend_many<kType>(task);
  attend_in_fours<kType>(task);
}

}  // namespace

void attention(const AttentionTask* task) {
  switch (task->kv.type) {
    case KvType::kF32:
      return attend<KvType::kF32>(*task);
    case KvType::kF16:
      return attend<KvType::kF16>(*task);
    case KvType::kQ8_0:
      return attend<KvType::kQ8_0>(*task);
    case KvType::kQ4_0:
      return attend<KvType::kQ4_0>(*task);
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
