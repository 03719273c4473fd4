// HubClient: the Hugging Face hub's protocol. The token goes to the hub alone, never to the hosts that it redirects to.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"
#include "hub/download.h"
#include "hub/repository.h"
#include "net/http_client.h"

namespace ondol {

struct HubOptions {
  std::string endpoint = "https://huggingface.co";
  std::string token;
  bool offline = false;
  int max_attempts = 4;
  int first_delay_ms = 500;
  int max_retry_after_s = 600;
  HttpLimits http;
  const std::atomic<bool>* cancel = nullptr;

  /// HF_ENDPOINT; HF_TOKEN, or the file HF_TOKEN_PATH or HF_HOME/token or ~/.cache/huggingface/token; HF_HUB_OFFLINE.
  static HubOptions from_environment();
};

class HubClient {
 public:
  explicit HubClient(HubOptions options) : options_(std::move(options)) {}

  /// What is in a repository. Errors say whether it is unknown (with names that are like it), gated, or out of reach.
  Result<Repository> repository(const HubName& name) const;

  /// Where a file lies now: follows redirects without fetching it.
  Result<DownloadSource> locate(const Repository& repository, const HubFile& file) const;

  /// Repositories with GGUF files whose name has these words, the most used first. Empty if the hub cannot say.
  std::vector<std::string> search(const std::string& words) const;

 private:
  Result<HttpReply> get(const std::string& url, bool head) const;
  std::vector<std::string> headers_for(const std::string& url) const;
  Error error_from(const HttpReply& reply, const std::string& what) const;

  HubOptions options_;
};

}  // namespace ondol
