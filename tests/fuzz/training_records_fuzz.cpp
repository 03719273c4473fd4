// Files of training data with any bytes: the first byte says what kind of file it is. Records, examples and their
// tokens come out, or an error.
#include <unistd.h>

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "text/chat_template.h"
#include "text/tokenizer_spec.h"
#include "text/unicode.h"
#include "train/data/encoder.h"
#include "train/data/record_files.h"

namespace {

using namespace ondol;
using namespace ondol::train;

/// Letters as tokens, and two special ones.
std::shared_ptr<const Tokenizer> letters() {
  TokenizerSpec spec;
  spec.algorithm = TokenAlgorithm::kBpeCharacters;
  spec.byte_fallback = true;
  for (int byte = 0; byte < 256; ++byte) {
    VocabularyEntry entry;
    entry.text = fmt::format("<0x{:02X}>", byte);
    entry.type = TokenType::kByte;
    spec.vocabulary.push_back(entry);
  }
  for (const char* text : {"<a>", "<b>"}) {
    AddedToken token;
    token.id = static_cast<TokenId>(spec.vocabulary.size());
    token.content = text;
    token.special = true;
    spec.added_tokens.push_back(token);
    VocabularyEntry entry;
    entry.text = text;
    entry.type = TokenType::kControl;
    spec.vocabulary.push_back(entry);
  }
  spec.eos = 257;
  return *Tokenizer::create(std::move(spec));
}

const Encoder& encoder() {
  static const Encoder shared = [] {
    EncoderOptions options;
    options.sequence_length = 64;
    auto chat_template = ChatTemplate::parse(
        "{% for m in messages %}<a>{{ m.role }} {{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function | tojson "
        "}}"
        "{% endfor %}<b>{% endfor %}{{ tools | default('') }}{% if add_generation_prompt %}<a>assistant {% endif %}");
    return *Encoder::create(letters(), *std::move(chat_template), options);
  }();
  return shared;
}

void check(const Segment& segment) {
  ONDOL_CHECK(segment.tokens.size() == segment.is_target.size());
  ONDOL_CHECK(segment.tokens.size() <= 64 && !segment.tokens.empty() && segment.is_target[0] == 0);
}

void use(const Record& record, RecordFile::Kind kind) {
  ONDOL_CHECK(is_valid_utf8(record.text));
  if (kind == RecordFile::Kind::kText) {
    size_t at = 0;
    for (const TextWindow& window : encoder().cut(record.text, record.ends_document)) {
      ONDOL_CHECK(window.begin == at && window.end > at);
      at = window.end;
      check(encoder().encode_window(record.text.substr(window.begin, window.end - window.begin), true));
    }
    ONDOL_CHECK(at == record.text.size());
    return;
  }
  const auto parsed = parse_json(record.text);
  if (!parsed) return;
  const auto format = detect_format(*parsed);
  if (!format) return;
  const auto example = read_example(*parsed, *format);
  if (!example || *format == Format::kText) return;
  const auto encoded = encoder().encode(*example);
  if (!encoded) return;
  for (const Unit& unit : encoded->units) {
    for (const Segment& segment : unit) check(segment);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 4096) return 0;
  static const std::string path = fmt::format("/tmp/ondol-fuzz-{}", getpid());
  std::FILE* out = std::fopen(path.c_str(), "wb");
  if (out == nullptr) return 0;
  std::fwrite(data + 1, 1, size - 1, out);
  std::fclose(out);
  const RecordFile file{path, static_cast<RecordFile::Kind>(data[0] % 3), size - 1};
  auto reader = RecordReader::open(file);
  ONDOL_CHECK(reader.has_value());
  Record record;
  while (true) {
    const auto more = reader->next(record);
    if (!more || !*more) break;
    const auto again = read_record(file, record.place);
    ONDOL_CHECK(again.has_value() && *again == record.text);
    use(record, file.kind);
  }
  std::remove(path.c_str());
  return 0;
}
