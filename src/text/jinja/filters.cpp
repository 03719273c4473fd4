#include "text/jinja/filters.h"

#include <unordered_map>

#include "text/jinja/filter_tables.h"

namespace ondol::jinja {

FilterFunction find_filter(std::string_view name) {
  static const auto* const filters = [] {
    auto* map = new std::unordered_map<std::string_view, FilterFunction>;
    for (const auto& table : {text_filters(), sequence_filters(), number_filters()}) {
      for (const Filter& filter : table) map->emplace(filter.name, filter.function);
    }
    return map;
  }();
  const auto found = filters->find(name);
  return found == filters->end() ? nullptr : found->second;
}

}  // namespace ondol::jinja
