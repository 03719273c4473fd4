// Metadata that people set by hand, as KEY=TYPE:VALUE.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "formats/model_file.h"

namespace ondol {

using MetadataOverride = std::pair<std::string, MetaValue>;

/// TYPE is int, float, bool or str. Errors: another form, and values that are none of their type.
Result<MetadataOverride> parse_metadata_override(const std::string& text);

/// Changes the value of the key, or adds it at the end.
void set_metadata(Metadata& metadata, const MetadataOverride& change);

}  // namespace ondol
