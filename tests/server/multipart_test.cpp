// Bodies of multipart/form-data: whole, in pieces of any size, and malformed in every way that comes to mind.
#include <gtest/gtest.h>

#include "server/multipart.h"

namespace ondol::server {
namespace {

struct Found final : MultipartParser::Events {
  std::vector<std::pair<std::string, std::string>> parts;  // "name" or "name/file", and the data
  void on_part(const MultipartHead& head) override {
    parts.emplace_back(head.name + (head.file_name ? "/" + *head.file_name : ""), "");
  }
  void on_data(std::string_view piece) override { parts.back().second.append(piece); }
};

struct Outcome {
  std::vector<std::pair<std::string, std::string>> parts;
  bool is_complete = false;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view body, size_t step, const std::string& boundary = "XX") {
  Found found;
  MultipartParser parser(boundary, found);
  Outcome outcome;
  while (!body.empty() && outcome.error.empty()) {
    const auto fed = parser.feed(body.substr(0, step));
    if (!fed) outcome.error = fed.error().message();
    body.remove_prefix(std::min(step, body.size()));
  }
  outcome.parts = found.parts;
  outcome.is_complete = parser.is_complete();
  return outcome;
}

std::string part(const std::string& disposition, const std::string& data) {
  return "--XX\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + data + "\r\n";
}

TEST(Multipart, FindsPartsInPiecesOfAnySize) {
  const std::string data = "line\r\n--X\r\n--XY\r\n-\r\n\r\n--";  // nearly delimiters
  const std::string body = "a preamble\r\n" + part("name=\"purpose\"", "fine-tune") +
                           "--XX \t\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;filename=a.jsonl ; "
                           "NAME = file\r\n\r\n" +
                           data + "\r\n" + part("name=\"\"; filename=\"q\\\"uo;te\\\\d=.txt\"", "") +
                           "--XX--\r\nan epilogue\r\n--XX\r\n";
  const Outcome whole = parse(body, body.size());
  ASSERT_EQ(whole.error, "");
  EXPECT_TRUE(whole.is_complete);
  ASSERT_EQ(whole.parts.size(), 3u);
  EXPECT_EQ(whole.parts[0].first, "purpose");
  EXPECT_EQ(whole.parts[0].second, "fine-tune");
  EXPECT_EQ(whole.parts[1].first, "file/a.jsonl");
  EXPECT_EQ(whole.parts[1].second, data);
  EXPECT_EQ(whole.parts[2].first, "/q\"uo;te\\d=.txt");
  EXPECT_EQ(whole.parts[2].second, "");
  for (size_t step = 1; step < 40; ++step) EXPECT_EQ(parse(body, step), whole) << step;
}

TEST(Multipart, IsNotCompleteWithoutItsLastBoundary) {
  EXPECT_FALSE(parse("", 1).is_complete);
  EXPECT_FALSE(parse(part("name=a", "b"), 7).is_complete);
  const Outcome cut = parse("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf of it", 3);
  EXPECT_FALSE(cut.is_complete);
  EXPECT_EQ(cut.error, "");
}

TEST(Multipart, RefusesWhatIsNone) {
  const auto error = [](const std::string& body) { return parse(body, 5).error; };
  EXPECT_NE(error("--XX\r\n\r\ndata\r\n--XX--"), "") << "no headers";
  EXPECT_NE(error("--XXjunk\r\n"), "") << "text behind a boundary";
  EXPECT_NE(error("--XX\r\nno colon here\r\n\r\ndata"), "");
  EXPECT_NE(error("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\ndata"), "");
  EXPECT_NE(error(part("filename=only", "data")), "");
  EXPECT_NE(error(part("name=\"never ends", "data")), "");
  EXPECT_NE(error(part("name=\"\xff\"", "data")), "") << "no UTF-8";
  EXPECT_NE(error("--XX\r\nX: " + std::string(MultipartParser::kMaxHeaderBytes, 'a')), "") << "endless headers";
  EXPECT_NE(error("--XX" + std::string(2 * MultipartParser::kMaxHeaderBytes, ' ')), "") << "endless padding";
  std::string many;
  for (size_t i = 0; i <= MultipartParser::kMaxParts; ++i) many += part("name=a", "");
  EXPECT_NE(error(many), "");
}

TEST(Multipart, KnowsBoundaries) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\" ; x").value(), "a b:c");
  for (const char* type : {"", "application/json", "multipart/form-data", "multipart/mixed; boundary=a",
                           "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a",
                           "multipart/form-data; "
                           "boundary=\"a \"",
                           "multipart/form-data; boundary=a\x01"}) {
    EXPECT_FALSE(multipart_boundary(type).has_value()) << type;
  }
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')).has_value());
}

}  // namespace
}  // namespace ondol::server
