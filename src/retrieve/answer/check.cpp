#include "retrieve/answer/check.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "retrieve/answer/facts.h"

namespace ondol {
namespace {

/// Claims that name no passage need more.
constexpr double kLeastSupportUnnamed = 0.75;
/// Sentences about the same thing have so much in common, apart from their numbers: with their headings, and without.
constexpr double kSameSubject = 0.6;
constexpr double kSameWords = 0.45;
/// A claim cites at most so many places.
constexpr size_t kMostPlaces = 4;

/// The sentences that a span touches, widened by `more` on both sides.
ByteRange sentences_around(const Passage& passage, ByteRange span, size_t more) {
  const std::vector<ByteRange>& all = passage.sentences;
  size_t first = 0;
  while (first + 1 < all.size() && all[first].end <= span.start) ++first;
  size_t last = first;
  while (last + 1 < all.size() && all[last + 1].start < span.end) ++last;
  if (all.empty()) return span;
  first -= std::min(first, more);
  last = std::min(last + more, all.size() - 1);
  return {std::min(all[first].start, span.start), std::max(all[last].end, span.end)};
}

/// Whether they give different numbers for what they both count.
bool numbers_differ(std::string_view a, std::string_view b) {
  const std::vector<Number> in_a = numbers_of(a), in_b = numbers_of(b);
  const std::set<std::string> values_a = number_values(a), values_b = number_values(b);
  for (const Number& x : in_a) {
    if (x.unit.empty() || values_b.contains(x.value)) continue;
    for (const Number& y : in_b) {
      if (y.unit == x.unit && !values_a.contains(y.value)) return true;
    }
  }
  return false;
}

/// Notes of the source's own ("[12]") would be taken for citations of ours.
std::string without_numbered_markers(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text[i] == '[' ? text.find_first_not_of("0123456789", i + 1) : text.npos;
    if (end != text.npos && end > i + 1 && text[end] == ']') {
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace

ClaimChecker::ClaimChecker(std::span<const Passage> passages) : passages_(passages) {
  for (const Passage& passage : passages) normal_.emplace_back(passage.hit.text);
}

double ClaimChecker::support_of(std::string_view claim, size_t passage, ByteRange span) {
  const Passage& p = passages_[passage];
  // A question tells nothing.
  if (sentences_around(p, span, 0).of(p.hit.text).ends_with('?')) return 0;
  const std::string around = fmt::format("{}\n{}", p.hit.headings, sentences_around(p, span, 2).of(p.hit.text));
  return meter_.support(claim, {span.of(p.hit.text), around});
}

ClaimChecker::Place ClaimChecker::best_sentence(std::string_view claim, size_t passage) {
  Place best{passage, {}, 0};
  for (const ByteRange& sentence : passages_[passage].sentences) {
    const double support = support_of(claim, passage, sentence);
    if (support > best.support) best = {passage, sentence, support};
  }
  return best;
}

std::optional<ClaimChecker::Place> ClaimChecker::quoted_in(std::string_view claim, size_t passage,
                                                           std::string_view quote) {
  const auto span = find_quotation(normal_[passage], quote);
  if (!span) return std::nullopt;
  const Place exact{passage, *span, support_of(claim, passage, *span)};
  if (exact.support >= kLeastSupport) return exact;
  // Few words were quoted, and the sentence says the rest.
  const ByteRange whole = sentences_around(passages_[passage], *span, 0);
  const Place sentence{passage, whole, support_of(claim, passage, whole)};
  return sentence.support >= kLeastSupport ? std::optional(sentence) : std::nullopt;
}

std::optional<ClaimChecker::Place> ClaimChecker::place_of(std::string_view claim, const GeneratedCitation& citation) {
  const bool is_there = citation.passage > 0 && citation.passage <= passages_.size();
  if (!citation.quote.empty()) {
    if (is_there) {
      if (const auto place = quoted_in(claim, citation.passage - 1, citation.quote)) return place;
    }
    // Under a wrong number.
    for (size_t i = 0; i < passages_.size(); ++i) {
      if (const auto place = quoted_in(claim, i, citation.quote)) return place;
    }
  }
  if (!is_there) return std::nullopt;
  const size_t passage = citation.passage - 1;
  const Place best = best_sentence(claim, passage);
  return best.support >= kLeastSupport ? std::optional(best) : std::nullopt;
}

bool ClaimChecker::is_quoted_rightly(std::string_view quotation) const {
  return std::any_of(normal_.begin(), normal_.end(),
                     [&](const NormalText& text) { return find_quotation(text, quotation).has_value(); });
}

std::optional<Claim> ClaimChecker::check(const GeneratedClaim& claim) {
  for (const std::string& quotation : claim.quotations) {
    if (!is_quoted_rightly(quotation)) return std::nullopt;
  }
  std::vector<Place> places;
  const auto add = [&](const Place& place) {
    const bool is_known = std::any_of(places.begin(), places.end(), [&](const Place& other) {
      return other.passage == place.passage && other.span == place.span;
    });
    if (!is_known && places.size() < kMostPlaces) places.push_back(place);
  };
  for (const GeneratedCitation& citation : claim.citations) {
    if (const auto place = place_of(claim.text, citation)) add(*place);
  }
  if (places.empty()) {
    Place best;
    for (size_t i = 0; i < passages_.size(); ++i) {
      const Place place = best_sentence(claim.text, i);
      if (place.support > best.support) best = place;
    }
    if (best.support < kLeastSupportUnnamed) return std::nullopt;
    add(best);
  }
  return claim_with(claim.text, std::move(places));
}

Claim ClaimChecker::quoted(size_t passage, ByteRange span) {
  return claim_with(without_numbered_markers(one_line(span.of(passages_[passage].hit.text))), {{passage, span, 1}});
}

Citation ClaimChecker::citation_of(const Place& place) const {
  const Hit& hit = passages_[place.passage].hit;
  Citation citation;
  citation.path = hit.path;
  citation.page = hit.page;
  citation.start = hit.start + place.span.start;
  citation.end = hit.start + place.span.end;
  citation.quote = place.span.of(hit.text);
  citation.headings = hit.headings;
  return citation;
}

Claim ClaimChecker::claim_with(std::string text, std::vector<Place> places) {
  Claim claim;
  claim.text = std::move(text);
  for (const Place& place : places) {
    claim.citations.push_back(citation_of(place));
    claim.support = std::max(claim.support, place.support);
  }
  compare_sources(claim, places.front());
  return claim;
}

/// Who else says so, and who says something else.
void ClaimChecker::compare_sources(Claim& claim, const Place& place) {
  std::set<int> agreeing = {passages_[place.passage].source};
  std::set<int> disagreeing;
  const std::string_view said = place.span.of(passages_[place.passage].hit.text);
  for (size_t i = 0; i < passages_.size(); ++i) {
    const int source = passages_[i].source;
    if (agreeing.contains(source)) continue;
    const Place other = best_sentence(claim.text, i);
    if (other.support >= kLeastSupportUnnamed) {
      agreeing.insert(source);
      continue;
    }
    if (disagreeing.contains(source)) continue;
    for (const ByteRange& sentence : passages_[i].sentences) {
      const std::string_view text = sentence.of(passages_[i].hit.text);
      if (!numbers_differ(claim.text, text) || !numbers_differ(said, text)) continue;
      const std::string with_headings = fmt::format("{}\n{}", passages_[i].hit.headings, text);
      if (meter_.overlap(claim.text, with_headings) < kSameSubject || meter_.overlap(text, said) < kSameWords) continue;
      claim.disagreeing.push_back(citation_of({i, sentence, 0}));
      disagreeing.insert(source);
      break;
    }
  }
  claim.n_sources = static_cast<int>(agreeing.size());
}

}  // namespace ondol
