#include "agent/host_list.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ondol {
namespace {

namespace ip = boost::asio::ip;

std::string plain_name(std::string_view name) {
  std::string plain(name);
  for (char& c : plain) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (plain.ends_with('.')) plain.pop_back();
  return plain;
}

bool is_name(std::string_view name) {
  constexpr std::string_view kOther = "-._:";  // colons of IPv6
  return !name.empty() && name.size() < 256 && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOther.find(c) != kOther.npos;
  });
}

struct Network {
  uint32_t address;
  int bits;
};

/// What is not public among IPv4 addresses.
constexpr Network kSpecial[] = {
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // shared by customers of a provider
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local, with clouds' metadata
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // protocols
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // relays from IPv6
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarks
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 3},   // multicast, reserved, broadcast
};

bool is_public_v4(uint32_t address) {
  return std::none_of(std::begin(kSpecial), std::end(kSpecial),
                      [&](const Network& network) { return (address ^ network.address) >> (32 - network.bits) == 0; });
}

bool is_public_v6(const ip::address_v6::bytes_type& bytes) {
  const auto word = [&](size_t at) {
    return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
  };
  const uint32_t first = word(0);
  if (first == 0x0064FF9B && word(4) == 0 && word(8) == 0) return is_public_v4(word(12));  // translated from IPv4
  if (first >> 29 != 1) return false;                             // only 2000::/3 is given out; IPv4 inside IPv6 is not
  if (first >> 16 == 0x2002) return is_public_v4(word(2));        // 6to4
  if (first >> 9 == 0x20010000 >> 9) return false;                // Teredo, benchmarks and other protocols
  return first != 0x20010DB8 && first >> 12 != 0x3FFF0000 >> 12;  // documentation
}

}  // namespace

Result<HostAndPort> parse_host_and_port(std::string_view text, int default_port) {
  const Error wrong(fmt::format("'{}': expected a host, or host:port", text.substr(0, 300)));
  HostAndPort found{"", default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return wrong;
    found.host = plain_name(text.substr(1, end - 1));
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong;
  } else {
    const size_t colon = text.find(':');
    found.host = plain_name(text.substr(0, colon));
    if (colon != text.npos) port = text.substr(colon);
    if (found.host.find(':') != found.host.npos) return wrong;
  }
  if (!is_name(found.host)) return wrong;
  if (port.empty()) return found;
  port.remove_prefix(1);
  const auto number = std::from_chars(port.data(), port.data() + port.size(), found.port);
  if (number.ec != std::errc() || number.ptr != port.data() + port.size() || found.port < 1 || found.port > 65535)
    return wrong;
  return found;
}

Result<HostList> HostList::parse(const std::vector<std::string>& entries) {
  HostList list;
  for (const std::string& text : entries) {
    Entry entry;
    std::string_view rest = text;
    entry.is_for_subdomains = rest.starts_with("*.");
    if (entry.is_for_subdomains) rest.remove_prefix(2);
    HostAndPort parsed = ONDOL_TRY(parse_host_and_port(rest, 0).in("allowed hosts"));
    entry.name = std::move(parsed.host);
    entry.port = parsed.port;
    list.entries_.push_back(std::move(entry));
  }
  return list;
}

HostList::Match HostList::match(std::string_view host, int port) const {
  const std::string name = plain_name(host);
  Match best = Match::kNone;
  for (const Entry& entry : entries_) {
    if (entry.port == 0 ? port != 80 && port != 443 : port != entry.port) continue;
    if (entry.is_for_subdomains) {
      if (name.size() > entry.name.size() + 1 && name.ends_with("." + entry.name))
        best = std::max(best, Match::kPublic);
    } else if (name == entry.name) {
      best = std::max(best, entry.port == 0 ? Match::kPublic : Match::kNamed);
    }
  }
  return best;
}

bool is_public_address(const ip::address& address) {
  if (address.is_v4()) return is_public_v4(address.to_v4().to_uint());
  return is_public_v6(address.to_v6().to_bytes());
}

}  // namespace ondol
