#include "formats/gguf_reader.h"

#include "formats/model_file.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

class GgufReader : public TemporaryFolder {};

std::string error_of(const Result<std::shared_ptr<const ModelFile>>& file) {
  return file ? "no error" : file.error().message();
}

template <typename T>
void expect_meta(const ModelFile& file, std::string_view key, const T& expected) {
  const MetaValue* value = file.find_meta(key);
  ASSERT_NE(value, nullptr) << key;
  ASSERT_TRUE(std::holds_alternative<T>(value->value)) << key;
  EXPECT_EQ(std::get<T>(value->value), expected) << key;
}

void expect_ramp(const float* values, int64_t n, float first = 0.0F) {
  for (int64_t i = 0; i < n; ++i) EXPECT_EQ(values[i], first + 0.5F * static_cast<float>(i)) << i;
}

TEST_F(GgufReader, ReadsEveryMetadataTypeAsWrittenByAnotherProgram) {
  const auto opened = open_gguf(golden("small.gguf"));
  ASSERT_TRUE(opened) << error_of(opened);
  const ModelFile& file = **opened;
  expect_meta<uint8_t>(file, "t.uint8", 200);
  expect_meta<int8_t>(file, "t.int8", -100);
  expect_meta<uint16_t>(file, "t.uint16", 60000);
  expect_meta<int16_t>(file, "t.int16", -30000);
  expect_meta<uint32_t>(file, "t.uint32", 4000000000U);
  expect_meta<int32_t>(file, "t.int32", -2000000000);
  expect_meta<float>(file, "t.float32", 1.5F);
  expect_meta<bool>(file, "t.bool", true);
  expect_meta<std::string>(file, "t.string", "\xec\x98\xa8\xeb\x8f\x8c ondol");
  expect_meta<std::string>(file, "t.empty", "");
  expect_meta<uint64_t>(file, "t.uint64", ~uint64_t{0});
  expect_meta<int64_t>(file, "t.int64", -(int64_t{1} << 62));
  expect_meta<double>(file, "t.float64", 0.1);
  using Array = MetaValue::Array;
  expect_meta<Array>(file, "t.strings", std::vector<std::string>{"a", "", "\xeb\xb0\xa9\xeb\xb0\x94\xeb\x8b\xa5"});
  expect_meta<Array>(file, "t.bools", std::vector<bool>{true, false, true});
  expect_meta<Array>(file, "t.ints", std::vector<int32_t>{1, -2, 3});
  expect_meta<Array>(file, "t.floats", std::vector<float>{0.5F, -0.25F});
  expect_meta<Array>(file, "t.bytes", std::vector<uint8_t>{0, 1, 255});
  EXPECT_EQ(file.metadata().front().first, "general.architecture");
}

TEST_F(GgufReader, ReadsTensorsWithShapesOutermostFirst) {
  const auto opened = open_gguf(golden("small.gguf"));
  ASSERT_TRUE(opened) << error_of(opened);
  const ModelFile& file = **opened;
  ASSERT_EQ(file.tensors().size(), 5u);
  EXPECT_EQ(file.tensors()[0].name, "f32");
  const Tensor& f32 = *file.find_tensor("f32");
  EXPECT_EQ(f32.shape(), (Shape{2, 3}));
  expect_ramp(f32.f32(), 6);
  const Tensor& cube = *file.find_tensor("cube");
  EXPECT_EQ(cube.shape(), (Shape{2, 3, 4}));
  expect_ramp(cube.f32(), 24);
  EXPECT_EQ(file.find_tensor("f16")->type(), DType::F16);
  const Tensor& ids = *file.find_tensor("ids");
  EXPECT_EQ(ids.type(), DType::I32);
  EXPECT_EQ(ids.bytes()[16], 4);
  const Tensor& q8 = *file.find_tensor("q8_0");
  EXPECT_EQ(q8.type(), DType::Q8_0);
  EXPECT_EQ(q8.shape(), (Shape{2, 64}));
  // The largest of the 32 values of the first block, 15.5, is stored as 127.
  EXPECT_EQ(static_cast<int8_t>(q8.bytes()[2 + 31]), 127);
  EXPECT_EQ(file.find_tensor("nothing"), nullptr);
}

TEST_F(GgufReader, FollowsGeneralAlignment) {
  const auto opened = open_gguf(golden("aligned.gguf"));
  ASSERT_TRUE(opened) << error_of(opened);
  expect_ramp((*opened)->find_tensor("a")->f32(), 3);
  expect_ramp((*opened)->find_tensor("b")->f32(), 4);
}

TEST_F(GgufReader, OpensAllPartsOfASplitModel) {
  const auto opened = open_gguf(golden("split-00001-of-00003.gguf"));
  ASSERT_TRUE(opened) << error_of(opened);
  ASSERT_EQ((*opened)->tensors().size(), 5u);
  for (int i = 0; i < 5; ++i) {
    const Tensor* tensor = (*opened)->find_tensor(fmt::format("tensor{}", i));
    ASSERT_NE(tensor, nullptr);
    expect_ramp(tensor->f32(), 4, static_cast<float>(i));
  }
  EXPECT_EQ(*(*opened)->meta_string("general.name"), "split");
  EXPECT_EQ((*opened)->find_meta("split.count"), nullptr);
}

TEST_F(GgufReader, SaysWhichPartIsMissingOrToOpen) {
  const auto second = open_gguf(golden("split-00002-of-00003.gguf"));
  EXPECT_NE(error_of(second).find("part 2 of 3; open the first part"), std::string::npos) << error_of(second);
  const auto first = write("m-00001-of-00003.gguf", bytes_of_file(golden("split-00001-of-00003.gguf")));
  const auto missing = open_gguf(first);
  EXPECT_NE(error_of(missing).find("m-00002-of-00003.gguf'"), std::string::npos) << error_of(missing);
  const auto renamed = open_gguf(write("m.gguf", bytes_of_file(golden("split-00001-of-00003.gguf"))));
  EXPECT_NE(error_of(renamed).find("'-00001-of-00003.gguf'"), std::string::npos) << error_of(renamed);
}

TEST_F(GgufReader, RefusesMixedUpParts) {
  const auto part1 = bytes_of_file(golden("split-00001-of-00003.gguf"));
  const auto part2 = bytes_of_file(golden("split-00002-of-00003.gguf"));
  const auto part3 = bytes_of_file(golden("split-00003-of-00003.gguf"));
  const auto first = write("m-00001-of-00003.gguf", part1);
  write("m-00002-of-00003.gguf", part3);
  write("m-00003-of-00003.gguf", part2);
  const auto swapped = open_gguf(first);
  EXPECT_NE(error_of(swapped).find("expected part 2 of 3, got part 3 of 3"), std::string::npos) << error_of(swapped);
  write("m-00002-of-00003.gguf", part2);
  write("m-00003-of-00003.gguf", part2);
  EXPECT_NE(error_of(open_gguf(first)).find("is also in an earlier part"), std::string::npos);
}

/// The header of a file with one F32 tensor [4], with a place to spoil each part of it.
struct Header {
  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t n_tensors = 1;
  uint64_t n_meta = 0;
  std::string meta = {};
  std::string name = "w";
  std::vector<uint64_t> dims = {4};
  uint32_t type = 0;
  uint64_t offset = 0;
  std::string more_tensors = {};
  size_t data_bytes = 16;

  template <typename T>
  static std::string raw(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static std::string text(const std::string& value) { return raw<uint64_t>(value.size()) + value; }
  static std::string tensor(const std::string& name, const std::vector<uint64_t>& dims, uint32_t type,
                            uint64_t offset) {
    std::string out = text(name) + raw(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) out += raw(dim);
    return out + raw(type) + raw(offset);
  }

  std::vector<uint8_t> bytes() const {
    std::string out = magic + raw(version) + raw(n_tensors) + raw(n_meta) + meta;
    out += tensor(name, dims, type, offset) + more_tensors;
    while (out.size() % 32 != 0) out += '\0';
    out += std::string(data_bytes, '\0');
    return {out.begin(), out.end()};
  }

  std::string error() const {
    const auto content = bytes();
    const auto parsed = parse_gguf(content);
    return parsed ? "no error" : parsed.error().message();
  }
};

void expect_error(const Header& header, std::string_view part) {
  const std::string message = header.error();
  EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
}

TEST_F(GgufReader, TheHeaderOfTheseTestsIsGood) {
  EXPECT_EQ(Header{}.error(), "no error");
  EXPECT_EQ(Header{.version = 2}.error(), "no error");
}

TEST_F(GgufReader, RefusesOtherFormatsByName) {
  expect_error({.magic = "PK\x03\x04"}, "PyTorch or zip");
  expect_error({.magic = "<htm"}, "a web page");
  expect_error({.magic = "lmgg"}, "older than GGUF");
  expect_error({.version = 1}, "from 2023");
  expect_error({.version = 4}, "needs a newer Ondol");
  expect_error({.version = 0x03000000}, "big endian");
}

TEST_F(GgufReader, RefusesCountsThatNoBytesBack) {
  expect_error({.n_tensors = uint64_t{1} << 60}, "byte 8: number of tensors");
  expect_error({.n_tensors = ~uint64_t{0}}, "byte 8: number of tensors");
  expect_error({.n_meta = uint64_t{1} << 60}, "byte 16: number of metadata entries");
  const std::string key = Header::text("k") + Header::raw<uint32_t>(9);
  expect_error({.n_meta = 1, .meta = key + Header::raw<uint32_t>(4) + Header::raw(uint64_t{1} << 61)}, "array length");
  expect_error({.n_meta = 1, .meta = key + Header::raw<uint32_t>(8) + Header::raw(uint64_t{100})}, "array length");
  expect_error({.n_meta = 1, .meta = Header::raw(~uint64_t{0})}, "metadata 1 of 1: byte 32: key: expected");
}

TEST_F(GgufReader, RefusesBadMetadata) {
  const auto meta = [](uint32_t type, const std::string& value, const std::string& key = "k") {
    return Header::text(key) + Header::raw(type) + value;
  };
  expect_error({.n_meta = 1, .meta = meta(13, "")}, "key 'k': byte 33: expected a metadata type from 0 to 12, got 13");
  expect_error({.n_meta = 1, .meta = meta(7, "\x02")}, "expected 0 or 1, got 2");
  expect_error({.n_meta = 1, .meta = meta(9, Header::raw(9))}, "arrays of arrays");
  expect_error({.n_meta = 2, .meta = meta(7, "\x01") + meta(7, "\x01")}, "key 'k' occurs twice");
  expect_error({.n_meta = 1, .meta = meta(7, "\x01", "")}, "expected 1 to 65535 bytes, got 0");
  for (const uint32_t alignment : {0U, 1U, 24U}) {
    expect_error({.n_meta = 1, .meta = meta(4, Header::raw(alignment), "general.alignment")}, "a power of two from 8");
  }
  expect_error({.n_meta = 1, .meta = meta(5, Header::raw(32), "general.alignment")}, "32-bit unsigned");
}

TEST_F(GgufReader, RefusesBadTensors) {
  expect_error({.dims = {1, 1, 1, 1, 1}}, "tensor 'w': byte 33: expected at most 4 dimensions, got 5");
  expect_error({.dims = {4, 0}}, "0 is no possible dimension");
  expect_error({.dims = {uint64_t{1} << 40, uint64_t{1} << 40}}, "no possible dimension");
  expect_error({.dims = {uint64_t{1} << 62}}, "larger than any file");
  expect_error({.type = 4}, "tensor 'w': byte 45: tensor type 4 is unknown");
  expect_error({.type = 200}, "tensor type 200 is unknown");
  expect_error({.dims = {33}, .type = 8}, "expected rows of a multiple of 32 elements for Q8_0, got [33]");
  expect_error({.offset = 8}, "expected an offset that is a multiple of 32, got 8");
  expect_error({.offset = ~uint64_t{31}}, "expected an offset");
  expect_error({.offset = 32}, "the file is cut, 32 bytes are missing: download it again");
  expect_error({.data_bytes = 15}, "1 bytes are missing");
  expect_error({.n_tensors = 2, .more_tensors = Header::tensor("w", {1}, 0, 32), .data_bytes = 64}, "occurs twice");
  expect_error({.n_tensors = 2, .dims = {16}, .more_tensors = Header::tensor("v", {1}, 0, 32), .data_bytes = 64},
               "tensor 'v': begins at byte");
}

/// Reads everything that a parsed file promises to be there; the address sanitizer watches.
uint64_t touch(const GgufContent& content) {
  uint64_t sum = 0;
  for (const TensorEntry& entry : content.tensors) {
    for (size_t i = 0; i < entry.tensor.size_bytes(); ++i) sum += entry.tensor.bytes()[i];
  }
  return sum;
}

TEST_F(GgufReader, ACutAtAnyByteIsAClearError) {
  const auto whole = bytes_of_file(golden("small.gguf"));
  const auto content = parse_gguf(whole);
  ASSERT_TRUE(content);
  const Tensor& last = content->tensors.back().tensor;
  const size_t needed = static_cast<size_t>(last.bytes() + last.size_bytes() - whole.data());
  for (size_t size = 0; size < needed; ++size) {
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
    const auto parsed = parse_gguf(part);
    ASSERT_FALSE(parsed) << size;
    EXPECT_NE(parsed.error().message().find("download it again"), std::string::npos) << parsed.error().message();
  }
}

TEST_F(GgufReader, AFlippedBitNeverCrashes) {
  const auto whole = bytes_of_file(golden("small.gguf"));
  const auto content = parse_gguf(whole);
  ASSERT_TRUE(content);
  const size_t header_bytes = static_cast<size_t>(content->tensors.front().tensor.bytes() - whole.data());
  int n_refused = 0;
  for (size_t bit = 0; bit < header_bytes * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
    const auto parsed = parse_gguf(flipped);
    if (parsed) {
      touch(*parsed);
    } else {
      ++n_refused;
      EXPECT_FALSE(parsed.error().message().empty());
    }
  }
  EXPECT_GT(n_refused, 1000);
}

TEST_F(GgufReader, NamesTheFileInEveryError) {
  const auto missing = open_gguf(path("none.gguf"));
  EXPECT_NE(error_of(missing).find("none.gguf: cannot open"), std::string::npos);
  const auto bad = open_gguf(write("bad.gguf", Header{.version = 1}.bytes()));
  EXPECT_NE(error_of(bad).find("bad.gguf: byte 4"), std::string::npos) << error_of(bad);
}

TEST_F(GgufReader, OpensARealModel) {
  const std::string model = std::string(ONDOL_SHARED_DATA) + "/models/stories260K/stories260K.gguf";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no shared test data at " << model;
  const auto opened = open_gguf(model);
  ASSERT_TRUE(opened) << error_of(opened);
  EXPECT_EQ(*(*opened)->meta_string("general.architecture"), "llama");
  EXPECT_EQ(*(*opened)->meta_int("llama.embedding_length"), 64);
  EXPECT_EQ((*opened)->find_tensor("token_embd.weight")->shape(), (Shape{512, 64}));
}

}  // namespace
}  // namespace ondol
