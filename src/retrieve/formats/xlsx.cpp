// XLSX (ECMA-376, SpreadsheetML): a heading for each sheet and its cells as one table. Numbers stand as they are kept,
// dates as dates. Cells are taken in the order in which they are written; where they say that they lie limits nothing.
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"

namespace ondol {
namespace {

/// Empty cells before a cell are kept up to here, so that columns stand below their names.
constexpr size_t kMostColumns = 100;

/// "t" elements, without the readings of Japanese words.
std::string rich_text(pugi::xml_node node) {
  std::string text;
  walk_xml(node, [&](pugi::xml_node inner) {
    const std::string_view name = local_name(inner);
    if (name == "t") text += text_below(inner);
    return name != "t" && name != "rPh";
  });
  return text;
}

std::vector<std::string> shared_texts(std::string_view bytes) {
  std::vector<std::string> texts;
  const auto xml = Xml::parse(bytes);
  if (!xml) return texts;
  for (const pugi::xml_node item : xml->root().children()) {
    if (local_name(item) == "si") texts.push_back(rich_text(item));
  }
  return texts;
}

/// Formats that the standard numbers, or a code with days, months, years or hours outside of quotes and brackets.
bool is_date_format(int number, std::string_view code) {
  if ((number >= 14 && number <= 22) || (number >= 27 && number <= 36) || (number >= 45 && number <= 47) ||
      (number >= 50 && number <= 58)) {
    return true;
  }
  char closing = 0;
  for (const char c : code) {
    if (closing != 0) {
      if (c == closing) closing = 0;
    } else if (c == '"' || c == '[') {
      closing = c == '"' ? '"' : ']';
    } else if (c == 'd' || c == 'y' || c == 'h' || c == 'D' || c == 'Y' || c == 'H') {
      return true;
    }
  }
  return false;
}

/// Whether cells of each style are dates.
std::vector<bool> date_styles(std::string_view bytes) {
  std::vector<bool> are_dates;
  const auto xml = Xml::parse(bytes);
  if (!xml) return are_dates;
  std::map<int, std::string> codes;
  for (const pugi::xml_node format : child_of(xml->root(), "numFmts").children()) {
    codes[number_of(format, "numFmtId", -1)] = attribute_of(format, "formatCode");
  }
  for (const pugi::xml_node style : child_of(xml->root(), "cellXfs").children()) {
    const int number = number_of(style, "numFmtId", 0);
    are_dates.push_back(is_date_format(number, codes[number]));
  }
  return are_dates;
}

/// Days since the end of 1899 (or since 1904), the time as the fraction.
std::string date_of(double days, bool is_since_1904) {
  if (!(days >= 0 && days < 3e6)) return fmt::format("{}", days);
  const auto minutes = static_cast<int64_t>(std::llround(days * 1440));
  const std::chrono::sys_days first = std::chrono::year(1899) / 12 / 30;
  const std::chrono::sys_days day = first + std::chrono::days(minutes / 1440 + (is_since_1904 ? 1462 : 0));
  const std::chrono::year_month_day date(day);
  const int64_t rest = minutes % 1440;
  const std::string time = rest == 0 ? "" : fmt::format("{:02}:{:02}", rest / 60, rest % 60);
  if (minutes < 1440 && !time.empty()) return time;
  return fmt::format("{}-{:02}-{:02}{}{}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.empty() ? "" : " ", time);
}

/// 0.30000000000000004 as 0.3, as the programs show it.
std::string number_text(std::string_view text) {
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::string(text);
  return fmt::format("{:.15g}", number);
}

/// "BC12": 54, from 0; -1: none.
int64_t column_of(std::string_view reference) {
  int64_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + (c - 'A' + 1);
    if (column > 20'000) return -1;
  }
  return column - 1;
}

class XlsxReader {
 public:
  explicit XlsxReader(const ZipEntries& entries)
      : texts_(shared_texts(entry(entries, "xl/sharedStrings.xml"))),
        are_dates_(date_styles(entry(entries, "xl/styles.xml"))) {
    builder_.set_title(ooxml_title(entries));
  }

  void set_since_1904(bool is_since_1904) { is_since_1904_ = is_since_1904; }

  void add_sheet(std::string_view name, pugi::xml_node sheet) {
    builder_.add_heading(1, name);
    Table table;
    for (const pugi::xml_node row : child_of(sheet, "sheetData").children()) {
      TableRow cells;
      for (const pugi::xml_node cell : row.children()) {
        std::string text = text_of(cell);
        if (text.empty()) continue;
        const int64_t column = column_of(attribute_of(cell, "r"));
        if (column > static_cast<int64_t>(cells.size()) && column < static_cast<int64_t>(kMostColumns)) {
          cells.resize(static_cast<size_t>(column));
        }
        cells.push_back(std::move(text));
      }
      table.push_back(std::move(cells));
    }
    builder_.add_table(table);
  }

  bool is_full() const { return builder_.is_full(); }
  Document finish() { return builder_.finish(); }

 private:
  std::string text_of(pugi::xml_node cell) const {
    const std::string_view type = attribute_of(cell, "t");
    if (type == "inlineStr") return rich_text(child_of(cell, "is"));
    const std::string value = text_below(child_of(cell, "v"));
    if (type == "s") {
      const int index = number_in(value, -1);
      return index >= 0 && static_cast<size_t>(index) < texts_.size() ? texts_[static_cast<size_t>(index)] : "";
    }
    if (type == "b") return value == "1" ? "TRUE" : "FALSE";
    if ((!type.empty() && type != "n") || value.empty()) return value;
    const auto style = static_cast<size_t>(number_of(cell, "s", 0));
    if (style < are_dates_.size() && are_dates_[style])
      return date_of(std::strtod(value.c_str(), nullptr), is_since_1904_);
    return number_text(value);
  }

  DocumentBuilder builder_;
  std::vector<std::string> texts_;
  std::vector<bool> are_dates_;
  bool is_since_1904_ = false;
};

}  // namespace

Result<Document> read_xlsx(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_xml_entry));
  constexpr std::string_view kMain = "xl/workbook.xml";
  const Xml workbook = ONDOL_TRY(Xml::parse(entry(entries, kMain)).in(std::string(kMain)));
  const auto parts = relations_of(entries, kMain);
  XlsxReader reader(entries);
  const std::string_view since_1904 = attribute_of(child_of(workbook.root(), "workbookPr"), "date1904");
  reader.set_since_1904(since_1904 == "1" || since_1904 == "true");
  for (const pugi::xml_node sheet : child_of(workbook.root(), "sheets").children()) {
    const auto part = parts.find(sheet.attribute("r:id").value());
    if (part == parts.end() || reader.is_full()) continue;
    const auto xml = Xml::parse(entry(entries, part->second));
    if (xml) reader.add_sheet(attribute_of(sheet, "name"), xml->root());
  }
  return reader.finish();
}

}  // namespace ondol
