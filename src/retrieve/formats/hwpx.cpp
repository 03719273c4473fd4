// HWPX (OWPML, KS X 6101): what Hancom's word processor writes today. Sections in their order; headings by the outline
// level of their paragraph's shape or style, tables, text boxes and notes.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"

namespace ondol {
namespace {

constexpr std::string_view kPackage = "Contents/content.hpf";

/// Outline levels by the numbers of paragraph shapes and of styles.
struct Outline {
  std::map<std::string, int, std::less<>> of_shape;
  std::map<std::string, int, std::less<>> of_style;

  explicit Outline(std::string_view header) {
    const auto xml = Xml::parse(header);
    if (!xml) return;
    walk_xml(xml->root(), [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "paraPr") add_shape(node);
      if (name == "style") add_style(node);
      return name != "paraPr" && name != "style";
    });
  }

  /// 0: body text.
  int level_of(pugi::xml_node paragraph) const {
    const auto style = of_style.find(attribute_of(paragraph, "styleIDRef"));
    const auto shape = of_shape.find(attribute_of(paragraph, "paraPrIDRef"));
    if (shape != of_shape.end()) return shape->second;
    return style == of_style.end() ? 0 : style->second;
  }

 private:
  void add_shape(pugi::xml_node shape) {
    const pugi::xml_node heading = child_of(shape, "heading");
    if (attribute_of(heading, "type") == "OUTLINE")
      of_shape.emplace(attribute_of(shape, "id"), number_of(heading, "level", 0) + 1);
  }

  /// "Outline 1" to "Outline 10".
  void add_style(pugi::xml_node style) {
    constexpr std::string_view kPrefix = "Outline ";
    const std::string_view name = attribute_of(style, "engName");
    if (!name.starts_with(kPrefix)) return;
    const int level = number_in(name.substr(kPrefix.size()), 0);
    if (level > 0) of_style.emplace(attribute_of(style, "id"), level);
  }
};

/// A "t" element: its text, with what stands for characters.
std::string run_text(pugi::xml_node root) {
  std::string text;
  walk_xml(root, [&](pugi::xml_node node) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) text += node.value();
    const std::string_view name = local_name(node);
    if (name == "tab") text += '\t';
    if (name == "lineBreak") text += '\n';
    if (name == "nbSpace" || name == "fwSpace") text += ' ';
    if (name == "hyphen") text += '-';
    return name != "deleteBegin" && name != "deleteEnd";
  });
  return text;
}

class HwpxReader {
 public:
  HwpxReader(DocumentBuilder& builder, const Outline& outline) : builder_(builder), outline_(outline) {}

  void read(pugi::xml_node section) {
    walk_xml(
        section, [&](pugi::xml_node node) { return enter(node); }, [&](pugi::xml_node node) { leave(node); });
  }

 private:
  /// A paragraph and what stands within it: a table in its run is a list of paragraphs again.
  struct Place {
    pugi::xml_node node;
    std::string text;
  };

  bool enter(pugi::xml_node node) {
    if (builder_.is_full()) return false;
    const std::string_view name = local_name(node);
    if (name == "p") places_.push_back({node, ""});
    if (name == "t") {
      if (!places_.empty()) places_.back().text += run_text(node);
      return false;
    }
    if (name == "tbl") {
      end_text();
      builder_.add_table(table_of(node));
      return false;
    }
    // What every page repeats, and what nobody sees.
    return name != "header" && name != "footer" && name != "hiddenComment" && name != "secPr" && name != "linesegarray";
  }

  void leave(pugi::xml_node node) {
    if (places_.empty() || places_.back().node != node) return;
    end_text();
    places_.pop_back();
  }

  /// What has gathered in the innermost paragraph.
  void end_text() {
    if (places_.empty()) return;
    Place& place = places_.back();
    const int level = outline_.level_of(place.node);
    if (level > 0) {
      builder_.add_heading(level, place.text);
    } else {
      builder_.add_paragraph(place.text);
    }
    place.text.clear();
  }

  /// Paragraphs of a cell as lines; tables within tables are text of their cells.
  static Table table_of(pugi::xml_node root) {
    Table table;
    walk_xml(root, [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "tr") table.emplace_back();
      if (name == "caption") {
        table.push_back({cell_text(node)});
        return false;
      }
      if (name != "tc") return true;
      if (table.empty()) table.emplace_back();
      table.back().push_back(cell_text(node));
      return false;
    });
    return table;
  }

  static std::string cell_text(pugi::xml_node cell) {
    std::string text;
    walk_xml(cell, [&](pugi::xml_node node) {
      const std::string_view name = local_name(node);
      if (name == "p" && !text.empty()) text += '\n';
      if (name == "t") text += run_text(node);
      return name != "t";
    });
    return text;
  }

  DocumentBuilder& builder_;
  const Outline& outline_;
  std::vector<Place> places_;
};

/// The sections in the order of the package's spine, or else of their numbers.
std::vector<std::string> sections_of(const ZipEntries& entries) {
  std::vector<std::string> sections;
  std::set<std::string> known;
  const auto add = [&](const std::string& name) {
    if (name.find("section") != name.npos && entries.contains(name) && known.insert(name).second)
      sections.push_back(name);
  };
  if (const auto package = Xml::parse(entry(entries, kPackage))) {
    std::map<std::string, std::string, std::less<>> files;
    for (const pugi::xml_node item : child_of(package->root(), "manifest").children()) {
      const std::string href(attribute_of(item, "href"));
      files.emplace(attribute_of(item, "id"), href.starts_with("Contents/") ? href : resolve_entry(kPackage, href));
    }
    for (const pugi::xml_node item : child_of(package->root(), "spine").children()) {
      const auto file = files.find(attribute_of(item, "idref"));
      if (file != files.end()) add(file->second);
    }
  }
  std::vector<std::string> others;
  for (const auto& [name, content] : entries) others.push_back(name);
  std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  for (const std::string& name : others) {
    if (name.starts_with("Contents/section")) add(name);
  }
  return sections;
}

}  // namespace

Result<Document> read_hwpx(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_xml_entry));
  if (entry(entries, "META-INF/manifest.xml").find("encryption-data") != std::string_view::npos)
    return Error("it is encrypted with a password");
  DocumentBuilder builder;
  if (const auto package = Xml::parse(entry(entries, kPackage)))
    builder.set_title(text_below(child_of(package->root(), {"metadata", "title"})));
  const Outline outline(entry(entries, "Contents/header.xml"));
  const std::vector<std::string> sections = sections_of(entries);
  if (sections.empty()) return Error("expected a HWPX document, found no section in it");
  for (const std::string& section : sections) {
    const Xml xml = ONDOL_TRY(Xml::parse(entry(entries, section)).in(section));
    HwpxReader(builder, outline).read(xml.root());
  }
  return builder.finish();
}

}  // namespace ondol
