// What real documents of every format read like.
#include <gtest/gtest.h>

#include "tests/retrieve/formats/document_lines.h"

namespace ondol {
namespace {

constexpr const char* kProducts =
    "| 제품 | 가격 | 보증 기간 / 온돌 전기매트 | 129000 | 2년 / Floor heater | 89000 | 18 months / 물주머니 | 9900 | "
    "없음\n";

TEST(Goldens, Docx) {
  const Document document = golden_document("manual.docx");
  EXPECT_EQ(document.title, "온돌 사용 설명서");
  EXPECT_EQ(lines_of(document),
            fmt::format("# 설치와 시작\n"
                        "온돌은 방바닥 아래의 열기로 방 전체를 데웁니다. 처음 켤 때에는 삼십 분쯤 기다리세요.\n"
                        "The floor must be level and dry. / Second line of the same paragraph.\n"
                        "## 제품과 보증\n"
                        "{}"
                        "보증은 산 날부터 셉니다.\n"
                        "# Care and cleaning\n"
                        "- Wipe it with a damp cloth.\n"
                        "- 세제를 쓰지 마세요.\n"
                        "A spirit level comes with the box.\n",
                        kProducts));
}

TEST(Goldens, Odt) {
  const Document document = golden_document("manual.odt");
  EXPECT_EQ(document.title, "온돌 사용 설명서");
  EXPECT_EQ(lines_of(document),
            fmt::format("# 설치와 시작\n"
                        "온돌은 방바닥 아래의 열기로 방 전체를 데웁니다. 처음 켤 때에는 삼십 분쯤 기다리세요.\n"
                        "The floor must be level and dry. / Second line of the same paragraph.\n"
                        "A spirit level comes with the box.\n"
                        "## 제품과 보증\n"
                        "{}"
                        "보증은 산 날부터 셉니다.\n"
                        "# Care and cleaning\n"
                        "- Wipe it with a damp cloth.\n"
                        "- 세제를 쓰지 마세요.\n",
                        kProducts));
}

TEST(Goldens, Pdf) {
  const Document document = golden_document("manual.pdf");
  EXPECT_EQ(document.title, "온돌 사용 설명서");
  const std::string lines = lines_of(document);
  EXPECT_TRUE(
      lines.starts_with("[1] # 설치와 시작\n"
                        "[1] 온돌은 방바닥 아래의 열기로 방 전체를 데웁니다. 처음 켤 때에는 삼십 분쯤 기다리세요."))
      << lines;
  EXPECT_NE(lines.find(fmt::format("[1] ## 제품과 보증\n[1] {}", kProducts)), lines.npos) << lines;
  EXPECT_NE(lines.find("[1] 보증은 산 날부터 셉니다.\n"), lines.npos) << lines;
  EXPECT_NE(lines.find("[2] # Care and cleaning\n"), lines.npos) << lines;
  EXPECT_NE(lines.find("세제를 쓰지 마세요."), lines.npos) << lines;
}

TEST(Goldens, Sheets) {
  for (const char* name : {"products.xlsx", "products.ods"}) {
    EXPECT_EQ(lines_of(golden_document(name)), fmt::format("# 제품\n"
                                                           "{}"
                                                           "# Sales\n| Day | Sum / 2026-03-01 | 12.5\n",
                                                           kProducts))
        << name;
  }
}

TEST(Goldens, Slides) {
  const std::string talk = lines_of(golden_document("talk.pptx"));
  EXPECT_EQ(talk,
            fmt::format("[1] # 온돌의 역사\n[1] First point / 둘째 요점\n[1] Remember the stones.\n[2] # 제품\n[2] "
                        "{}",
                        kProducts));
  EXPECT_EQ(lines_of(golden_document("history.pptx")),
            "[1] 온돌의 역사\n[1] 구들은 고구려에서 쓰였습니다. / Hypocausts warmed Roman baths.\n"
            "[2] How it works\n[2] 연기가 바닥 밑을 지납니다. / Stones keep the heat overnight.\n");
  const std::string odp = lines_of(golden_document("history.odp"));
  EXPECT_NE(odp.find("[2] Stones keep the heat overnight.\n"), odp.npos) << odp;
}

TEST(Goldens, Hwp) {
  EXPECT_EQ(lines_of(golden_document("paragraphs.hwp")),
            "첫 문단...\n이것은 원본 HWP 파일의 내용입니다.\n| ABC | 123\n");
  EXPECT_TRUE(
      lines_of(golden_document("table.hwp"))
          .starts_with("| 0,0 | 0,1 | 0,2 | 0,3 | 0,4 | 0,5 | 0,6 / 1,0 | 1,1 | 1,2 | 1,3 | 1,4 | 1,5 | 1,6 / 2,0"));
  const Document outline = golden_document("outline.hwp");
  EXPECT_EQ(outline.title, "개요1");
  EXPECT_TRUE(lines_of(outline).starts_with("# 1\n# 2\n")) << lines_of(outline);
}

TEST(Goldens, Hwpx) {
  const Document document = golden_document("minimal.hwpx");
  EXPECT_EQ(document.title, "온돌 사용 설명서");
  EXPECT_EQ(lines_of(document), fmt::format("# 설치와 시작\n온돌은 방바닥을 / 데웁니다.\n"
                                            "{}"
                                            "표 다음의 글\n",
                                            kProducts));
  EXPECT_EQ(lines_of(golden_document("exam.hwpx")),
            "C반 기말고사\n날짜\n| 이름 | 국어 | 영어 | 수학 / 개똥이 | 89 | 65 | 78 / 칠득이 | 77 | 77 | 77 / "
            "팔푼이 | 88 | 88 | 88 / 육손이 | 66 | 66 | 66 / 합계\n");
}

TEST(Goldens, Epub) {
  const Document document = golden_document("book.epub");
  EXPECT_EQ(document.title, "구들 이야기");
  EXPECT_EQ(lines_of(document), "# 첫 장\n아궁이에 불을 땝니다.\n# 둘째 장\nThe stones are warm.\n");
}

TEST(Goldens, Html) {
  const Document document = golden_document("guide.html");
  EXPECT_EQ(document.title, "온돌 안내");
  EXPECT_EQ(lines_of(document),
            "# 온돌 안내\n따뜻한 바닥이 좋습니다. / 둘째 줄\n## Prices & terms\n| 이름 | 값 / 매트 | 129 000\n"
            "- 첫째\n- 둘째\n` on  = 1 / off = 0\n");
}

TEST(Goldens, Mail) {
  const std::string mail =
      "# 보증 기간 문의: 전기매트\n"
      "From: 김온돌 <kim@example.org> / To: service@example.org / Date: Mon, 02 Mar 2026 09:30:00 +0900\n"
      "안녕하세요. / 전기매트의 보증은 언제 끝나나요?\n"
      "## 주문 목록.csv\n"
      "| 품번 | 수량 / A-17 | 3 / B-20 | 5\n";
  EXPECT_EQ(lines_of(golden_document("question.eml")), mail);
  EXPECT_EQ(
      lines_of(golden_document("two.mbox")),
      mail + "# Re: café\nFrom: Zoë <zoe@example.org>\nSee you at the café — at noon.\nFrom the station it is near.\n");
}

TEST(Goldens, Csv) {
  EXPECT_EQ(lines_of(golden_document("orders.csv")), "| 이름 | 메모 / 김;온돌 | 그는 \"예\"라고 말했다\n");
}

/// The bytes tell, not the name.
TEST(Goldens, WrongNamesAreSeenThrough) {
  EXPECT_EQ(read_as("talk.pdf", golden_bytes("talk.pptx")), lines_of(golden_document("talk.pptx")));
  EXPECT_EQ(read_as("x", golden_bytes("manual.pdf")), lines_of(golden_document("manual.pdf")));
  EXPECT_TRUE(read_as("a.pdf", "no pdf").starts_with("error: expected a PDF"));
  EXPECT_TRUE(read_as("a.docx", "no zip").starts_with("error: "));
}

}  // namespace
}  // namespace ondol
