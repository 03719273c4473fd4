#include "retrieve/formats/xml.h"

#include <charconv>
#include <memory>
#include <new>

#include <fmt/format.h>

namespace ondol {
namespace {

/// So that too little memory ends the process in one way.
void* take_memory(size_t n) {
  return ::operator new(n);
}
void give_memory(void* memory) {
  ::operator delete(memory);
}

}  // namespace

Result<Xml> Xml::parse(std::string_view bytes) {
  pugi::set_memory_management_functions(take_memory, give_memory);
  auto document = std::make_unique<pugi::xml_document>();
  constexpr unsigned kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_wconv_attribute | pugi::parse_eol | pugi::parse_ws_pcdata;
  const auto result = document->load_buffer(bytes.data(), bytes.size(), kOptions);
  if (!result) return Error(fmt::format("expected XML, got at byte {}: {}", result.offset, result.description()));
  return Xml(std::move(document));
}

std::string_view local_name(const char* name) {
  const std::string_view view = name;
  const size_t colon = view.rfind(':');
  return colon == view.npos ? view : view.substr(colon + 1);
}

pugi::xml_node child_of(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_node child : node.children()) {
    if (local_name(child) == name) return child;
  }
  return {};
}

pugi::xml_node child_of(pugi::xml_node node, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) node = child_of(node, name);
  return node;
}

std::string_view attribute_of(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_attribute attribute : node.attributes()) {
    if (local_name(attribute.name()) == name) return attribute.value();
  }
  return {};
}

int number_in(std::string_view text, int otherwise) {
  int number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : otherwise;
}

int number_of(pugi::xml_node node, std::string_view name, int otherwise) {
  return number_in(attribute_of(node, name), otherwise);
}

void walk_xml(pugi::xml_node root, const std::function<bool(pugi::xml_node)>& enter,
              const std::function<void(pugi::xml_node)>& leave) {
  pugi::xml_node node = root.first_child();
  while (node) {
    if (enter(node) && node.first_child()) {
      node = node.first_child();
      continue;
    }
    if (leave) leave(node);
    while (!node.next_sibling()) {
      node = node.parent();
      if (node == root || !node) return;
      if (leave) leave(node);
    }
    node = node.next_sibling();
  }
}

std::string text_below(pugi::xml_node node) {
  std::string text;
  walk_xml(node, [&](pugi::xml_node child) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
    return true;
  });
  return text;
}

}  // namespace ondol
