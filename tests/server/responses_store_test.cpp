#include <gtest/gtest.h>

#include "server/responses_run.h"

namespace ondol::server {
namespace {

ResponsePtr finished(const std::shared_ptr<ResponseStore>& store, const std::string& text) {
  const json::value body = parse_json("{\"input\": \"x\"}").value();
  RequestFault fault;
  auto run = std::make_shared<ResponseRun>(read_response_request(Fields(body.as_object(), fault), {}), ResponseItems(),
                                           "", store);
  run->begin({"m", 1, false});
  run->delta(0, {AnswerDelta::Kind::kContent, 0, text, {}});
  run->choice_end(0, FinishReason::kStop, "");
  run->end({});
  return run;
}

TEST(ResponseStore, DropsWhatWasUsedLeastRecently) {
  const auto store = make_memory_response_store({.responses = 2, .bytes = size_t{1} << 20});
  const auto a = finished(store, "a");
  const auto b = finished(store, "b");
  EXPECT_EQ(store->find(a->id()), a);
  const auto c = finished(store, "c");
  EXPECT_EQ(store->find(b->id()), nullptr);
  EXPECT_EQ(store->find(a->id()), a);
  EXPECT_EQ(store->find(c->id()), c);
  EXPECT_TRUE(store->remove(a->id()));
  EXPECT_FALSE(store->remove(a->id()));
  EXPECT_EQ(store->all(), std::vector<ResponsePtr>{c});
}

TEST(ResponseStore, CountsBytesButKeepsWhatRuns) {
  const auto store = make_memory_response_store({.responses = 100, .bytes = 400 << 10});
  const json::value body = parse_json("{\"input\": \"x\", \"background\": true}").value();
  RequestFault fault;
  const auto running = std::make_shared<ResponseRun>(read_response_request(Fields(body.as_object(), fault), {}),
                                                     ResponseItems(), "", store);
  running->queue();
  const std::string text(20000, 'x');
  const auto first = finished(store, text);
  for (int i = 0; i < 10; ++i) finished(store, text);
  EXPECT_EQ(store->find(first->id()), nullptr);
  EXPECT_LT(store->all().size(), 8u);
  EXPECT_GT(store->all().size(), 1u);
  EXPECT_EQ(store->find(running->id()), running);
  running->cancel();
  EXPECT_EQ(running->response().at("status"), "cancelled");
}

}  // namespace
}  // namespace ondol::server
