// SPDX-License-Identifier: MIT
#include <cusparse.h>

#include "bench/cases/case_parts.hpp"
#include "cuda_check.hpp"

namespace warpgnn::bench {

namespace {

void check_cusparse(cusparseStatus_t status) {
  if (status != CUSPARSE_STATUS_SUCCESS) throw Error(ErrorCode::device_failure, cusparseGetErrorString(status));
}

/// The in-edges of a graph as a cuSPARSE matrix with float values, two dense matrices [N, F], and scratch.
class Operands {
 public:
  Operands(const Context& context, const Graph& graph, std::int64_t width)
      : values_(random_tensor(context, {graph.num_edges()})),
        first_(random_tensor(context, {graph.num_nodes(), width})),
        second_(random_tensor(context, {graph.num_nodes(), width})),
        graph_(graph) {
    const Adjacency& in = graph.in_edges();
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(in.rows) + 1);
    check_cuda(cudaMemcpy(offsets.data(), in.offset, offsets.size() * sizeof(std::int64_t), cudaMemcpyDeviceToHost));
    const std::vector<std::int32_t> narrow(offsets.begin(), offsets.end());
    offsets_ = Tensor::from<std::int32_t>(context, narrow, {in.rows + 1});
    check_cusparse(cusparseCreate(&handle));
    check_cusparse(cusparseSetStream(handle, static_cast<cudaStream_t>(context.stream())));
    check_cusparse(cusparseCreateCsr(&sparse, in.rows, in.rows, in.edges, offsets_.view().data,
                                     const_cast<std::int32_t*>(in.neighbor), values_.view().data, CUSPARSE_INDEX_32I,
                                     CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_32F));
    for (auto [matrix, tensor] : {std::pair{&first, &first_}, std::pair{&second, &second_}}) {
      check_cusparse(
          cusparseCreateDnMat(matrix, in.rows, width, width, tensor->view().data, CUDA_R_32F, CUSPARSE_ORDER_ROW));
    }
  }
  ~Operands() {
    cusparseDestroyDnMat(first);
    cusparseDestroyDnMat(second);
    cusparseDestroySpMat(sparse);
    cusparseDestroy(handle);
  }
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;

  void* reserve(const Context& context, std::size_t bytes) { return scratch_.reserve(context, bytes).data; }

  cusparseHandle_t handle{};
  cusparseSpMatDescr_t sparse{};
  cusparseDnMatDescr_t first{}, second{};
  const float one = 1, zero = 0;

 private:
  Tensor values_, first_, second_, offsets_;
  Graph graph_;
  WorkspaceBuffer scratch_;
};

}  // namespace

Case cusparse_spmm_case(const Context& context, const Graph& graph, std::int64_t width, SpmmAlgorithm algorithm) {
  const auto m = std::make_shared<Operands>(context, graph, width);
  const auto plain = CUSPARSE_OPERATION_NON_TRANSPOSE;
  const auto kind = algorithm == SpmmAlgorithm::csr_alg2 ? CUSPARSE_SPMM_CSR_ALG2 : CUSPARSE_SPMM_CSR_ALG3;
  std::size_t bytes = 0;
  check_cusparse(cusparseSpMM_bufferSize(m->handle, plain, plain, &m->one, m->sparse, m->first, &m->zero, m->second,
                                         CUDA_R_32F, kind, &bytes));
  void* const scratch = m->reserve(context, bytes);
  check_cusparse(cusparseSpMM_preprocess(m->handle, plain, plain, &m->one, m->sparse, m->first, &m->zero, m->second,
                                         CUDA_R_32F, kind, scratch));
  return {.run =
              [=, p = m.get()] {
                check_cusparse(cusparseSpMM(p->handle, plain, plain, &p->one, p->sparse, p->first, &p->zero, p->second,
                                            CUDA_R_32F, kind, scratch));
              },
          .bytes = aggregate_forward_bytes(sizes_of(graph, width), Reduce::sum, Factors::edges),
          .memory = m};
}

Case cusparse_sddmm_case(const Context& context, const Graph& graph, std::int64_t width) {
  const auto m = std::make_shared<Operands>(context, graph, width);
  const auto plain = CUSPARSE_OPERATION_NON_TRANSPOSE, transposed = CUSPARSE_OPERATION_TRANSPOSE;
  const auto kind = CUSPARSE_SDDMM_ALG_DEFAULT;
  std::size_t bytes = 0;
  check_cusparse(cusparseSDDMM_bufferSize(m->handle, plain, transposed, &m->one, m->first, m->second, &m->zero,
                                          m->sparse, CUDA_R_32F, kind, &bytes));
  void* const scratch = m->reserve(context, bytes);
  check_cusparse(cusparseSDDMM_preprocess(m->handle, plain, transposed, &m->one, m->first, m->second, &m->zero,
                                          m->sparse, CUDA_R_32F, kind, scratch));
  return {.run =
              [=, p = m.get()] {
                check_cusparse(cusparseSDDMM(p->handle, plain, transposed, &p->one, p->first, p->second, &p->zero,
                                             p->sparse, CUDA_R_32F, kind, scratch));
              },
          .bytes = edge_dot_bytes(sizes_of(graph, width)),
          .memory = m};
}

}  // namespace warpgnn::bench
