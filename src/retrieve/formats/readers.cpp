#include "retrieve/formats/readers.h"

#include <fmt/format.h>

#include "retrieve/document_format.h"
#include "retrieve/read_document.h"

namespace ondol {

Result<Document> read_any_document(const std::string& name, std::string bytes, Reading& reading) {
  if (reading.depth > kDeepestDocument)
    return Error(fmt::format("expected documents at most {} deep within each other", kDeepestDocument));
  switch (document_format_of(name, bytes)) {
    case DocumentFormat::kText:
      return read_document(name, std::move(bytes));
    case DocumentFormat::kPdf:
      return read_pdf(bytes, reading);
    case DocumentFormat::kZip:
      return read_zipped(bytes);
    case DocumentFormat::kOle:
      return read_hwp(bytes);
    case DocumentFormat::kHtml:
      return read_html(std::move(bytes));
    case DocumentFormat::kMail:
      return read_mail(bytes, reading);
    case DocumentFormat::kMailbox:
      return read_mailbox(bytes, reading);
    case DocumentFormat::kCsv:
      return read_delimited(std::move(bytes), ',');
    case DocumentFormat::kTsv:
      return read_delimited(std::move(bytes), '\t');
    case DocumentFormat::kPicture:
      return read_picture(bytes, reading);
  }
  return Error("expected a known format");
}

Result<Document> InProcessReader::read(const std::string& name, std::string bytes, const GoesOn&) {
  Reading reading;
  reading.recognizer = recognizer_;
  return read_any_document(name, std::move(bytes), reading);
}

}  // namespace ondol
