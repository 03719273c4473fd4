#include "text/token_model.h"

namespace ondol {

void TokenSink::push_unknown(std::string_view text) {
  bool has_bytes = vocabulary_.byte_fallback;
  for (size_t i = 0; has_bytes && i < text.size(); ++i) {
    has_bytes = vocabulary_.byte_tokens[static_cast<unsigned char>(text[i])] != kNoToken;
  }
  if (has_bytes) {
    for (const char byte : text) push(vocabulary_.byte_tokens[static_cast<unsigned char>(byte)]);
    return;
  }
  if (vocabulary_.unk == kNoToken) return;
  if (!(after_unknown_ && vocabulary_.fuse_unknown)) out_.push_back(vocabulary_.unk);
  after_unknown_ = true;
}

}  // namespace ondol
