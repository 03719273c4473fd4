#include "text/end_of_generation.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace ondol {
namespace {

// Ends of turns, preferred first.
constexpr std::string_view kEndOfTurn[] = {"<|eot_id|>",
                                           "<|im_end|>",
                                           "<|end|>",
                                           "<end_of_turn>",
                                           "<turn|>",
                                           "<|endoftext|>",
                                           "<|end_of_text|>",
                                           "<EOT>",
                                           "_<EOT>",
                                           "[EOT]",
                                           "<\xEF\xBD\x9C"
                                           "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
                                           "<end_of_utterance>"};

constexpr std::string_view kOtherEnds[] = {
    "<|return|>", "<|call|>",    "<|flush|>",     "<|calls|>",    "<|eom_id|>",      "[EOS]",
    "[e~[",       "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|tool_response>"};

// Short enough to be ordinary text (markup) in some vocabularies: they count only where the file marks them.
constexpr std::string_view kEndsIfControl[] = {"</s>", "<eos>"};

class Marker {
 public:
  explicit Marker(TokenizerSpec& spec) : spec_(spec), ends_(spec.vocabulary.size()) {
    for (size_t i = 0; i < spec.added_tokens.size(); ++i) added_by_id_.emplace(spec.added_tokens[i].id, i);
    for (size_t id = 0; id < spec.vocabulary.size(); ++id) mark_text(static_cast<TokenId>(id));
  }

  std::vector<bool> run() {
    if (spec_.eot == kNoToken) spec_.eot = best_turn_;
    if (spec_.eom == kNoToken) spec_.eom = eom_;
    for (const TokenId id : spec_.end_of_generation) mark(id);
    resolve_conflicts();
    for (const TokenId id : {spec_.eos, spec_.eot, spec_.eom}) {
      if (id != harmony_end_) mark(id);
    }
    return std::move(ends_);
  }

 private:
  void mark(TokenId id) {
    if (id >= 0 && static_cast<size_t>(id) < ends_.size()) ends_[static_cast<size_t>(id)] = true;
  }

  void mark_text(TokenId id) {
    VocabularyEntry& entry = spec_.vocabulary[static_cast<size_t>(id)];
    const std::string_view text = entry.text;
    if (text.size() < 4 || text.size() > 40) return;
    const auto* turn = std::find(std::begin(kEndOfTurn), std::end(kEndOfTurn), text);
    const bool other = std::find(std::begin(kOtherEnds), std::end(kOtherEnds), text) != std::end(kOtherEnds);
    const bool if_control =
        std::find(std::begin(kEndsIfControl), std::end(kEndsIfControl), text) != std::end(kEndsIfControl);
    if (turn != std::end(kEndOfTurn) && turn < best_turn_rank_) {
      best_turn_rank_ = turn;
      best_turn_ = id;
    }
    if (text == "<|eom_id|>") eom_ = id;
    if (text == "<|end|>") end_ = id;
    has_return_ = has_return_ || text == "<|return|>" || text == "<|flush|>";
    has_call_ = has_call_ || text == "<|call|>" || text == "<|calls|>";
    has_tool_response_ = has_tool_response_ || text == "<|tool_response>";
    if (text == "</s>") s_ = id;
    if (turn != std::end(kEndOfTurn) || other) {
      if (entry.type == TokenType::kNormal || entry.type == TokenType::kUserDefined) make_control(id);
      mark(id);
    } else if (if_control && entry.type == TokenType::kControl) {
      mark(id);
    }
  }

  void make_control(TokenId id) {
    VocabularyEntry& entry = spec_.vocabulary[static_cast<size_t>(id)];
    entry.type = TokenType::kControl;
    if (const auto known = added_by_id_.find(id); known != added_by_id_.end()) {
      spec_.added_tokens[known->second].special = true;
      return;
    }
    AddedToken token;
    token.id = id;
    token.content = entry.text;
    token.special = true;
    spec_.added_tokens.push_back(std::move(token));
  }

  void resolve_conflicts() {
    // Harmony (gpt-oss) ends every message with <|end|>, its thoughts too; only <|return|> and <|call|> end the turn.
    if (has_return_ && has_call_ && end_ != kNoToken && end_ != spec_.eos) {
      ends_[static_cast<size_t>(end_)] = false;
      harmony_end_ = end_;
      if (spec_.eot == end_) spec_.eot = kNoToken;
    }
    // Gemma 4 has a </s> that is markup.
    if (has_tool_response_ && s_ != kNoToken && s_ != spec_.eos) ends_[static_cast<size_t>(s_)] = false;
  }

  TokenizerSpec& spec_;
  std::vector<bool> ends_;
  std::unordered_map<TokenId, size_t> added_by_id_;
  const std::string_view* best_turn_rank_ = std::end(kEndOfTurn);
  TokenId best_turn_ = kNoToken;
  TokenId eom_ = kNoToken;
  TokenId end_ = kNoToken;
  TokenId harmony_end_ = kNoToken - 1;
  TokenId s_ = kNoToken;
  bool has_return_ = false;
  bool has_call_ = false;
  bool has_tool_response_ = false;
};

}  // namespace

std::vector<bool> find_end_of_generation(TokenizerSpec& spec) {
  return Marker(spec).run();
}

}  // namespace ondol
