#include "retrieve/answer/answer.h"

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol {
namespace {

json::object citation_json(const Citation& citation) {
  json::object object;
  object["number"] = citation.number;
  object["path"] = citation.path;
  object["page"] = citation.page > 0 ? json::value(citation.page) : json::value(nullptr);
  object["line"] = citation.line > 0 ? json::value(citation.line) : json::value(nullptr);
  object["start"] = citation.start;
  object["end"] = citation.end;
  object["quote"] = citation.quote;
  object["headings"] = citation.headings;
  return object;
}

json::array citations_json(const std::vector<Citation>& citations) {
  json::array list;
  for (const Citation& citation : citations) list.push_back(citation_json(citation));
  return list;
}

}  // namespace

bool is_korean(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode_utf8(text, i);
    if ((c.code >= 0xAC00 && c.code <= 0xD7A3) || (c.code >= 0x1100 && c.code <= 0x11FF)) return true;
    i += c.size;
  }
  return false;
}

std::string decline_text(std::string_view question) {
  constexpr const char* kKorean = "문서에 그런 내용이 없습니다.";
  return is_korean(question) ? kKorean : "The documents do not say.";
}

std::string claim_text(const Claim& claim) {
  std::string text = claim.text;
  for (const Citation& citation : claim.citations) text += fmt::format(" [{}]", citation.number);
  return text;
}

json::object claim_json(const Claim& claim) {
  json::object object;
  object["text"] = claim.text;
  object["citations"] = citations_json(claim.citations);
  object["support"] = claim.support;
  object["sources"] = claim.n_sources;
  object["disagreeing"] = citations_json(claim.disagreeing);
  return object;
}

json::object answer_json(const Answer& answer) {
  json::object object;
  object["answer"] = answer.text;
  object["declined"] = answer.declined;
  object["method"] = answer.method == Answer::Method::kModel ? "model" : "extract";
  json::array claims;
  for (const Claim& claim : answer.claims) claims.push_back(claim_json(claim));
  object["claims"] = std::move(claims);
  object["dropped"] = answer.n_dropped;
  object["sources"] = citations_json(answer.sources);
  object["closeness"] = answer.closeness;
  return object;
}

}  // namespace ondol
