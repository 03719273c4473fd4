#include "retrieve/answer/answerer.h"

#include <algorithm>

#include <fmt/format.h>

#include "retrieve/answer/answer_grammar.h"
#include "retrieve/answer/check.h"
#include "retrieve/answer/confidence.h"
#include "retrieve/answer/extract.h"
#include "retrieve/answer/line_number.h"
#include "retrieve/answer/prompt.h"
#include "retrieve/answer/question_words.h"

namespace ondol {
namespace {

/// Hits that passages are chosen from, for each passage.
constexpr size_t kHitsPerPassage = 6;
/// What the search alone would decline may pass with a model that declines by itself.
constexpr double kLeastWithModel = 0.5;
constexpr int64_t kLeastAnswerTokens = 64;
constexpr size_t kMostHistory = 6;  // turns that a model is shown
constexpr int kRewritingTokens = 80;

/// Numbers citations in the order in which they come, each place once.
class Numbering {
 public:
  explicit Numbering(std::vector<Citation>& sources) : sources_(sources) {}

  void number(Claim& claim) {
    for (std::vector<Citation>* list : {&claim.citations, &claim.disagreeing}) {
      for (Citation& citation : *list) number(citation);
    }
  }

 private:
  void number(Citation& citation) {
    const auto known = std::find_if(sources_.begin(), sources_.end(), [&](const Citation& source) {
      return source.path == citation.path && source.start == citation.start && source.end == citation.end;
    });
    if (known != sources_.end()) {
      citation = *known;
      return;
    }
    citation.number = sources_.size() + 1;
    citation.line = citation.page > 0 ? 0 : line_of(citation.path, citation.start, citation.quote);
    sources_.push_back(citation);
  }

  std::vector<Citation>& sources_;
};

/// Whether a claim is one that was made before, or the beginning of one.
bool is_said_in(const Claim& claim, const Claim& other) {
  const std::string_view text = std::string_view(claim.text).substr(0, claim.text.find_last_not_of(" .!") + 1);
  return other.text.find(text) != std::string::npos;
}

/// A model's lines as they are complete, checked; what passes goes into the answer.
class CheckedClaims {
 public:
  CheckedClaims(std::span<const Passage> passages, std::string decline, const ClaimSink& sink, Answer& answer)
      : checker_(passages), decline_(std::move(decline)), sink_(sink), answer_(answer), numbering_(answer.sources) {}

  /// False when no more is wanted.
  bool push(std::string_view piece) {
    pending_ += piece;
    for (size_t end = pending_.find('\n'); goes_on_ && end != pending_.npos; end = pending_.find('\n')) {
      take_line(pending_.substr(0, end));
      pending_.erase(0, end + 1);
    }
    return goes_on_;
  }
  void finish() {
    if (goes_on_) take_line(std::exchange(pending_, {}));
  }

 private:
  void take_line(const std::string& line) {
    for (const GeneratedClaim& generated : read_claims(line)) {
      if (one_line(generated.text) == decline_) continue;
      std::optional<Claim> claim = checker_.check(generated);
      const bool is_repeated = claim && std::any_of(answer_.claims.begin(), answer_.claims.end(),
                                                    [&](const Claim& other) { return is_said_in(*claim, other); });
      if (is_repeated) continue;
      if (!claim) {
        ++answer_.n_dropped;
        continue;
      }
      numbering_.number(*claim);
      answer_.claims.push_back(*claim);
      if (sink_ && !sink_(*claim)) goes_on_ = false;
    }
  }

  ClaimChecker checker_;
  std::string decline_;
  const ClaimSink& sink_;
  Answer& answer_;
  Numbering numbering_;
  std::string pending_;
  bool goes_on_ = true;
};

std::string answer_text(const Answer& answer, std::string_view question) {
  if (answer.declined) return decline_text(question);
  std::string text;
  for (const Claim& claim : answer.claims) text += (text.empty() ? "" : "\n") + claim_text(claim);
  return text;
}

}  // namespace

Result<Answerer::Search> Answerer::measured(std::string words, std::string meaning, std::string_view question) {
  Search search{std::move(words), std::move(meaning), 0, 0};
  search.closeness = ONDOL_TRY(store_.closeness(without_question_words(search.words)));
  search.least = least_closeness(ONDOL_TRY(store_.terms_of(without_question_words(question))));
  return search;
}

Result<std::string> Answerer::rewritten(const std::string& question, std::span<const AnsweredQuestion> history) {
  TextGenerator::Wish wish;
  wish.turns = rewriting_prompt(question, history);
  wish.max_tokens = kRewritingTokens;
  const int64_t n_prompt = ONDOL_TRY(generator_->count_prompt(wish.turns));
  if (n_prompt + kRewritingTokens > generator_->context_length()) return std::string();
  const std::string text = one_line(ONDOL_TRY(generator_->generate(wish)));
  return is_sane_rewriting(text, question, history) ? text : std::string();
}

Result<Answerer::Search> Answerer::search_for(const std::string& question, std::span<const AnsweredQuestion> history) {
  Search alone = ONDOL_TRY(measured(question, question, question));
  if (history.empty()) return alone;
  const bool is_enough = alone.closeness >= alone.least;
  if (!points_back(question) && is_enough) return alone;
  const std::span<const AnsweredQuestion> lately = history.last(std::min(history.size(), kMostHistory));
  if (generator_ != nullptr) {
    const std::string whole = ONDOL_TRY(rewritten(question, lately));
    if (!whole.empty()) return measured(whole, whole, whole);
  }
  const std::string carried = with_carried_words(question, lately);
  return measured(carried, fmt::format("{} {}", lately.back().question, question), carried);
}

Result<std::vector<Passage>> Answerer::find_passages(const Search& search) {
  SearchOptions options = options_.search;
  options.n = options_.n_passages * kHitsPerPassage;
  if (embedder_ != nullptr) options.meaning = ONDOL_TRY(embedder_->embed_question(search.meaning));
  return choose_passages(ONDOL_TRY(store_.search(search.words, options)), options_.n_passages);
}

Result<void> Answerer::generate(const std::string& question, std::vector<Passage> passages,
                                std::span<const AnsweredQuestion> history, const ClaimSink& sink, Answer& answer) {
  const int64_t context = generator_->context_length();
  const int64_t n_answer = std::min<int64_t>(options_.max_tokens, std::max(kLeastAnswerTokens, context / 4));
  history = history.last(std::min(history.size(), kMostHistory));
  // Earlier turns are of less use than passages: they get a quarter at most.
  int64_t n_fixed = ONDOL_TRY(generator_->count_prompt(answer_prompt(question, {}, history)));
  const int64_t n_alone = ONDOL_TRY(generator_->count_prompt(answer_prompt(question, {}, {})));
  while (!history.empty() && n_fixed - n_alone > context / 4) {
    history = history.subspan(1);
    n_fixed = ONDOL_TRY(generator_->count_prompt(answer_prompt(question, {}, history)));
  }
  const auto count = [&](std::string_view text) { return generator_->count_tokens(text) + 1; };
  // Tokens at the seams are not quite those of the parts.
  const int64_t n_left = context - n_answer - n_fixed - 8;
  fit_passages(passages, n_left, count);
  if (passages.empty() || n_left < count(passage_text(passages[0], 1))) {
    return Error(fmt::format(
        "the model's context of {} tokens cannot hold the question and a passage (a larger one: --ctx)", context));
  }
  TextGenerator::Wish wish;
  wish.turns = answer_prompt(question, passages, history);
  wish.max_tokens = static_cast<int>(n_answer);
  wish.grammar = ONDOL_TRY(answer_grammar(passages, decline_text(question)));
  CheckedClaims claims(passages, decline_text(question), sink, answer);
  wish.sink = [&](std::string_view piece) { return claims.push(piece); };
  ONDOL_TRY(generator_->generate(wish));
  claims.finish();
  return {};
}

Result<void> Answerer::extract_into(const std::string& question, const Search& search,
                                    std::span<const Passage> passages, const ClaimSink& sink, Answer& answer) {
  ClaimChecker checker(passages);
  Numbering numbering(answer.sources);
  // Passages are found by what the conversation is about, sentences chosen by what is asked of it.
  const std::string asked = fmt::format("{0}\n{0}\n{1}", question, search.words);
  const std::vector<WeightedTerm> terms =
      ONDOL_TRY(store_.terms_of(without_question_words(search.words == question ? question : asked)));
  for (const ExtractedSentence& sentence : extract(question, terms, passages, options_.n_extracted)) {
    Claim claim = checker.quoted(sentence.passage, sentence.span);
    numbering.number(claim);
    answer.claims.push_back(claim);
    if (sink && !sink(claim)) break;
  }
  return {};
}

Result<Answer> Answerer::answer(const std::string& question, std::span<const AnsweredQuestion> history,
                                const ClaimSink& sink) {
  Answer answer;
  answer.method = generator_ != nullptr ? Answer::Method::kModel : Answer::Method::kExtract;
  const Search search = ONDOL_TRY(search_for(question, history));
  answer.closeness = search.closeness;
  const double least = search.least * (generator_ != nullptr && generator_->is_discerning() ? kLeastWithModel : 1);
  if (!options_.declines || search.closeness >= least) {
    const std::vector<Passage> passages = ONDOL_TRY(find_passages(search));
    if (!passages.empty() && generator_ != nullptr) {
      ONDOL_TRY(generate(question, passages, history, sink, answer));
    } else if (!passages.empty()) {
      ONDOL_TRY(extract_into(question, search, passages, sink, answer));
    }
  }
  answer.declined = answer.claims.empty();
  answer.text = answer_text(answer, question);
  return answer;
}

}  // namespace ondol
