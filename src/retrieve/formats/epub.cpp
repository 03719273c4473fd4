// EPUB 2 and 3: the pages of the book in their order, each read as HTML.
#include <map>

#include <fmt/format.h>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/office.h"
#include "retrieve/formats/readers.h"

namespace ondol {
namespace {

bool is_wanted(std::string_view name) {
  return is_xml_entry(name) || name.ends_with("html") || name.ends_with(".htm") || name.ends_with(".opf");
}

std::string path_of_package(const ZipEntries& entries) {
  const auto container = Xml::parse(entry(entries, "META-INF/container.xml"));
  if (!container) return "";
  const pugi::xml_node root = child_of(container->root(), {"rootfiles", "rootfile"});
  return resolve_entry("", attribute_of(root, "full-path"));
}

}  // namespace

Result<Document> read_epub(std::string_view bytes) {
  const ZipEntries entries = ONDOL_TRY(read_zip(bytes, is_wanted));
  const std::string path = path_of_package(entries);
  const Xml package = ONDOL_TRY(Xml::parse(entry(entries, path)).in("the list of a book's pages"));
  std::map<std::string, std::string, std::less<>> files;
  for (const pugi::xml_node item : child_of(package.root(), "manifest").children()) {
    files.emplace(attribute_of(item, "id"), resolve_entry(path, attribute_of(item, "href")));
  }
  DocumentBuilder builder;
  builder.set_title(text_below(child_of(package.root(), {"metadata", "title"})));
  size_t n_read = 0;
  std::string problem = "it has no pages";
  for (const pugi::xml_node item : child_of(package.root(), "spine").children()) {
    const auto file = files.find(attribute_of(item, "idref"));
    if (file == files.end() || builder.is_full()) continue;
    const std::string_view content = entry(entries, file->second);
    const auto page = read_html(std::string(content));
    if (page && !page->text.empty()) {
      builder.append(*page, 0);
      ++n_read;
    } else if (!page) {
      problem = page.error().message();
    }
    files.erase(file);  // each page once, however often it is named
  }
  const bool is_protected = entries.contains("META-INF/encryption.xml");
  if (n_read == 0)
    return Error(fmt::format("expected a book: {}", is_protected ? "its pages are encrypted" : problem.c_str()));
  return builder.finish();
}

}  // namespace ondol
