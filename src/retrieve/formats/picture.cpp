#include "retrieve/formats/picture.h"

#include <fmt/format.h>

namespace ondol {

Result<std::string> recognize_picture(std::string_view picture, Reading& reading) {
  if (reading.recognizer == nullptr) return Error("the text in pictures is not read here");
  if (--reading.n_pictures_left < 0) return Error("too many pictures of text in one file");
  if (reading.picture_time_left <= std::chrono::seconds(0)) return Error("its pictures of text take too long");
  const auto before = std::chrono::steady_clock::now();
  auto text = reading.recognizer->recognize(picture);
  reading.picture_time_left -= std::chrono::steady_clock::now() - before;
  return text;
}

void add_recognized(DocumentBuilder& builder, std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    builder.add_paragraph(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
}

Result<Document> read_picture(std::string_view bytes, Reading& reading) {
  const std::string text = ONDOL_TRY(recognize_picture(bytes, reading));
  DocumentBuilder builder;
  add_recognized(builder, text);
  return builder.finish();
}

}  // namespace ondol
