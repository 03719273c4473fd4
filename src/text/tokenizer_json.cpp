#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/byte_level.h"
#include "text/tokenizer_json_steps.h"

namespace ondol {
namespace {

constexpr int64_t kMaxHoles = 1 << 20;  // ids that the vocabulary leaves open

class Reader {
 public:
  explicit Reader(const json::value& root) : root_(root) {}

  Result<TokenizerSpec> run(const HuggingFaceTexts& beside) {
    const json::value* model = find_member(root_, "model");
    if (model == nullptr || !model->is_object()) return Error("expected an object 'model'");
    ONDOL_TRY(read_model(*model));
    ONDOL_TRY(read_added_tokens());
    ONDOL_TRY(read_json_normalizer(member("normalizer"), spec_));
    ONDOL_TRY(read_json_pre_tokenizer(member("pre_tokenizer"), spec_));
    ONDOL_TRY(read_json_decoder(member("decoder"), spec_));
    ONDOL_TRY(read_json_post_processor(member("post_processor"), spec_));
    choose_bytes_or_characters();
    ONDOL_TRY(apply_hugging_face_config(beside, spec_));
    guess_ids();
    return std::move(spec_);
  }

 private:
  const json::value& member(const char* key) const {
    static const json::value null;
    const json::value* found = find_member(root_, key);
    return found == nullptr ? null : *found;
  }

  Result<void> read_model(const json::value& model) {
    std::string type = string_or(model, "type", "");
    const json::value* vocabulary = find_member(model, "vocab");
    if (vocabulary == nullptr) return Error("model: expected 'vocab'");
    if (type.empty()) {
      // Files of the library's first versions leave the type to be guessed.
      type = vocabulary->is_array() ? "Unigram" : find_member(model, "merges") != nullptr ? "BPE" : "WordPiece";
    }
    if (type == "BPE") return read_bpe(model, *vocabulary).in("model");
    if (type == "Unigram") return read_unigram(model, *vocabulary).in("model");
    if (type == "WordPiece") return read_word_piece(model, *vocabulary).in("model");
    return Error(fmt::format("model: expected type BPE, Unigram or WordPiece, got '{}'", type));
  }

  Result<void> read_vocabulary_map(const json::value& vocabulary) {
    if (!vocabulary.is_object()) return Error("vocab: expected an object of texts and ids");
    const json::object& entries = vocabulary.get_object();
    int64_t highest = -1;
    for (const auto& [text, id] : entries) {
      if (!id.is_int64() || id.get_int64() < 0) {
        return Error(fmt::format("vocab: '{}': expected an id", std::string_view(text)));
      }
      highest = std::max(highest, id.get_int64());
    }
    if (highest >= static_cast<int64_t>(entries.size()) + kMaxHoles) {
      return Error(fmt::format("vocab: id {} with only {} entries", highest, entries.size()));
    }
    VocabularyEntry hole;
    hole.type = TokenType::kUnused;
    hole.in_model = false;
    spec_.vocabulary.assign(static_cast<size_t>(highest + 1), hole);
    for (const auto& [text, id] : entries) {
      VocabularyEntry& entry = spec_.vocabulary[static_cast<size_t>(id.get_int64())];
      entry = {};
      entry.text = std::string(text);
    }
    return {};
  }

  Result<void> read_bpe(const json::value& model, const json::value& vocabulary) {
    spec_.algorithm = TokenAlgorithm::kBpeCharacters;
    ONDOL_TRY(read_vocabulary_map(vocabulary));
    spec_.ignore_merges = bool_or(model, "ignore_merges", false);
    spec_.byte_fallback = bool_or(model, "byte_fallback", false);
    spec_.fuse_unknown = bool_or(model, "fuse_unk", false);
    spec_.continuing_prefix = string_or(model, "continuing_subword_prefix", "");
    spec_.end_of_word_suffix = string_or(model, "end_of_word_suffix", "");
    find_unknown(string_or(model, "unk_token", ""));
    if (spec_.byte_fallback) mark_bytes();
    const json::value* merges = find_member(model, "merges");
    if (merges == nullptr || !merges->is_array()) return Error("expected a list 'merges'");
    for (const json::value& merge : merges->get_array()) ONDOL_TRY(read_merge(merge));
    return {};
  }

  /// "left right" or ["left", "right"].
  Result<void> read_merge(const json::value& merge) {
    if (merge.is_string()) {
      const std::string_view text = merge.get_string();
      const size_t space = text.find(' ', 1);
      if (space != std::string_view::npos && space + 1 < text.size()) {
        spec_.merges.push_back({std::string(text.substr(0, space)), std::string(text.substr(space + 1))});
        return {};
      }
    } else if (merge.is_array() && merge.get_array().size() == 2 && merge.get_array()[0].is_string() &&
               merge.get_array()[1].is_string()) {
      spec_.merges.push_back(
          {std::string(merge.get_array()[0].get_string()), std::string(merge.get_array()[1].get_string())});
      return {};
    }
    return Error(fmt::format("merges: entry {}: expected two texts", spec_.merges.size()));
  }

  Result<void> read_unigram(const json::value& model, const json::value& vocabulary) {
    spec_.algorithm = TokenAlgorithm::kUnigram;
    spec_.fuse_unknown = true;
    if (!vocabulary.is_array()) return Error("vocab: expected a list of texts and scores");
    for (const json::value& pair : vocabulary.get_array()) {
      const json::array* items = pair.if_array();
      if (items == nullptr || items->size() != 2 || !(*items)[0].is_string() || !(*items)[1].is_number()) {
        return Error(fmt::format("vocab: entry {}: expected a text and a score", spec_.vocabulary.size()));
      }
      VocabularyEntry entry;
      entry.text = std::string((*items)[0].get_string());
      entry.score = (*items)[1].to_number<double>();
      if (!std::isfinite(entry.score)) return Error(fmt::format("vocab: '{}': the score is not finite", entry.text));
      spec_.vocabulary.push_back(std::move(entry));
    }
    const int64_t unk = int_or(model, "unk_id", -1);
    if (unk >= static_cast<int64_t>(spec_.vocabulary.size())) {
      return Error(fmt::format("unk_id: expected an id below {}, got {}", spec_.vocabulary.size(), unk));
    }
    spec_.unk = unk < 0 ? kNoToken : static_cast<TokenId>(unk);
    spec_.byte_fallback = bool_or(model, "byte_fallback", false);
    if (spec_.byte_fallback) mark_bytes();
    return {};
  }

  Result<void> read_word_piece(const json::value& model, const json::value& vocabulary) {
    spec_.algorithm = TokenAlgorithm::kWordPiece;
    ONDOL_TRY(read_vocabulary_map(vocabulary));
    spec_.continuing_prefix = string_or(model, "continuing_subword_prefix", "##");
    spec_.max_word_characters =
        static_cast<int>(std::clamp<int64_t>(int_or(model, "max_input_chars_per_word", 100), 1, 1 << 20));
    find_unknown(string_or(model, "unk_token", "[UNK]"));
    return {};
  }

  void find_unknown(const std::string& text) {
    for (size_t id = 0; !text.empty() && id < spec_.vocabulary.size(); ++id) {
      if (spec_.vocabulary[id].text == text) spec_.unk = static_cast<TokenId>(id);
    }
  }

  void mark_bytes() {
    for (VocabularyEntry& entry : spec_.vocabulary) {
      if (byte_of_fallback_token(entry.text) >= 0) entry.type = TokenType::kByte;
    }
  }

  Result<void> read_added_tokens() {
    const json::value& list = member("added_tokens");
    if (!list.is_array()) return {};
    for (const json::value& value : list.get_array()) {
      AddedToken token;
      const int64_t id = int_or(value, "id", -1);
      token.id = id < 0 || id > INT32_MAX ? kNoToken : static_cast<TokenId>(id);
      token.content = string_or(value, "content", "");
      if (token.content.empty()) continue;
      token.special = bool_or(value, "special", false);
      token.normalized = bool_or(value, "normalized", !token.special);
      token.lstrip = bool_or(value, "lstrip", false);
      token.rstrip = bool_or(value, "rstrip", false);
      token.single_word = bool_or(value, "single_word", false);
      ONDOL_TRY(set_added_token(token, spec_).in("added_tokens"));
    }
    return {};
  }

  /// With ByteLevel as the last step, and nowhere else, words can go to the algorithm as the bytes that they are.
  void choose_bytes_or_characters() {
    if (spec_.algorithm != TokenAlgorithm::kBpeCharacters || !spec_.continuing_prefix.empty() ||
        !spec_.end_of_word_suffix.empty() || spec_.byte_fallback) {
      return;
    }
    const auto& steps = spec_.pre_tokenizer;
    const auto n_steps = std::count_if(steps.begin(), steps.end(), [](const PreTokenizerStep& step) {
      return step.kind == PreTokenizerStep::Kind::kByteLevel;
    });
    const bool in_normalizer =
        std::any_of(spec_.normalizer.begin(), spec_.normalizer.end(),
                    [](const NormalizerStep& step) { return step.kind == NormalizerStep::Kind::kByteLevel; });
    const bool last = !steps.empty() && steps.back().kind == PreTokenizerStep::Kind::kByteLevel;
    if (n_steps == 1 && last && !in_normalizer) spec_.algorithm = TokenAlgorithm::kBpeBytes;
  }

  /// Without tokenizer_config.json, ids of BOS and EOS show in the texts of special tokens.
  void guess_ids() {
    constexpr std::string_view kCls[] = {"[CLS]"};
    constexpr std::string_view kSep[] = {"[SEP]"};
    constexpr std::string_view kPad[] = {"<pad>", "[PAD]"};
    constexpr std::string_view kBegins[] = {"<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[BOS]"};
    constexpr std::string_view kEnds[] = {"</s>", "<eos>", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>", "[EOS]"};
    if (spec_.bos == kNoToken) spec_.bos = first_special(kBegins);
    if (spec_.eos == kNoToken) spec_.eos = first_special(kEnds);
    if (spec_.cls == kNoToken) spec_.cls = first_special(kCls);
    if (spec_.sep == kNoToken) spec_.sep = first_special(kSep);
    if (spec_.pad == kNoToken) spec_.pad = first_special(kPad);
  }

  TokenId first_special(std::span<const std::string_view> texts) const {
    for (const std::string_view text : texts) {
      for (const AddedToken& token : spec_.added_tokens) {
        if (token.special && token.content == text) return token.id;
      }
    }
    return kNoToken;
  }

  const json::value& root_;
  TokenizerSpec spec_;
};

}  // namespace

Result<TokenizerSpec> read_tokenizer_json(std::string_view tokenizer_json, const HuggingFaceTexts& beside) {
  const json::value root = ONDOL_TRY(parse_json(tokenizer_json).in("tokenizer.json"));
  return Reader(root).run(beside).in("tokenizer.json");
}

}  // namespace ondol
