#include "retrieve/formats/hwp_records.h"

#include <algorithm>

#include "text/unicode.h"

namespace ondol {
namespace {

// Tags count from 0x10.
constexpr unsigned kParagraphShape = 0x10 + 9;
constexpr unsigned kParagraphHeader = 0x10 + 50;
constexpr unsigned kParagraphText = 0x10 + 51;
constexpr unsigned kControlHeader = 0x10 + 55;
constexpr unsigned kListHeader = 0x10 + 56;

constexpr uint32_t control_id(const char (&name)[5]) {
  return static_cast<uint32_t>(name[0]) << 24 | static_cast<uint32_t>(name[1]) << 16 |
         static_cast<uint32_t>(name[2]) << 8 | static_cast<uint32_t>(name[3]);
}

constexpr size_t kMostRows = 65536;
constexpr size_t kMostCellsOfRow = 1000;
constexpr size_t kMostDepth = 200;
constexpr size_t kControlUnits = 8;  // of two bytes

/// Characters below 32 that stand for themselves; all others take eight units.
bool is_single(char16_t unit) {
  return unit == 0 || unit == 10 || unit == 13 || (unit >= 24 && unit <= 31);
}

char32_t character_of(char16_t unit) {
  return unit == 10 ? U'\n' : unit == 24 ? U'-' : unit >= 30 ? U' ' : 0;
}

}  // namespace

bool HwpRecords::next(HwpRecord& record) {
  if (rest_.size() < 4) return false;
  const auto head = number_at<uint32_t>(rest_, 0);
  rest_.remove_prefix(4);
  record.tag = head & 0x3FF;
  record.level = head >> 10 & 0x3FF;
  size_t size = head >> 20;
  if (size == 0xFFF) {
    if (rest_.size() < 4) return false;
    size = number_at<uint32_t>(rest_, 0);
    rest_.remove_prefix(4);
  }
  if (size > rest_.size()) return false;
  record.bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

HwpOutline::HwpOutline(std::string_view doc_info) {
  HwpRecords records(doc_info);
  for (HwpRecord record; records.next(record);) {
    if (record.tag != kParagraphShape) continue;
    const uint32_t properties = record.bytes.size() >= 4 ? number_at<uint32_t>(record.bytes, 0) : 0;
    const bool is_outline = (properties >> 23 & 3) == 1;
    levels_.push_back(is_outline ? static_cast<int>(properties >> 25 & 7) + 1 : 0);
  }
}

int HwpOutline::level_of(unsigned paragraph_shape) const {
  return paragraph_shape < levels_.size() ? levels_[paragraph_shape] : 0;
}

std::string hwp_paragraph_text(std::string_view bytes) {
  std::string text;
  const size_t n = bytes.size() / 2;
  const auto unit_at = [&](size_t i) { return number_at<char16_t>(bytes, i * 2); };
  for (size_t i = 0; i < n;) {
    const char16_t unit = unit_at(i);
    if (unit >= 32) {
      const bool is_high = unit >= 0xD800 && unit < 0xDC00 && i + 1 < n;
      const char16_t low = is_high ? unit_at(i + 1) : u'\0';
      const bool is_pair = low >= 0xDC00 && low < 0xE000;
      append_utf8(text, is_pair ? 0x10000 + ((unit - 0xD800u) << 10) + (low - 0xDC00u) : char32_t{unit});
      i += is_pair ? 2 : 1;
    } else if (is_single(unit)) {
      if (const char32_t c = character_of(unit); c != 0) append_utf8(text, c);
      ++i;
    } else {
      if (unit == 9) text += '\t';
      i += kControlUnits;
    }
  }
  return text;
}

void HwpSectionReader::read(std::string_view section) {
  HwpRecords records(section);
  for (HwpRecord record; records.next(record);) {
    leave(record.level);
    if (builder_.is_full()) return;
    if (record.tag == kParagraphHeader) {
      shape_ = record.bytes.size() >= 10 ? number_at<uint16_t>(record.bytes, 8) : 0;
    } else if (record.tag == kParagraphText) {
      add_text(hwp_paragraph_text(record.bytes));
    } else if (record.tag == kControlHeader) {
      enter_control(record);
    } else if (record.tag == kListHeader) {
      enter_list(record);
    }
  }
  leave(0);
}

void HwpSectionReader::enter_control(const HwpRecord& record) {
  if (record.bytes.size() < 4 || controls_.size() >= kMostDepth) return;
  const auto id = number_at<uint32_t>(record.bytes, 0);
  Control control;
  control.level = record.level;
  control.is_table = id == control_id("tbl ");
  // What every page repeats, and what nobody sees.
  control.is_hidden = id == control_id("head") || id == control_id("foot") || id == control_id("tcmt");
  controls_.push_back(std::move(control));
}

/// Of a table, each list is a cell that says where it lies; one before the first cell is the caption.
void HwpSectionReader::enter_list(const HwpRecord& record) {
  if (controls_.empty() || !controls_.back().is_table) return;
  Control& control = controls_.back();
  const size_t row = record.bytes.size() >= 16 ? number_at<uint16_t>(record.bytes, 10) : control.row;
  if (row >= kMostRows) return;
  control.row = row;
  if (control.table.size() <= row) control.table.resize(row + 1);
  if (control.table[row].size() < kMostCellsOfRow) control.table[row].emplace_back();
}

/// Ends the controls that a record of this level does not belong to.
void HwpSectionReader::leave(unsigned level) {
  while (!controls_.empty() && level <= controls_.back().level) {
    Control control = std::move(controls_.back());
    controls_.pop_back();
    if (!control.is_table) continue;
    const auto outer = std::find_if(controls_.rbegin(), controls_.rend(), [](const Control& c) { return c.is_table; });
    const bool is_hidden =
        std::any_of(controls_.begin(), controls_.end(), [](const Control& c) { return c.is_hidden; });
    if (is_hidden) continue;
    if (outer == controls_.rend()) {
      builder_.add_table(control.table);
      continue;
    }
    std::string text;  // of the cell that the table lies in
    for (const TableRow& row : control.table) {
      for (const std::string& cell : row) text += (text.empty() ? "" : " ") + cell;
    }
    add_text(text);
  }
}

void HwpSectionReader::add_text(std::string_view text) {
  if (std::any_of(controls_.begin(), controls_.end(), [](const Control& c) { return c.is_hidden; })) return;
  const auto table = std::find_if(controls_.rbegin(), controls_.rend(), [](const Control& c) { return c.is_table; });
  if (table != controls_.rend()) {
    if (table->row >= table->table.size() || table->table[table->row].empty()) return;
    std::string& cell = table->table[table->row].back();
    cell += (cell.empty() ? "" : "\n") + std::string(text);
  } else if (const int level = outline_.level_of(shape_); level > 0) {
    builder_.add_heading(level, text);
  } else {
    builder_.add_paragraph(text);
  }
}

/// One section of properties; the title is number 2, a text of UTF-16 (type 0x1F) with its length in front.
std::string hwp_summary_title(std::string_view bytes) {
  constexpr uint32_t kTitle = 2, kWideText = 0x1F;
  if (bytes.size() < 56) return "";
  const size_t section = number_at<uint32_t>(bytes, 44);
  if (section > bytes.size() - 8) return "";
  const size_t n = std::min<size_t>(number_at<uint32_t>(bytes, section + 4), (bytes.size() - section - 8) / 8);
  for (size_t i = 0; i < n; ++i) {
    const size_t row = section + 8 + i * 8;
    if (number_at<uint32_t>(bytes, row) != kTitle) continue;
    const size_t value = section + size_t{number_at<uint32_t>(bytes, row + 4)};
    if (value > bytes.size() - 8 || number_at<uint32_t>(bytes, value) != kWideText) return "";
    const size_t n_bytes =
        std::min<size_t>(size_t{number_at<uint32_t>(bytes, value + 4)} * 2, bytes.size() - value - 8);
    return hwp_paragraph_text(bytes.substr(value + 8, n_bytes));
  }
  return "";
}

}  // namespace ondol
