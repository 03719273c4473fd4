#include "agent/jobs/cron.h"

#include <cstdlib>
#include <ctime>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace ondol {
namespace {

/// Tests say in which zone they are.
class CronTest : public testing::Test {
 protected:
  void TearDown() override { set_zone("UTC0"); }
  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  static std::string next(const char* cron, const char* after) {
    const auto times = Cron::parse(cron);
    if (!times) return times.error().message();
    const auto found = times->next_after(parse_iso_time(after).value());
    if (!found) return found.error().message();
    const auto time = static_cast<std::time_t>(*found);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %a", &parts);
    return text;
  }
};

TEST_F(CronTest, FindsTheNextTime) {
  set_zone("UTC0");
  EXPECT_EQ(next("* * * * *", "2026-11-23T02:40:31Z"), "2026-11-23 02:41:00 Mon");
  EXPECT_EQ(next("*/15 * * * *", "2026-11-23T02:45:00Z"), "2026-11-23 03:00:00 Mon");
  EXPECT_EQ(next("0 8 * * mon-fri", "2026-11-27T08:00:00Z"), "2026-11-30 08:00:00 Mon");
  EXPECT_EQ(next("30 22 31 * *", "2026-11-23T00:00:00Z"), "2026-12-31 22:30:00 Thu");
  EXPECT_EQ(next("0 0 29 2 *", "2026-11-23T00:00:00Z"), "2028-02-29 00:00:00 Tue");
  EXPECT_EQ(next("5,10 1-3/2 * JAN,jul *", "2026-11-23T00:00:00Z"), "2027-01-01 01:05:00 Fri");
  EXPECT_EQ(next("@daily", "2026-12-31T23:59:59Z"), "2027-01-01 00:00:00 Fri");
  EXPECT_EQ(next("0 12 * * 7", "2026-11-23T00:00:00Z"), "2026-11-29 12:00:00 Sun");
  EXPECT_EQ(next("50/5 * * * *", "2026-11-23T02:51:00Z"), "2026-11-23 02:55:00 Mon");
}

// As crontab(5) has it: the thirteenth, and every Friday.
TEST_F(CronTest, EitherDayWillDo) {
  set_zone("UTC0");
  EXPECT_EQ(next("0 0 13 * fri", "2026-11-23T00:00:00Z"), "2026-11-27 00:00:00 Fri");
  EXPECT_EQ(next("0 0 13 * fri", "2026-12-12T00:00:00Z"), "2026-12-13 00:00:00 Sun");
  EXPECT_EQ(next("0 0 */2 * fri", "2026-11-23T00:00:00Z"), "2026-11-27 00:00:00 Fri");
}

TEST_F(CronTest, ChangesOfClocks) {
  set_zone("EST5EDT,M3.2.0,M11.1.0");
  EXPECT_EQ(next("30 2 * * *", "2026-03-08T01:00:00-05:00"), "2026-03-08 03:30:00 Sun");
  EXPECT_EQ(next("30 2 * * *", "2026-03-08T03:30:00-04:00"), "2026-03-09 02:30:00 Mon");
  EXPECT_EQ(next("30 1 * * *", "2026-11-01T00:00:00-04:00"), "2026-11-01 01:30:00 Sun");
  EXPECT_EQ(next("30 1 * * *", "2026-11-01T01:30:00-05:00"), "2026-11-02 01:30:00 Mon");
  EXPECT_EQ(next("0 12 * * *", "2026-11-01T00:00:00-04:00"), "2026-11-01 12:00:00 Sun");
}

TEST_F(CronTest, SaysWhatIsWrong) {
  EXPECT_NE(next("* * * *", "2026-11-23").find("expected five fields"), std::string::npos);
  EXPECT_NE(next("61 * * * *", "2026-11-23").find("minute: expected 0 to 59"), std::string::npos);
  EXPECT_NE(next("* * * foo *", "2026-11-23").find("month: expected 1 to 12 or names"), std::string::npos);
  EXPECT_NE(next("5-1 * * * *", "2026-11-23").find("got '5-1'"), std::string::npos);
  EXPECT_NE(next("*/0 * * * *", "2026-11-23").find("minute"), std::string::npos);
  EXPECT_NE(next("1, * * * *", "2026-11-23").find("minute"), std::string::npos);
  EXPECT_NE(next("*/2147483647 99999999999 * * *", "2026-11-23").find("hour"), std::string::npos);
  EXPECT_NE(next("0 0 30 2 *", "2026-11-23").find("within five years"), std::string::npos);
  EXPECT_EQ(next("*/2147483647 * * * *", "2026-11-23T02:51:00Z").substr(11, 5), "03:00");
}

}  // namespace
}  // namespace ondol
