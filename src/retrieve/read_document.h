// Files as documents.
#pragma once

#include <string>

#include "base/result.h"
#include "retrieve/document.h"

namespace ondol {

/// By the ending of the name: Markdown, or else text of any kind. Error: what is no text.
Result<Document> read_document(const std::string& path, std::string bytes);

}  // namespace ondol
