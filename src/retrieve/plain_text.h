// Plain text and Markdown as blocks.
#pragma once

#include "retrieve/document.h"

namespace ondol {

/// Paragraphs between empty lines.
Document read_plain_text(std::string text);

/// Headings with # or underlined, fenced code and tables as one block each, else paragraphs. The title is the first
/// heading.
Document read_markdown(std::string text);

}  // namespace ondol
