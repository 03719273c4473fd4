// Whatever a program says to the proxy: what is accepted names one host that the list's rules can judge, and what is
// sent on is one head.
#include "agent/host_list.h"
#include "agent/proxy_request.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto request = ondol::parse_proxy_request(bytes);
  if (request) {
    ONDOL_CHECK(!request->host.empty() && request->port > 0 && request->port < 65536);
    ONDOL_CHECK(request->is_tunnel == request->head.empty());
    // Again through the same door: the head that a host gets has one end.
    ONDOL_CHECK(request->is_tunnel || request->head.find("\r\n\r\n") + 4 == request->head.size());
    ONDOL_CHECK(request->head.find('\0') == std::string::npos);
  }
  const auto list = ondol::HostList::parse({std::string(bytes.substr(0, 300))});
  // An entry is no pattern: what it does not name it does not allow.
  if (list) ONDOL_CHECK(list->match("not-\x01-a-name", 443) == ondol::HostList::Match::kNone);
  return 0;
}
