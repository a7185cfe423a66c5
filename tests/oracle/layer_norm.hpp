// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

/// Each row of x [N, F] normalised by its own mean and biased variance, then scaled and shifted by gamma and beta [F].
struct LayerNorm {
  Sums y;
  Reals mean;     // [N]
  Reals inv_std;  // [N], 1 / sqrt(variance + epsilon)
};
LayerNorm layer_norm(const Reals& x, const Reals& gamma, const Reals& beta, double epsilon);

struct LayerNormGradients {
  Sums dx;
  Sums dgamma;
  Sums dbeta;
};
/// Through mean and variance by the plain chain rule.
LayerNormGradients layer_norm_backward(const Reals& x, const Reals& gamma, const Reals& dy, double epsilon);

/// Each row of x [N, F] divided by its length; a row of zeros stays one.
Sums normalize_rows(const Reals& x, std::size_t features);
/// By the plain chain rule; 0 for a row of zeros.
Sums normalize_rows_backward(const Reals& x, const Reals& dy, std::size_t features);

}  // namespace oracle
