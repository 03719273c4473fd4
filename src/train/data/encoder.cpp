#include "train/data/encoder.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol::train {
namespace {

constexpr uint32_t kShortestSequence = 16;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool starts_with(const std::vector<TokenId>& tokens, const std::vector<TokenId>& head) {
  return head.size() <= tokens.size() && std::equal(head.begin(), head.end(), tokens.begin());
}

void cut_to(Segment& segment, size_t n) {
  segment.tokens.resize(std::min(segment.tokens.size(), n));
  segment.is_target.resize(segment.tokens.size());
}

bool has_target(const Segment& segment) {
  return std::find(segment.is_target.begin(), segment.is_target.end(), 1) != segment.is_target.end();
}

/// Cuts the segments so that together they fit; says whether it had to.
bool cut_to_fit(Unit& unit, size_t limit) {
  size_t n = 0;
  for (const Segment& segment : unit) n += segment.tokens.size();
  if (n <= limit) return false;
  if (unit.size() == 1) {
    cut_to(unit[0], limit);
    return true;
  }
  const size_t first = unit[0].tokens.size(), second = unit[1].tokens.size();
  cut_to(unit[0], std::max(limit / 2, limit - std::min(limit, second)));
  cut_to(unit[1], std::max(limit - limit / 2, limit - std::min(limit, first)));
  return true;
}

}  // namespace

Result<Encoder> Encoder::create(std::shared_ptr<const Tokenizer> tokenizer, std::optional<ChatTemplate> chat_template,
                                const EncoderOptions& options) {
  if (options.sequence_length < kShortestSequence) {
    return Error(
        fmt::format("sequence length: expected at least {}, got {}", kShortestSequence, options.sequence_length));
  }
  Encoder encoder;
  encoder.tokenizer_ = std::move(tokenizer);
  encoder.options_ = options;
  const Tokenizer& model = *encoder.tokenizer_;
  const auto encode = [&](std::string_view text) { return model.encode(text, false, SpecialTokens::kParse); };
  std::vector<TokenId> joined = encode("\n");
  const std::vector<TokenId> letter = encode("a");
  joined.insert(joined.end(), letter.begin(), letter.end());
  encoder.start_matters_ = joined != encode("\na");
  encoder.turn_end_ = model.eos();
  if (chat_template) encoder.spans_.emplace(std::move(*chat_template), model, options.now_unix_seconds);
  if (encoder.spans_ && !encoder.spans_->turn_end().empty()) {
    for (const TokenId id : encode(encoder.spans_->turn_end())) {
      if (is_blank(model.piece(id, true))) continue;
      if (model.ends_generation(id)) encoder.turn_end_ = id;
      break;
    }
  }
  return encoder;
}

std::vector<TokenId> Encoder::encode_piece(std::string_view text, bool at_start) const {
  if (at_start || !start_matters_) return tokenizer_->encode(text, false, SpecialTokens::kParse);
  // Behind something that does not grow together with the text.
  for (const std::string_view anchor : {"\n", "|", "a"}) {
    const std::vector<TokenId> head = tokenizer_->encode(anchor, false, SpecialTokens::kParse);
    std::vector<TokenId> tokens = tokenizer_->encode(std::string(anchor) += text, false, SpecialTokens::kParse);
    if (!starts_with(tokens, head)) continue;
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(head.size()));
    return tokens;
  }
  return tokenizer_->encode(text, false, SpecialTokens::kParse);
}

/// Behind the last target: its end of turn is one, too, and what follows an end of turn is none.
void Encoder::end_turn(Segment& segment, bool is_plain) const {
  size_t end = segment.tokens.size();
  while (end > 0 && segment.is_target[end - 1] == 0) --end;
  if (end == 0 || end < segment.tokens.size()) return;
  for (size_t last = end; last-- > 0 && segment.is_target[last] == 1;) {
    if (tokenizer_->ends_generation(segment.tokens[last])) {
      std::fill(segment.is_target.begin() + static_cast<std::ptrdiff_t>(last) + 1, segment.is_target.end(), uint8_t{0});
      return;
    }
    if (!is_blank(tokenizer_->piece(segment.tokens[last], true))) break;
  }
  const TokenId id = is_plain ? tokenizer_->eos() : turn_end_;
  if (id == kNoToken) return;
  segment.tokens.push_back(id);
  segment.is_target.push_back(1);
}

Segment Encoder::encode_marked(const MarkedText& marked, bool is_plain) const {
  Segment segment;
  const std::string_view text = marked.text;
  const auto add = [&](size_t begin, size_t end, bool is_target) {
    if (begin >= end) return;
    const std::vector<TokenId> tokens = encode_piece(text.substr(begin, end - begin), begin == 0);
    const bool after_open_turn = !is_target && !tokens.empty() && !segment.is_target.empty() &&
                                 segment.is_target.back() == 1 && !tokenizer_->ends_generation(segment.tokens.back());
    segment.tokens.insert(segment.tokens.end(), tokens.begin(), tokens.end());
    segment.is_target.resize(segment.tokens.size(), is_target ? 1 : 0);
    if (after_open_turn && tokenizer_->ends_generation(tokens.front())) {
      segment.is_target[segment.tokens.size() - tokens.size()] = 1;
    }
  };
  size_t at = 0;
  for (const auto& [begin, end] : marked.targets) {
    add(at, begin, false);
    add(begin, end, true);
    at = end;
  }
  add(at, text.size(), false);
  end_turn(segment, is_plain);
  // Most templates write the BOS token themselves; a second one harms.
  if (wants_bos() && (segment.tokens.empty() || segment.tokens.front() != tokenizer_->bos())) {
    segment.tokens.insert(segment.tokens.begin(), tokenizer_->bos());
    segment.is_target.insert(segment.is_target.begin(), 0);
  }
  if (!segment.is_target.empty()) segment.is_target.front() = 0;
  return segment;
}

Result<std::vector<MarkedText>> Encoder::mark(const Exchange& exchange, const json::object& variables) const {
  if (!exchange.is_plain || (spans_ && options_.uses_template)) {
    if (spans_) return spans_->mark(exchange, variables, options_.train_on);
    return Error(
        "conversations need a chat template, and the model has none; hint: --template-file, or data with "
        "'prompt' and 'completion' or 'text'");
  }
  MarkedText marked;
  for (size_t i = 0; i < exchange.messages.size(); ++i) {
    const size_t begin = marked.text.size();
    marked.text += string_or(exchange.messages[i], "content", "");
    if (exchange.is_answer[i]) marked.targets.emplace_back(begin, marked.text.size());
  }
  if (options_.train_on == TrainOn::kAll) marked.targets = {{0, marked.text.size()}};
  return std::vector<MarkedText>{std::move(marked)};
}

Result<EncodedExample> Encoder::encode(const Example& example) const {
  EncodedExample result;
  std::vector<Unit> units;
  const bool is_pair = example.format == Format::kPreference;
  if (is_pair) units.emplace_back();
  for (size_t i = 0; i < example.exchanges.size(); ++i) {
    const Exchange& exchange = example.exchanges[i];
    const bool is_plain = exchange.is_plain && !(spans_ && options_.uses_template);
    for (const MarkedText& marked : ONDOL_TRY(mark(exchange, example.template_variables))) {
      Segment segment = encode_marked(marked, is_plain);
      if (is_pair) segment.role = i == 0 ? SegmentRole::kChosen : SegmentRole::kRejected;
      if (example.format == Format::kJudged) {
        segment.role = example.is_desirable ? SegmentRole::kDesirable : SegmentRole::kUndesirable;
      }
      if (!is_pair) units.emplace_back();
      units.back().push_back(std::move(segment));
      // What is compared or judged is the answer; its earlier turns need no texts of their own.
      if (is_pair || example.format == Format::kJudged) break;
    }
  }
  for (Unit& unit : units) {
    const size_t limit = options_.sequence_length;
    if (cut_to_fit(unit, limit)) {
      const bool leaves_out = options_.overlong == Overlong::kLeaveOut;
      ++(leaves_out ? result.n_left_out : result.n_cut);
      if (leaves_out) continue;
    }
    const bool is_whole = !unit.empty() && unit.size() == (is_pair ? 2u : 1u);
    if (!is_whole || !std::all_of(unit.begin(), unit.end(), has_target)) {
      ++result.n_without_targets;
      continue;
    }
    result.units.push_back(std::move(unit));
  }
  return result;
}

}  // namespace ondol::train
