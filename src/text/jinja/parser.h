// Parser: tokens to the tree of ast.h.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja/ast.h"

namespace ondol::jinja {

/// The names of variables, numbered.
class Names {
 public:
  NameId id(std::string_view name);
  /// Whether the template mentions this name at all; fills `id` if so.
  bool find(std::string_view name, NameId& id) const;
  const std::string& text(NameId id) const { return texts_[id]; }
  size_t size() const { return texts_.size(); }

 private:
  std::unordered_map<std::string, NameId> ids_;
  std::vector<std::string> texts_;
};

struct ParsedTemplate {
  Block body;
  Names names;
};

/// Throws Failure with a position.
ParsedTemplate parse_template(std::string_view source);

}  // namespace ondol::jinja
