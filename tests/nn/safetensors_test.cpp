// SPDX-License-Identifier: MIT
// Saving and loading of tensors, against the safetensors format written out by hand.

#include "warpgnn/nn/safetensors.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_files.hpp"
#include "tests/support/nn_subject.hpp"

namespace warpgnn::test {
namespace {

using nlohmann::json;
using nn::load_safetensors;
using nn::Metadata;
using nn::NamedTensor;
using nn::read_metadata;
using nn::save_safetensors;

constexpr auto kInvalid = ErrorCode::invalid_argument;
constexpr auto kIo = ErrorCode::io_failure;

/// The bytes of a number, least significant first.
template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);  // the library supports little-endian machines only
  return bytes;
}

std::string header_length(std::uint64_t length) {
  std::string bytes;
  for (int k = 0; k < 8; ++k) bytes += static_cast<char>(length >> (8 * k) & 0xFF);
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data) {
  return header_length(header.size()) + header + data;
}

template <class T>
std::string bytes_of(const Tensor& tensor) {
  std::string bytes;
  for (const T value : tensor.to_host<T>()) bytes += little_endian(value);
  return bytes;
}

/// As long as it lives, files of this process cannot grow beyond so many bytes: a device that is full.
class FullDevice {
 public:
  explicit FullDevice(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDevice() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, signal_);
  }
  FullDevice(const FullDevice&) = delete;
  FullDevice& operator=(const FullDevice&) = delete;

 private:
  void (*signal_)(int);
  rlimit limit_{};
};

class NnSafetensorsTest : public BackendTest {
 protected:
  template <class T>
  Tensor tensor(const std::vector<T>& values, std::initializer_list<std::int64_t> shape) const {
    return Tensor::from<T>(context(), values, shape);
  }
  template <class T>
  Tensor blank(std::initializer_list<std::int64_t> shape) const {
    Tensor result(context(), dtype_of<T>, shape);
    result.fill_zero();
    return result;
  }
  /// Loads [2, 2] floats called "w" from a file of these bytes, which must fail and change nothing.
  void expect_refused(ErrorCode code, const std::vector<std::string>& words, const std::string& bytes) const {
    write_bytes(file, bytes);
    Tensor target = tensor<float>({9, 8, 7, 6}, {2, 2});
    std::vector<std::string> all{file.string()};
    all.insert(all.end(), words.begin(), words.end());
    expect_error(code, all, [&] { load_safetensors(file, std::vector<NamedTensor>{{"w", &target}}); });
    EXPECT_EQ(target.to_host<float>(), (std::vector<float>{9, 8, 7, 6}));
  }

  TestFolder folder;
  std::filesystem::path file = folder / "model.safetensors";
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(NnSafetensorsTest);

TEST_P(NnSafetensorsTest, EveryDtypeComesBackBitForBit) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> floats{1.5F, -0.0F, kInf, -kInf, 1e-42F, std::nanf("")};
  const std::vector<double> doubles{0.1, -1e300, 5e-324};
  const std::vector<std::int32_t> ints{-1, 2147483647, -2147483647 - 1, 0};
  const std::vector<std::int64_t> longs{std::numeric_limits<std::int64_t>::min(), 7};
  Tensor f32 = tensor(floats, {2, 3}), f64 = tensor(doubles, {3, 1, 1}), i32 = tensor(ints, {4});
  Tensor i64 = tensor(longs, {1, 2}), empty = blank<float>({0, 5});
  save_safetensors(
      file, std::vector<NamedTensor>{{"f32", &f32}, {"empty", &empty}, {"i32", &i32}, {"f64", &f64}, {"i64", &i64}});
  EXPECT_EQ(folder.files(), 1U) << "something was left beside the file";

  Tensor f32_back = blank<float>({2, 3}), f64_back = blank<double>({3, 1, 1}), i32_back = blank<std::int32_t>({4});
  Tensor i64_back = blank<std::int64_t>({1, 2}), empty_back = blank<float>({0, 5});
  const Metadata metadata = load_safetensors(  // in another order
      file,
      std::vector<NamedTensor>{
          {"i64", &i64_back}, {"f64", &f64_back}, {"f32", &f32_back}, {"empty", &empty_back}, {"i32", &i32_back}});
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(bytes_of<float>(f32_back), bytes_of<float>(f32));
  EXPECT_EQ(bytes_of<double>(f64_back), bytes_of<double>(f64));
  EXPECT_EQ(i32_back.to_host<std::int32_t>(), ints);
  EXPECT_EQ(i64_back.to_host<std::int64_t>(), longs);
}

TEST_P(NnSafetensorsTest, TheFileIsWhatTheFormatSays) {
  Tensor w = tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3}), step = tensor<std::int64_t>({77}, {1});
  Tensor label = tensor<std::int32_t>({5, -6, 7}, {3}), scale = tensor<double>({0.25}, {1});
  save_safetensors(
      file, std::vector<NamedTensor>{{"w", &w}, {"step", &step}, {"label", &label}, {"layer \"1\".scale", &scale}},
      {{"epoch", "12"}, {"text", "zwölf \"Äpfel\"\n"}});

  const std::string bytes = read_bytes(file);
  ASSERT_GT(bytes.size(), 8U);
  std::uint64_t length = 0;
  for (std::size_t k = 0; k < 8; ++k) length |= std::uint64_t{static_cast<unsigned char>(bytes[k])} << (8 * k);
  ASSERT_LT(length, bytes.size());
  EXPECT_EQ((8 + length) % 8, 0U) << "the data is not aligned";
  EXPECT_EQ(bytes[8], '{');
  const json header = json::parse(bytes.substr(8, length));
  const json expected = {
      {"__metadata__", {{"epoch", "12"}, {"text", "zwölf \"Äpfel\"\n"}}},
      {"w", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}},
      {"step", {{"dtype", "I64"}, {"shape", json::array({1})}, {"data_offsets", {24, 32}}}},
      {"label", {{"dtype", "I32"}, {"shape", json::array({3})}, {"data_offsets", {32, 44}}}},
      {"layer \"1\".scale", {{"dtype", "F64"}, {"shape", json::array({1})}, {"data_offsets", {44, 52}}}},
  };
  EXPECT_EQ(header, expected);
  EXPECT_EQ(bytes.substr(8 + length), bytes_of<float>(w) + bytes_of<std::int64_t>(step) +
                                          bytes_of<std::int32_t>(label) + bytes_of<double>(scale));
}

TEST_P(NnSafetensorsTest, ReadsAFileWrittenByHand) {
  const std::string data = little_endian(0.5) + little_endian(1.0F) + little_endian(-2.0F);
  write_bytes(file,
              file_of(R"( {"b":{"data_offsets":[8,16],"shape":[2],"dtype":"F32"},)"
                      R"("other":{"dtype":"BF16","shape":[],"data_offsets":[0,0]},)"
                      R"("__metadata__":{"format":"pt"},"a":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}   )",
                      data));
  Tensor a = blank<double>({1, 1}), b = blank<float>({2});
  const Metadata metadata = load_safetensors(file, std::vector<NamedTensor>{{"a", &a}, {"b", &b}});
  EXPECT_EQ(a.to_host<double>(), std::vector<double>{0.5});
  EXPECT_EQ(b.to_host<float>(), (std::vector<float>{1, -2}));
  EXPECT_EQ(metadata, (Metadata{{"format", "pt"}}));
  EXPECT_EQ(read_metadata(file), metadata);
}

TEST_P(NnSafetensorsTest, AFileWithoutTensors) {
  save_safetensors(file, {}, {{"only", "this"}});
  EXPECT_EQ(read_metadata(file), (Metadata{{"only", "this"}}));
  EXPECT_EQ(load_safetensors(file, {}), (Metadata{{"only", "this"}}));
  save_safetensors(file, {});
  EXPECT_EQ(read_bytes(file), file_of("{}      ", ""));
  EXPECT_TRUE(read_metadata(file).empty());
}

TEST_P(NnSafetensorsTest, RefusesAFileThatDoesNotMatch) {
  const auto with = [](const std::string& dtype, const std::string& shape, int bytes) {
    return file_of(R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" +
                       std::to_string(bytes) + "]}}",
                   std::string(static_cast<std::size_t>(bytes), '\1'));
  };
  expect_refused(kInvalid, {"'w'", "none"},
                 file_of(R"({"v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
  expect_refused(kInvalid, {"'w'", "F32", "F64"}, with("F64", "[2,2]", 32));
  expect_refused(kInvalid, {"'w'", "F32", "I32"}, with("I32", "[2,2]", 16));
  expect_refused(kInvalid, {"'w'", "F32", "BF16"}, with("BF16", "[2,2]", 8));
  expect_refused(kInvalid, {"'w'", "[2,2]", "[4]"}, with("F32", "[4]", 16));
  expect_refused(kInvalid, {"'w'", "[2,2]", "[2,3]"}, with("F32", "[2,3]", 24));
  expect_refused(kInvalid, {"'w'", "[2,2]", "[]"}, with("F32", "[]", 4));
}

TEST_P(NnSafetensorsTest, RefusesADamagedFile) {
  const auto with_offsets = [](const std::string& offsets, std::size_t bytes) {
    return file_of(R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":)" + offsets + "}}", std::string(bytes, '\1'));
  };
  expect_refused(kIo, {"short"}, "");
  expect_refused(kIo, {"short"}, "1234567");
  expect_refused(kIo, {"header", "fit"}, header_length(100) + "{}");
  expect_refused(kIo, {"header", "fit"}, header_length(std::numeric_limits<std::uint64_t>::max()) + "{}");
  expect_refused(kIo, {"header", "fit"}, header_length(std::numeric_limits<std::uint64_t>::max() - 7) + "{}");
  expect_refused(kIo, {"JSON"}, header_length(0) + "{}");
  expect_refused(kIo, {"JSON"}, file_of("{\"w\":", ""));
  expect_refused(kIo, {"JSON"}, file_of("garbage!", ""));
  expect_refused(kIo, {"JSON"}, file_of("[1, 2]", ""));
  expect_refused(kIo, {"JSON"}, file_of(std::string(64, '\xFF'), ""));
  expect_refused(kIo, {"__metadata__"}, file_of(R"({"__metadata__":3})", ""));
  expect_refused(kIo, {"__metadata__", "key"}, file_of(R"({"__metadata__":{"key":3}})", ""));
  expect_refused(kIo, {"'w'", "truncated"}, with_offsets("[0,16]", 15));
  expect_refused(kIo, {"'w'", "out of place"}, with_offsets("[16,0]", 16));
  expect_refused(kIo, {"'w'", "out of place"}, with_offsets("[0,12]", 16));
  expect_refused(kIo, {"'w'", "out of place"}, with_offsets("[8,24]", 16));
  expect_refused(kIo, {"'w'", "out of place"}, with_offsets("[-16,0]", 16));
  expect_refused(kIo, {"'w'", "out of place"}, with_offsets("[18446744073709551608,8]", 16));
  expect_refused(kIo, {"'w'", "data_offsets"}, with_offsets("[0]", 16));
  expect_refused(kIo, {"'w'", "data_offsets"}, with_offsets("\"all\"", 16));
  expect_refused(kIo, {"'w'", "dtype"},
                 file_of(R"({"w":{"shape":[2,2],"data_offsets":[0,16]}})", std::string(16, '1')));
  expect_refused(kIo, {"'w'", "shape"}, file_of(R"({"w":{"dtype":"F32","shape":4,"data_offsets":[0,16]}})", ""));
  expect_refused(kIo, {"'w'"}, file_of(R"({"w":7})", ""));
  for (const char* offsets : {"[0.5,16]", "[false,16]", "[0,1e300]", "[0,16,16]", "{\"0\":0,\"1\":16}"}) {
    expect_refused(kIo, {"'w'", "data_offsets"}, with_offsets(offsets, 16));
  }
  expect_refused(kIo, {"JSON"}, file_of(std::string(1'000'000, '['), ""));
  expect_refused(kIo, {"JSON"}, file_of("{\"w\":" + std::string(100, '[') + std::string(100, ']') + "}", ""));
}

// What a reader could follow, but nobody who means well writes: one tensor's data as another's, or bytes of no tensor.
TEST_P(NnSafetensorsTest, RefusesTensorsThatShareDataAndDataOfNone) {
  const auto two = [](const std::string& first, const std::string& second, std::size_t bytes) {
    return file_of(R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":)" + first +
                       R"(},"v":{"dtype":"F32","shape":[2,2],"data_offsets":)" + second + "}}",
                   std::string(bytes, '\1'));
  };
  expect_refused(kIo, {"overlap"}, two("[0,16]", "[0,16]", 16));
  expect_refused(kIo, {"overlap"}, two("[0,16]", "[8,24]", 24));
  expect_refused(kIo, {"gaps"}, two("[0,16]", "[20,36]", 36));
  expect_refused(kIo, {"gaps"}, two("[4,20]", "[20,36]", 36));
  expect_refused(kIo, {"32 bytes", "got 40"}, two("[16,32]", "[0,16]", 40));
  expect_refused(kIo, {"32 bytes", "got 24"}, two("[0,16]", "[16,32]", 24));
}

TEST_P(NnSafetensorsTest, RefusesWhatIsNoFile) {
  Tensor w = blank<float>({2});
  const std::vector<NamedTensor> tensors{{"w", &w}};
  const auto missing = folder / "missing.safetensors";
  expect_error(kIo, {missing.string()}, [&] { load_safetensors(missing, tensors); });
  expect_error(kIo, {missing.string()}, [&] { read_metadata(missing); });
  std::filesystem::create_directory(file);
  expect_error(kIo, {file.string()}, [&] { load_safetensors(file, tensors); });
}

TEST_P(NnSafetensorsTest, AFailedLoadChangesNothing) {
  Tensor good = tensor<float>({1, 2}, {2}), last = tensor<double>({3}, {1});
  save_safetensors(file, std::vector<NamedTensor>{{"good", &good}, {"last", &last}});
  Tensor target = tensor<float>({8, 9}, {2}), narrow = tensor<float>({7}, {1}), absent = tensor<float>({6}, {1});
  const auto load = [&](const NamedTensor& second) {
    load_safetensors(file, std::vector<NamedTensor>{{"good", &target}, second});
  };
  expect_error(kInvalid, {file.string(), "'last'", "F32", "F64"}, [&] { load({"last", &narrow}); });
  expect_error(kInvalid, {file.string(), "'absent'", "none"}, [&] { load({"absent", &absent}); });
  const std::string bytes = read_bytes(file);
  write_bytes(file, bytes.substr(0, bytes.size() - 1));
  Tensor wide = tensor<double>({5}, {1});
  expect_error(kIo, {file.string(), "'last'"}, [&] { load({"last", &wide}); });
  EXPECT_EQ(target.to_host<float>(), (std::vector<float>{8, 9}));
  EXPECT_EQ(narrow.to_host<float>(), std::vector<float>{7});
  EXPECT_EQ(wide.to_host<double>(), std::vector<double>{5});
  write_bytes(file, bytes);
  load({"last", &wide});
  EXPECT_EQ(target.to_host<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(wide.to_host<double>(), std::vector<double>{3});
}

TEST_P(NnSafetensorsTest, SavingReplacesTheOldFile) {
  Tensor w = tensor<float>({1, 2, 3}, {3});
  write_bytes(file, std::string(5000, 'x'));
  save_safetensors(file, std::vector<NamedTensor>{{"w", &w}});
  Tensor back = blank<float>({3});
  load_safetensors(file, std::vector<NamedTensor>{{"w", &back}});
  EXPECT_EQ(back.to_host<float>(), w.to_host<float>());
  EXPECT_LT(std::filesystem::file_size(file), 200U);
  EXPECT_EQ(folder.files(), 1U);
}

TEST_P(NnSafetensorsTest, AFailedSaveLeavesTheOldFile) {
  Tensor w = tensor<float>({1, 2, 3}, {3}), undefined;
  save_safetensors(file, std::vector<NamedTensor>{{"w", &w}}, {{"which", "old"}});
  const std::string old = read_bytes(file);
  const auto save = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    save_safetensors(file, tensors, metadata);
  };
  expect_error(kInvalid, {"tensors", "'w'", "twice"}, [&] { save({{"w", &w}, {"v", &w}, {"w", &w}}); });
  expect_error(kInvalid, {"tensors", "__metadata__"}, [&] { save({{"__metadata__", &w}}); });
  expect_error(kInvalid, {"tensors", "'u'"}, [&] { save({{"w", &w}, {"u", &undefined}}); });
  expect_error(kInvalid, {"tensors", "'u'"}, [&] { save({{"u", nullptr}}); });
  expect_error(kInvalid, {"tensors", "UTF-8"}, [&] { save({{"\xFF", &w}}); });
  expect_error(kInvalid, {"tensors", "UTF-8"}, [&] { save({{"w", &w}}, {{"key", "\xC3"}}); });
  {
    const FullDevice full(16);
    expect_error(kIo, {file.string(), "cannot be written"}, [&] { save({{"w", &w}}); });
  }
  EXPECT_EQ(read_bytes(file), old);
  EXPECT_EQ(folder.files(), 1U);
}

TEST_P(NnSafetensorsTest, RefusesAPlaceThatCannotBeWritten) {
  Tensor w = tensor<float>({1, 2, 3}, {3});
  const std::vector<NamedTensor> tensors{{"w", &w}};
  const auto nowhere = folder / "no_such_folder" / "w.safetensors";
  expect_error(kIo, {nowhere.string()}, [&] { save_safetensors(nowhere, tensors); });
  write_bytes(folder / "plain", "");
  const auto inside_a_file = folder / "plain" / "w.safetensors";
  expect_error(kIo, {inside_a_file.string()}, [&] { save_safetensors(inside_a_file, tensors); });
  std::filesystem::create_directory(file);
  write_bytes(file / "content", "kept");
  expect_error(kIo, {file.string()}, [&] { save_safetensors(file, tensors); });
  EXPECT_EQ(read_bytes(file / "content"), "kept");
  EXPECT_EQ(folder.files(), 2U) << "a partial file was left";
}

TEST_P(NnSafetensorsTest, WhatIsNoRegularFileIsNeitherReadNorReplaced) {
  Tensor w = tensor<float>({1, 2, 3}, {3});
  const std::vector<NamedTensor> tensors{{"w", &w}};
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  std::filesystem::create_symlink(file, folder / "link");
  for (const auto& path : {file, folder / "link"}) {
    expect_error(kIo, {path.string(), "regular file"}, [&] { save_safetensors(path, tensors); });
    expect_error(kIo, {path.string(), "regular file"}, [&] { load_safetensors(path, tensors); });
    expect_error(kIo, {path.string(), "regular file"}, [&] { read_metadata(path); });
  }
  EXPECT_TRUE(std::filesystem::is_fifo(file));
  EXPECT_EQ(folder.files(), 2U) << "a partial file was left";
}

TEST_P(NnSafetensorsTest, ALinkStaysAndItsFileIsReplaced) {
  Tensor w = tensor<float>({1, 2, 3}, {3});
  write_bytes(file, "old");
  const auto link = folder / "link";
  std::filesystem::create_symlink(file, link);
  save_safetensors(link, std::vector<NamedTensor>{{"w", &w}}, {{"which", "new"}});
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(read_metadata(file), (Metadata{{"which", "new"}}));
}

TEST_P(NnSafetensorsTest, ManyMaySaveToOneNameAtATime) {
  Tensor w = tensor<float>(std::vector<float>(1000, 1.0F), {1000});
  std::atomic<int> failures = 0;
  const auto save_often = [&] {
    for (int k = 0; k < 20; ++k) {
      try {
        save_safetensors(file, std::vector<NamedTensor>{{"w", &w}});
      } catch (const std::exception&) {
        ++failures;
      }
    }
  };
  if (context().is_cuda()) GTEST_SKIP() << "a device's context serves one thread at a time";
  std::thread other(save_often);
  save_often();
  other.join();
  EXPECT_EQ(failures, 0);
  load_safetensors(file, std::vector<NamedTensor>{{"w", &w}});
  EXPECT_EQ(folder.files(), 1U);
}

TEST_P(NnSafetensorsTest, NamedValuesAreAllParameters) {
  nn::Session session(context(), Dtype::float32, 1);
  nn::Parameter weight = nn::ones(session, "weight", {2}), buffer = nn::zeros(session, "buffer", {1});
  buffer.trainable = false;
  const auto named = nn::named_values({&weight, &buffer});
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0].name, "weight");
  EXPECT_EQ(named[0].tensor, &weight.value);
  EXPECT_EQ(named[1].name, "buffer");
  EXPECT_EQ(named[1].tensor, &buffer.value);
  expect_error(kInvalid, {"tensors", "'weight'", "twice"}, [&] { nn::named_values({&weight, &buffer, &weight}); });
}

}  // namespace
}  // namespace warpgnn::test
