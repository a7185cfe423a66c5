// What a build without CUDA has in place of cuda_device.cpp and cusparse_baseline.cpp.

#include "cases.hpp"
#include "device.hpp"

namespace warpgnn::bench {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "cuSPARSE: this program was built without CUDA");
}

}  // namespace

std::unique_ptr<Device> make_cuda_device() {
  return nullptr;
}

Case cusparse_spmm_case(const Context&, const Graph&, std::int64_t, SpmmAlgorithm) {
  not_built();
}

Case cusparse_sddmm_case(const Context&, const Graph&, std::int64_t) {
  not_built();
}

}  // namespace warpgnn::bench
