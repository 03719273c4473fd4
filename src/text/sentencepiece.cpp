#include "text/sentencepiece.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";
constexpr size_t kMaxPieces = size_t{1} << 22;
constexpr size_t kMaxPieceBytes = size_t{1} << 16;
constexpr int kAllSpaces = 1 << 30;

/// One field of a message: its number and, by wire type, a number or bytes.
struct Field {
  uint32_t number = 0;
  uint32_t wire_type = 0;
  uint64_t value = 0;      // varint, or fixed32/fixed64 as bits
  std::string_view bytes;  // length-delimited
};

/// Walks over the fields of one message, never beyond its bytes.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  Result<Field> next() {
    Field field;
    const uint64_t key = ONDOL_TRY(varint());
    field.number = static_cast<uint32_t>(key >> 3);
    field.wire_type = static_cast<uint32_t>(key & 7);
    switch (field.wire_type) {
      case 0:
        field.value = ONDOL_TRY(varint());
        return field;
      case 1:
        field.value = ONDOL_TRY(fixed(8));
        return field;
      case 2: {
        const uint64_t size = ONDOL_TRY(varint());
        if (size > rest_.size()) return cut_off();
        field.bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return field;
      }
      case 5:
        field.value = ONDOL_TRY(fixed(4));
        return field;
      default:
        return Error(fmt::format("not a tokenizer.model: wire type {} is not known", field.wire_type));
    }
  }

 private:
  static Error cut_off() { return Error("not a tokenizer.model, or cut off"); }

  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return cut_off();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return Error("not a tokenizer.model: a number has more than ten bytes");
  }

  Result<uint64_t> fixed(size_t size) {
    if (size > rest_.size()) return cut_off();
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(size);
    return value;
  }

  std::string_view rest_;
};

TokenType piece_type(uint64_t value) {
  switch (value) {
    case 2:
      return TokenType::kUnknown;
    case 3:
      return TokenType::kControl;
    case 4:
      return TokenType::kUserDefined;
    case 5:
      return TokenType::kUnused;
    case 6:
      return TokenType::kByte;
    default:
      return TokenType::kNormal;
  }
}

class Reader {
 public:
  Result<TokenizerSpec> run(std::string_view model, const HuggingFaceTexts& beside) {
    MessageReader message(model);
    while (!message.at_end()) {
      const Field field = ONDOL_TRY(message.next());
      if (field.number == 1 && field.wire_type == 2) ONDOL_TRY(piece(field.bytes));
      if (field.number == 2 && field.wire_type == 2) ONDOL_TRY(trainer(field.bytes));
      if (field.number == 3 && field.wire_type == 2) ONDOL_TRY(normalizer(field.bytes));
    }
    if (spec_.vocabulary.empty()) return Error("the model has no pieces");
    ONDOL_TRY(algorithm());
    special_ids();
    spec_.normalizer.push_back(normalizer_);
    decoder();
    ONDOL_TRY(apply_hugging_face_config(beside, spec_));
    return std::move(spec_);
  }

 private:
  Result<void> piece(std::string_view bytes) {
    if (spec_.vocabulary.size() >= kMaxPieces) return Error(fmt::format("more than {} pieces", kMaxPieces));
    VocabularyEntry entry;
    MessageReader message(bytes);
    while (!message.at_end()) {
      const Field field = ONDOL_TRY(message.next());
      if (field.number == 1 && field.wire_type == 2) {
        if (field.bytes.size() > kMaxPieceBytes) {
          return Error(fmt::format("piece {}: {} bytes are too many", spec_.vocabulary.size(), field.bytes.size()));
        }
        entry.text = field.bytes;
      } else if (field.number == 2 && field.wire_type == 5) {
        const auto bits = static_cast<uint32_t>(field.value);
        float score = 0;
        std::memcpy(&score, &bits, sizeof score);
        if (!std::isfinite(score)) {
          return Error(fmt::format("piece {}: the score is not finite", spec_.vocabulary.size()));
        }
        entry.score = score;
      } else if (field.number == 3 && field.wire_type == 0) {
        entry.type = piece_type(field.value);
      }
    }
    spec_.vocabulary.push_back(std::move(entry));
    return {};
  }

  Result<void> trainer(std::string_view bytes) {
    MessageReader message(bytes);
    while (!message.at_end()) {
      const Field field = ONDOL_TRY(message.next());
      switch (field.number) {
        case 3:
          model_type_ = field.value;
          break;
        case 24:
          normalizer_.whitespace_as_suffix = field.value != 0;
          break;
        case 35:
          spec_.byte_fallback = field.value != 0;
          break;
        case 46:
          bos_piece_ = field.bytes;
          break;
        case 47:
          eos_piece_ = field.bytes;
          break;
        case 48:
          pad_piece_ = field.bytes;
          break;
        default:
          break;
      }
    }
    return {};
  }

  Result<void> normalizer(std::string_view bytes) {
    MessageReader message(bytes);
    while (!message.at_end()) {
      const Field field = ONDOL_TRY(message.next());
      switch (field.number) {
        case 2:
          normalizer_.blob = field.bytes;
          break;
        case 3:
          normalizer_.add_dummy_prefix = field.value != 0;
          break;
        case 4:
          normalizer_.remove_extra_whitespaces = field.value != 0;
          break;
        case 5:
          normalizer_.escape_whitespaces = field.value != 0;
          break;
        default:
          break;
      }
    }
    return {};
  }

  Result<void> algorithm() {
    if (model_type_ != 1 && model_type_ != 2) {
      return Error(fmt::format("expected a unigram (1) or bpe (2) model, got type {}", model_type_));
    }
    spec_.algorithm = model_type_ == 1 ? TokenAlgorithm::kUnigram : TokenAlgorithm::kBpeScores;
    spec_.sentencepiece_scores = true;
    spec_.fuse_unknown = true;
    return {};
  }

  void special_ids() {
    for (size_t i = 0; i < spec_.vocabulary.size(); ++i) {
      const VocabularyEntry& entry = spec_.vocabulary[i];
      const auto id = static_cast<TokenId>(i);
      const bool control = entry.type == TokenType::kControl;
      if (entry.type == TokenType::kUnknown) spec_.unk = id;
      if (control && entry.text == bos_piece_) spec_.bos = id;
      if (control && entry.text == eos_piece_) spec_.eos = id;
      if (control && entry.text == pad_piece_) spec_.pad = id;
      // User-defined pieces are no added tokens here: the algorithm itself keeps them whole.
      if ((!control && entry.type != TokenType::kUnknown) || entry.text.empty()) continue;
      AddedToken token;
      token.id = id;
      token.content = entry.text;
      token.special = true;
      spec_.added_tokens.push_back(std::move(token));
    }
    if (spec_.bos != kNoToken) {
      spec_.prefix = {spec_.bos};
    } else if (spec_.eos != kNoToken) {
      spec_.suffix = {spec_.eos};
    }
  }

  void decoder() {
    DecoderStep spaces;
    spaces.kind = DecoderStep::Kind::kReplace;
    spaces.pattern = kMetaspace;
    spaces.content = " ";
    DecoderStep fuse;
    spec_.decoder = {spaces, fuse};
    if (!normalizer_.add_dummy_prefix && !normalizer_.remove_extra_whitespaces) return;
    DecoderStep strip;
    strip.kind = DecoderStep::Kind::kStrip;
    strip.content = " ";
    // Where extra whitespace is removed, none of it may stand at the start.
    const int n_spaces = normalizer_.remove_extra_whitespaces ? kAllSpaces : 1;
    (normalizer_.whitespace_as_suffix ? strip.right : strip.left) = n_spaces;
    spec_.decoder.push_back(strip);
  }

  static NormalizerStep default_normalizer() {
    NormalizerStep step;
    step.kind = NormalizerStep::Kind::kSentencePiece;
    step.add_dummy_prefix = true;
    step.remove_extra_whitespaces = true;
    step.escape_whitespaces = true;
    return step;
  }

  TokenizerSpec spec_;
  NormalizerStep normalizer_ = default_normalizer();
  uint64_t model_type_ = 1;
  std::string bos_piece_ = "<s>";
  std::string eos_piece_ = "</s>";
  std::string pad_piece_ = "<pad>";
};

}  // namespace

Result<TokenizerSpec> read_sentencepiece(std::string_view model, const HuggingFaceTexts& beside) {
  return Reader().run(model, beside).in("tokenizer.model");
}

}  // namespace ondol
