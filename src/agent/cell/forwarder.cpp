#include "agent/cell/forwarder.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

namespace ondol::cell {
namespace {

constexpr size_t kMostPairs = 200;
constexpr size_t kBufferBytes = 64 << 10;

/// One direction of a connection.
struct Flow {
  int from = -1;
  int to = -1;
  std::vector<char> bytes;
  size_t sent = 0;
  bool is_over = false;  // the reader has seen the end, and the writer was told

  bool wants_to_read() const { return !is_over && bytes.empty(); }
  bool wants_to_write() const { return !is_over && !bytes.empty(); }

  /// False: broken.
  bool read() {
    bytes.resize(kBufferBytes);
    const ssize_t n = ::recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
    sent = 0;
    if (n == 0) {
      is_over = true;
      ::shutdown(to, SHUT_WR);
    }
    return n >= 0 || errno == EAGAIN || errno == EINTR;
  }

  bool write() {
    const ssize_t n = ::send(to, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    sent += static_cast<size_t>(n);
    if (sent == bytes.size()) bytes.clear();
    return true;
  }
};

struct Pair {
  Flow out;
  Flow in;

  Pair(int client, int proxy) : out{client, proxy, {}}, in{proxy, client, {}} {}
  ~Pair() {
    ::close(out.from);
    ::close(out.to);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  bool is_over() const { return out.is_over && in.is_over; }

  static short events(const Flow& read_side, const Flow& write_side) {
    return static_cast<short>((read_side.wants_to_read() ? POLLIN : 0) | (write_side.wants_to_write() ? POLLOUT : 0));
  }

  /// False: to be closed.
  bool serve(short client_events, short proxy_events) {
    constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
    bool works = true;
    if (out.wants_to_read() && (client_events & kReadable)) works = out.read();
    if (works && in.wants_to_read() && (proxy_events & kReadable)) works = in.read();
    if (works && out.wants_to_write()) works = out.write();
    if (works && in.wants_to_write()) works = in.write();
    return works && !is_over();
  }
};

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -1;
  path.copy(address.sun_path, path.size());
  const int proxy = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (proxy >= 0 && ::connect(proxy, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return proxy;
  if (proxy >= 0) ::close(proxy);
  return -1;
}

void accept_one(int listener, const std::string& socket_path, std::vector<std::unique_ptr<Pair>>& pairs) {
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int proxy = connect_to(socket_path);
  if (proxy < 0) {
    ::close(client);
    return;
  }
  pairs.push_back(std::make_unique<Pair>(client, proxy));
}

}  // namespace

int listen_on_loopback(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return ::listen(listener, 64) == 0 ? listener : -1;
}

[[noreturn]] void forward(int listener, const std::string& socket_path) {
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<std::unique_ptr<Pair>> pairs;
  while (true) {
    std::vector<pollfd> waits;
    waits.push_back({listener, static_cast<short>(pairs.size() < kMostPairs ? POLLIN : 0), 0});
    for (const auto& pair : pairs) {
      // Without anything to wait for, a closed side would be reported over and over.
      const short client = Pair::events(pair->out, pair->in), proxy = Pair::events(pair->in, pair->out);
      waits.push_back({client ? pair->out.from : -1, client, 0});
      waits.push_back({proxy ? pair->in.from : -1, proxy, 0});
    }
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    std::vector<std::unique_ptr<Pair>> living;
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (pairs[i]->serve(waits[1 + 2 * i].revents, waits[2 + 2 * i].revents)) living.push_back(std::move(pairs[i]));
    }
    pairs = std::move(living);
    if (waits[0].revents & POLLIN) accept_one(listener, socket_path, pairs);
  }
}

}  // namespace ondol::cell
