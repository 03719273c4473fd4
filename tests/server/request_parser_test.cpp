// Requests that come in pieces.
#include "server/request_parser.h"

#include <gtest/gtest.h>

namespace ondol::server {
namespace {

using Progress = RequestParser::Progress;

/// The body of a request that comes in parts of so many bytes; or what went wrong.
std::string body_of(std::string_view request, size_t step) {
  RequestParser parser(1024);
  std::string bytes;
  while (!request.empty()) {
    bytes.append(request.substr(0, step));
    request.remove_prefix(std::min(step, request.size()));
    Progress progress = parser.feed(bytes);
    if (progress == Progress::kHead) {
      parser.set_max_body_bytes(1024);
      progress = parser.feed(bytes);
    }
    if (progress == Progress::kDone) return request.empty() ? parser.take_body() : "ended early";
    if (progress == Progress::kFailed) return parser.error().message;
  }
  return "not ended";
}

TEST(RequestParser, ChunksMayBeCutAnywhere) {
  const std::string head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, std::string> kBodies[] = {{"0\r\n\r\n", ""},
                                                         {"5\r\nhello\r\n0\r\n\r\n", "hello"},
                                                         {"1\r\na\r\n1;x=y\r\nb\r\n0\r\nTrailer: yes\r\n\r\n", "ab"}};
  for (const auto& [body, expected] : kBodies) {
    for (size_t step = 1; step <= head.size() + body.size(); ++step)
      EXPECT_EQ(body_of(head + body, step), expected) << step;
  }
}

TEST(RequestParser, WhatFollowsTheLastChunkMustEnd) {
  const std::string head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const size_t step : {1, 3, 100})
    EXPECT_EQ(body_of(head + "0\r\n\r" + std::string(8, '\0'), step), "not ended") << step;
}

}  // namespace
}  // namespace ondol::server
