// Reads arbitrary bytes as a text and as Markdown, cuts what was read, and takes its terms. The first byte chooses.
#include <string>

#include "base/check.h"
#include "retrieve/chunker.h"
#include "retrieve/ignore_rules.h"
#include "retrieve/postings.h"
#include "retrieve/read_document.h"
#include "retrieve/terms.h"
#include "text/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto document = ondol::read_document(data[0] % 2 == 0 ? "a.txt" : "a.md", bytes);
  if (document) {
    ONDOL_CHECK(ondol::is_valid_utf8(document->text));
    size_t end = 0;
    ondol::TermReader reader;
    for (const ondol::Chunk& chunk : ondol::cut_into_chunks(*document, {40, 200})) {
      ONDOL_CHECK(chunk.start >= end && chunk.start < chunk.end && chunk.end <= document->text.size());
      end = chunk.end;
      const std::string_view text = std::string_view(document->text).substr(chunk.start, chunk.end - chunk.start);
      ONDOL_CHECK(ondol::is_valid_utf8(text));
      reader.read(text,
                  [&](const ondol::Term& term) { ONDOL_CHECK(term.start < term.end && term.end <= text.size()); });
    }
    size_t start = 0;
    for (const ondol::Chunk& chunk : ondol::cut_into_chunks(*document, {40, 200, 100})) {
      ONDOL_CHECK(chunk.start >= start && chunk.start < chunk.end && chunk.end <= document->text.size());
      ONDOL_CHECK(chunk.end - chunk.start <= 200);
      start = chunk.start;
      ONDOL_CHECK(ondol::is_valid_utf8(std::string_view(document->text).substr(start, chunk.end - start)));
    }
  }
  ondol::IgnoreRules rules;
  rules.add(bytes.substr(0, 500), "");
  (void)rules.leaves_out("some/folder/file.txt", false);
  ondol::PostingReader postings({data, size});
  for (ondol::Posting posting; postings.next(posting);) ONDOL_CHECK(posting.chunk >= 0);
  return 0;
}
