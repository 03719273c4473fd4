#include "server/vector_store_places.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "retrieve/answer/line_number.h"
#include "server/openai.h"
#include "server/vector_stores.h"

namespace ondol::server {
namespace {

/// 0: not known, as of formats without lines.
int line_in(const AttachedFile& file, const FileStore& files, size_t start, std::string_view quote) {
  const auto kept = files.find(file.id, file.owner);
  return kept ? line_of(kept->path, start, quote) : 0;
}

void add_file(json::object& citation, const VectorStore& store, const FileStore& files) {
  const std::string path = string_or(citation, "path", "");
  const auto file = std::find_if(store.files.begin(), store.files.end(),
                                 [&](const AttachedFile& known) { return known.path == path; });
  if (file == store.files.end()) return;
  citation["file_id"] = file->id;
  citation["filename"] = file->name;
  if (!file->attributes.contains("path")) citation["path"] = file->name;
  const auto start = citation["start"].to_number<size_t>();
  const int line = line_in(*file, files, start, string_or(citation, "quote", ""));
  if (line > 0) citation["line"] = line;
}

void add_files(json::value& citations, const VectorStore& store, const FileStore& files) {
  for (json::value& citation : citations.as_array()) add_file(citation.as_object(), store, files);
}

bool is_between_characters(std::string_view text, size_t at) {
  return at <= text.size() && (at == text.size() || (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80);
}

json::array pages_of(const Document& document) {
  json::array pages;
  for (const TextBlock& block : document.blocks) {
    if (block.page == 0) continue;
    const bool is_new = pages.empty() || int_or(pages.back(), "page", 0) != block.page;
    if (is_new) pages.push_back(json::object{{"page", block.page}, {"start", block.start}});
    pages.back().as_object()["end"] = block.end;
  }
  return pages;
}

/// Of the block that a place is in, or the one before it.
int page_at(const Document& document, size_t start) {
  int page = 0;
  for (const TextBlock& block : document.blocks) {
    if (block.start <= start) page = block.page;
  }
  return page;
}

std::optional<size_t> number_in(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return {};
  size_t number = 0;
  const std::string& text = found->second;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return is_number ? number : std::string::npos;
}

}  // namespace

json::object shown_claim(const Claim& claim, const VectorStore& store, const FileStore& files) {
  json::object object = claim_json(claim);
  add_files(object["citations"], store, files);
  add_files(object["disagreeing"], store, files);
  return object;
}

json::object shown_answer(const Answer& answer, const VectorStore& store, const FileStore& files) {
  json::object object = answer_json(answer);
  add_files(object["sources"], store, files);
  json::array claims;
  for (const Claim& claim : answer.claims) claims.push_back(shown_claim(claim, store, files));
  object["claims"] = std::move(claims);
  return object;
}

void send_document(Services& services, const Request& request, Responder& responder, const VectorStore& store,
                   const AttachedFile& file) {
  constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
  const auto document = services.vector_stores.document(store, file);
  if (!document) return send_error(responder, kStyle, make_error(400, "there is no text of this file", "no_content"));
  const std::string_view text = document->text;
  json::object object = {{"object", "ondol.document"}, {"file_id", file.id}, {"filename", file.name}};
  object["vector_store_id"] = store.id;
  object["title"] = document->title;
  object["text"] = text;
  object["pages"] = pages_of(*document);
  object["missing"] = document->missing.empty() ? json::value() : json::value(document->missing);
  const auto start = number_in(request, "start");
  const auto end = number_in(request, "end");
  if (start || end) {
    const bool is_place =
        start && end && *start <= *end && is_between_characters(text, *start) && is_between_characters(text, *end);
    if (!is_place) {
      HttpError error = make_error(400, fmt::format("start: expected start and end of a place in the text, which has "
                                                    "{} bytes, between characters",
                                                    text.size()));
      error.parameter = "start";
      return send_error(responder, kStyle, error);
    }
    const std::string_view quote = text.substr(*start, *end - *start);
    const int page = page_at(*document, *start);
    const int line = line_in(file, services.files, *start, quote);
    json::object place = {{"before", text.substr(0, *start)}, {"quote", quote}, {"after", text.substr(*end)}};
    place["page"] = page > 0 ? json::value(page) : json::value();
    place["line"] = line > 0 ? json::value(line) : json::value();
    object["place"] = std::move(place);
  }
  send_json(responder, object);
}

}  // namespace ondol::server
