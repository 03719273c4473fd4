// PPTX (ECMA-376, PresentationML): one page for each slide, in the order in which they are shown; titles as headings,
// tables, and the speaker's notes.
#include <map>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"

namespace ondol {
namespace {

std::string paragraph_text(pugi::xml_node paragraph) {
  std::string text;
  walk_xml(paragraph, [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    if (name == "t") text += text_below(node);
    if (name == "br") text += '\n';
    return name != "t";
  });
  return text;
}

/// The paragraphs of a shape as lines.
std::string shape_text(pugi::xml_node shape) {
  std::string text;
  walk_xml(shape, [&](pugi::xml_node node) {
    const bool is_paragraph = local_name(node) == "p";
    if (is_paragraph) text += (text.empty() ? "" : "\n") + paragraph_text(node);
    return !is_paragraph;
  });
  return text;
}

std::string_view placeholder_of(pugi::xml_node shape) {
  return attribute_of(child_of(shape, {"nvSpPr", "nvPr", "ph"}), "type");
}

/// What every slide repeats.
bool is_repeated(std::string_view placeholder) {
  return placeholder == "sldNum" || placeholder == "dt" || placeholder == "ftr" || placeholder == "hdr";
}

Table table_of(pugi::xml_node root) {
  Table table;
  walk_xml(root, [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    if (name == "tr") table.emplace_back();
    if (name != "tc") return true;
    if (table.empty()) table.emplace_back();
    table.back().push_back(shape_text(node));
    return false;
  });
  return table;
}

void add_slide(DocumentBuilder& builder, pugi::xml_node root) {
  // Titles come first, wherever they lie.
  std::string title;
  walk_xml(root, [&](pugi::xml_node node) {
    if (local_name(node) != "sp") return true;
    const std::string_view placeholder = placeholder_of(node);
    if (placeholder == "title" || placeholder == "ctrTitle") title += (title.empty() ? "" : " ") + shape_text(node);
    return false;
  });
  builder.add_heading(1, title);
  walk_xml(root, [&](pugi::xml_node node) {
    const std::string_view name = local_name(node);
    if (name == "tbl") builder.add_table(table_of(node));
    if (name != "sp") return name != "tbl" && name != "Fallback";
    const std::string_view placeholder = placeholder_of(node);
    if (placeholder != "title" && placeholder != "ctrTitle" && !is_repeated(placeholder)) {
      builder.add_paragraph(shape_text(node));
    }
    return false;
  });
}

void add_notes(DocumentBuilder& builder, pugi::xml_node root) {
  walk_xml(root, [&](pugi::xml_node node) {
    if (local_name(node) != "sp") return true;
    if (placeholder_of(node) == "body") builder.add_paragraph(shape_text(node));
    return false;
  });
}

}  // namespace

Result<Document> read_pptx(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_xml_entry));
  constexpr std::string_view kMain = "ppt/presentation.xml";
  const Xml presentation = ONDOL_TRY(Xml::parse(entry(entries, kMain)).in(std::string(kMain)));
  const auto parts = relations_of(entries, kMain);
  DocumentBuilder builder;
  builder.set_title(ooxml_title(entries));
  int page = 0;
  for (const pugi::xml_node slide : child_of(presentation.root(), "sldIdLst").children()) {
    builder.set_page(++page);
    const auto part = parts.find(slide.attribute("r:id").value());
    if (part == parts.end() || builder.is_full()) continue;
    if (const auto xml = Xml::parse(entry(entries, part->second))) add_slide(builder, xml->root());
    for (const auto& [id, target] : relations_of(entries, part->second)) {
      if (target.find("notesSlide") == target.npos) continue;
      if (const auto xml = Xml::parse(entry(entries, target))) add_notes(builder, xml->root());
    }
  }
  return builder.finish();
}

}  // namespace ondol
