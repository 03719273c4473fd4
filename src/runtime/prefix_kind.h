// PrefixKind: what keys and values depend on beside the tokens, within one loaded model. Texts of different kinds share
// nothing.
#pragma once

#include <compare>

#include "base/hash.h"

namespace ondol {

struct PrefixKind {
  bool is_long = false;  // the rotation (Session::rotates_as_long)
  Hash128 adapters;      // AdapterSet::key()
  auto operator<=>(const PrefixKind&) const = default;
};

}  // namespace ondol
