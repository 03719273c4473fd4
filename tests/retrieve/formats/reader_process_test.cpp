// Documents through the confined process, and what becomes of files that break it.
#include "retrieve/reader_process.h"

#include <gtest/gtest.h>

#include "base/confine.h"
#include "retrieve/picture_text.h"
#include "tests/retrieve/formats/document_lines.h"

namespace ondol {
namespace {

TEST(ReaderProcess, ReadsManyFilesAndIsReplacedNowAndThen) {
  ReaderProcess reader({.program = ONDOL_READER, .n_files = 3});
  for (int i = 0; i < 2; ++i) {
    for (const char* name : {"manual.pdf", "manual.docx", "guide.html", "paragraphs.hwp"}) {
      const auto document = reader.read(fmt::format("/somewhere/{}", name), golden_bytes(name), {});
      ASSERT_TRUE(document) << name << ": " << document.error().message();
      EXPECT_EQ(lines_of(*document), lines_of(golden_document(name)));
    }
  }
  EXPECT_EQ(reader.n_started(), 3);
}

TEST(ReaderProcess, PlainTextNeedsNoProcess) {
  ReaderProcess reader({.program = "/nowhere/ondol-reader"});
  EXPECT_EQ(lines_of(reader.read("a.txt", "plain", {}).value()), "plain\n");
  EXPECT_EQ(reader.n_started(), 0);
  const auto document = reader.read("a.pdf", "%PDF-1.4", {});
  ASSERT_FALSE(document);
  EXPECT_NE(document.error().message().find("/nowhere/ondol-reader"), std::string::npos) << document.error().message();
}

TEST(ReaderProcess, FailuresOfOneFileLeaveTheOthers) {
  ReaderProcess reader({.program = ONDOL_READER});
  EXPECT_FALSE(reader.read("a.pdf", "%PDF-1.4 nothing", {}));
  EXPECT_TRUE(reader.read("a.html", "<p>x", {}));
  EXPECT_EQ(reader.n_started(), 1);
}

TEST(ReaderProcess, ASlowFileIsEnded) {
  // Each opening tag is compared with all that are open.
  std::string page;
  for (int i = 0; i < 400'000; ++i) page += "<div>";
  ReaderProcess reader({.program = ONDOL_READER, .most_seconds = 1, .n_files = 200});
  ASSERT_TRUE(reader.read("a.html", "<p>x", {}));
  const auto document = reader.read("b.html", page, {});
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().message(), "the reader was ended: needed more than 1 seconds");
  EXPECT_TRUE(reader.read("c.html", "<p>x", {}));
}

TEST(ReaderProcess, AGreedyFileIsEnded) {
  if (!kLimitsMemory) GTEST_SKIP() << "the address sanitizer needs all the address space";
  std::string page;
  for (int i = 0; i < 800'000; ++i) page += "<i>x</i> ";
  ReaderProcess reader({.program = ONDOL_READER, .most_memory_bytes = uint64_t{256} << 20});
  const auto document = reader.read("a.html", page, {});
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().message(), "the reader was ended: needed more than 256 MiB");
  EXPECT_TRUE(reader.read("c.html", "<p>x", {}));
}

TEST(ReaderProcess, StopsWhenItIsTold) {
  std::string page;
  for (int i = 0; i < 400'000; ++i) page += "<div>";
  ReaderProcess reader({.program = ONDOL_READER});
  int n_asked = 0;
  const auto document = reader.read("b.html", page, [&] { return ++n_asked < 3; });
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().message(), "stopped");
}

TEST(ReaderProcess, ReadsPicturesOfText) {
  if (!Tesseract::find()) GTEST_SKIP() << "tesseract is not installed";
  ReaderProcess reader({.program = ONDOL_READER});
  for (const char* name : {"scan.png", "scanned.pdf"}) {
    const auto document = reader.read(name, golden_bytes(name), {});
    ASSERT_TRUE(document) << document.error().message();
    EXPECT_NE(document->text.find("The warranty lasts two years."), std::string::npos) << document->text;
    if (Tesseract::find()->languages.find("kor") != std::string::npos) {
      EXPECT_NE(document->text.find("보증 기간"), std::string::npos) << document->text;
    }
  }
}

}  // namespace
}  // namespace ondol
