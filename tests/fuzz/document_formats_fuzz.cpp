// Reads arbitrary bytes as a document of the format that the first byte chooses, or as one that another process gives.
#include <string>

#include "base/check.h"
#include "retrieve/document_codec.h"
#include "retrieve/formats/readers.h"
#include "text/unicode.h"

namespace {

/// By their beginnings, PDF, zip archives and compound files are told whatever the name says.
constexpr const char* kNames[] = {"a.pdf", "a.docx", "a.hwp", "a.html", "a.eml", "a.mbox", "a.csv", "a.tsv", "a.txt"};
constexpr size_t kNamesEnd = std::size(kNames);

class AnyText : public ondol::TextRecognizer {
 public:
  ondol::Result<std::string> recognize(std::string_view) override { return std::string("text\n\nof a picture"); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t choice = data[0] % (kNamesEnd + 1);
  AnyText recognizer;
  const auto document = choice == kNamesEnd ? ondol::decode_document(bytes)
                                            : ondol::InProcessReader(&recognizer).read(kNames[choice], bytes, {});
  if (!document) return 0;
  // What a reader gives is what the other process accepts.
  ONDOL_CHECK(ondol::decode_document(ondol::encode_document(*document)).has_value());
  return 0;
}
