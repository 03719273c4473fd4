// PictureText: the text in pictures, by the installed program tesseract, which runs confined.
//
// It may read its own files and the picture, which is its standard input, and write to its standard output; nothing
// else. Korean and English where their data is installed, otherwise what is.
#pragma once

#include <string>
#include <vector>

#include "retrieve/document_reader.h"

namespace ondol {

/// Where tesseract and its data lie. Error: it is not installed.
struct Tesseract {
  std::string program;
  std::string data_folder;
  std::string languages;  // "kor+eng"

  static Result<Tesseract> find();
};

class PictureText : public TextRecognizer {
 public:
  struct Options {
    std::string reader_program;  // ondol-reader, which confines itself before it becomes tesseract
    int most_seconds = 60;
    GoesOn goes_on;
  };
  explicit PictureText(Options options) : options_(std::move(options)) {}

  Result<std::string> recognize(std::string_view picture) override;

 private:
  Options options_;
};

}  // namespace ondol
