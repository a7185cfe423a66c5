// SPDX-License-Identifier: MIT
#include "tests/support/test_tensor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "tests/support/memory_marks.hpp"

namespace warpgnn::test {
namespace {

constexpr std::size_t kGuardBytes = kWorkspaceAlignment;
constexpr unsigned char kNanByte = 0xFF;  // all ones is a NaN in every precision
constexpr unsigned char kIntegerByte = 0x7E;

unsigned char fill_byte(Dtype dtype) {
  return is_real(dtype) || is_half(dtype) ? kNanByte : kIntegerByte;
}

template <class T>
void store(unsigned char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <class T>
T load(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void store_as(Dtype dtype, double value, unsigned char* at) {
  const auto single = static_cast<float>(value);
  switch (dtype) {
    case Dtype::float64: return store(at, value);
    case Dtype::float16: return store(at, from_float<Float16>(single));
    case Dtype::bfloat16: return store(at, from_float<BFloat16>(single));
    default: return store(at, single);
  }
}
void store_as(Dtype dtype, std::int64_t value, unsigned char* at) {
  if (dtype == Dtype::int64) {
    store(at, value);
  } else {
    store(at, static_cast<std::int32_t>(value));
  }
}

std::size_t round_up(std::size_t bytes) {
  return (bytes + 7) / 8 * 8;
}

}  // namespace

const char* name_of(Place place) {
  switch (place) {
    case Place::contiguous: return "contiguous";
    case Place::strided: return "strided";
    case Place::misaligned: return "misaligned";
  }
  return "unknown";
}

bool is_fill(const unsigned char* bits, Dtype dtype) {
  return std::all_of(bits, bits + size_of(dtype), [&](unsigned char byte) { return byte == fill_byte(dtype); });
}

std::size_t TestTensor::row_bytes() const {
  return static_cast<std::size_t>(view_.row_size()) * size_of(dtype());
}

template <class Function>
void TestTensor::for_each_row(const Function& function) const {
  if (view_.row_size() == 0) return;
  const std::size_t stride = static_cast<std::size_t>(view_.stride[0]) * size_of(dtype());
  for (std::size_t row = 0; row < static_cast<std::size_t>(view_.shape[0]); ++row) function(first_byte_ + row * stride);
}

template <class Function>
void TestTensor::for_each_element(const Function& function) const {
  const std::size_t row_end = row_bytes(), step = size_of(dtype());
  std::size_t element = 0;
  for_each_row([&](std::size_t first) {
    for (std::size_t byte = 0; byte < row_end; byte += step) function(element++, first + byte);
  });
}

template <class Value>
void TestTensor::fill(const std::vector<Value>& values) {
  if (values.empty()) return;
  for_each_element([&](std::size_t k, std::size_t byte) { store_as(dtype(), values.at(k), image_.data() + byte); });
}

TestTensor::TestTensor(const Context& context, Dtype dtype, const Shape& shape, Place place, Role role)
    : role_(role), view_{contiguous_layout(dtype, shape, context.device()), nullptr} {
  if (place == Place::strided) view_.stride[0] = view_.row_size() + 3;
  first_byte_ = kGuardBytes + (place == Place::misaligned ? size_of(dtype) : 0);
  const auto rows = static_cast<std::size_t>(view_.shape[0]);
  const std::size_t span = rows * static_cast<std::size_t>(view_.stride[0]) * size_of(dtype);
  image_.assign(round_up(first_byte_ + span + kGuardBytes), fill_byte(dtype));
  memory_ = std::make_unique<Tensor>(context, Dtype::int64,
                                     std::initializer_list<std::int64_t>{static_cast<std::int64_t>(image_.size() / 8)});
  view_.data = static_cast<char*>(memory_->view().data) + first_byte_;
}

TestTensor TestTensor::input(const Context& context, Dtype dtype, const Shape& shape, const oracle::Reals& values,
                             Place place) {
  TestTensor tensor(context, dtype, shape, place, Role::input);
  tensor.fill(values);
  tensor.upload();
  return tensor;
}

TestTensor TestTensor::input_ids(const Context& context, Dtype dtype, const Shape& shape, const oracle::Ids& values,
                                 Place place) {
  TestTensor tensor(context, dtype, shape, place, Role::input);
  tensor.fill(values);
  tensor.upload();
  return tensor;
}

TestTensor TestTensor::inout(const Context& context, Dtype dtype, const Shape& shape, const oracle::Reals& values,
                             Place place) {
  TestTensor tensor(context, dtype, shape, place, Role::inout);
  tensor.fill(values);
  tensor.upload();
  return tensor;
}

TestTensor TestTensor::output(const Context& context, Dtype dtype, const Shape& shape, Place place) {
  TestTensor tensor(context, dtype, shape, place, Role::output);
  tensor.upload();
  return tensor;
}

TestTensor::~TestTensor() {
  if (memory_ == nullptr) return;
  try {
    verify();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "a tensor could not be read back: " << error.what();
  }
}

void TestTensor::upload() {
  memory_->copy_from_host(image_.data(), image_.size());
  mark();
}

/// Guards and gaps are nobody's, and an output has no value yet.
void TestTensor::mark() const {
  const char* const base = static_cast<const char*>(memory_->view().data);
  std::size_t end = 0;  // of what is marked
  for_each_row([&](std::size_t first) {
    forbid(base + end, first - end);
    if (role_ == Role::output) mark_uninitialised(base + first, row_bytes());
    end = first + row_bytes();
  });
  forbid(base + end, image_.size() - end);
}

std::vector<unsigned char> TestTensor::download() const {
  std::vector<unsigned char> bytes(image_.size());
  memory_->copy_to_host(bytes.data(), bytes.size());
  return bytes;
}

std::vector<unsigned char> TestTensor::bits() const {
  const std::vector<unsigned char> bytes = download();
  std::vector<unsigned char> elements;
  elements.reserve(static_cast<std::size_t>(view_.count()) * size_of(dtype()));
  for_each_row([&](std::size_t first) {
    const auto row = bytes.begin() + static_cast<std::ptrdiff_t>(first);
    elements.insert(elements.end(), row, row + static_cast<std::ptrdiff_t>(row_bytes()));
  });
  return elements;
}

oracle::Reals TestTensor::reals() const {
  const std::vector<unsigned char> bytes = download();
  oracle::Reals values(static_cast<std::size_t>(view_.count()));
  for_each_element([&](std::size_t k, std::size_t byte) {
    const unsigned char* const at = bytes.data() + byte;
    switch (dtype()) {
      case Dtype::float64: values[k] = load<double>(at); break;
      case Dtype::float16: values[k] = static_cast<double>(to_float(load<Float16>(at))); break;
      case Dtype::bfloat16: values[k] = static_cast<double>(to_float(load<BFloat16>(at))); break;
      default: values[k] = static_cast<double>(load<float>(at));
    }
  });
  return values;
}

oracle::Ids TestTensor::ids() const {
  const std::vector<unsigned char> bytes = download();
  oracle::Ids values(static_cast<std::size_t>(view_.count()));
  for_each_element([&](std::size_t k, std::size_t byte) {
    const unsigned char* const at = bytes.data() + byte;
    values[k] = dtype() == Dtype::int64 ? load<std::int64_t>(at) : load<std::int32_t>(at);
  });
  return values;
}

bool TestTensor::untouched() const {
  return download() == image_;
}

void TestTensor::verify() const {
  std::vector<unsigned char> expected = image_;
  const std::vector<unsigned char> found = download();
  if (role_ != Role::input) {
    for_each_row([&](std::size_t first) { std::copy_n(found.data() + first, row_bytes(), expected.data() + first); });
  }
  if (found == expected) return;
  const auto at = std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin();
  ADD_FAILURE() << (role_ == Role::input ? "an input was changed" : "written outside an output") << ": byte "
                << at - static_cast<std::ptrdiff_t>(first_byte_) << " relative to the first element, of a tensor of "
                << view_.count() << " " << warpgnn::name_of(dtype());
}

GuardedWorkspace::GuardedWorkspace(const Context& context, std::size_t bytes) {
  if (bytes == 0) return;  // an op that asks for none must not look at one
  const std::vector<unsigned char> image(round_up(2 * kGuardBytes + bytes), kNanByte);
  memory_ = Tensor(context, Dtype::int64, {static_cast<std::int64_t>(image.size() / 8)});
  memory_.copy_from_host(image.data(), image.size());
  char* const base = static_cast<char*>(memory_.view().data);
  workspace_ = {base + kGuardBytes, bytes};
  forbid(base, kGuardBytes);
  mark_uninitialised(workspace_.data, bytes);
  forbid(base + kGuardBytes + bytes, image.size() - kGuardBytes - bytes);
}

GuardedWorkspace::~GuardedWorkspace() {
  if (!memory_.defined()) return;
  std::vector<unsigned char> found(memory_.bytes());
  try {
    memory_.copy_to_host(found.data(), found.size());
  } catch (const std::exception& error) {
    ADD_FAILURE() << "the workspace could not be read back: " << error.what();
    return;
  }
  const auto intact = [&](std::size_t begin, std::size_t end) {
    return std::all_of(found.begin() + static_cast<std::ptrdiff_t>(begin),
                       found.begin() + static_cast<std::ptrdiff_t>(end),
                       [](unsigned char byte) { return byte == kNanByte; });
  };
  EXPECT_TRUE(intact(0, kGuardBytes)) << "written before the workspace";
  EXPECT_TRUE(intact(kGuardBytes + workspace_.bytes, found.size())) << "written past the workspace";
}

}  // namespace warpgnn::test
