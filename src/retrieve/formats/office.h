// The readers of documents that are zip archives with XML inside, and what they share.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "retrieve/document.h"
#include "retrieve/formats/xml.h"
#include "retrieve/formats/zip.h"

namespace ondol {

Result<Document> read_docx(std::string_view bytes);
Result<Document> read_pptx(std::string_view bytes);
Result<Document> read_xlsx(std::string_view bytes);
/// ODT, ODS and ODP.
Result<Document> read_open_document(std::string_view bytes);
Result<Document> read_epub(std::string_view bytes);
Result<Document> read_hwpx(std::string_view bytes);

/// Any entry that is XML; pictures and the like stay packed.
bool is_xml_entry(std::string_view name);

/// The content of an entry, or nothing.
std::string_view entry(const ZipEntries& entries, std::string_view name);

/// Office Open XML (ECMA-376): relation identifiers of a part, and the entries that they mean.
std::map<std::string, std::string> relations_of(const ZipEntries& entries, std::string_view part);
/// Office Open XML: the title in the properties; empty: none.
std::string ooxml_title(const ZipEntries& entries);

}  // namespace ondol
