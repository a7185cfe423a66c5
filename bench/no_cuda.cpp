// SPDX-License-Identifier: MIT
// What a build without CUDA has in place of cuda_device.cpp and device_kernels.cu.

#include "device.hpp"
#include "device_kernels.hpp"
#include "warpgnn/error.hpp"

namespace warpgnn::bench {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "this program was built without CUDA");
}

}  // namespace

std::unique_ptr<Device> make_cuda_device(Scale) {
  return nullptr;
}

void fill_uniform(const Context&, const TensorView&, std::uint64_t) {
  not_built();
}

void draw_pairs(const Context&, const PowerLawPairs&, std::int64_t, std::int32_t*, std::int32_t*) {
  not_built();
}

void draw_pairs(const Context&, const HubPairs&, std::int64_t, std::int32_t*, std::int32_t*) {
  not_built();
}

void read_all(const Context&, const ConstTensorView&, int) {
  not_built();
}

}  // namespace warpgnn::bench
