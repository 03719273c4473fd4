// Lines of a PDF's pages as paragraphs and headings: what is larger than the text around it is a heading.
#pragma once

#include <string>
#include <vector>

#include "retrieve/formats/document_builder.h"

namespace ondol {

struct PdfLine {
  std::string text;
  double left = 0;  // in points, from the page's upper left corner
  double top = 0;
  double right = 0;
  double bottom = 0;
  double font_size = 0;
  int page = 0;
};

/// Font sizes of the whole document: which one is the text's, and which are those of headings.
class PdfFontSizes {
 public:
  explicit PdfFontSizes(const std::vector<PdfLine>& lines);
  /// 1 to 3; 0: body text.
  int heading_level(const PdfLine& line) const;

 private:
  int body_ = 0;               // in half points
  std::vector<int> headings_;  // descending
};

/// Lines of one page in their reading order. Short lines side by side, several times below each other, are a table.
void add_pdf_page(DocumentBuilder& builder, const std::vector<PdfLine>& lines, const PdfFontSizes& sizes);

}  // namespace ondol
