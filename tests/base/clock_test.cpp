#include "base/clock.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace ondol {
namespace {

class Clock : public testing::Test {
 protected:
  void SetUp() override { set_zone("KST-9"); }  // POSIX rules, so that no zone database is needed
  void TearDown() override {
    unsetenv("TZ");
    unsetenv("ONDOL_NOW");
    tzset();
  }
  static void set_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
};

TEST_F(Clock, ReadsTimesWithAnOffset) {
  EXPECT_EQ(*parse_iso_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(*parse_iso_time("2026-01-15T09:30:00Z"), 1768469400);
  EXPECT_EQ(*parse_iso_time("2026-01-15T09:30:00+09:00"), 1768469400 - 9 * 3600);
  EXPECT_EQ(*parse_iso_time("2026-01-15 09:30-0130"), 1768469400 + 5400);
  EXPECT_EQ(*parse_iso_time("2026-01-15T09:30:00.123456Z"), 1768469400);
  EXPECT_EQ(*parse_iso_time("2024-02-29T00:00Z"), 1709164800);
}

TEST_F(Clock, ReadsLocalTimes) {
  EXPECT_EQ(*parse_iso_time("2026-01-15T09:30"), 1768469400 - 9 * 3600);
  EXPECT_EQ(*parse_iso_time("2026-01-15"), 1768435200 - 9 * 3600);
  set_zone("UTC0");
  EXPECT_EQ(*parse_iso_time("2026-01-15 09:30:00"), 1768469400);
}

TEST_F(Clock, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-29", "2026-01-15T", "2026-01-15T25:00", "2026-01-15T09:30x",
        "2026-01-15T09:30:00+", "2026-01-15T09:30:00+9", "15.1.2026", "2026-01-15T09:30:00Zz"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

TEST_F(Clock, OndolNowFixesTheTime) {
  setenv("ONDOL_NOW", "2026-01-15T09:30:00Z", 1);
  EXPECT_EQ(*now_unix_seconds(), 1768469400);
  setenv("ONDOL_NOW", "yesterday", 1);
  const auto bad = now_unix_seconds();
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("ONDOL_NOW: 'yesterday'"), std::string::npos) << bad.error().message();
}

TEST_F(Clock, OtherwiseItIsTheRealTime) {
  unsetenv("ONDOL_NOW");
  const int64_t before = std::time(nullptr);
  const int64_t now = *now_unix_seconds();
  EXPECT_GE(now, before);
  EXPECT_LE(now, before + 60);
}

}  // namespace
}  // namespace ondol
