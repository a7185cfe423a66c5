// SPDX-License-Identifier: MIT
#pragma once

// Kernels whose results and traffic are known by hand.

#include "planted.hpp"

namespace planted {

// --- Results: y has room for 1024 elements --------------------------------------------------------------------------

void run_shuffles(float* y);        ///< 4 x 32: a shuffle of each kind within parts of 8 lanes
void run_votes(unsigned* y);        ///< 8: ballot, any, all, sum, min, max, match_any, match_all of lane 3
void run_block_votes(float* y);     ///< 3: count, and, or over 100 threads
void run_dynamic_shared(float* y);  ///< 64, reversed through dynamic shared memory
void run_atomics(int* y);           ///< 6, each from 64 lanes: add, min, max, exchange of -1, compare-and-swap, or
void run_half_precision(const float* x, float* y, int count);  ///< through fp16, then through bf16
void run_indices(float* y);  ///< 24 threads of a 2 x 1 x 1 grid of 3 x 2 x 2 blocks: their places in the grid
/// Each lane's turn at a counter: the one result that depends on the order of lanes.
void run_arrivals(int* counter, int* y);

// --- Traffic --------------------------------------------------------------------------------------------------------

void run_strided_load(const float* x, float* y, int stride);
void run_load_again(const float* x, float* y, int others);
void run_strided_shared(float* y, int stride);
/// Lane i makes i % 4 + 1 loads in each of three rounds.
void run_nested_loops(const float* x, float* y);
void run_vector_copy(const float* x, float* y);
void run_counter(int* counter);

}  // namespace planted
