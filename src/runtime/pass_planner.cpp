#include "runtime/pass_planner.h"

#include <algorithm>

namespace ondol {
namespace {

/// Follows what is measured, so that one pass that something held up does not count for much.
void follow(double& average, double value) {
  constexpr double kWeight = 0.2;
  average = average == 0 ? value : average + kWeight * (value - average);
}

bool is_row(const PassPlanner::Wish& wish) {
  return wish.is_generating && wish.n_rows <= PassPlanner::kMostForcedRows;
}

/// A client's prompts, the oldest first.
struct Queue {
  std::string_view client;
  std::vector<size_t> wishes;
};

std::vector<Queue> queues_of(std::span<const PassPlanner::Wish> wishes) {
  std::vector<Queue> queues;
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (is_row(wishes[i]) || wishes[i].n_rows == 0) continue;
    const auto is_own = [&](const Queue& queue) { return queue.client == wishes[i].client; };
    auto place = std::find_if(queues.begin(), queues.end(), is_own);
    if (place == queues.end()) place = queues.insert(queues.end(), Queue{wishes[i].client, {}});
    place->wishes.push_back(i);
  }
  std::sort(queues.begin(), queues.end(), [](const Queue& a, const Queue& b) { return a.client < b.client; });
  return queues;
}

}  // namespace

int PassPlanner::prompt_rows(bool is_generating) const {
  if (!is_generating) return prefill_rows_;
  double n = kLeastRows;
  if (generating_seconds_ > 0 && prompt_row_seconds_ > 0) {
    n = std::max(n, (kLongerPass - 1) * generating_seconds_ / prompt_row_seconds_);
  }
  return static_cast<int>(std::min<double>(n, prefill_rows_));
}

std::vector<int> PassPlanner::plan(std::span<const Wish> wishes) {
  std::vector<int> rows(wishes.size(), 0);
  int n_rows = 0;
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (!is_row(wishes[i])) continue;
    rows[i] = std::min(wishes[i].n_rows, batch_rows_ - n_rows);
    n_rows += rows[i];
  }
  int left = std::min(prompt_rows(n_rows > 0), batch_rows_ - n_rows);
  std::vector<Queue> queues = queues_of(wishes);
  const auto comes_later = [&](const Queue& queue) { return queue.client > last_client_; };
  size_t turn = static_cast<size_t>(std::find_if(queues.begin(), queues.end(), comes_later) - queues.begin());
  while (left > 0 && !queues.empty()) {
    turn %= queues.size();
    Queue& queue = queues[turn];
    const size_t i = queue.wishes.front();
    const int n = std::min({left, kTurnRows, wishes[i].n_rows - rows[i]});
    rows[i] += n;
    left -= n;
    last_client_ = queue.client;
    if (rows[i] == wishes[i].n_rows) queue.wishes.erase(queue.wishes.begin());
    if (queue.wishes.empty()) {
      queues.erase(queues.begin() + static_cast<long>(turn));
    } else {
      ++turn;
    }
  }
  return rows;
}

void PassPlanner::saw_pass(int n_generating, int n_prompt, double seconds) {
  if (n_prompt == 0) {
    follow(generating_seconds_, seconds);
    return;
  }
  // A handful of rows costs what reading the weights costs; it tells nothing about further rows.
  if (n_prompt < kTurnRows) return;
  const double before = n_generating > 0 ? generating_seconds_ : 0;
  follow(prompt_row_seconds_, std::max(seconds - before, seconds / 8) / n_prompt);
}

}  // namespace ondol
