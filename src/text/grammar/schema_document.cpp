#include "text/grammar/schema_document.h"

#include <fmt/format.h>

#include <algorithm>

namespace ondol::grammar {
namespace {

constexpr int kMaxDepth = 200;

constexpr std::string_view kSingle[] = {"additionalItems",
                                        "additionalProperties",
                                        "contains",
                                        "contentSchema",
                                        "else",
                                        "if",
                                        "items",
                                        "not",
                                        "propertyNames",
                                        "then",
                                        "unevaluatedItems",
                                        "unevaluatedProperties"};
constexpr std::string_view kLists[] = {"allOf", "anyOf", "items", "oneOf", "prefixItems"};
constexpr std::string_view kMaps[] = {"$defs",      "definitions",      "dependencies", "dependentSchemas",
                                      "properties", "patternProperties"};

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
  return -1;
}

/// %41 and ~1 resolved.
std::string unescaped(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      bytes += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      bytes += text[i];
    }
  }
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '~' && i + 1 < bytes.size() && (bytes[i + 1] == '0' || bytes[i + 1] == '1')) {
      out += bytes[++i] == '0' ? '~' : '/';
    } else {
      out += bytes[i];
    }
  }
  return out;
}

/// Where the scheme ends, behind its colon; 0 without one.
size_t scheme_size(std::string_view uri) {
  for (size_t i = 0; i < uri.size(); ++i) {
    const char c = uri[i];
    if (c == ':') return i == 0 ? 0 : i + 1;
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

std::string without_dots(std::string_view path) {
  std::vector<std::string_view> parts;
  size_t at = 0;
  while (at <= path.size()) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    const bool last = end == path.size();
    if (part == "..") {
      if (parts.size() > 1) parts.pop_back();
      if (last) parts.emplace_back();
    } else if (part == ".") {
      if (last) parts.emplace_back();
    } else {
      parts.push_back(part);
    }
    at = end + 1;
  }
  return fmt::format("{}", fmt::join(parts, "/"));
}

}  // namespace

std::string resolve_uri(const std::string& base, std::string_view reference) {
  if (scheme_size(reference) > 0) return std::string(reference);
  const std::string_view without_fragment = std::string_view(base).substr(0, base.find('#'));
  if (reference.empty() || reference[0] == '#') return std::string(without_fragment) + std::string(reference);
  const size_t scheme = scheme_size(without_fragment);
  if (reference.starts_with("//")) return std::string(without_fragment.substr(0, scheme)) + std::string(reference);
  size_t path = scheme;
  if (without_fragment.substr(scheme).starts_with("//")) {
    path = std::min(without_fragment.find('/', scheme + 2), without_fragment.size());
  }
  const std::string front(without_fragment.substr(0, path));
  if (reference[0] == '/') return front + std::string(reference);
  const std::string_view folder = without_fragment.substr(path);
  const size_t slash = folder.rfind('/');
  const std::string merged = (slash == std::string_view::npos ? (front.size() > scheme ? "/" : "")
                                                              : std::string(folder.substr(0, slash + 1))) +
                             std::string(reference);
  const size_t fragment = std::min(merged.find('#'), merged.size());
  return front + without_dots(std::string_view(merged).substr(0, fragment)) + merged.substr(fragment);
}

Result<SchemaDocument> SchemaDocument::create(const json::value& schema) {
  SchemaDocument document;
  document.root_ = &schema;
  const std::string dialect = string_or(schema, "$schema", "");
  for (const char* draft : {"draft-03", "draft-04", "draft-06", "draft-07"}) {
    document.is_draft_7_ = document.is_draft_7_ || dialect.find(draft) != std::string::npos;
  }
  ONDOL_TRY(document.add(schema, "", "#", 0));
  return document;
}

Result<void> SchemaDocument::add(const json::value& schema, std::string base, std::string place, int depth) {
  if (depth > kMaxDepth) return Error(fmt::format("schema: nested more than {} levels deep", kMaxDepth));
  if (infos_.contains(&schema)) return {};
  const json::object* object = schema.if_object();
  const bool is_only_reference = is_draft_7_ && object != nullptr && object->contains("$ref");
  if (object != nullptr && !is_only_reference) {
    const std::string dialect = string_or(schema, "$schema", "");
    if (!dialect.empty() && dialect.find("json-schema.org/") == std::string::npos) {
      return Error(fmt::format("schema: {}/$schema: the dialect '{}' is not known", place, dialect));
    }
    const std::string id = string_or(schema, "$id", "");
    if (id.starts_with('#')) {
      anchors_.emplace(resolve_uri(base, id), &schema);  // how draft 7 writes anchors
    } else if (!id.empty()) {
      base = resolve_uri(base, id);
      if (base.ends_with('#')) base.pop_back();
      resources_.emplace(base, &schema);
    }
    for (const char* keyword : {"$anchor", "$dynamicAnchor"}) {
      const std::string anchor = string_or(schema, keyword, "");
      if (!anchor.empty()) anchors_.emplace(resolve_uri(base, "#" + anchor), &schema);
      if (!anchor.empty() && keyword[1] == 'd') ++dynamic_anchors_[anchor];
    }
  }
  if (depth == 0) resources_.emplace(base, &schema);
  infos_.emplace(&schema, Info{base, place});
  if (object != nullptr) return add_parts(*object, base, place, depth);
  return {};
}

Result<void> SchemaDocument::add_parts(const json::object& object, const std::string& base, const std::string& place,
                                       int depth) {
  const auto is_schema = [](const json::value& value) { return value.is_object() || value.is_bool(); };
  for (const std::string_view key : kSingle) {
    const json::value* part = object.if_contains(key);
    if (part != nullptr && is_schema(*part)) ONDOL_TRY(add(*part, base, fmt::format("{}/{}", place, key), depth + 1));
  }
  for (const std::string_view key : kLists) {
    const json::value* list = object.if_contains(key);
    if (list == nullptr || !list->is_array()) continue;
    for (size_t i = 0; i < list->get_array().size(); ++i) {
      const json::value& part = list->get_array()[i];
      if (is_schema(part)) ONDOL_TRY(add(part, base, fmt::format("{}/{}/{}", place, key, i), depth + 1));
    }
  }
  for (const std::string_view key : kMaps) {
    const json::value* map = object.if_contains(key);
    if (map == nullptr || !map->is_object()) continue;
    for (const auto& [name, part] : map->get_object()) {
      if (is_schema(part)) ONDOL_TRY(add(part, base, fmt::format("{}/{}/{}", place, key, escaped(name)), depth + 1));
    }
  }
  return {};
}

const SchemaDocument::Info& SchemaDocument::info(const json::value& schema) const {
  const auto found = infos_.find(&schema);
  return found == infos_.end() ? infos_.at(root_) : found->second;
}

std::string SchemaDocument::place(const json::value& schema) const {
  return info(schema).place;
}

Result<const json::value*> SchemaDocument::resolve(const json::value& from, std::string_view reference) {
  const Info origin = info(from);
  const std::string uri = resolve_uri(origin.base, reference);
  const size_t hash = std::min(uri.find('#'), uri.size());
  const std::string_view fragment = hash < uri.size() ? std::string_view(uri).substr(hash + 1) : std::string_view();
  if (!fragment.empty() && fragment[0] != '/') {
    const auto anchor = anchors_.find(uri);
    if (anchor != anchors_.end()) return anchor->second;
  }
  const auto resource = resources_.find(uri.substr(0, hash));
  const Error missing(
      fmt::format("schema: {}/$ref: '{}' is not in this document, and others are not loaded", origin.place, reference));
  if (resource == resources_.end() || (!fragment.empty() && fragment[0] != '/')) return missing;
  const json::value* at = resource->second;
  std::string base = resource->first;
  std::string place = info(*at).place;
  for (size_t begin = 1; !fragment.empty() && begin <= fragment.size();) {
    const size_t end = std::min(fragment.find('/', begin), fragment.size());
    const std::string key = unescaped(fragment.substr(begin, end - begin));
    if (at->is_object()) {
      at = at->get_object().if_contains(key);
    } else if (at->is_array() && !key.empty() && key.size() < 7 &&
               std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isdigit(c); })) {
      const auto index = static_cast<size_t>(std::stoi(key));
      at = index < at->get_array().size() ? &at->get_array()[index] : nullptr;
    } else {
      at = nullptr;
    }
    if (at == nullptr) return missing;
    place += "/" + escaped(key);
    if (infos_.contains(at)) base = info(*at).base;
    begin = end + 1;
  }
  if (!at->is_object() && !at->is_bool()) return missing;
  ONDOL_TRY(add(*at, base, place, 1));
  return at;
}

Result<const json::value*> SchemaDocument::resolve_dynamic(const json::value& from, std::string_view reference) {
  const size_t hash = reference.find('#');
  if (hash != std::string_view::npos && !reference.substr(hash + 1).starts_with('/')) {
    const auto named = dynamic_anchors_.find(std::string(reference.substr(hash + 1)));
    if (named != dynamic_anchors_.end() && named->second > 1) {
      return Error(fmt::format("schema: {}/$dynamicRef: '{}' has more than one meaning, which is not supported",
                               place(from), reference));
    }
  }
  return resolve(from, reference);
}

}  // namespace ondol::grammar
