// Workers: threads for what takes too long for the I/O thread and does not belong to a model: reading request bodies,
// rendering templates, tokenising, building grammars, looking at files.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

namespace ondol::server {

class Workers {
 public:
  explicit Workers(size_t n_threads) : pool_(n_threads) {}
  ~Workers() { stop(); }

  /// Returns when the threads have ended. What has not begun, or is posted later, is dropped.
  void stop() {
    pool_.stop();
    pool_.join();
  }

  void post(std::function<void()> job) {
    boost::asio::post(pool_, [job = std::move(job)] { run(job); });
  }

  void after(std::chrono::milliseconds time, std::function<void()> job) {
    const auto timer = std::make_shared<boost::asio::steady_timer>(pool_, time);
    timer->async_wait([timer, job = std::move(job)](const boost::system::error_code& code) {
      if (!code) run(job);
    });
  }

 private:
  // Memory may run out for one request; its answer is then 500 (Responder), and the others go on.
  static void run(const std::function<void()>& job) {
    try {
      job();
    } catch (const std::exception&) {
    }
  }

  boost::asio::thread_pool pool_;
};

}  // namespace ondol::server
