// BatchOutlet: the answers of several requests that came together as a JSON array (2025-03-26), gathered into one.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "agent/mcp/outlet.h"

namespace ondol::mcp {

class BatchOutlet {
 public:
  /// For `n_requests` answers, at least one.
  BatchOutlet(OutletPtr whole, size_t n_requests) : shared_(std::make_shared<Shared>(std::move(whole), n_requests)) {}

  /// Once for each request.
  OutletPtr for_one() { return std::make_shared<One>(shared_); }

 private:
  struct Shared {
    Shared(OutletPtr whole, size_t n_left) : whole(std::move(whole)), n_left(n_left) {}
    void add(const json::value* answer) {
      const std::lock_guard lock(mutex);
      if (answer != nullptr) answers.push_back(*answer);
      if (--n_left > 0) return;
      if (answers.empty()) return whole->drop();
      whole->finish(answers);
    }
    const OutletPtr whole;
    std::mutex mutex;
    size_t n_left;
    json::array answers;
  };

  class One : public Outlet {
   public:
    explicit One(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    ~One() override { One::drop(); }
    void send(const json::object& message) override { shared_->whole->send(message); }
    void finish(const json::value& answer, int) override { end(&answer); }
    void drop() override { end(nullptr); }

   private:
    void end(const json::value* answer) {
      {
        const std::lock_guard lock(mutex_);
        if (std::exchange(has_ended_, true)) return;
      }
      shared_->add(answer);
    }
    const std::shared_ptr<Shared> shared_;
    std::mutex mutex_;
    bool has_ended_ = false;
  };

  std::shared_ptr<Shared> shared_;
};

}  // namespace ondol::mcp
