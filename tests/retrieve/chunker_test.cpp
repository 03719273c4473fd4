// Where documents are cut.
#include "retrieve/chunker.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retrieve/plain_text.h"
#include "text/unicode.h"

namespace ondol {
namespace {

std::string text_of(const Document& document, const Chunk& chunk) {
  return document.text.substr(chunk.start, chunk.end - chunk.start);
}

std::string paragraphs(int first, int last) {
  std::string text;
  for (int i = first; i < last; ++i) {
    text +=
        fmt::format("Paragraph {} tells something about the number {} that no other one tells. ", i, i * 7919 % 1009);
    text += "It goes on for a while, so that it is as long as paragraphs are.\n\n";
  }
  return text;
}

TEST(Chunker, EveryWordIsInOnePiece) {
  const Document document = read_plain_text(paragraphs(0, 60));
  size_t end = 0;
  for (const Chunk& chunk : cut_into_chunks(document)) {
    EXPECT_GE(chunk.start, end);
    EXPECT_EQ(document.text.substr(end, chunk.start - end).find_first_not_of("\n"), std::string::npos);
    EXPECT_LE(chunk.end - chunk.start, ChunkerOptions().most_bytes);
    end = chunk.end;
  }
  EXPECT_EQ(document.text.substr(end).find_first_not_of("\n"), std::string::npos);
}

TEST(Chunker, AnEditChangesOnlyPiecesAroundIt) {
  const Document before = read_plain_text(paragraphs(0, 100));
  const Document after = read_plain_text(paragraphs(0, 10) + "A new paragraph.\n\n" + paragraphs(10, 100));
  std::set<std::string> known;
  for (const Chunk& chunk : cut_into_chunks(before)) known.insert(text_of(before, chunk));
  int n_new = 0;
  for (const Chunk& chunk : cut_into_chunks(after)) n_new += known.contains(text_of(after, chunk)) ? 0 : 1;
  EXPECT_GE(n_new, 1);
  EXPECT_LE(n_new, 4) << "of " << known.size();
}

TEST(Chunker, LongParagraphsAreCutAfterSentencesAndNeverInsideACharacter) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\uC774\uAC83\uC740 \uAE34 \uBB38\uC7A5\uC785\uB2C8\uB2E4. ";
  for (const std::string& source :
       {text, std::string(5000, 'x'), std::string("\xEA\xB0\x80") + std::string(4000, 'y')}) {
    const Document document = read_plain_text(source);
    size_t n_bytes = 0;
    for (const Chunk& chunk : cut_into_chunks(document)) {
      EXPECT_TRUE(is_valid_utf8(text_of(document, chunk)));
      n_bytes += chunk.end - chunk.start;
    }
    EXPECT_EQ(n_bytes, document.text.size());
  }
}

TEST(Chunker, HeadingsAreCarriedAlong) {
  const Document document =
      read_markdown("# Book\nOne.\n\n## First part\nTwo.\n\n## Second part\nThree.\n\n# Other\nFour.\n");
  std::vector<std::string> headings;
  for (const Chunk& chunk : cut_into_chunks(document)) headings.push_back(chunk.headings);
  EXPECT_EQ(headings, (std::vector<std::string>{"Book", "Book > First part", "Book > Second part", "Other"}));
  EXPECT_EQ(document.title, "Book");
}

TEST(Chunker, PagesDoNotMix) {
  Document document;
  document.text = "one two three";
  document.blocks = {{0, 3, TextBlock::Kind::kParagraph, 0, 1},
                     {4, 7, TextBlock::Kind::kParagraph, 0, 1},
                     {8, 13, TextBlock::Kind::kParagraph, 0, 2}};
  const auto chunks = cut_into_chunks(document);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].page, 1);
  EXPECT_EQ(text_of(document, chunks[1]), "three");
  EXPECT_EQ(chunks[1].page, 2);
}

TEST(Chunker, PiecesOverlapAsFarAsAskedFor) {
  ChunkerOptions options;
  options.overlap_bytes = 400;
  for (const std::string& source : {paragraphs(0, 60), std::string(5000, 'x')}) {
    const Document document = read_plain_text(source);
    const auto chunks = cut_into_chunks(document, options);
    ASSERT_GT(chunks.size(), 3u);
    for (size_t i = 1; i < chunks.size(); ++i) {
      const size_t shared = chunks[i - 1].end - chunks[i].start;
      EXPECT_GT(chunks[i].start, chunks[i - 1].start);
      EXPECT_LE(shared, 400u);
      EXPECT_GE(shared, 190u);  // the first half of it is searched for a good place to begin
      EXPECT_LE(chunks[i].end - chunks[i].start, options.most_bytes);
      EXPECT_EQ(text_of(document, chunks[i])[0], source[0]) << "a paragraph's beginning";
    }
    EXPECT_EQ(chunks.back().end, document.text.size() - (source[0] == 'P' ? 2 : 0));
  }
}

TEST(Chunker, OverlapsBeginBetweenCharactersAndStayBelowTheirHeading) {
  std::string korean, text;
  for (int i = 0; i < 2000; ++i) korean += "\uAC00";
  for (int i = 0; i < 5; ++i) text += fmt::format("# Part {}\n\n", i) + korean + "\n\n";
  ChunkerOptions options;
  options.overlap_bytes = 500;
  const Document document = read_markdown(text);
  int n_overlapping = 0;
  size_t end = 0;
  std::string headings;
  for (const Chunk& chunk : cut_into_chunks(document, options)) {
    EXPECT_TRUE(is_valid_utf8(text_of(document, chunk)));
    if (chunk.headings == headings) {
      n_overlapping += chunk.start < end ? 1 : 0;
    } else {
      EXPECT_GE(chunk.start, end);
    }
    headings = chunk.headings;
    end = chunk.end;
  }
  EXPECT_GE(n_overlapping, 15);
}

TEST(Markdown, BlocksAreWhatTheyLookLike) {
  const Document document =
      read_markdown("Title\n=====\n\nText.\n```sh\n# no heading\n\nls\n```\n| a | b |\n|---|---|\nLast\n");
  using Kind = TextBlock::Kind;
  std::vector<Kind> kinds;
  for (const TextBlock& block : document.blocks) kinds.push_back(block.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::kHeading, Kind::kParagraph, Kind::kCode, Kind::kTable, Kind::kParagraph}));
  EXPECT_EQ(document.blocks[0].level, 1);
}

}  // namespace
}  // namespace ondol
