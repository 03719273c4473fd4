// SchemaDocument: a JSON Schema's subschemas, their places and what references mean. Nothing outside it is loaded.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.h"

namespace ondol::grammar {

class SchemaDocument {
 public:
  static Result<SchemaDocument> create(const json::value& schema);

  const json::value& root() const { return *root_; }
  /// Draft 7 or earlier: a reference stands for the whole schema that it is in.
  bool is_draft_7() const { return is_draft_7_; }

  /// Where a subschema stands, as a JSON pointer in a fragment ("#/properties/a").
  std::string place(const json::value& schema) const;

  Result<const json::value*> resolve(const json::value& from, std::string_view reference);

  /// The schema that a $dynamicRef means, which has to be the same from wherever it is reached.
  Result<const json::value*> resolve_dynamic(const json::value& from, std::string_view reference);

 private:
  struct Info {
    std::string base;  // URI of the resource that it belongs to
    std::string place;
  };

  Result<void> add(const json::value& schema, std::string base, std::string place, int depth);
  Result<void> add_parts(const json::object& object, const std::string& base, const std::string& place, int depth);
  const Info& info(const json::value& schema) const;

  const json::value* root_ = nullptr;
  bool is_draft_7_ = false;
  std::unordered_map<const json::value*, Info> infos_;
  std::map<std::string, const json::value*> resources_;  // by URI
  std::map<std::string, const json::value*> anchors_;    // by URI with fragment
  std::map<std::string, int> dynamic_anchors_;           // by name: how many there are
};

/// RFC 3986, section 5.2, for references without a query of their own.
std::string resolve_uri(const std::string& base, std::string_view reference);

}  // namespace ondol::grammar
