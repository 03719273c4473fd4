// Router: from a path and a method to a Route.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http.h"

namespace ondol::server {

class Router {
 public:
  /// Fails for patterns that no path can match and for a method and pattern that come twice.
  static Result<Router> create(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;                   // null: see allowed
    std::map<std::string, std::string> parameters;  // of its pattern
    std::vector<std::string> allowed;               // methods that the path has; none: no such path
    const Route* any = nullptr;                     // a route of the path with another method
  };
  /// Empty segments are ignored: "/v1//models/" is "/v1/models".
  Match match(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Segment {
    enum Kind : char { kText, kName, kRest } kind;
    std::string text;
  };
  struct Entry {
    std::vector<Segment> segments;
    Route route;
  };

  static Result<std::vector<Segment>> parse_pattern(std::string_view pattern);
  static bool matches(const Entry& entry, const std::vector<std::string_view>& path,
                      std::map<std::string, std::string>& parameters);

  std::vector<Entry> entries_;  // the more specific first
};

}  // namespace ondol::server
