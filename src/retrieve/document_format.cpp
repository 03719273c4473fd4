#include "retrieve/document_format.h"

#include <array>

#include "text/unicode.h"

namespace ondol {
namespace {

using namespace std::string_view_literals;
using Format = DocumentFormat;

constexpr std::array kPdf = {"%PDF-"sv};
constexpr std::array kZip = {"PK\x03\x04"sv};
constexpr std::array kOle = {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "HWP Document File"sv};
constexpr std::array kPicture = {"\x89PNG\r\n\x1A\n"sv, "\xFF\xD8\xFF"sv, "II*\0"sv, "MM\0*"sv};

constexpr DocumentFormatInfo kFormats[] = {
    {Format::kPdf, "PDF", ".pdf", kPdf},
    {Format::kZip, "Word, PowerPoint and Excel (since 2007), OpenDocument, EPUB, HWPX",
     ".docx .docm .pptx .pptm .xlsx .xlsm .odt .ods .odp .epub .hwpx", kZip},
    {Format::kOle, "HWP 5", ".hwp", kOle},
    {Format::kPicture, "pictures of text", ".png .jpg .jpeg .tif .tiff", kPicture},
    {Format::kHtml, "HTML", ".html .htm .xhtml", {}},
    {Format::kMail, "mail", ".eml", {}},
    {Format::kMailbox, "mailboxes", ".mbox", {}},
    {Format::kCsv, "tables as text", ".csv", {}},
    {Format::kTsv, "tables as text", ".tsv", {}},
};

bool has_ending(std::string_view name, std::string_view endings) {
  while (!endings.empty()) {
    const std::string_view ending = endings.substr(0, endings.find(' '));
    if (name.ends_with(ending)) return true;
    endings.remove_prefix(std::min(ending.size() + 1, endings.size()));
  }
  return false;
}

}  // namespace

std::span<const DocumentFormatInfo> document_formats() {
  return kFormats;
}

DocumentFormat document_format_of(std::string_view name, std::string_view bytes) {
  for (const DocumentFormatInfo& info : kFormats) {
    for (const std::string_view beginning : info.beginnings) {
      if (bytes.starts_with(beginning)) return info.format;
    }
  }
  const std::string lower = lowercase(name);
  for (const DocumentFormatInfo& info : kFormats) {
    if (has_ending(lower, info.endings)) return info.format;
  }
  return Format::kText;
}

}  // namespace ondol
