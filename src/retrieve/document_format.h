// DocumentFormat: the list of what can be read, and how a format is told by a file's first bytes and its name.
#pragma once

#include <span>
#include <string_view>

namespace ondol {

/// A format with a reader of its own (retrieve/formats/). kText is everything else: read_document.h.
enum class DocumentFormat {
  kText,
  kPdf,
  kZip,  // DOCX, PPTX, XLSX, ODT, ODS, ODP, EPUB, HWPX: what is inside tells
  kOle,  // HWP 5; older formats of office programs, which are refused
  kHtml,
  kMail,
  kMailbox,
  kCsv,
  kTsv,
  kPicture,
};

struct DocumentFormatInfo {
  DocumentFormat format;
  std::string_view name;     // for people
  std::string_view endings;  // of names, in lower case, separated by spaces
  /// Beginnings of files that mean this format whatever the name says.
  std::span<const std::string_view> beginnings;
};

/// One row for each format; the first that fits is taken. kText has none.
std::span<const DocumentFormatInfo> document_formats();

/// By the beginning of the bytes, or else by the ending of the name.
DocumentFormat document_format_of(std::string_view name, std::string_view bytes);

}  // namespace ondol
