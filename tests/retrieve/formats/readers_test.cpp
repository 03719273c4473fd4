// Details of formats, and what is refused.
#include <gtest/gtest.h>

#include "retrieve/document_codec.h"
#include "retrieve/formats/hwp_records.h"
#include "retrieve/formats/mime.h"
#include "retrieve/formats/pdf_layout.h"
#include "retrieve/formats/zip.h"
#include "tests/retrieve/formats/document_lines.h"
#include "text/unicode.h"

namespace ondol {
namespace {

TEST(Html, EncodingsAndStructure) {
  EXPECT_EQ(read_as("a.html", "<meta charset=shift_jis><p>\x83I\x83\x93\x83h\x83\x8B</p>"), "オンドル\n");
  EXPECT_EQ(read_as("a.html", "\xEF\xBB\xBF<p>온돌"), "온돌\n");
  EXPECT_EQ(read_as("a.html", "<h2>A<b>B</b></h2>x<p>y<div>z</div>"), "## AB\nx\ny\nz\n");
  EXPECT_EQ(read_as("a.html", "<table><tr><td><h3>t</h3>x<table><tr><td>1<td>2<tr><td>3<td>4</table></table>"),
            "### t\nx\n| 1 | 2 / 3 | 4\n");
}

TEST(Html, DeepNestingIsRead) {
  std::string page;
  for (int i = 0; i < 3000; ++i) page += "<div><b>";
  EXPECT_EQ(read_as("a.html", page + "deep"), "deep\n");
}

TEST(Mail, HeadersAreDecoded) {
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?7Jio?= =?UTF-8?B?64+M?= x =?iso-8859-1?Q?caf=E9_au?="), "온돌 x café au");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?7J?= =?UTF-8?B?io?="),
            decode_encoded_words("=?UTF-8?B?7J?= =?UTF-8?B?io?="));
  EXPECT_EQ(decode_encoded_words("a =?broken"), "a =?broken");
  const MimePart part = MimePart::of(
      "Content-Disposition: attachment;\r\n filename*0*=UTF-8''%EC%98%A8;\r\n filename*1*=%EB%8F%8C.csv\r\n\r\nx");
  EXPECT_EQ(part.parsed("content-disposition").parameters.at("filename"), "온돌.csv");
}

TEST(Mail, AttachedMailsAreBoundedInDepth) {
  std::string mail = "Subject: innermost\n\nword\n";
  for (int i = 0; i < 30; ++i) mail = fmt::format("Subject: mail {}\nContent-Type: message/rfc822\n\n{}", i, mail);
  const std::string lines = read_as("a.eml", mail);
  EXPECT_NE(lines.find("mail 26"), lines.npos) << lines;
  EXPECT_EQ(lines.find("innermost"), lines.npos);
}

TEST(Csv, FieldsAndEncodings) {
  EXPECT_EQ(read_as("a.csv", "a,b\n\"1,5\",\"x\"\"y\"\n"), "| a | b / 1,5 | x\"y\n");
  EXPECT_EQ(read_as("a.tsv", "a\tb\n1\t2"), "| a | b / 1 | 2\n");
  EXPECT_EQ(read_as("a.csv", std::string("\xFF\xFE\x31\x00\x2C\x00\x32\x00", 8)), "| 1 | 2\n");
  EXPECT_EQ(read_as("a.csv", "one\ntwo\n"), "one\ntwo\n");
}

TEST(Csv, EveryBlockOfALongTableNamesItsColumns) {
  std::string table = "name,value\n";
  for (int i = 0; i < 200; ++i) table += fmt::format("row number {},{}\n", i, i * i);
  const Document document = InProcessReader().read("a.csv", table, {}).value();
  ASSERT_GT(document.blocks.size(), 3u);
  for (const TextBlock& block : document.blocks) {
    EXPECT_EQ(document.text.substr(block.start, 12), "name | value");
    EXPECT_LT(block.end - block.start, 1200u);
  }
}

TEST(Zip, NamesOfEntries) {
  EXPECT_EQ(resolve_entry("OEBPS/book.opf", "text/a%20b.xhtml#x"), "OEBPS/text/a b.xhtml");
  EXPECT_EQ(resolve_entry("ppt/slides/slide1.xml", "../notesSlides/n.xml"), "ppt/notesSlides/n.xml");
  EXPECT_EQ(resolve_entry("word/document.xml", "/word/x.xml"), "word/x.xml");
  EXPECT_EQ(resolve_entry("a.xml", "../../../etc/passwd"), "etc/passwd");
}

TEST(Pdf, DividedWordsAreJoinedAndLargeLinesAreHeadings) {
  const std::vector<PdfLine> lines = {
      {"A title", 50, 50, 200, 74, 24, 1},
      {"The warm floor of a tra-", 50, 100, 500, 112, 10, 1},
      {"ditional house in a vil-", 50, 114, 500, 126, 10, 1},
      {"Lage is kept.", 50, 128, 300, 140, 10, 1},
      {"Another paragraph.", 50, 160, 300, 172, 10, 1},
  };
  DocumentBuilder builder;
  builder.set_page(1);
  add_pdf_page(builder, lines, PdfFontSizes(lines));
  EXPECT_EQ(
      lines_of(builder.finish()),
      "[1] # A title\n[1] The warm floor of a traditional house in a vil- / Lage is kept.\n[1] Another paragraph.\n");
}

TEST(Pdf, ColumnsOfProseAreNoTable) {
  std::vector<PdfLine> lines;
  for (const double left : {50.0, 310.0}) {
    for (int i = 0; i < 6; ++i)
      lines.push_back({fmt::format("line {} at {}", i, left), left, 100.0 + i * 14, left + 235, 112.0 + i * 14, 10, 1});
  }
  DocumentBuilder builder;
  add_pdf_page(builder, lines, PdfFontSizes(lines));
  const Document document = builder.finish();
  for (const TextBlock& block : document.blocks) EXPECT_EQ(block.kind, TextBlock::Kind::kParagraph);
  EXPECT_LT(document.text.find("line 5 at 50"), document.text.find("line 0 at 310"));
}

TEST(Hwp, RecordsAndOutlines) {
  const auto record = [](uint32_t tag, uint32_t level, const std::string& bytes) {
    const uint32_t head = tag | level << 10 | static_cast<uint32_t>(bytes.size()) << 20;
    return std::string(reinterpret_cast<const char*>(&head), 4) + bytes;
  };
  const auto number = [](uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); };
  const HwpOutline outline(record(25, 0, number(0)) + record(25, 0, number(1u << 23 | 2u << 25)));
  EXPECT_EQ(outline.level_of(0), 0);
  EXPECT_EQ(outline.level_of(1), 3);
  EXPECT_EQ(outline.level_of(2), 0);
  const std::string header = std::string("\0\0\0\0\0\0\0\0\x01\0", 10);
  const std::string section = record(66, 0, header) + record(67, 1, std::string("T\0\x0D\0", 4));
  DocumentBuilder builder;
  HwpSectionReader(builder, outline).read(section + record(66, 0, "short") + "\xFF");
  EXPECT_EQ(lines_of(builder.finish()), "### T\n");
  const std::string text("a\0\x0B\0xxxxxxxxxxxx\x0B\0\x1E\0b\0\x3D\xD8\x25\xDD\x09\0", 28);
  EXPECT_EQ(hwp_paragraph_text(text), "a b\xF0\x9F\x94\xA5\t");
}

class FakeRecognizer : public TextRecognizer {
 public:
  Result<std::string> recognize(std::string_view picture) override {
    pictures.emplace_back(picture);
    return std::string("What it says.\n\nAnd more.");
  }
  std::vector<std::string> pictures;
};

TEST(Pictures, PagesWithoutTextGoToTheRecognizer) {
  FakeRecognizer recognizer;
  const auto document = InProcessReader(&recognizer).read("a.pdf", golden_bytes("scanned.pdf"), {});
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(lines_of(*document), "[1] What it says.\n[1] And more.\n");
  ASSERT_EQ(recognizer.pictures.size(), 1u);
  EXPECT_TRUE(recognizer.pictures[0].starts_with("P5\n"));
  EXPECT_EQ(lines_of(InProcessReader(&recognizer).read("a.png", golden_bytes("scan.png"), {}).value()),
            "What it says.\nAnd more.\n");
  EXPECT_FALSE(InProcessReader().read("a.pdf", golden_bytes("scanned.pdf"), {})) << "nobody reads the pictures";
}

TEST(DocumentCodec, RoundTripAndDamage) {
  const Document document = golden_document("talk.pptx");
  const std::string bytes = encode_document(document);
  const auto again = decode_document(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(lines_of(*again), lines_of(document));
  EXPECT_EQ(again->title, document.title);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_document(bytes.substr(0, n))) << n;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x80);
    if (const auto read = decode_document(damaged)) {
      for (const TextBlock& block : read->blocks) ASSERT_LE(block.end, read->text.size());
      ASSERT_TRUE(is_valid_utf8(read->text));
    }
  }
}

TEST(Encoding, FewWordsOfKorean) {
  EXPECT_EQ(read_as("a.txt", "\xC7\xB0\xB9\xF8,\xBC\xF6\xB7\xAE"), "품번,수량\n");
  EXPECT_EQ(read_as("a.txt", "Le caf\xE9 cr\xE8me est tr\xE8s bon, d\xE9j\xE0 vu."),
            "Le café crème est très bon, déjà vu.\n");
}

}  // namespace
}  // namespace ondol
