// Attention: by lanes along the head for few queries, along queries for many.
namespace ondol::cpu::ONDOL_ISA {

void attention(const AttentionTask* task) {
  constexpr int kManyFrom = kLanes / 2 > 4 ? kLanes / 2 + 1 : 5;
  if (task->n_rows * task->group >= kManyFrom) return attend_many(*task);
  attend_in_fours(*task);
}

}  // namespace ondol::cpu::ONDOL_ISA
