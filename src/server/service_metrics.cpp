#include "server/service_metrics.h"

#include <fstream>

#include "server/model_pool.h"
#include "server/request_log.h"

namespace ondol::server {
namespace {

double resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib * 1024;
  }
  return 0;
}

struct Series {
  const char* name;
  const char* help;
  double (*value)(const SchedulerStats&);
};

template <auto Member>
double of(const SchedulerStats& stats) {
  return static_cast<double>(stats.*Member);
}

constexpr Series kGauges[] = {
    {"ondol_requests_running", "Texts being read or generated", of<&SchedulerStats::n_running>},
    {"ondol_requests_waiting", "Texts waiting for their turn", of<&SchedulerStats::n_waiting>},
    {"ondol_kv_pages_total", "Pages of the key-value cache", of<&SchedulerStats::n_pages>},
    {"ondol_kv_pages_used", "Pages of running texts", of<&SchedulerStats::n_pages_used>},
    {"ondol_kv_pages_cached", "Pages that only the prefix cache holds", of<&SchedulerStats::n_pages_cached>},
    {"ondol_batch_rows", "Rows per forward pass, on average",
     [](const SchedulerStats& s) {
       return s.n_passes == 0 ? 0 : static_cast<double>(s.n_rows) / static_cast<double>(s.n_passes);
     }},
};

constexpr Series kCounters[] = {
    {"ondol_requests_preempted_total", "Times a text had to make room", of<&SchedulerStats::n_preempted>},
    {"ondol_requests_cancelled_total", "Texts cancelled", of<&SchedulerStats::n_cancelled>},
    {"ondol_tokens_generated_total", "Tokens generated", of<&SchedulerStats::n_generated_tokens>},
    {"ondol_tokens_prompt_total", "Tokens of prompts", of<&SchedulerStats::n_prompt_tokens>},
    {"ondol_tokens_cached_total", "Tokens of prompts found in the cache", of<&SchedulerStats::n_cached_tokens>},
    {"ondol_tokens_drafted_total", "Tokens guessed", of<&SchedulerStats::n_drafted>},
    {"ondol_passes_total", "Forward passes", of<&SchedulerStats::n_passes>},
    {"ondol_rows_total", "Rows of all forward passes", of<&SchedulerStats::n_rows>},
};

}  // namespace

void ServiceMetrics::request_ended(const RequestRecord& record) {
  count_request(kept_, record);
  // Paths without a route are as many as anybody likes to ask for; all of them are one.
  const std::string route = record.route.empty() ? "none" : record.route;
  kept_
      .histogram("ondol_request_seconds", "From a request's first byte to its answer's last", latency_bounds(),
                 {{"route", route}, {"status", std::to_string(record.status)}})
      .observe(record.seconds);
}

void ServiceMetrics::first_token(const std::string& model, double seconds) {
  kept_
      .histogram("ondol_time_to_first_token_seconds", "From a request to its first token", latency_bounds(),
                 {{"model", model}})
      .observe(seconds);
}

void ServiceMetrics::later_token(const std::string& model, double seconds) {
  kept_.histogram("ondol_token_seconds", "Between two tokens of a text", latency_bounds(), {{"model", model}})
      .observe(seconds);
}

std::string ServiceMetrics::render(const ModelPool& models) const {
  Metrics now;
  const auto loaded = models.loaded();
  for (const auto& [model, expires_in, is_pinned] : loaded) {
    const SchedulerStats stats = model->scheduler().stats();
    const Metrics::Labels labels = {{"model", model->id()}};
    for (const Series& series : kGauges) {
      now.gauge(
          series.name, series.help, [value = series.value(stats)] { return value; }, labels);
    }
    for (const Series& series : kCounters) {
      now.counter_from(
          series.name, series.help, [value = series.value(stats)] { return value; }, labels);
    }
  }
  now.gauge("process_resident_memory_bytes", "Resident memory of the process", resident_bytes);
  now.gauge("ondol_memory_available_bytes", "Memory that the process may still take",
            [] { return static_cast<double>(available_memory_bytes()); });
  now.gauge("ondol_models_loaded", "Models that are loaded", [n = loaded.size()] { return static_cast<double>(n); });
  return now.render() + kept_.render();
}

}  // namespace ondol::server
