#include "retrieve/document_codec.h"

#include <cstdint>
#include <cstring>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr int kDeepestLevel = 100;

/// A block as it lies between processes of one machine.
struct Record {
  uint64_t start;
  uint64_t end;
  int32_t kind;
  int32_t level;
  int64_t page;
};

void put_number(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool take(void* into, size_t n) {
    if (rest_.size() < n) return false;
    std::memcpy(into, rest_.data(), n);
    rest_.remove_prefix(n);
    return true;
  }
  bool text(std::string& into) {
    uint64_t n = 0;
    if (!take(&n, sizeof n) || n > rest_.size()) return false;
    into = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return is_valid_utf8(into);
  }
  size_t n_left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

bool is_between_characters(std::string_view text, size_t offset) {
  return offset == text.size() || (static_cast<uint8_t>(text[offset]) & 0xC0) != 0x80;
}

bool fits(const Record& record, uint64_t behind, std::string_view text) {
  return record.start >= behind && record.start < record.end && record.end <= text.size() &&
         is_between_characters(text, record.start) && is_between_characters(text, record.end) && record.kind >= 0 &&
         record.kind <= static_cast<int>(TextBlock::Kind::kTable) && record.level >= 0 &&
         record.level <= kDeepestLevel && record.page >= 0 && record.page <= INT32_MAX;
}

}  // namespace

std::string encode_document(const Document& document) {
  std::string out;
  put_text(out, document.text);
  put_text(out, document.title);
  put_text(out, document.missing);
  put_number(out, document.blocks.size());
  for (const TextBlock& block : document.blocks) {
    const Record record{block.start, block.end, static_cast<int32_t>(block.kind), block.level, block.page};
    out.append(reinterpret_cast<const char*>(&record), sizeof record);
  }
  return out;
}

Result<Document> decode_document(std::string_view bytes) {
  const Error malformed("expected a document, got other bytes");
  Reader reader(bytes);
  Document document;
  uint64_t n_blocks = 0;
  if (!reader.text(document.text) || !reader.text(document.title) || !reader.text(document.missing)) return malformed;
  if (!reader.take(&n_blocks, sizeof n_blocks) || n_blocks != reader.n_left() / sizeof(Record)) return malformed;
  document.blocks.reserve(n_blocks);
  uint64_t behind = 0;
  for (Record record{}; reader.take(&record, sizeof record); behind = record.end) {
    if (!fits(record, behind, document.text)) return malformed;
    document.blocks.push_back({record.start, record.end, static_cast<TextBlock::Kind>(record.kind), record.level,
                               static_cast<int>(record.page)});
  }
  return reader.n_left() == 0 ? Result<Document>(std::move(document)) : malformed;
}

}  // namespace ondol
