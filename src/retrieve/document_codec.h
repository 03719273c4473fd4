// Documents as bytes between processes. What comes in is checked like any bytes from outside.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "retrieve/document.h"

namespace ondol {

std::string encode_document(const Document& document);

/// Error: not a document, or one whose parts do not lie in its text in order and between characters, or whose text is
/// no UTF-8.
Result<Document> decode_document(std::string_view bytes);

}  // namespace ondol
