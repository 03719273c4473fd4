// Bodies of multipart/form-data on any bytes: what is found does not depend on how the body is cut into pieces, and
// what is not yet understood stays bounded by what was fed.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "server/multipart.h"
#include "text/unicode.h"

namespace {

using namespace ondol::server;

struct Found final : MultipartParser::Events {
  std::vector<std::string> parts;
  void on_part(const MultipartHead& head) override {
    ONDOL_CHECK(ondol::is_valid_utf8(head.name));
    parts.push_back(head.name + "\n" + head.file_name.value_or("") + "\n");
  }
  void on_data(std::string_view piece) override {
    ONDOL_CHECK(!parts.empty());
    parts.back().append(piece);
  }
};

struct Outcome {
  std::vector<std::string> parts;
  bool is_complete = false;
  bool has_failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view body, const std::string& boundary, size_t step) {
  Found found;
  MultipartParser parser(boundary, found);
  Outcome outcome;
  while (!body.empty() && !outcome.has_failed) {
    outcome.has_failed = !parser.feed(body.substr(0, step)).has_value();
    body.remove_prefix(std::min(step, body.size()));
  }
  outcome.is_complete = parser.is_complete();
  outcome.parts = std::move(found.parts);
  ONDOL_CHECK(outcome.parts.size() <= MultipartParser::kMaxParts);
  return outcome;
}

}  // namespace

/// The first line is the Content-Type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const auto boundary = multipart_boundary(input.substr(0, end));
  if (!boundary) return 0;
  ONDOL_CHECK(!boundary->empty() && boundary->size() <= 70);
  const std::string_view body = input.substr(std::min(end + 1, input.size()));
  const Outcome whole = parse(body, *boundary, std::max<size_t>(1, body.size()));
  for (const size_t step : {1, 2, 7}) {
    const Outcome other = parse(body, *boundary, step);
    ONDOL_CHECK(other.has_failed == whole.has_failed && other.is_complete == whole.is_complete);
    if (!whole.has_failed) ONDOL_CHECK(other == whole);
  }
  return 0;
}
