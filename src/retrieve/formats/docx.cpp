// DOCX (ECMA-376, WordprocessingML): paragraphs, headings by their style or outline level, tables, notes.
#include <algorithm>
#include <map>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"

namespace ondol {
namespace {

constexpr int kMostStyleSteps = 20;  // styles are based on others
constexpr int kLowestOutline = 8;    // 9 means body text

/// The level of each style that makes headings.
class HeadingStyles {
 public:
  explicit HeadingStyles(std::string_view bytes) {
    const auto xml = Xml::parse(bytes);
    if (!xml) return;
    std::map<std::string, std::string> based_on;
    for (const pugi::xml_node style : xml->root().children()) {
      if (local_name(style) != "style") continue;
      const std::string id(attribute_of(style, "styleId"));
      based_on[id] = attribute_of(child_of(style, "basedOn"), "val");
      const int level = own_level(style);
      if (level > 0) levels_[id] = level;
    }
    for (const auto& [id, base] : based_on) {
      std::string at = id;
      for (int i = 0; i < kMostStyleSteps && !levels_.contains(at) && !at.empty(); ++i) at = based_on[at];
      if (const auto found = levels_.find(at); found != levels_.end()) levels_[id] = found->second;
    }
  }

  int level_of(std::string_view style) const {
    const auto found = levels_.find(style);
    return found == levels_.end() ? 0 : found->second;
  }

 private:
  static int own_level(pugi::xml_node style) {
    const std::string_view name = attribute_of(child_of(style, "name"), "val");
    if (name == "Title" || name == "title") return 1;
    for (const std::string_view prefix : {"heading ", "Heading "}) {
      if (name.starts_with(prefix)) return std::clamp(number_in(name.substr(prefix.size()), 0), 0, 9);
    }
    const int outline = number_of(child_of(style, {"pPr", "outlineLvl"}), "val", -1);
    return outline >= 0 && outline <= kLowestOutline ? outline + 1 : 0;
  }

  std::map<std::string, int, std::less<>> levels_;
};

/// Deleted text, instructions of fields, and the second form of what is given in two.
bool is_hidden(std::string_view name) {
  return name == "del" || name == "moveFrom" || name == "instrText" || name == "Fallback" || name == "pPr" ||
         name == "rPr" || name == "delText";
}

std::string paragraph_text(pugi::xml_node paragraph) {
  std::string text;
  const auto enter = [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    if (name == "t") text += text_below(node);
    if (name == "tab") text += '\t';
    if (name == "br" || name == "cr") text += '\n';
    if (name == "noBreakHyphen") text += '-';
    if (name == "p" && !text.empty()) text += '\n';  // of a text box
    return name != "t" && !is_hidden(name);
  };
  walk_xml(paragraph, enter);
  return text;
}

class DocxReader {
 public:
  explicit DocxReader(const ZipEntries& entries) : styles_(entry(entries, "word/styles.xml")) {
    builder_.set_title(ooxml_title(entries));
  }

  void read(pugi::xml_node body) {
    walk_xml(body, [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "p") add_paragraph(node);
      if (name == "tbl") builder_.add_table(table_of(node));
      return name != "p" && name != "tbl" && !is_hidden(name) && !builder_.is_full();
    });
  }

  Document finish() { return builder_.finish(); }

 private:
  void add_paragraph(pugi::xml_node paragraph) {
    const pugi::xml_node properties = child_of(paragraph, "pPr");
    int level = styles_.level_of(attribute_of(child_of(properties, "pStyle"), "val"));
    const int outline = number_of(child_of(properties, "outlineLvl"), "val", -1);
    if (outline >= 0 && outline <= kLowestOutline) level = outline + 1;
    const std::string text = paragraph_text(paragraph);
    if (level > 0) {
      builder_.add_heading(level, text);
    } else {
      builder_.add_paragraph(child_of(properties, "numPr") && !text.empty() ? "- " + text : text);
    }
  }

  /// Tables within tables are text of their cells.
  static Table table_of(pugi::xml_node root) {
    Table table;
    walk_xml(root, [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "tr") table.emplace_back();
      if (name != "tc") return !is_hidden(name);
      if (table.empty()) table.emplace_back();
      std::string text;
      walk_xml(node, [&](pugi::xml_node inner) {
        const bool is_paragraph = local_name(inner) == "p";
        if (is_paragraph) text += (text.empty() ? "" : "\n") + paragraph_text(inner);
        return !is_paragraph && !is_hidden(local_name(inner));
      });
      table.back().push_back(std::move(text));
      return false;
    });
    return table;
  }

  DocumentBuilder builder_;
  HeadingStyles styles_;
};

}  // namespace

Result<Document> read_docx(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_xml_entry));
  DocxReader reader(entries);
  {
    const Xml xml = ONDOL_TRY(Xml::parse(entry(entries, "word/document.xml")).in("word/document.xml"));
    reader.read(xml.root());
  }
  for (const char* notes : {"word/footnotes.xml", "word/endnotes.xml"}) {
    if (const auto xml = Xml::parse(entry(entries, notes))) reader.read(xml->root());
  }
  return reader.finish();
}

}  // namespace ondol
