#include "server/router.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ondol::server {

Result<std::vector<Router::Segment>> Router::parse_pattern(std::string_view pattern) {
  const auto wrong = [&](std::string_view what) { return Error(fmt::format("route '{}': {}", pattern, what)); };
  if (!pattern.starts_with('/')) return wrong("expected a pattern that begins with '/'");
  std::vector<Segment> segments;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    std::string_view text = rest.substr(0, rest.find('/'));
    rest.remove_prefix(text.size());
    if (text.empty()) continue;
    if (!segments.empty() && segments.back().kind == Segment::kRest) return wrong("'...' must be last");
    if (!text.starts_with('{')) {
      segments.push_back({Segment::kText, std::string(text)});
      continue;
    }
    if (!text.ends_with('}')) return wrong("expected '}'");
    text = text.substr(1, text.size() - 2);
    const bool is_rest = text.ends_with("...");
    if (is_rest) text.remove_suffix(3);
    segments.push_back({is_rest ? Segment::kRest : Segment::kName, std::string(text)});
  }
  return segments;
}

Result<Router> Router::create(std::vector<Route> routes) {
  Router router;
  std::set<std::pair<std::string, std::string>> seen;
  for (Route& route : routes) {
    if (!seen.emplace(route.method, route.pattern).second)
      return Error(fmt::format("route '{} {}' comes twice", route.method, route.pattern));
    auto segments = ONDOL_TRY(parse_pattern(route.pattern));
    router.entries_.push_back({std::move(segments), std::move(route)});
  }
  const auto kinds = [](const Entry& entry) {
    std::string text;
    for (const Segment& segment : entry.segments) text += static_cast<char>('a' + segment.kind);
    return text;
  };
  std::stable_sort(router.entries_.begin(), router.entries_.end(),
                   [&](const Entry& a, const Entry& b) { return kinds(a) < kinds(b); });
  return router;
}

bool Router::matches(const Entry& entry, const std::vector<std::string_view>& path,
                     std::map<std::string, std::string>& parameters) {
  const bool has_rest = !entry.segments.empty() && entry.segments.back().kind == Segment::kRest;
  if (has_rest ? path.size() < entry.segments.size() : path.size() != entry.segments.size()) return false;
  for (size_t i = 0; i < entry.segments.size(); ++i)
    if (entry.segments[i].kind == Segment::kText && entry.segments[i].text != path[i]) return false;
  parameters.clear();
  for (size_t i = 0; i < entry.segments.size(); ++i) {
    const Segment& segment = entry.segments[i];
    if (segment.kind == Segment::kText) continue;
    std::string& value = parameters[segment.text];
    value = path[i];
    if (segment.kind != Segment::kRest) continue;
    for (size_t j = i + 1; j < path.size(); ++j) value.append("/").append(path[j]);
  }
  return true;
}

Router::Match Router::match(std::string_view method, const std::vector<std::string>& segments) const {
  std::vector<std::string_view> path;
  for (const std::string& segment : segments)
    if (!segment.empty()) path.push_back(segment);
  Match match;
  std::set<std::string> allowed;
  std::map<std::string, std::string> parameters;
  for (const Entry& entry : entries_) {
    if (!matches(entry, path, parameters)) continue;
    const bool is_same = entry.route.method == method || (method == "HEAD" && entry.route.method == "GET");
    if (is_same) {
      match.route = &entry.route;
      match.parameters = std::move(parameters);
      return match;
    }
    if (match.any == nullptr) match.any = &entry.route;
    allowed.insert(entry.route.method);
    if (entry.route.method == "GET") allowed.insert("HEAD");
  }
  match.allowed.assign(allowed.begin(), allowed.end());
  return match;
}

}  // namespace ondol::server
