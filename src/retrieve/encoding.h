// Encodings of text files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

/// The text as UTF-8, without a byte order mark. What is UTF-8 stays as it is, byte for byte; otherwise the mark tells
/// (UTF-16, UTF-32), or what the bytes look like (EUC-KR, Shift JIS, windows-1252 ...). Error: bytes that are no text.
Result<std::string> text_as_utf8(std::string bytes);

/// With the encoding that a page or a mail declares ("euc-kr", "windows-1252"; empty: none). It counts behind the mark,
/// and for bytes that are UTF-8 only if they would be something else in it (ISO-2022). Names that mean a smaller set in
/// theory mean its superset, as browsers have it: EUC-KR is windows-949.
Result<std::string> text_as_utf8(std::string bytes, std::string_view declared);

}  // namespace ondol
