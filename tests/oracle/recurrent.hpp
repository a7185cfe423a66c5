// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

/// score_n = <x_n, query_g> for the nodes n in [offset[g], offset[g + 1]).
Sums segment_dot(const Ids& offset, const Reals& x, const Reals& query, std::size_t features);
struct SegmentDotGradients {
  Sums dx;
  Sums dquery;
};
SegmentDotGradients segment_dot_backward(const Ids& offset, const Reals& x, const Reals& query, const Reals& dscore,
                                         std::size_t features);

/// The element-wise part of an LSTM cell, from the inputs of its gates i, f, g, o [N, 4F] and the state before [N, F].
struct LstmCell {
  Sums c, h;
};
LstmCell lstm_cell(const Reals& gates, const Reals& c_previous, std::size_t features);
struct LstmCellGradients {
  Sums dgates, dc_previous;
};
LstmCellGradients lstm_cell_backward(const Reals& gates, const Reals& c_previous, const Reals& dh, const Reals& dc,
                                     std::size_t features);

/// The element-wise part of a GRU cell, from what its gates r, z, n get from the input and from the state [N, 3F] and
/// the state before [N, F].
Sums gru_cell(const Reals& input, const Reals& hidden, const Reals& h_previous, std::size_t features);
struct GruCellGradients {
  Sums dinput, dhidden, dh_previous;
};
GruCellGradients gru_cell_backward(const Reals& input, const Reals& hidden, const Reals& h_previous, const Reals& dh,
                                   std::size_t features);

}  // namespace oracle
