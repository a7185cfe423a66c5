// SPDX-License-Identifier: MIT
#pragma once

#include "host/core/backend.hpp"

namespace warpgnn::kernels {

/// Fills exec.blas, which may stay null in a library without dense products; what is there when it throws is left to
/// close_blas.
void open_blas(backend::CudaExec& exec);
void close_blas(const backend::CudaExec& exec) noexcept;

}  // namespace warpgnn::kernels
