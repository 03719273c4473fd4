// POST /api/pull: a model from the hub into the store, with its progress in lines.
#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "hub/pull.h"
#include "server/event_stream.h"
#include "server/ollama.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOllama;
constexpr size_t kMaxPulls = 4;

/// One pull, told to its client until that goes.
class Pull {
 public:
  Pull(std::string name, bool stream, ResponderPtr responder, StoreFolders folders)
      : name_(std::move(name)), stream_(stream), responder_(std::move(responder)), folders_(std::move(folders)) {}

  const std::string& name() const { return name_; }
  void cancel() { is_cancelled_ = true; }
  bool is_done() const { return is_done_; }

  /// On a thread of its own.
  void run() {
    if (stream_) begin_json_lines(*responder_);
    tell({{"status", "pulling manifest"}});
    PullOptions options;
    options.folders = folders_;
    options.hub.cancel = &is_cancelled_;
    options.cancel = &is_cancelled_;
    options.progress = [this](const PullProgress& at) { tell_progress(at); };
    const auto pulled = pull(name_, options);
    is_done_ = true;  // whoever hears of the end may ask for the model again
    if (pulled) {
      tell({{"status", "success"}});
      if (!stream_) send_json(*responder_, json::object{{"status", "success"}});
    } else {
      fail(pulled.error());
    }
    if (stream_) responder_->end();
    responder_.reset();
  }

 private:
  void tell(const json::object& line) {
    if (stream_) responder_->write(format_json_line(line));
  }

  void tell_progress(const PullProgress& at) {
    if (responder_->is_gone()) cancel();
    if (at.stage == DownloadProgress::Stage::kVerifying) {
      if (!was_verifying_) tell({{"status", "verifying sha256 digest"}});
      was_verifying_ = true;
      return;
    }
    // Clients tell bars apart by the digest, and show twelve characters from the eighth on.
    tell({{"status", "pulling " + at.file},
          {"digest", fmt::format("sha256:{:0>12}", at.file)},
          {"total", at.total_bytes},
          {"completed", at.done_bytes}});
  }

  void fail(const Error& error) {
    const HttpError wrong = make_error(is_cancelled_ ? 503 : 400, error.message());
    if (stream_) {
      responder_->write(error_body(kStyle, wrong, {}) + "\n");
    } else {
      send_error(*responder_, kStyle, wrong);
    }
  }

  const std::string name_;
  const bool stream_;
  ResponderPtr responder_;
  const StoreFolders folders_;
  std::atomic<bool> is_cancelled_{false};
  std::atomic<bool> is_done_{false};
  bool was_verifying_ = false;
};

/// The pulls that run. They take minutes, so each has a thread; two of the same model would write the same file.
class Pulls {
 public:
  ~Pulls() {
    stop();
    for (Running& running : running_) running.thread.join();
  }

  /// Cancels those that run, whose parts stay for the next time, and lets no more begin.
  void stop() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (Running& running : running_) running.pull->cancel();
  }

  std::optional<HttpError> start(const std::shared_ptr<Pull>& pull) {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return make_error(503, "the server is shutting down", "shutting_down");
    for (auto it = running_.begin(); it != running_.end();) {
      if (!it->pull->is_done()) {
        ++it;
        continue;
      }
      it->thread.join();
      it = running_.erase(it);
    }
    for (const Running& running : running_) {
      if (running.pull->name() == pull->name()) {
        return make_error(409, fmt::format("'{}' is being fetched already", pull->name()));
      }
    }
    if (running_.size() >= kMaxPulls) return make_error(503, "too many models are being fetched; try again later");
    running_.push_back({pull, std::thread([pull] { pull->run(); })});
    return {};
  }

 private:
  struct Running {
    std::shared_ptr<Pull> pull;
    std::thread thread;
  };

  std::mutex mutex_;
  std::list<Running> running_;
  bool is_stopping_ = false;
};

}  // namespace

std::vector<Route> ollama_pull_routes(Services& services) {
  const auto pulls = std::make_shared<Pulls>();
  services.on_stop([weak = std::weak_ptr(pulls)] {
    if (const auto alive = weak.lock()) alive->stop();
  });
  const auto handler = [&services, pulls](const std::shared_ptr<const Request>&, const ResponderPtr& responder,
                                          const json::object& body) {
    RequestFault fault;
    const Fields fields(body, fault);
    std::string name = fields.text("model").value_or("");
    if (name.empty()) name = fields.text("name").value_or("");
    if (name.empty())
      fields.fail("model", "model: expected the name of a model to fetch, as in ORGANISATION/REPOSITORY");
    const bool stream = fields.flag("stream").value_or(true);
    if (fault) return send_error(*responder, kStyle, fault.error());
    StoreFolders folders = StoreFolders::from_environment();
    folders.own = services.models->catalog().store().folder();
    const auto pull = std::make_shared<Pull>(name, stream, responder, folders);
    responder->on_gone([weak = std::weak_ptr(pull)] {
      if (const auto running = weak.lock()) running->cancel();
    });
    if (const auto error = pulls->start(pull)) send_error(*responder, kStyle, *error);
  };
  return {{"POST", "/api/pull", kStyle, true, json_handler(services, handler, kStyle)}};
}

}  // namespace ondol::server
