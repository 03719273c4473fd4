// Metrics: counters, gauges and histograms, written in the Prometheus text format 0.0.4.
//
// Names, help texts and label names are the program's own; label values may come from anywhere and are escaped. A
// family takes at most kMaxSeries combinations of label values; further ones are counted together under "other", so
// that a client that makes up names cannot fill the memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ondol::server {

class Counter {
 public:
  void add(double amount = 1);  // negative amounts are ignored
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double value);

 private:
  friend class Metrics;
  const std::vector<double> upper_bounds_;  // ascending, without infinity
  mutable std::mutex mutex_;
  std::vector<uint64_t> counts_;  // one per bound and one beyond
  double sum_ = 0;
};

class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  static constexpr size_t kMaxSeries = 1000;

  /// The one with these labels, made when it is new. Safe from any thread; references last as long as the Metrics.
  /// `help` counts the first time.
  Counter& counter(const std::string& name, const std::string& help, Labels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& upper_bounds,
                       Labels labels = {});

  /// `value` is called whenever metrics are read, from that thread. A second one with the same labels replaces the
  /// first.
  void gauge(const std::string& name, const std::string& help, std::function<double()> value, Labels labels = {});
  /// As gauge, for a count that something else keeps.
  void counter_from(const std::string& name, const std::string& help, std::function<double()> value,
                    Labels labels = {});
  /// Gauges and counters whose owner goes.
  void remove(const std::string& name, const Labels& labels = {});

  std::string render() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Series {
    Labels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> value;
  };
  struct Family {
    Kind kind;
    std::string help;
    std::map<std::string, Series> series;  // by rendered labels
  };

  Series& series(const std::string& name, const std::string& help, Kind kind, Labels labels);
  void set_value(const std::string& name, const std::string& help, Kind kind, std::function<double()> value,
                 Labels labels);
  static void render_histogram(std::string& out, const std::string& name, const Series& series);

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

/// Upper bounds in seconds for answers that take from a millisecond to ten minutes.
std::vector<double> latency_bounds();

}  // namespace ondol::server
