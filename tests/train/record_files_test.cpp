#include "train/data/record_files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/train/temporary_folder.h"

namespace ondol::train {
namespace {

std::vector<Record> read_all(const std::string& path, std::string* error = nullptr) {
  const auto files = list_record_files({path});
  EXPECT_TRUE(files) << files.error().message();
  std::vector<Record> records;
  for (const RecordFile& file : *files) {
    auto reader = RecordReader::open(file);
    EXPECT_TRUE(reader) << reader.error().message();
    while (true) {
      Record record;
      const auto more = reader->next(record);
      if (!more && error != nullptr) *error = more.error().message();
      EXPECT_TRUE(more || error != nullptr) << more.error().message();
      if (!more || !*more) break;
      const auto again = read_record(file, record.place);
      EXPECT_TRUE(again) << again.error().message();
      EXPECT_EQ(*again, record.text);
      records.push_back(std::move(record));
    }
  }
  return records;
}

TEST(RecordFiles, LinesWithAllTheirOddities) {
  const TemporaryFolder folder;
  const auto records =
      read_all(folder.write("a.jsonl", "\xEF\xBB\xBF{\"a\":1}\r\n\r\n   \n{\"b\":\"\uC628\"}\n{\"c\":3}"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].text, "{\"a\":1}\r");
  EXPECT_EQ(records[0].line, 1u);
  EXPECT_EQ(records[1].line, 4u);
  EXPECT_EQ(records[2].text, "{\"c\":3}");
  EXPECT_EQ(records[2].line, 5u);
}

TEST(RecordFiles, LongLinesGoOverManyReads) {
  const TemporaryFolder folder;
  std::string text;
  for (const size_t size : {10u, 3'000'000u, 20u, 1'048'576u, 1'048'575u}) text += std::string(size, 'x') + "\n";
  const auto records = read_all(folder.write("a.jsonl", text));
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[1].text.size(), 3'000'000u);
  EXPECT_EQ(records[4].text.size(), 1'048'575u);
}

TEST(RecordFiles, OneArray) {
  const TemporaryFolder folder;
  const std::string large = "{\"x\": \"" + std::string(2'500'000, '}') + "\"}";
  const auto records =
      read_all(folder.write("a.json", "\n[\n {\"a\": {\"b\": \"}]\\\"{\"}},\n\n " + large + ", {}\n]\n"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].text, "{\"a\": {\"b\": \"}]\\\"{\"}}");
  EXPECT_EQ(records[0].line, 3u);
  EXPECT_EQ(records[1].line, 5u);
  EXPECT_EQ(records[1].text, large);
  EXPECT_EQ(records[2].text, "{}");
}

// A pair of a backslash and a quote may lie at the end of what was read.
TEST(RecordFiles, EscapesAtTheEndOfARead) {
  const TemporaryFolder folder;
  for (size_t shift = 0; shift < 4; ++shift) {
    const std::string object = "{\"a\": \"" + std::string((1 << 20) - 12 + shift, 'x') + "\\\"}\"}";
    const auto records = read_all(folder.write("a.json", "[" + object + "]"));
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].text, object);
  }
}

TEST(RecordFiles, BrokenArraysAreNamed) {
  const TemporaryFolder folder;
  const std::pair<const char*, const char*> kCases[] = {{"[{\"a\": 1}", "expected ']'"},
                                                        {"[{\"a\": 1", "expected '}'"},
                                                        {"[1]", "expected an object"},
                                                        {"[{}] x", "expected the end"}};
  for (const auto& [text, expected] : kCases) {
    std::string error;
    read_all(folder.write("a.json", text), &error);
    EXPECT_NE(error.find(expected), std::string::npos) << error;
  }
}

TEST(RecordFiles, WhatIsNotUtf8IsNamedWithItsLine) {
  const TemporaryFolder folder;
  std::string error;
  const std::string path = folder.write("a.txt", "one\ntwo\xFF\n");
  read_all(path, &error);
  EXPECT_EQ(error, path + ":2: expected UTF-8, got the byte 0xFF; hint: convert the file (iconv -t UTF-8)");
}

TEST(RecordFiles, PiecesOfATextCoverItAndEndWithParagraphs) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; text.size() < 3'500'000; ++i) {
    text += "Line " + std::to_string(i) + (i % 7 == 0 ? ".\r\n\r\n" : " \xEC\x98\xA8\r\n");
  }
  const auto records = read_all(folder.write("a.txt", text));
  ASSERT_GE(records.size(), 4u);
  std::string joined;
  for (const Record& record : records) {
    joined += record.text;
    EXPECT_EQ(record.ends_document, &record == &records.back());
    EXPECT_TRUE(record.ends_document || record.text.ends_with("\n\n"));
  }
  std::string plain;
  for (const char c : text) {
    if (c != '\r') plain += c;
  }
  EXPECT_EQ(joined, plain);
}

TEST(RecordFiles, TextWithoutAnySpaceIsCutBetweenCharacters) {
  const TemporaryFolder folder;
  std::string text;
  while (text.size() < 2'500'000) text += "\uC628";
  const auto records = read_all(folder.write("a.txt", text));
  EXPECT_EQ(records.size(), 3u);
}

TEST(RecordFiles, FoldersAreReadInOrder) {
  const TemporaryFolder folder;
  folder.write("b.txt", "B");
  folder.write("a/z.md", "A");
  folder.write("a/.hidden.txt", "H");
  folder.write(".git/x.txt", "G");
  folder.write("c.png", "P");
  const auto records = read_all(folder.path());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].text, "A");
  EXPECT_EQ(records[1].text, "B");
  const TemporaryFolder empty;
  EXPECT_FALSE(list_record_files({empty.path()}));
  EXPECT_FALSE(list_record_files({folder.path() + "/absent.txt"}));
}

TEST(RecordFiles, AFileThatBecameShorterIsNoticed) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.jsonl", "{\"a\": 1}\n{\"b\": 2}\n");
  const auto files = list_record_files({path});
  ASSERT_TRUE(files);
  folder.write("a.jsonl", "{\"a\": 1}\n");
  EXPECT_FALSE(read_record((*files)[0], {9, 8}));
}

}  // namespace
}  // namespace ondol::train
