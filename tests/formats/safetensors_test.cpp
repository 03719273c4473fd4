#include "formats/safetensors.h"

#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

class Safetensors : public TemporaryFolder {
 protected:
  std::shared_ptr<const ModelFile> open(const std::string& file_path) {
    auto opened = open_safetensors(file_path);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
    return opened ? *opened : nullptr;
  }
};

template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

void expect_contains(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
}

template <typename T>
T at(const ModelFile& file, std::string_view name, size_t i) {
  const Tensor* tensor = file.find_tensor(name);
  EXPECT_NE(tensor, nullptr) << name;
  T value{};
  if (tensor != nullptr) std::memcpy(&value, tensor->bytes() + i * sizeof(T), sizeof(T));
  return value;
}

TEST_F(Safetensors, ReadsEveryTypeAsWrittenByAnotherProgram) {
  const auto file = open(golden("small.safetensors"));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(*file->meta_string("note"), "\xec\x98\xa8\xeb\x8f\x8c");
  EXPECT_EQ(file->tensors().size(), 11u);
  EXPECT_EQ(file->find_tensor("f32")->shape(), (Shape{2, 3}));
  EXPECT_EQ(at<double>(*file, "f64", 1), 0.5);
  EXPECT_EQ(at<float>(*file, "f32", 5), 2.5F);
  EXPECT_EQ(at<uint16_t>(*file, "f16", 2), 0x3c00);  // 1.0
  EXPECT_EQ(at<int64_t>(*file, "i64", 1), int64_t{1} << 40);
  EXPECT_EQ(at<int32_t>(*file, "i32", 2), 2);
  EXPECT_EQ(at<int16_t>(*file, "i16", 1), 1);
  EXPECT_EQ(at<int8_t>(*file, "i8", 0), -1);
  EXPECT_EQ(at<uint8_t>(*file, "u8", 0), 200);
  EXPECT_EQ(file->find_tensor("u8")->type(), DType::U8);
  EXPECT_EQ(at<uint8_t>(*file, "bool", 0), 1);
  EXPECT_EQ(file->find_tensor("bool")->type(), DType::U8);
  EXPECT_EQ(file->find_tensor("empty")->shape(), (Shape{0, 4}));
  EXPECT_EQ(file->find_tensor("scalar")->shape(), (Shape{}));
  EXPECT_EQ(at<float>(*file, "scalar", 0), 2.5F);
}

TEST_F(Safetensors, ReadsWhatTorchWrites) {
  const auto file = open(golden("torch.safetensors"));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->find_tensor("bf16")->type(), DType::BF16);
  EXPECT_EQ(at<uint16_t>(*file, "bf16", 2), 0x3f80);  // 1.0
  EXPECT_EQ(file->find_tensor("f8")->type(), DType::F8_E4M3);
  EXPECT_EQ(at<uint8_t>(*file, "f8", 2), 0x38);  // 1.0
  EXPECT_EQ(file->find_tensor("conv3d")->shape(), (Shape{2, 3, 2, 4}));
  EXPECT_EQ(at<float>(*file, "conv3d", 47), 47.0F);
}

TEST_F(Safetensors, AlignsNumbersAtOddAddresses) {
  const auto file = open(golden("unaligned.safetensors"));
  ASSERT_NE(file, nullptr);
  const Tensor& tensor = *file->find_tensor("a");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % 4, 0u);
  EXPECT_EQ(tensor.f32()[3], 1.5F);
}

TEST_F(Safetensors, OpensShardsByFolderAndByIndex) {
  for (const std::string name : {"sharded", "sharded/model.safetensors.index.json"}) {
    const auto file = open(golden(name));
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(file->tensors().size(), 5u);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(at<float>(*file, fmt::format("layer{}.weight", i), 1), 0.5F + static_cast<float>(i));
    }
  }
}

TEST_F(Safetensors, OpensTheOnlyFileOfAFolder) {
  expect_contains(error_of(open_safetensors(folder_.string())), "expected model.safetensors or");
  write("pytorch_model.bin", {});
  expect_contains(error_of(open_safetensors(folder_.string())), ".bin files are not read");
  fs::copy(golden("small.safetensors"), path("adapter_model.safetensors"));
  EXPECT_NE(open(folder_.string()), nullptr);
  fs::copy(golden("small.safetensors"), path("other.safetensors"));
  expect_contains(error_of(open_safetensors(folder_.string())), "got 2 .safetensors files without one");
  fs::copy(golden("torch.safetensors"), path("model.safetensors"));
  EXPECT_NE(open(folder_.string())->find_tensor("bf16"), nullptr);
}

TEST_F(Safetensors, SaysWhatAnIndexLacks) {
  fs::copy(golden("sharded"), folder_ / "m");
  fs::remove(folder_ / "m" / "model-00002-of-00003.safetensors");
  expect_contains(error_of(open_safetensors(path("m"))), "m/model-00002-of-00003.safetensors'");
  fs::copy(golden("small.safetensors"), folder_ / "m" / "model-00002-of-00003.safetensors");
  expect_contains(error_of(open_safetensors(path("m"))), "expected tensor 'layer");
}

TEST_F(Safetensors, RefusesAnIndexThatLeadsElsewhere) {
  const auto error = [](std::string_view text) { return error_of(parse_safetensors_index(text)); };
  EXPECT_EQ(error(R"({"weight_map":{"a":"x.safetensors"}})"), "no error");
  for (const auto* name :
       {R"("../x.safetensors")", R"("/x.safetensors")", R"("x.bin")", "3", R"("a\u0000.safetensors")"}) {
    expect_contains(error(fmt::format(R"({{"weight_map":{{"a":{}}}}})", name)), "beside the index");
  }
  expect_contains(error(R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})"), "key 'a' occurs twice");
  expect_contains(error("[]"), "weight_map");
  expect_contains(error("{"), "not valid JSON");
}

std::string error_with_header(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), 8);
  bytes += header + std::string(data_bytes, '\0');
  const auto parsed = parse_safetensors({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return error_of(parsed);
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape, int begin, int end) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", name, type, shape, begin, end);
}

TEST_F(Safetensors, RefusesBadHeaders) {
  EXPECT_EQ(error_with_header("{}", 0), "no error");
  EXPECT_EQ(error_with_header("{" + entry("a", "F32", "[2]", 0, 8) + "}  ", 8), "no error");
  expect_contains(error_with_header("[]", 0), "expected '{'");
  expect_contains(error_with_header("{", 0), "header: line 1");
  expect_contains(
      error_with_header("{" + entry("a", "F32", "[2]", 0, 8) + "," + entry("a", "F32", "[2]", 8, 16) + "}", 16),
      "key 'a' occurs twice");
  expect_contains(error_with_header("{" + entry("a", "F4", "[2]", 0, 8) + "}", 8), "tensor 'a': expected a dtype of");
  expect_contains(error_with_header("{" + entry("a", "F32", "[3]", 0, 8) + "}", 8), "expected 3 elements of 4 bytes");
  expect_contains(error_with_header("{" + entry("a", "F32", "[-2]", 0, 8) + "}", 8), "-2 is no possible dimension");
  expect_contains(error_with_header("{" + entry("a", "F32", "[4294967296,4294967296]", 0, 8) + "}", 8), "no possible");
  expect_contains(error_with_header("{" + entry("a", "F32", "[4611686018427387904,2]", 0, 8) + "}", 8), "no possible");
  expect_contains(error_with_header("{" + entry("a", "F64", "[4611686018427387904]", 0, 0) + "}", 0), "expected 46116");
  expect_contains(error_with_header("{" + entry("a", "F32", "[2]", 8, 0) + "}", 8), "is no range");
  expect_contains(error_with_header("{" + entry("a", "F32", "2", 0, 8) + "}", 8), "\"shape\" that is a list");
  expect_contains(error_with_header(R"({"a":{"dtype":"F32","shape":[2]}})", 8), "\"data_offsets\"");
  expect_contains(error_with_header(R"({"a":3})", 8), "expected a dtype");
  expect_contains(error_with_header(R"({"__metadata__":{"a":3}})", 0), "'a': expected a string");
}

TEST_F(Safetensors, RefusesOverlapGapsAndCuts) {
  const auto two = [](int begin, int end) {
    return "{" + entry("a", "F32", "[2]", 0, 8) + "," + entry("b", "I8", fmt::format("[{}]", end - begin), begin, end) +
           "}";
  };
  EXPECT_EQ(error_with_header(two(8, 12), 12), "no error");
  expect_contains(error_with_header(two(4, 12), 12), "tensor 'b': expected its data at 8, got 4; the tensors overlap");
  expect_contains(error_with_header(two(9, 12), 12), "leave a gap");
  expect_contains(error_with_header(two(8, 12), 13), "1 bytes after the last tensor");
  expect_contains(error_with_header(two(8, 12), 10), "the file is cut, 2 bytes are missing: download it again");
}

TEST_F(Safetensors, RefusesHeadersBeyondTheLimit) {
  const uint64_t length = 100'000'001;
  std::vector<uint8_t> bytes(8);
  std::memcpy(bytes.data(), &length, 8);
  expect_contains(error_of(parse_safetensors(bytes)), "at most 100000000 bytes, got 100000001");
}

TEST_F(Safetensors, ACutAtAnyByteIsAClearError) {
  const auto whole = bytes_of_file(golden("small.safetensors"));
  ASSERT_TRUE(parse_safetensors(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
    const auto parsed = parse_safetensors(part);
    ASSERT_FALSE(parsed) << size;
    expect_contains(parsed.error().message(), "download it again");
  }
}

TEST_F(Safetensors, AFlippedBitNeverCrashes) {
  const auto whole = bytes_of_file(golden("small.safetensors"));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, whole.data(), 8);
  size_t n_refused = 0;
  for (size_t bit = 0; bit < (8 + header_bytes) * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
    const auto parsed = parse_safetensors(flipped);
    if (!parsed) {
      ++n_refused;
      continue;
    }
    uint64_t sum = 0;
    for (const TensorEntry& tensor : parsed->tensors) {
      for (size_t i = 0; i < tensor.tensor.size_bytes(); ++i) sum += tensor.tensor.bytes()[i];
    }
    EXPECT_GT(sum, 0u);
  }
  EXPECT_GT(n_refused, header_bytes * 4);
}

TEST_F(Safetensors, WritesWhatItReads) {
  for (const std::string name : {"small.safetensors", "torch.safetensors"}) {
    const auto file = open(golden(name));
    ASSERT_NE(file, nullptr);
    ASSERT_TRUE(write_safetensors(path(name), file->metadata(), file->tensors()));
    const auto copy = open(path(name));
    ASSERT_NE(copy, nullptr);
    ASSERT_EQ(copy->tensors().size(), file->tensors().size());
    for (const auto& [tensor_name, tensor] : file->tensors()) {
      const Tensor* other = copy->find_tensor(tensor_name);
      ASSERT_NE(other, nullptr);
      EXPECT_EQ(other->type(), tensor.type());
      EXPECT_EQ(other->shape(), tensor.shape());
      EXPECT_TRUE(std::equal(tensor.bytes(), tensor.bytes() + tensor.size_bytes(), other->bytes()));
    }
    EXPECT_EQ(*copy->meta_string("format"), "pt");
  }
}

TEST_F(Safetensors, WritesShardsWithAnIndex) {
  const auto file = open(golden("small.safetensors"));
  ASSERT_NE(file, nullptr);
  for (const uint64_t limit : {1U, 20U, 40U, 1000U}) {
    const std::string folder = path(fmt::format("limit{}", limit));
    fs::create_directories(folder);
    ASSERT_TRUE(write_safetensors(folder + "/model.safetensors", file->metadata(), file->tensors(),
                                  {.shard_max_bytes = limit}));
    EXPECT_EQ(fs::exists(folder + "/model.safetensors.index.json"), limit < 1000);
    const auto copy = open(folder);
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(copy->tensors().size(), file->tensors().size());
    EXPECT_EQ(at<float>(*copy, "f32", 5), 2.5F);
    for (const auto& item : fs::directory_iterator(folder)) EXPECT_NE(item.path().extension(), ".part");
  }
}

TEST_F(Safetensors, RefusesToWriteWhatTheFormatLacks) {
  const auto create = [&](std::vector<TensorSpec> tensors, const Metadata& metadata = {}) {
    return error_of(SafetensorsWriter::create(path("m.safetensors"), metadata, std::move(tensors)));
  };
  expect_contains(create({{"a", DType::Q8_0, {32}}}), "safetensors have no type Q8_0");
  expect_contains(create({{"a", DType::F32, {1}}, {"a", DType::F32, {1}}}), "'a' occurs twice");
  expect_contains(create({}, {{"k", MetaValue{true}}}), "hold only strings");
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace ondol
