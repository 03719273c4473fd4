// input_file: files that are text, inlined into a message.
#pragma once

#include <string>

#include "server/fields.h"

namespace ondol::server {

/// The text of a part {type: "input_file", filename, file_data: "data:text/plain;base64,..."} below its name. Files of
/// other types, and those that lie elsewhere (file_id, file_url), are refused.
std::string text_of_file(const Fields& part);

}  // namespace ondol::server
