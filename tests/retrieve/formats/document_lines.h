// Documents as lines of text, for comparing.
#pragma once

#include <string>

#include <fmt/format.h>

#include "base/files.h"
#include "retrieve/document.h"
#include "retrieve/formats/readers.h"

namespace ondol {

/// One block each: "# heading", "paragraph", "| table", "` code", with "[page] " in front; lines within as " / ".
inline std::string lines_of(const Document& document) {
  std::string lines;
  for (const TextBlock& block : document.blocks) {
    std::string text = document.text.substr(block.start, block.end - block.start);
    for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at)) text.replace(at, 1, " / ");
    const std::string page = block.page > 0 ? fmt::format("[{}] ", block.page) : "";
    const std::string mark = block.kind == TextBlock::Kind::kHeading
                                 ? std::string(static_cast<size_t>(block.level), '#') + " "
                             : block.kind == TextBlock::Kind::kTable ? "| "
                             : block.kind == TextBlock::Kind::kCode  ? "` "
                                                                     : "";
    lines += page + mark + text + "\n";
  }
  return lines;
}

inline std::string golden_bytes(const std::string& name) {
  return read_file(fmt::format("{}/tests/golden/documents/{}", ONDOL_SOURCE_DIR, name)).value();
}

inline Document golden_document(const std::string& name) {
  return InProcessReader().read(name, golden_bytes(name), {}).value();
}

inline std::string read_as(const std::string& name, std::string bytes) {
  const auto document = InProcessReader().read(name, std::move(bytes), {});
  return document ? lines_of(*document) : "error: " + document.error().message();
}

}  // namespace ondol
