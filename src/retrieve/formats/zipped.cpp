// Formats that are zip archives, told by what is inside.
#include "retrieve/formats/office.h"
#include "retrieve/formats/readers.h"

namespace ondol {

Result<Document> read_zipped(std::string_view bytes) {
  const ZipEntries names = ONDOL_TRY(list_zip(bytes));
  const auto has = [&](std::string_view name) { return names.contains(name); };
  if (has("word/document.xml")) return read_docx(bytes);
  if (has("ppt/presentation.xml")) return read_pptx(bytes);
  if (has("xl/workbook.xml")) return read_xlsx(bytes);
  if (has("META-INF/container.xml") && !has("Contents/header.xml")) return read_epub(bytes);
  if (has("Contents/header.xml") || has("Contents/content.hpf")) return read_hwpx(bytes);
  if (has("content.xml")) return read_open_document(bytes);
  return Error("a zip archive that is no document of a known format; unpack it to have its files read");
}

}  // namespace ondol
