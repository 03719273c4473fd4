// Lists that clients fetch page by page, as OpenAI has them: `limit`, `after` (an id) and `order`.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "server/http.h"

namespace ondol::server {

struct PageWish {
  size_t limit = 20;
  std::string after;
  bool oldest_first = false;
  std::optional<HttpError> error;
};

/// Reads the query. The newest come first unless `order` is "asc".
inline PageWish read_page(const Request& request, size_t usual, size_t most) {
  PageWish wish;
  wish.limit = usual;
  const auto refuse = [&](const char* parameter, std::string message) {
    wish.error = make_error(400, std::move(message));
    wish.error->parameter = parameter;
    return wish;
  };
  if (const auto found = request.query.find("limit"); found != request.query.end()) {
    const std::string& text = found->second;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), wish.limit);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || wish.limit < 1 || wish.limit > most) {
      return refuse("limit", fmt::format("limit: expected 1 to {}, got '{}'", most, text.substr(0, 100)));
    }
  }
  if (const auto found = request.query.find("after"); found != request.query.end()) wish.after = found->second;
  if (const auto found = request.query.find("order"); found != request.query.end()) {
    if (found->second != "asc" && found->second != "desc") return refuse("order", "order: expected asc or desc");
    wish.oldest_first = found->second == "asc";
  }
  return wish;
}

/// The objects of the page. `newest_first` are all there are; each has an "id", and what follows an unknown one is
/// nothing.
inline json::object page_of(std::vector<json::object> newest_first, const PageWish& wish) {
  std::vector<json::object>& all = newest_first;
  if (wish.oldest_first) std::reverse(all.begin(), all.end());
  auto begin = all.begin();
  if (!wish.after.empty()) {
    begin = std::find_if(all.begin(), all.end(),
                         [&](const json::object& o) { return o.at("id").as_string() == std::string_view(wish.after); });
    if (begin != all.end()) ++begin;
  }
  const size_t n = std::min(wish.limit, static_cast<size_t>(all.end() - begin));
  json::object page = {{"object", "list"}, {"has_more", n < static_cast<size_t>(all.end() - begin)}};
  json::array data;
  for (size_t i = 0; i < n; ++i) data.push_back(std::move(*(begin + static_cast<ptrdiff_t>(i))));
  page["first_id"] = data.empty() ? json::value() : json::value(data.front().at("id"));
  page["last_id"] = data.empty() ? json::value() : json::value(data.back().at("id"));
  page["data"] = std::move(data);
  return page;
}

}  // namespace ondol::server
