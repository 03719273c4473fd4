// DocumentBuilder: headings, paragraphs and tables, in the order in which they stand, as a Document.
//
// Texts may have any bytes: what is no UTF-8 is replaced, control characters go, runs of blanks become one. All text
// together is limited; what goes beyond is left out, and the document says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieve/document.h"

namespace ondol {

using TableRow = std::vector<std::string>;
using Table = std::vector<TableRow>;

/// One line: blanks and line breaks as one space each, without those around it.
std::string on_one_line(std::string_view text);

class DocumentBuilder {
 public:
  /// Of what is added from now on.
  void set_page(int page) { page_ = page; }
  void set_title(std::string_view title);
  void set_missing(std::string_view missing) { document_.missing = missing; }

  /// Level 1 is the highest. What is too long for a heading becomes a paragraph.
  void add_heading(int level, std::string_view text);
  /// Line breaks stay.
  void add_paragraph(std::string_view text);
  /// Blanks stay too.
  void add_code(std::string_view text);
  /// Rows as lines, cells between " | ". A long table becomes several blocks, and each begins with the first row. One
  /// column is no table but paragraphs.
  void add_table(const Table& table);
  /// All of another document, its headings `deeper` levels below their own.
  void append(const Document& other, int deeper);

  bool is_full() const { return is_full_; }
  /// Without a title, the first heading is it.
  Document finish();

 private:
  void add_block(std::string_view text, TextBlock::Kind kind, int level = 0);

  Document document_;
  int page_ = 0;
  bool is_full_ = false;
};

}  // namespace ondol
