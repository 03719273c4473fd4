#include "server/hook_signature.h"

#include <gtest/gtest.h>

namespace ondol::server {
namespace {

// RFC 4231, test case 2.
constexpr char kKey[] = "Jefe";
constexpr char kBody[] = "what do ya want for nothing?";
constexpr char kMac[] = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

TEST(HookSignature, WhoKnowsTheSecretMayCall) {
  EXPECT_TRUE(may_call({"Bearer Jefe", "", kBody}, kKey));
  EXPECT_TRUE(may_call({"bearer Jefe", "", kBody}, kKey));
  for (const char* wrong : {"", "Jefe", "Bearer", "Bearer ", "Bearer jefe", "Bearer Jefe ", "Basic Jefe"}) {
    EXPECT_FALSE(may_call({wrong, "", kBody}, kKey)) << wrong;
  }
  EXPECT_FALSE(may_call({"Bearer ", "", kBody}, ""));
}

TEST(HookSignature, WhoSignsTheBodyMayCall) {
  EXPECT_TRUE(may_call({"", kMac, kBody}, kKey));
  EXPECT_FALSE(may_call({"", kMac, "another body"}, kKey));
  EXPECT_FALSE(may_call({"", kMac, kBody}, "another key"));
  std::string wrong = kMac;
  wrong.back() = 'x';
  EXPECT_FALSE(may_call({"Bearer Jefe", wrong, kBody}, kKey)) << "a signature that is there must be right";
  EXPECT_FALSE(may_call({"", std::string(kMac) + "00", kBody}, kKey));
  EXPECT_FALSE(may_call({"", std::string_view(kMac).substr(7), kBody}, kKey));
}

}  // namespace
}  // namespace ondol::server
