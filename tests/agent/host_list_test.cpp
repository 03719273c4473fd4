#include "agent/host_list.h"

#include <gtest/gtest.h>

#include "agent/proxy_request.h"

namespace ondol {
namespace {

using Match = HostList::Match;

HostList list(const std::vector<std::string>& entries) {
  auto parsed = HostList::parse(entries);
  EXPECT_TRUE(parsed);
  return *parsed;
}

TEST(HostListTest, NamesAndSubdomains) {
  const HostList hosts = list({"example.org", "*.wiki.org", "API.host.net:8443"});
  EXPECT_EQ(hosts.match("example.org", 443), Match::kPublic);
  EXPECT_EQ(hosts.match("Example.ORG.", 80), Match::kPublic);
  EXPECT_EQ(hosts.match("example.org", 22), Match::kNone);
  EXPECT_EQ(hosts.match("example.org", 8443), Match::kNone);
  EXPECT_EQ(hosts.match("www.example.org", 443), Match::kNone);
  EXPECT_EQ(hosts.match("notexample.org", 443), Match::kNone);
  EXPECT_EQ(hosts.match("example.org.evil.com", 443), Match::kNone);
  EXPECT_EQ(hosts.match("ko.wiki.org", 443), Match::kPublic);
  EXPECT_EQ(hosts.match("wiki.org", 443), Match::kNone);
  EXPECT_EQ(hosts.match("evilwiki.org", 443), Match::kNone);
  EXPECT_EQ(hosts.match("api.host.net", 8443), Match::kNamed);
  EXPECT_EQ(hosts.match("api.host.net", 443), Match::kNone);
  EXPECT_EQ(hosts.match("", 80), Match::kNone);
}

TEST(HostListTest, AddressesAreNames) {
  const HostList hosts = list({"127.0.0.1:8080", "[::1]:90"});
  EXPECT_EQ(hosts.match("127.0.0.1", 8080), Match::kNamed);
  EXPECT_EQ(hosts.match("::1", 90), Match::kNamed);
  for (const char* odd : {"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "localhost"})
    EXPECT_EQ(hosts.match(odd, 8080), Match::kNone) << odd;
}

TEST(HostListTest, OddEntriesAreRefused) {
  for (const std::string entry : {"", "*", "*.", "http://a.org", "a.org/path", "a.org:", "a.org:0", "a.org:70000",
                                  "a b", "a.org:80x", "user@a.org", "[::1", "*.*.org", "a.org\n"})
    EXPECT_FALSE(HostList::parse({entry})) << entry;
}

TEST(PublicAddressTest, Table) {
  const auto is_public = [](const char* text) { return is_public_address(boost::asio::ip::make_address(text)); };
  for (const char* text : {"1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "192.169.0.1", "223.255.255.255",
                           "2606:4700::1111", "2a00::1", "64:ff9b::808:808", "2002:808:808::1"})
    EXPECT_TRUE(is_public(text)) << text;
  for (const char* text :
       {"0.0.0.0",        "10.1.2.3",        "100.64.0.1",   "127.0.0.1",   "127.255.0.1", "169.254.169.254",
        "172.16.0.1",     "172.31.9.9",      "192.0.0.1",    "192.168.1.1", "198.18.0.1",  "203.0.113.5",
        "224.0.0.1",      "255.255.255.255", "240.0.0.1",    "::",          "::1",         "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "::127.0.0.1",     "fc00::1",      "fd12::1",     "fe80::1",     "fec0::1",
        "ff02::1",        "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1",     "2001:db8::1", "2002:7f00:1::1",
        "2002:a00:1::1"})
    EXPECT_FALSE(is_public(text)) << text;
}

TEST(ProxyRequestTest, ForwardsThePathAndTheHost) {
  const auto request = parse_proxy_request(
      "GET http://Example.org:8080/a?b#c HTTP/1.1\r\nHost: evil.org\r\nProxy-Authorization: x\r\n"
      "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\nContent-Length: 3\r\n\r\n");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->host, "example.org");
  EXPECT_EQ(request->port, 8080);
  EXPECT_EQ(request->head,
            "GET /a?b HTTP/1.1\r\nHost: Example.org:8080\r\naccept: */*\r\ncontent-length: 3\r\n"
            "Connection: close\r\n\r\n");
  const auto bare = parse_proxy_request("GET http://example.org?q HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->head.substr(0, 17), "GET /?q HTTP/1.1\r");
  EXPECT_EQ(bare->port, 80);
}

TEST(ProxyRequestTest, Tunnels) {
  const auto request = parse_proxy_request("CONNECT [2606:4700::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->is_tunnel);
  EXPECT_EQ(request->host, "2606:4700::1");
  EXPECT_EQ(request->port, 443);
}

TEST(ProxyRequestTest, WhatCanBeReadInTwoWaysIsRefused) {
  for (const std::string_view head : {
           "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
           "GET https://example.org/ HTTP/1.1\r\n\r\n",
           "GET http://user@example.org/ HTTP/1.1\r\n\r\n",
           "GET http://example.org\\@evil.org/ HTTP/1.1\r\n\r\n",
           "GET http://example.org/ a HTTP/1.1\r\n\r\n",
           "GET http://example.org/ HTTP/2\r\n\r\n",
           "GET http://example.org/\r\n\r\n",
           "G(T http://example.org/ HTTP/1.1\r\n\r\n",
           "GET http://example.org/ HTTP/1.1\nHost: a\n\n",
           "GET http://example.org/ HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET http://example.org/ HTTP/1.1\r\n folded: a\r\n\r\n",
           "GET http://example.org/ HTTP/1.1\r\nno colon\r\n\r\n",
           "GET http://example.org/ HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
           "POST http://example.org/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST http://example.org/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "CONNECT example.org HTTP/1.1\r\n\r\n",
           "CONNECT example.org:443/path HTTP/1.1\r\n\r\n",
           "CONNECT :443 HTTP/1.1\r\n\r\n",
           "GET http:///path HTTP/1.1\r\n\r\n",
           "",
           "\r\n\r\n",
       }) {
    EXPECT_FALSE(parse_proxy_request(head)) << head;
  }
}

}  // namespace
}  // namespace ondol
