// Encoder: an example as tokens, with the targets marked; a text cut into windows.
//
// The tokens of an answer are those of its text alone, behind those of the prompt, as generation has them. The token
// that ends a turn is a target, what follows it is not. Control tokens are recognised in all texts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"
#include "train/data/conversation_spans.h"
#include "train/data/example.h"
#include "train/data/segment.h"

namespace ondol::train {

/// What to do with examples that are longer than a sequence.
enum class Overlong { kCut, kLeaveOut };

struct EncoderOptions {
  TrainOn train_on = TrainOn::kAssistant;
  Overlong overlong = Overlong::kCut;
  uint32_t sequence_length = 2048;  // at least 16
  bool uses_template = true;        // false: prompts and completions are joined as they are
  int64_t now_unix_seconds = 0;     // what templates see as the time
};

/// Segments that must stay together: one, or the two of a preference.
using Unit = std::vector<Segment>;

struct EncodedExample {
  std::vector<Unit> units;  // more than one where the template rewrites earlier turns
  uint32_t n_cut = 0;
  uint32_t n_left_out = 0;         // too long
  uint32_t n_without_targets = 0;  // nothing to learn, perhaps because the end was cut off
};

/// Bytes of a text that make a segment of at most sequence_length tokens.
struct TextWindow {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t n_tokens = 0;
};

class Encoder {
 public:
  /// `chat_template` may be absent: then conversations are refused.
  static Result<Encoder> create(std::shared_ptr<const Tokenizer> tokenizer, std::optional<ChatTemplate> chat_template,
                                const EncoderOptions& options);

  /// Not for Format::kText. May be called from several threads at once, like all that follows.
  Result<EncodedExample> encode(const Example& example) const;

  /// The windows of a text, which cover it: whole paragraphs where they fit, else lines, sentences, words.
  /// `ends_document`: the end of the text is to be learned, too.
  std::vector<TextWindow> cut(std::string_view text, bool ends_document) const;
  Segment encode_window(std::string_view text, bool ends_document) const;

 private:
  Encoder() = default;
  Result<std::vector<MarkedText>> mark(const Exchange& exchange, const json::object& variables) const;
  Segment encode_marked(const MarkedText& marked, bool is_plain) const;
  void end_turn(Segment& segment, bool is_plain) const;
  std::vector<TokenId> encode_piece(std::string_view text, bool at_start) const;
  size_t count(std::string_view text) const { return encode_piece(text, false).size(); }
  void add_pieces(std::string_view text, size_t begin, size_t end, int level, std::vector<TextWindow>& pieces) const;
  bool wants_bos() const { return tokenizer_->adds_bos() && tokenizer_->bos() != kNoToken; }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ConversationSpans> spans_;
  EncoderOptions options_;
  bool start_matters_ = false;  // the tokenizer does something at the start of a text: a space in front of it, mostly
  TokenId turn_end_ = kNoToken;
};

}  // namespace ondol::train
