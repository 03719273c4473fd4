// WordPiece (BERT): the longest piece that matches, from the left; a word that cannot be covered is one unknown token.
#include <algorithm>

#include "text/token_model.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMaxPieceBytes = 256;  // bounds the time for a word, whatever the vocabulary holds

struct WordPieceScratch : ModelScratch {
  std::string probe;
};

class WordPieceModel : public TokenModel {
 public:
  WordPieceModel(const TokenizerSpec& spec, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary),
        start_prefix_(spec.word_start_prefix),
        continuing_prefix_(spec.continuing_prefix),
        max_characters_(spec.max_word_characters) {
    for (const VocabularyEntry& entry : vocabulary.entries) longest_ = std::max(longest_, entry.text.size());
    longest_ = std::min(longest_, kMaxPieceBytes);
  }

  std::unique_ptr<ModelScratch> make_scratch() const override { return std::make_unique<WordPieceScratch>(); }

  void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& out) const override {
    const size_t before = out.size();
    if (!too_long(word) && cover(word, static_cast<WordPieceScratch&>(scratch).probe, out)) return;
    out.resize(before);
    if (vocabulary_.unk != kNoToken) out.push_back(vocabulary_.unk);
  }

 private:
  bool too_long(std::string_view word) const {
    if (max_characters_ <= 0) return false;
    int n = 0;
    for (const char byte : word) n += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
    return n > max_characters_;
  }

  bool cover(std::string_view word, std::string& probe, std::vector<TokenId>& out) const {
    for (size_t begin = 0; begin < word.size();) {
      probe = begin == 0 ? start_prefix_ : continuing_prefix_;
      const size_t prefix = probe.size();
      probe.append(word.substr(begin, longest_));
      TokenId id = vocabulary_.find(probe);
      while (id == kNoToken && probe.size() > prefix + 1) {
        probe.pop_back();
        id = vocabulary_.find(probe);
      }
      if (id == kNoToken) return false;
      out.push_back(id);
      begin += probe.size() - prefix;
    }
    return true;
  }

  const Vocabulary& vocabulary_;
  const std::string start_prefix_;
  const std::string continuing_prefix_;
  const int max_characters_;
  size_t longest_ = 0;
};

}  // namespace

Result<std::unique_ptr<const TokenModel>> make_word_piece_model(const TokenizerSpec& spec,
                                                                const Vocabulary& vocabulary) {
  return std::unique_ptr<const TokenModel>(std::make_unique<WordPieceModel>(spec, vocabulary));
}

}  // namespace ondol
