#include "retrieve/postings.h"

#include "base/check.h"

namespace ondol {
namespace {

void append(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7F));
  bytes += static_cast<char>(value);
}

}  // namespace

void PostingWriter::add(Posting posting) {
  ONDOL_CHECK(posting.chunk > last_ || n_ == 0);
  append(bytes_, static_cast<uint64_t>(posting.chunk - last_));
  append(bytes_, posting.count);
  last_ = posting.chunk;
  ++n_;
}

}  // namespace ondol
