#include "server/event_stream.h"

namespace ondol::server {
namespace {

TEST(EventStream, Format) {
  EXPECT_EQ(format_data("{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(format_data(""), "data: \n\n");
  EXPECT_EQ(format_event("message_start", "x", "7"), "event: message_start\nid: 7\ndata: x\n\n");
  EXPECT_EQ(format_data("one\ntwo\r\nthree\rfour\n"), "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n");
  EXPECT_EQ(format_event("a\ndata: b", "c"), "event: a data: b\ndata: c\n\n");
  EXPECT_EQ(format_comment("ping"), ": ping\n\n");
  EXPECT_EQ(format_comment("a\nb"), ": a\n: b\n\n");
}

TEST(EventStream, JsonLines) {
  EXPECT_EQ(format_json_line(json::object{{"text", "a\nb"}}), "{\"text\":\"a\\nb\"}\n");
}

}  // namespace
}  // namespace ondol::server
