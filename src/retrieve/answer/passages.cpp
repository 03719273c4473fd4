#include "retrieve/answer/passages.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "retrieve/sentences.h"
#include "retrieve/terms.h"

namespace ondol {
namespace {

/// What a further passage of the same document counts.
constexpr double kRepetition = 0.8;
/// Passages with more of their words in common are copies.
constexpr double kCopy = 0.8;
/// Others fit, too, if their score is such a share of the best.
constexpr double kFits = 0.4;

std::set<uint64_t> words_of(std::string_view text) {
  TermReader reader;
  std::set<uint64_t> words;
  reader.read(text, [&](const Term& term) {
    words.insert(hash_bytes({reinterpret_cast<const uint8_t*>(term.text.data()), term.text.size()}).low);
  });
  return words;
}

double likeness(const std::set<uint64_t>& a, const std::set<uint64_t>& b) {
  if (a.empty() || b.empty()) return 0;
  size_t n_both = 0;
  for (const uint64_t word : a) n_both += b.count(word);
  return static_cast<double>(n_both) / static_cast<double>(a.size() + b.size() - n_both);
}

class Chooser {
 public:
  Chooser(std::vector<Hit> hits, size_t n) : hits_(std::move(hits)), n_(n), is_taken_(hits_.size()) {
    for (const Hit& hit : hits_) words_.push_back(words_of(hit.text));
  }

  std::vector<Passage> choose() {
    while (chosen_.size() < n_) {
      const size_t best = best_left();
      if (best == hits_.size()) break;
      is_taken_[best] = true;
      take(best);
    }
    return std::move(chosen_);
  }

 private:
  size_t n_of(const std::string& path) const {
    return static_cast<size_t>(
        std::count_if(chosen_.begin(), chosen_.end(), [&](const Passage& p) { return p.hit.path == path; }));
  }

  bool others_fit(const std::string& path) const {
    for (size_t i = 0; i < hits_.size(); ++i) {
      if (!is_taken_[i] && hits_[i].path != path && hits_[i].score >= kFits * hits_.front().score) return true;
    }
    return false;
  }

  size_t best_left() const {
    size_t best = hits_.size();
    double most = 0;
    for (size_t i = 0; i < hits_.size(); ++i) {
      if (is_taken_[i]) continue;
      const size_t n_same = n_of(hits_[i].path);
      if (n_same > 0 && 2 * (n_same + 1) > n_ && others_fit(hits_[i].path)) continue;
      double score = hits_[i].score;
      for (size_t k = 0; k < n_same; ++k) score *= kRepetition;
      if (best == hits_.size() || score > most) {
        best = i;
        most = score;
      }
    }
    return best;
  }

  void take(size_t i) {
    Passage passage;
    passage.source = n_sources_;
    for (size_t k = 0; k < chosen_.size(); ++k) {
      const bool is_same_file = chosen_[k].hit.path == hits_[i].path;
      const bool is_copy = likeness(words_[i], words_[taken_[k]]) >= kCopy;
      if (is_copy && is_same_file) return;
      if (is_copy || is_same_file) passage.source = std::min(passage.source, chosen_[k].source);
    }
    if (passage.source == n_sources_) ++n_sources_;
    passage.hit = std::move(hits_[i]);
    // Others are compared by them.
    hits_[i].path = passage.hit.path;
    hits_[i].score = passage.hit.score;
    passage.sentences = sentences_of(passage.hit.text);
    chosen_.push_back(std::move(passage));
    taken_.push_back(i);
  }

  std::vector<Hit> hits_;
  size_t n_;
  std::vector<bool> is_taken_;
  std::vector<std::set<uint64_t>> words_;
  std::vector<Passage> chosen_;
  std::vector<size_t> taken_;
  int n_sources_ = 0;
};

/// Keeps the first n sentences.
void shorten(Passage& passage, size_t n) {
  passage.sentences.resize(n);
  const size_t end = n == 0 ? 0 : passage.sentences.back().end;
  passage.hit.text.resize(end);
  passage.hit.end = passage.hit.start + end;
}

/// The most sentences that `most_tokens` hold.
size_t n_sentences_within(const Passage& passage, size_t number, int64_t most_tokens, const TokenCounter& count) {
  size_t least = 0, most = passage.sentences.size();
  while (least < most) {
    const size_t middle = (least + most + 1) / 2;
    Passage part = passage;
    shorten(part, middle);
    if (count(passage_text(part, number)) <= most_tokens) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!is_space) line += c;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string passage_text(const Passage& passage, size_t number) {
  std::string place = std::filesystem::path(passage.hit.path).filename().string();
  if (passage.hit.page > 0) place += fmt::format(", page {}", passage.hit.page);
  if (!passage.hit.headings.empty()) place += ", " + one_line(passage.hit.headings);
  return fmt::format("[{}] ({}) {}", number, place, one_line(passage.hit.text));
}

std::vector<Passage> choose_passages(std::vector<Hit> hits, size_t n) {
  return Chooser(std::move(hits), n).choose();
}

void fit_passages(std::vector<Passage>& passages, int64_t most_tokens, const TokenCounter& count) {
  int64_t n_left = most_tokens;
  for (size_t i = 0; i < passages.size(); ++i) {
    const int64_t n_tokens = count(passage_text(passages[i], i + 1));
    if (n_tokens <= n_left) {
      n_left -= n_tokens;
      continue;
    }
    const size_t n = n_sentences_within(passages[i], i + 1, n_left, count);
    const size_t n_kept = i == 0 ? std::max<size_t>(n, std::min<size_t>(1, passages[0].sentences.size())) : n;
    shorten(passages[i], n_kept);
    passages.resize(n_kept > 0 ? i + 1 : i);
    return;
  }
}

}  // namespace ondol
