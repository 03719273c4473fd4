// XML in memory (pugixml), with names without their namespace's prefix: which prefix a program writes is its own
// choice. Entities that a document defines itself are not expanded.
#pragma once

#include <pugixml.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// A parsed document. The nodes live as long as it.
class Xml {
 public:
  /// UTF-8 or UTF-16. Error: no XML.
  static Result<Xml> parse(std::string_view bytes);
  pugi::xml_node root() const { return document_->document_element(); }

 private:
  explicit Xml(std::unique_ptr<pugi::xml_document> document) : document_(std::move(document)) {}
  std::unique_ptr<pugi::xml_document> document_;
};

/// "w:p" as "p".
std::string_view local_name(const char* name);
inline std::string_view local_name(pugi::xml_node node) {
  return local_name(node.name());
}

/// The first child of that local name; null: none.
pugi::xml_node child_of(pugi::xml_node node, std::string_view name);
/// The child of the child and so on.
pugi::xml_node child_of(pugi::xml_node node, std::initializer_list<std::string_view> names);
/// The value of the attribute of that local name; empty: none.
std::string_view attribute_of(pugi::xml_node node, std::string_view name);
/// As a number; `otherwise` where there is none.
int number_of(pugi::xml_node node, std::string_view name, int otherwise);
int number_in(std::string_view text, int otherwise);

/// Visits what lies below a node, in order and without recursion: documents may be deep. `enter` says whether to go
/// inside; `leave` comes for every node, behind all that is inside.
void walk_xml(pugi::xml_node root, const std::function<bool(pugi::xml_node)>& enter,
              const std::function<void(pugi::xml_node)>& leave = {});

/// All text below.
std::string text_below(pugi::xml_node node);

}  // namespace ondol
