// TLS, with certificates made here.
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>

#include "tests/server/test_client.h"

namespace ondol::server {
namespace {

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("ondol-tls-{}", getpid());
    std::filesystem::create_directories(folder_);
    write_pair("one");
    write_pair("two");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }

  void write_pair(const std::string& name) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = fopen(path(name + ".crt").c_str(), "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(path(name + ".key").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(file);
    file = fopen(path(name + ".locked").c_str(), "w");
    PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), nullptr, 0, nullptr, const_cast<char*>("password"));
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  ServerOptions options(const std::string& certificate, const std::string& key) const {
    ServerOptions out;
    out.port = 0;
    out.tls_certificate = path(certificate);
    out.tls_key = path(key);
    return out;
  }

  std::filesystem::path folder_;
};

Route echo() {
  return {.method = "POST", .pattern = "/echo", .handler = [](auto in, ResponderPtr out) {
            out->begin(200, "text/plain");
            out->write(in->body);
            out->end();
          }};
}

// Talks TLS over a socket of its own.
class TlsClient {
 public:
  explicit TlsClient(int port, int max_version = 0) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context_, 0);
    if (max_version != 0) SSL_CTX_set_max_proto_version(context_, max_version);
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    is_connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }
  bool is_connected() const { return is_connected_; }
  void send(std::string_view bytes) {
    EXPECT_EQ(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())), static_cast<int>(bytes.size()));
  }
  std::string receive_until(std::string_view end) {
    std::string out;
    char buffer[16384];
    while (!out.ends_with(end)) {
      const int n = SSL_read(ssl_, buffer, sizeof buffer);
      if (n <= 0) break;
      out.append(buffer, static_cast<size_t>(n));
    }
    return out;
  }
  bool is_finished_properly() {
    char byte;
    return SSL_read(ssl_, &byte, 1) <= 0 && (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  int fd_;
  bool is_connected_ = false;
};

TEST_F(Tls, Serves) {
  TestServer server({echo()}, options("one.crt", "one.key"));
  EXPECT_TRUE(server->url().starts_with("https://"));
  TlsClient client(server.port());
  ASSERT_TRUE(client.is_connected());
  const std::string body(200000, 'y');
  for (int i = 0; i < 2; ++i) {
    client.send(post("/echo", body));
    const std::string answer = client.receive_until("0\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(answer.find(body), std::string::npos);
  }
  client.send(post("/echo", "x", "Connection: close\r\n"));
  EXPECT_TRUE(client.receive_until("0\r\n\r\n").ends_with("0\r\n\r\n"));
  EXPECT_TRUE(client.is_finished_properly());
}

TEST_F(Tls, RefusesOldVersionsAndPlainText) {
  TestServer server({echo()}, options("one.crt", "one.key"));
  EXPECT_TRUE(TlsClient(server.port(), TLS1_2_VERSION).is_connected());
  EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).is_connected());
  TestClient plain(server.port());
  plain.send(get("/hello"));
  EXPECT_TRUE(plain.is_closed_within(2000));
  EXPECT_TRUE(TlsClient(server.port()).is_connected());
}

TEST_F(Tls, SilentClientsAreDropped) {
  ServerOptions slow = options("one.crt", "one.key");
  slow.header_timeout = std::chrono::seconds(1);
  TestServer server({echo()}, slow);
  TestClient silent(server.port());
  EXPECT_TRUE(silent.is_closed_within(2500));
}

TEST_F(Tls, ErrorsNameTheFile) {
  const auto error = [&](const std::string& certificate, const std::string& key) {
    const auto server = Server::create(options(certificate, key), {echo()});
    EXPECT_FALSE(server.has_value());
    return server ? "" : server.error().message();
  };
  EXPECT_TRUE(error("none.crt", "one.key").starts_with(path("none.crt") + ": expected a certificate in PEM form"));
  EXPECT_TRUE(error("one.key", "one.key").starts_with(path("one.key") + ": expected a certificate"));
  EXPECT_TRUE(error("one.crt", "one.crt").starts_with(path("one.crt") + ": expected the private key of"));
  EXPECT_TRUE(error("one.crt", "one.locked").starts_with(path("one.locked") + ": expected the private key of"));
  EXPECT_NE(error("one.crt", "two.key").find("two.key: "), std::string::npos);
  ServerOptions half = options("one.crt", "one.key");
  half.tls_key.clear();
  const auto server = Server::create(half, {echo()});
  ASSERT_FALSE(server.has_value());
  EXPECT_NE(server.error().message().find("the key is missing"), std::string::npos);
}

}  // namespace
}  // namespace ondol::server
