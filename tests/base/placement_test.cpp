#include "base/placement.h"

#include <thread>

namespace ondol {
namespace {

using Ids = std::vector<int>;

/// `n` cores from number `first`, each with `n_threads` processors whose numbers lie `n` apart.
void add_cores(std::vector<Processor>& processors, int first, int n, int node, double speed = 1, int n_threads = 1) {
  for (int turn = 0; turn < n_threads; ++turn) {
    for (int i = 0; i < n; ++i) processors.push_back({first + turn * n + i, first + i, node, speed});
  }
}

TEST(Placement, LeavesThreadsAloneWhereProcessorsAreAlike) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 4, 0);
  for (const int n : {1, 4, 9}) {
    const auto seats = place_threads(processors, n);
    ASSERT_EQ(seats.size(), static_cast<size_t>(n));
    for (const Seat& seat : seats) {
      EXPECT_EQ(seat.node, 0);
      EXPECT_EQ(seat.speed, 1);
      EXPECT_TRUE(seat.processors.empty());
    }
  }
}

TEST(Placement, NeedsNoTopology) {
  EXPECT_EQ(place_threads({}, 3).size(), 3u);
}

TEST(Placement, TakesFastCoresThenEfficiencyCoresThenHyperthreads) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 2, 0, 1, 2);  // 0 and 1, again 2 and 3
  add_cores(processors, 4, 3, 0, 0.6);
  const auto seats = place_threads(processors, 7);
  const Ids fast = {0, 1, 2, 3};
  const Ids slow = {4, 5, 6};
  for (size_t i = 0; i < 7; ++i) {
    const bool is_slow = i >= 2 && i < 5;
    EXPECT_EQ(seats[i].speed, is_slow ? 0.6 : 1) << i;
    EXPECT_EQ(seats[i].processors, is_slow ? slow : fast) << i;
  }
}

TEST(Placement, FewThreadsStayOnTheNodeWithTheMostCores) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 2, 0, 1, 2);
  add_cores(processors, 4, 4, 1);
  for (const Seat& seat : place_threads(processors, 4)) {
    EXPECT_EQ(seat.node, 0);  // of one
    EXPECT_EQ(seat.processors, (Ids{4, 5, 6, 7}));
  }
}

TEST(Placement, FewThreadsStayNearTheCaller) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 2, 0);
  add_cores(processors, 2, 3, 1);
  EXPECT_EQ(place_threads(processors, 2, 1)[1].processors, (Ids{0, 1}));
  EXPECT_EQ(place_threads(processors, 2, 4)[1].processors, (Ids{2, 3, 4}));
  EXPECT_EQ(place_threads(processors, 3, 1)[1].processors, (Ids{2, 3, 4}));  // too few there
  EXPECT_EQ(place_threads(processors, 2, 99)[1].processors, (Ids{2, 3, 4}));
}

TEST(Placement, ManyThreadsSpreadOverAllNodes) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 3, 0);
  add_cores(processors, 3, 3, 2);
  const auto seats = place_threads(processors, 4);
  int on_first = 0;
  for (const Seat& seat : seats) {
    on_first += seat.node == 0;
    EXPECT_EQ(seat.processors, seat.node == 0 ? (Ids{0, 1, 2}) : (Ids{3, 4, 5}));
    EXPECT_LT(seat.node, 2);
  }
  EXPECT_EQ(on_first, 2);
}

TEST(Placement, NoCoreGetsTwoThreadsBeforeAllHaveOne) {
  std::vector<Processor> processors;
  add_cores(processors, 0, 1, 0, 1, 2);  // 0 and 1 share a core
  add_cores(processors, 2, 3, 1, 1, 2);
  const auto seats = place_threads(processors, 4);
  int on_first = 0;
  for (const Seat& seat : seats) on_first += seat.processors == Ids{0, 1};
  EXPECT_EQ(on_first, 1);
}

TEST(Placement, ASeatTakenIsWhereTheThreadRuns) {
  const int last = allowed_processors().back();
  Ids found;
  std::thread([&] {
    take_seat({0, 1, {last}});
    found = allowed_processors();
  }).join();
  EXPECT_EQ(found, Ids{last});
  std::thread([&] {
    take_seat({0, 1, {65000}});  // no such processor: it runs where it did
    found = allowed_processors();
  }).join();
  EXPECT_EQ(found, allowed_processors());
}

TEST(DefaultThreads, AreNoMoreThanProcessors) {
  EXPECT_GE(default_threads(), 1);
  EXPECT_LE(default_threads(), static_cast<int>(this_topology().size()));
}

}  // namespace
}  // namespace ondol
