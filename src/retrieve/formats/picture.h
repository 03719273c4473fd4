// Pictures of text, through the recognizer that a reading has.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/readers.h"

namespace ondol {

/// Within the reading's limits of number and time. Error: no recognizer, a limit, or what the recognizer says.
Result<std::string> recognize_picture(std::string_view picture, Reading& reading);

/// Paragraphs between empty lines.
void add_recognized(DocumentBuilder& builder, std::string_view text);

}  // namespace ondol
