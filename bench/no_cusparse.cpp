// SPDX-License-Identifier: MIT
// What a program without cuSPARSE has in place of cusparse_baseline.cpp.

#include "bench/cases/cases.hpp"

namespace warpgnn::bench {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "cuSPARSE: this program was built without it");
}

}  // namespace

Case cusparse_spmm_case(const Context&, const Graph&, std::int64_t, SpmmAlgorithm) {
  not_built();
}

Case cusparse_sddmm_case(const Context&, const Graph&, std::int64_t) {
  not_built();
}

}  // namespace warpgnn::bench
