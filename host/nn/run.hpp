#pragma once

/// Small helpers of the layers.

#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

/// Gives a layer's own tensor its shape for this call; memory is reused once it was large enough.
inline void shape(const Session& session, Tensor& tensor, std::initializer_list<std::int64_t> sizes, Dtype dtype) {
  tensor.resize(session.context(), dtype, sizes);
}
inline void shape(const Session& session, Tensor& tensor, std::initializer_list<std::int64_t> sizes) {
  shape(session, tensor, sizes, session.dtype());
}
inline void shape_like(const Session& session, Tensor& tensor, const Layout& like) {
  tensor.resize(session.context(), session.dtype(), {like.shape.data(), static_cast<std::size_t>(like.ndim)});
}

/// Runs an op that asks for a workspace with the session's.
template <class Op>
void run(Session& session, void (*function)(const Context&, const Op&), Op op) {
  op.workspace = session.workspace(workspace_size(session.context(), op));
  function(session.context(), op);
}

}  // namespace warpgnn::nn
