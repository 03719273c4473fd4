#include "retrieve/formats/office.h"

namespace ondol {

bool is_xml_entry(std::string_view name) {
  return name.ends_with(".xml") || name.ends_with(".rels") || name.ends_with(".hpf");
}

std::string_view entry(const ZipEntries& entries, std::string_view name) {
  const auto found = entries.find(name);
  return found == entries.end() ? std::string_view() : found->second;
}

std::map<std::string, std::string> relations_of(const ZipEntries& entries, std::string_view part) {
  std::map<std::string, std::string> relations;
  const size_t folder = part.rfind('/') + 1;
  const std::string name = std::string(part.substr(0, folder)) + "_rels/" + std::string(part.substr(folder)) + ".rels";
  const auto xml = Xml::parse(entry(entries, name));
  if (!xml) return relations;
  for (const pugi::xml_node relation : xml->root().children()) {
    if (attribute_of(relation, "TargetMode") == "External") continue;
    relations.emplace(attribute_of(relation, "Id"), resolve_entry(part, attribute_of(relation, "Target")));
  }
  return relations;
}

std::string ooxml_title(const ZipEntries& entries) {
  const auto xml = Xml::parse(entry(entries, "docProps/core.xml"));
  return xml ? text_below(child_of(xml->root(), "title")) : "";
}

}  // namespace ondol
