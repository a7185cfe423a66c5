// SPDX-License-Identifier: MIT
#pragma once

// What benchmarks compute on a GPU beside the library. All is ordered by the context's stream. A build without CUDA has
// stubs (no_cuda.cpp) that nothing calls.

#include "pair_laws.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::bench {

/// Element k of a float32 tensor becomes random_signed(seed, k).
void fill_uniform(const Context& context, const TensorView& tensor, std::uint64_t seed);

/// Writes the edges of the first `pairs` pairs, 2 * pairs to each array.
void draw_pairs(const Context& context, const PowerLawPairs& law, std::int64_t pairs, std::int32_t* source,
                std::int32_t* destination);
void draw_pairs(const Context& context, const HubPairs& law, std::int64_t pairs, std::int32_t* source,
                std::int32_t* destination);

/// Reads a tensor `passes` times with the whole GPU, past the first-level caches. Its bytes are a multiple of 16.
void read_all(const Context& context, const ConstTensorView& tensor, int passes);

}  // namespace warpgnn::bench
