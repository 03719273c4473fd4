#include "server/metrics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"

namespace ondol::server {
namespace {

bool is_name(std::string_view text, bool may_have_colon) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c == ':' && may_have_colon);
  });
}

std::string escape(std::string_view text, bool escape_quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && escape_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// {a="b",c="d"}, with `more` as a last label; nothing without labels.
std::string render_labels(const Metrics::Labels& labels, const std::string& more = {}) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += out.empty() ? '{' : ',';
    out += fmt::format("{}=\"{}\"", name, escape(value, true));
  }
  if (!more.empty()) {
    out += out.empty() ? '{' : ',';
    out += more;
  }
  return out.empty() ? out : out + "}";
}

}  // namespace

void Counter::add(double amount) {
  if (amount > 0) value_.fetch_add(amount, std::memory_order_relaxed);
}

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)), counts_(upper_bounds_.size() + 1) {
  ONDOL_CHECK(std::is_sorted(upper_bounds_.begin(), upper_bounds_.end()));
}

void Histogram::observe(double value) {
  if (std::isnan(value)) return;
  const auto bound = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  const std::lock_guard lock(mutex_);
  ++counts_[static_cast<size_t>(bound - upper_bounds_.begin())];
  sum_ += value;
}

Metrics::Series& Metrics::series(const std::string& name, const std::string& help, Kind kind, Labels labels) {
  ONDOL_CHECK(is_name(name, true));
  for (const auto& label : labels) ONDOL_CHECK(is_name(label.first, false));
  const auto [family, is_new] = families_.try_emplace(name, Family{kind, help, {}});
  ONDOL_CHECK(family->second.kind == kind);
  auto& all = family->second.series;
  std::string key = render_labels(labels);
  if (!all.contains(key) && all.size() >= kMaxSeries) {
    for (auto& label : labels) label.second = "other";
    key = render_labels(labels);
  }
  const auto [entry, is_first] = all.try_emplace(key);
  if (is_first) entry->second.labels = std::move(labels);
  return entry->second;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, help, Kind::kCounter, std::move(labels));
  if (!found.counter) found.counter = std::make_unique<Counter>();
  return *found.counter;
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& upper_bounds,
                              Labels labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, help, Kind::kHistogram, std::move(labels));
  if (!found.histogram) found.histogram = std::make_unique<Histogram>(upper_bounds);
  return *found.histogram;
}

void Metrics::set_value(const std::string& name, const std::string& help, Kind kind, std::function<double()> value,
                        Labels labels) {
  const std::lock_guard lock(mutex_);
  series(name, help, kind, std::move(labels)).value = std::move(value);
}

void Metrics::gauge(const std::string& name, const std::string& help, std::function<double()> value, Labels labels) {
  set_value(name, help, Kind::kGauge, std::move(value), std::move(labels));
}

void Metrics::counter_from(const std::string& name, const std::string& help, std::function<double()> value,
                           Labels labels) {
  set_value(name, help, Kind::kCounter, std::move(value), std::move(labels));
}

void Metrics::remove(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  const auto family = families_.find(name);
  if (family == families_.end()) return;
  const auto entry = family->second.series.find(render_labels(labels));
  if (entry != family->second.series.end() && entry->second.value) family->second.series.erase(entry);
}

void Metrics::render_histogram(std::string& out, const std::string& name, const Series& series) {
  const Histogram& histogram = *series.histogram;
  const std::lock_guard lock(histogram.mutex_);
  uint64_t total = 0;
  for (size_t i = 0; i < histogram.counts_.size(); ++i) {
    total += histogram.counts_[i];
    const bool is_last = i == histogram.upper_bounds_.size();
    const std::string bound = is_last ? "+Inf" : number(histogram.upper_bounds_[i]);
    out += fmt::format("{}_bucket{} {}\n", name, render_labels(series.labels, "le=\"" + bound + "\""), total);
  }
  const std::string labels = render_labels(series.labels);
  out += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, labels, number(histogram.sum_), total);
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.series.empty()) continue;
    static constexpr const char* kKinds[] = {"counter", "gauge", "histogram"};
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escape(family.help, false), name,
                       kKinds[static_cast<int>(family.kind)]);
    for (const auto& [labels, series] : family.series) {
      if (series.histogram) render_histogram(out, name, series);
      if (series.counter) out += fmt::format("{}{} {}\n", name, labels, number(series.counter->value()));
      if (series.value) out += fmt::format("{}{} {}\n", name, labels, number(series.value()));
    }
  }
  return out;
}

std::vector<double> latency_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600};
}

}  // namespace ondol::server
