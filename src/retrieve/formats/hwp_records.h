// The records of HWP 5's streams: outline levels, and the text of a section.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "retrieve/formats/document_builder.h"

namespace ondol {

/// Little-endian, as all of the format; the caller has checked that it lies inside.
template <typename T>
T number_at(std::string_view bytes, size_t offset) {
  T number{};
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

struct HwpRecord {
  unsigned tag = 0;
  unsigned level = 0;
  std::string_view bytes;
};

/// Takes records from the beginning of a stream; false: the end, or damage.
class HwpRecords {
 public:
  explicit HwpRecords(std::string_view bytes) : rest_(bytes) {}
  bool next(HwpRecord& record);

 private:
  std::string_view rest_;
};

/// Outline levels of paragraph shapes, from the stream DocInfo.
class HwpOutline {
 public:
  explicit HwpOutline(std::string_view doc_info);
  /// 1 to 10; 0: body text.
  int level_of(unsigned paragraph_shape) const;

 private:
  std::vector<int> levels_;
};

/// Adds one section's text.
class HwpSectionReader {
 public:
  HwpSectionReader(DocumentBuilder& builder, const HwpOutline& outline) : builder_(builder), outline_(outline) {}
  void read(std::string_view section);

 private:
  /// A control that holds lists of paragraphs: a table, a text box, a note.
  struct Control {
    unsigned level = 0;  // of its record
    bool is_table = false;
    bool is_hidden = false;
    size_t row = 0;  // of the cell that is open
    Table table;
  };
  void enter_control(const HwpRecord& record);
  void enter_list(const HwpRecord& record);
  void leave(unsigned level);
  void add_text(std::string_view text);

  DocumentBuilder& builder_;
  const HwpOutline& outline_;
  std::vector<Control> controls_;  // that are open, outermost first
  unsigned shape_ = 0;             // of the paragraph that is open
};

/// The text of a paragraph's record as UTF-8: control characters are taken out with what belongs to them.
std::string hwp_paragraph_text(std::string_view bytes);

/// The title in the stream of properties (a property set of [MS-OLEPS]); empty: none.
std::string hwp_summary_title(std::string_view bytes);

}  // namespace ondol
