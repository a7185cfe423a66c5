// SPDX-License-Identifier: MIT
#pragma once

// What the scan needs of OpenMP's functions: clang's own header is a package of its own.

extern "C" {
int omp_get_max_threads();
int omp_get_num_threads();
int omp_get_thread_num();
void omp_set_num_threads(int);
}
