#include "server/hosted_tools.h"

#include "agent/mcp/sealed_state.h"

namespace ondol::server {
namespace {

constexpr size_t kMarkLetters = 10;
constexpr std::chrono::seconds kBetweenLooks{60};

}  // namespace

HostedTools::HostedTools() : secret_(mcp::secret_id()), containers_(std::make_unique<CodeContainers>()) {}

Result<void> HostedTools::offer(HostedToolOptions options) {
  mcp_hosts_ = ONDOL_TRY(HostList::parse(options.mcp_hosts).in("--mcp-host"));
  runs_code_ = options.runs_code;
  containers_ = std::make_unique<CodeContainers>(options.containers);
  if (!runs_code_) return {};
  auto sandbox = Sandbox::open(options.sandbox);
  if (sandbox)
    sandbox_ = std::move(*sandbox);
  else
    sandbox_error_ = sandbox.error();
  return {};
}

Result<Sandbox*> HostedTools::sandbox() const {
  if (sandbox_) return sandbox_.get();
  return sandbox_error_ ? *sandbox_error_ : Error("programs are not run by this server");
}

std::string HostedTools::letters(const std::string& owner, std::string_view beginning) const {
  std::string text = secret_ + mcp::digest_of(owner);
  text += beginning;
  std::string letters = mcp::digest_of(text).substr(0, kMarkLetters);
  // Hexadecimal digits as letters, which no number in a text looks like.
  for (char& c : letters) c = static_cast<char>(c <= '9' ? 'g' + (c - '0') : c);
  return letters;
}

void HostedTools::watch_containers() {
  if (is_watching_.exchange(true)) return;
  const auto pause = std::min<std::chrono::milliseconds>(kBetweenLooks, containers_->limits().idle);
  workers_.after(pause, [this] {
    is_watching_ = false;
    if (containers_->remove_idle()) watch_containers();
  });
}

void HostedTools::stop() {
  is_ending_ = true;
  workers_.stop();
}

}  // namespace ondol::server
