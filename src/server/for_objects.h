// The elements of an array in a request, each as an object with its place.
#pragma once

#include <fmt/format.h>

#include "server/fields.h"

namespace ondol::server {

/// Calls `read` with the Fields of each element of fields[key]; an element that is no object is a fault.
template <typename Read>
void for_objects(const Fields& fields, std::string_view key, Read&& read) {
  const json::array* array = fields.array(key);
  if (array == nullptr) return;
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string place = fmt::format("{}[{}]", key, i);
    if (const json::object* object = (*array)[i].if_object()) {
      read(Fields(*object, fields.fault(), fields.path_of(place)));
    } else {
      fields.fail(place, fmt::format("{}: expected an object, got {}", fields.path_of(place), kind_name((*array)[i])));
    }
  }
}

}  // namespace ondol::server
