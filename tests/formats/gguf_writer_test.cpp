#include "formats/gguf_writer.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

class GgufWriting : public TemporaryFolder {
 protected:
  std::shared_ptr<const ModelFile> open(const std::string& file_path) {
    auto opened = open_gguf(file_path);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
    return opened ? *opened : nullptr;
  }
};

template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

Metadata named(const std::string& name) {
  return {{"general.name", MetaValue{name}}};
}

TEST_F(GgufWriting, RewritesAFileOfAnotherProgramByteForByte) {
  for (const std::string name : {"small.gguf", "aligned.gguf"}) {
    const auto file = open(golden(name));
    ASSERT_NE(file, nullptr);
    ASSERT_TRUE(write_gguf(path(name), file->metadata(), file->tensors()));
    EXPECT_EQ(bytes_of_file(path(name)), bytes_of_file(golden(name))) << name;
    EXPECT_FALSE(fs::exists(path(name) + ".part"));
  }
}

TEST_F(GgufWriting, AcceptsDataInPiecesOfAnySize) {
  const auto file = open(golden("small.gguf"));
  ASSERT_NE(file, nullptr);
  std::vector<TensorSpec> specs;
  for (const TensorEntry& entry : file->tensors()) {
    specs.push_back({entry.name, entry.tensor.type(), entry.tensor.shape()});
  }
  auto writer = GgufWriter::create(path("pieces.gguf"), file->metadata(), specs);
  ASSERT_TRUE(writer) << error_of(writer);
  size_t piece = 1;
  for (const TensorEntry& entry : file->tensors()) {
    for (size_t done = 0; done < entry.tensor.size_bytes();) {
      const size_t n = std::min(piece, entry.tensor.size_bytes() - done);
      ASSERT_TRUE(writer->append({entry.tensor.bytes() + done, n}));
      done += n;
      piece = piece % 7 + 1;
    }
  }
  ASSERT_TRUE(writer->finish());
  EXPECT_EQ(bytes_of_file(path("pieces.gguf")), bytes_of_file(golden("small.gguf")));
}

std::vector<TensorEntry> make_tensors(std::vector<std::vector<float>>& memory, int n_tensors, int64_t n) {
  std::vector<TensorEntry> tensors;
  for (int i = 0; i < n_tensors; ++i) {
    memory.emplace_back(static_cast<size_t>(n), static_cast<float>(i));
    tensors.push_back({fmt::format("t{}", i), Tensor(DType::F32, Shape{n}, memory.back().data())});
  }
  return tensors;
}

TEST_F(GgufWriting, SplitsAndReadsBack) {
  std::vector<std::vector<float>> memory;
  const auto tensors = make_tensors(memory, 10, 100);
  ASSERT_TRUE(write_gguf(path("m.gguf"), named("split"), tensors, {.split_max_bytes = 1500}));
  const auto file = open(path("m-00001-of-00005.gguf"));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->metadata().size(), 1u);
  EXPECT_EQ(*file->meta_string("general.name"), "split");
  ASSERT_EQ(file->tensors().size(), 10u);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(file->tensors()[i].name, tensors[i].name);
    EXPECT_EQ(file->tensors()[i].tensor.f32()[99], static_cast<float>(i));
  }
  for (const auto& item : fs::directory_iterator(folder_)) EXPECT_LE(item.file_size(), 1500u) << item.path();
}

TEST_F(GgufWriting, GivesATensorThatIsTooLargeAPartOfItsOwn) {
  std::vector<std::vector<float>> memory;
  ASSERT_TRUE(write_gguf(path("m.gguf"), named("x"), make_tensors(memory, 3, 100), {.split_max_bytes = 10}));
  const auto file = open(path("m-00001-of-00003.gguf"));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->tensors().size(), 3u);
}

TEST_F(GgufWriting, DoesNotSplitWhatFits) {
  std::vector<std::vector<float>> memory;
  ASSERT_TRUE(write_gguf(path("m.gguf"), named("x"), make_tensors(memory, 3, 100), {.split_max_bytes = 1 << 20}));
  EXPECT_NE(open(path("m.gguf")), nullptr);
  ASSERT_TRUE(write_gguf(path("none.gguf"), named("x"), {}, {.split_max_bytes = 10}));
  EXPECT_NE(open(path("none.gguf")), nullptr);
}

TEST_F(GgufWriting, WritesRowsThatLieApart) {
  std::vector<float> memory(12);
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  const Tensor whole(DType::F32, Shape{2, 2, 3}, memory.data());
  ASSERT_TRUE(write_gguf(path("m.gguf"), named("x"), {{"t", whole[1]}}));
  const auto file = open(path("m.gguf"));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->tensors()[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(file->tensors()[0].tensor.f32()[0], 6.0F);
}

TEST_F(GgufWriting, RefusesWhatGgufCannotHold) {
  const auto create = [&](std::vector<TensorSpec> tensors, const Metadata& metadata = {}) {
    return error_of(GgufWriter::create(path("m.gguf"), metadata, std::move(tensors)));
  };
  EXPECT_NE(create({{"a", DType::U8, {3}}}).find("m.gguf: tensor 'a': GGUF has no type U8"), std::string::npos);
  EXPECT_NE(create({{"a", DType::Q8_0, {33}}}).find("a multiple of 32 elements for Q8_0, got [33]"), std::string::npos);
  EXPECT_NE(create({{"a", DType::F32, {0}}}).find("got [0]"), std::string::npos);
  EXPECT_NE(create({{"a", DType::F32, {1}}, {"a", DType::F32, {1}}}).find("'a' occurs twice"), std::string::npos);
  EXPECT_NE(create({}, {{"k", MetaValue{true}}, {"k", MetaValue{true}}}).find("'k' occurs twice"), std::string::npos);
  EXPECT_NE(create({}, {{"general.alignment", MetaValue{uint32_t{12}}}}).find("a power of two"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(GgufWriting, AnUnfinishedFileDisappears) {
  {
    auto writer = GgufWriter::create(path("m.gguf"), {}, {{"a", DType::F32, {4}}});
    ASSERT_TRUE(writer);
    EXPECT_TRUE(fs::exists(path("m.gguf.part")));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(GgufWriting, AFullDiskIsAnErrorAndLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::vector<std::vector<float>> memory;
  const auto written = write_gguf(path("m.gguf"), named("x"), make_tensors(memory, 3, 1000));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message().find("m.gguf: cannot"), std::string::npos) << written.error().message();
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace ondol
