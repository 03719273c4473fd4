// OpenDocument (ISO 26300): texts, spreadsheets and presentations. Headings, the "Title" style, tables, slides as
// pages.
#include <algorithm>
#include <map>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"

namespace ondol {
namespace {

constexpr int kMostRepeats = 100;  // of a cell or a space; spreadsheets repeat empty ones to their edge
constexpr int kMostStyleSteps = 20;
constexpr size_t kMostColumns = 1000;

/// Deleted text, comments, and forms.
bool is_hidden(std::string_view name) {
  return name == "tracked-changes" || name == "annotation" || name == "forms" || name == "desc" || name == "title";
}

int repeats(pugi::xml_node node, std::string_view name) {
  return std::clamp(number_of(node, name, 1), 1, kMostRepeats);
}

std::string paragraph_text(pugi::xml_node paragraph) {
  std::string text;
  walk_xml(paragraph, [&](pugi::xml_node node) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
      text += node.value();
      return false;
    }
    const std::string_view name = local_name(node);
    if (name == "s") text.append(static_cast<size_t>(repeats(node, "c")), ' ');
    if (name == "tab") text += '\t';
    if (name == "line-break" || name == "p") text += '\n';
    return name != "note" && !is_hidden(name);
  });
  return text;
}

/// The paragraphs below as lines.
std::string lines_below(pugi::xml_node root) {
  std::string text;
  walk_xml(root, [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    const bool is_paragraph = name == "p" || name == "h";
    if (is_paragraph) text += (text.empty() ? "" : "\n") + paragraph_text(node);
    return !is_paragraph && !is_hidden(name);
  });
  return text;
}

Table table_of(pugi::xml_node root) {
  Table table;
  walk_xml(root, [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    if (name == "table-row") table.emplace_back();
    if (name != "table-cell" && name != "covered-table-cell") return !is_hidden(name) && name != "shapes";
    if (table.empty()) table.emplace_back();
    const std::string text = lines_below(node);
    const int n =
        text.empty() ? number_of(node, "number-columns-repeated", 1) : repeats(node, "number-columns-repeated");
    // What repeats nothing reaches to the sheet's edge.
    for (int i = 0; i < std::min(n, kMostRepeats) && table.back().size() < kMostColumns; ++i)
      table.back().push_back(text);
    return false;
  });
  return table;
}

class OpenDocumentReader {
 public:
  /// Names of paragraph styles that are based on "Title", below office:automatic-styles or office:styles.
  void add_styles(pugi::xml_node root) {
    walk_xml(root, [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "style") parents_.emplace(attribute_of(node, "name"), attribute_of(node, "parent-style-name"));
      return name == "automatic-styles" || name == "styles";
    });
  }

  void read(pugi::xml_node body) {
    walk_xml(
        body, [&](pugi::xml_node node) { return enter(node); },
        [&](pugi::xml_node node) {
          if (local_name(node) == "list-item") is_item_ = false;
        });
  }

  DocumentBuilder builder;

 private:
  bool enter(pugi::xml_node node) {
    if (builder.is_full()) return false;
    const std::string_view name = local_name(node);
    if (is_hidden(name)) return false;
    if (name == "list-item") is_item_ = true;
    if (name == "page") add_page(node);
    if (name == "table") add_table(node);
    if (name == "h") builder.add_heading(number_of(node, "outline-level", 1), paragraph_text(node));
    if (name == "p") add_paragraph(node);
    if (name == "frame" && attribute_of(node, "class") == "title") return false;  // the page's heading
    return name != "table" && name != "h" && name != "p" && name != "notes";
  }

  void add_paragraph(pugi::xml_node node) {
    const std::string text = paragraph_text(node);
    if (is_title(std::string(attribute_of(node, "style-name")))) return builder.add_heading(1, text);
    builder.add_paragraph(is_item_ && !text.empty() ? "- " + text : text);
    is_item_ = false;
    walk_xml(node, [&](pugi::xml_node inner) {
      if (local_name(inner) == "note-body") builder.add_paragraph(lines_below(inner));
      return local_name(inner) != "note-body";
    });
  }

  void add_page(pugi::xml_node page) {
    builder.set_page(++n_pages_);
    for (const pugi::xml_node frame : page.children()) {
      if (local_name(frame) == "frame" && attribute_of(frame, "class") == "title")
        builder.add_heading(1, lines_below(frame));
    }
  }

  void add_table(pugi::xml_node node) {
    if (is_spreadsheet(node)) builder.add_heading(1, attribute_of(node, "name"));
    builder.add_table(table_of(node));
  }

  static bool is_spreadsheet(pugi::xml_node table) { return local_name(table.parent()) == "spreadsheet"; }

  bool is_title(std::string style) const {
    for (int i = 0; i < kMostStyleSteps && !style.empty(); ++i) {
      if (style == "Title") return true;
      const auto parent = parents_.find(style);
      if (parent == parents_.end()) return false;
      style = parent->second;
    }
    return false;
  }

  std::map<std::string, std::string> parents_;
  int n_pages_ = 0;
  bool is_item_ = false;
};

bool is_wanted(std::string_view name) {
  return name == "content.xml" || name == "styles.xml" || name == "meta.xml" || name == "META-INF/manifest.xml";
}

}  // namespace

Result<Document> read_open_document(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_wanted));
  if (entry(entries, "META-INF/manifest.xml").find("encryption-data") != std::string_view::npos)
    return Error("it is encrypted with a password");
  OpenDocumentReader reader;
  if (const auto meta = Xml::parse(entry(entries, "meta.xml")))
    reader.builder.set_title(text_below(child_of(meta->root(), {"meta", "title"})));
  if (const auto styles = Xml::parse(entry(entries, "styles.xml"))) reader.add_styles(styles->root());
  const Xml content = ONDOL_TRY(Xml::parse(entry(entries, "content.xml")).in("content.xml"));
  reader.add_styles(content.root());
  reader.read(child_of(content.root(), "body"));
  return reader.builder.finish();
}

}  // namespace ondol
