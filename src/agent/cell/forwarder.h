// Forwarder: gives the programs of a cell without network the way to the proxy: what connects to a port of the cell's
// own loopback is joined with the proxy's Unix socket.
#pragma once

#include <string>

namespace ondol::cell {

/// A listening socket, or -1 with errno.
int listen_on_loopback(int port);

/// Joins connections until the process is killed.
[[noreturn]] void forward(int listener, const std::string& socket_path);

}  // namespace ondol::cell
