#include "retrieve/read_document.h"

#include "retrieve/encoding.h"
#include "retrieve/plain_text.h"
#include "text/unicode.h"

namespace ondol {

Result<Document> read_document(const std::string& path, std::string bytes) {
  std::string text = ONDOL_TRY(text_as_utf8(std::move(bytes)));
  const std::string name = lowercase(path);
  const bool is_markdown = name.ends_with(".md") || name.ends_with(".markdown");
  return is_markdown ? read_markdown(std::move(text)) : read_plain_text(std::move(text));
}

}  // namespace ondol
