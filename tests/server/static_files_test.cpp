#include "server/static_files.h"

#include "base/files.h"
#include "tests/server/test_client.h"

namespace ondol::server {

std::span<const EmbeddedFile> sample_site();

namespace {

std::string sample(const std::string& path) {
  return read_file(fmt::format("{}/tests/server/sample_site/{}", ONDOL_SOURCE_DIR, path)).value();
}

TEST(StaticFiles, EmbeddedFilesAreThoseOfTheFolder) {
  std::map<std::string, EmbeddedFile> files;
  for (const EmbeddedFile& file : sample_site()) files[std::string(file.path)] = file;
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(gunzip(files.at("index.html").gzip).value(), sample("index.html"));
  EXPECT_LT(files.at("index.html").gzip.size(), sample("index.html").size());
  EXPECT_EQ(gunzip(files.at("style.css").gzip).value(), "body { color: #222; }\n");
  EXPECT_EQ(files.at("style.css").gzip, sample("style.css.gz"));
  EXPECT_EQ(files.at("assets/app.js").content_type, "text/javascript; charset=utf-8");
}

TEST(StaticFiles, AreServed) {
  TestServer server(static_routes(sample_site()), {.keys = {{.name = "a", .key = "b"}}});
  TestClient client(server.port());
  const TestAnswer page = client.ask(get("/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.body, sample("index.html"));
  EXPECT_EQ(page.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("referrer-policy"), "no-referrer");
  EXPECT_EQ(page.headers.at("vary"), "Accept-Encoding");
  const std::string policy = page.headers.at("content-security-policy");
  EXPECT_NE(policy.find("default-src 'self'; img-src 'self' data: blob:;"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);

  const TestAnswer packed = client.ask(get("/index.html", "Accept-Encoding: br, gzip;q=0.5\r\n"));
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(gunzip(packed.body).value(), page.body);

  const std::string tag = page.headers.at("etag");
  const TestAnswer known = client.ask(get("/", "If-None-Match: \"other\", " + tag + "\r\n"));
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.headers.at("etag"), tag);
  EXPECT_EQ(client.ask(get("/", "If-None-Match: \"other\"\r\n")).status, 200);

  EXPECT_NE(client.ask(get("/assets/app.js")).headers.at("cache-control").find("immutable"), std::string::npos);
  EXPECT_EQ(client.ask(get("/assets/none.js")).status, 404);
}

TEST(StaticFiles, AcceptEncoding) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, gzip;q=1.0, *;q=0.5"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000"));
  EXPECT_FALSE(accepts_gzip("br, *;q=0"));
}

TEST(StaticFiles, GunzipRefuses) {
  const std::string good = sample("style.css.gz");
  EXPECT_TRUE(gunzip(good).has_value());
  EXPECT_FALSE(gunzip(good, 5).has_value());
  for (size_t n = 0; n < good.size() - 8; ++n) EXPECT_FALSE(gunzip(good.substr(0, n)).has_value()) << n;
  EXPECT_FALSE(gunzip(std::string(40, 'x')).has_value());
}

}  // namespace
}  // namespace ondol::server
