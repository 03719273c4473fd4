// DocumentReader: files of every format as documents, and TextRecognizer: pictures as texts. Interfaces, so that the
// indexer need not know whether another process does it (reader_process.h) or this one (formats/readers.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "retrieve/document.h"

namespace ondol {

/// Asked now and then; false: give up, any error will do.
using GoesOn = std::function<bool()>;

class DocumentReader {
 public:
  virtual ~DocumentReader() = default;
  /// The name tells the format where the bytes do not. Errors are one line and do not name the file.
  virtual Result<Document> read(const std::string& name, std::string bytes, const GoesOn& goes_on) = 0;
};

class TextRecognizer {
 public:
  virtual ~TextRecognizer() = default;
  /// The text in a picture (PNG, JPEG, TIFF or PNM), paragraphs between empty lines.
  virtual Result<std::string> recognize(std::string_view picture) = 0;
};

}  // namespace ondol
