// SPDX-License-Identifier: MIT
// Adam: launchers.

#include "kernels/base/advance.cuh"
#include "kernels/base/launch.cuh"
#include "kernels/dense/adam.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

/// Gathers slots until a table is full.
template <class T>
class AdamBatch {
 public:
  AdamBatch(const CudaExec& exec, const AdamStep& op)
      : exec_(exec),
        rates_{op.learning_rate, op.beta1, op.beta2, op.epsilon, op.weight_decay, op.decoupled},
        step_(op.step.as<unsigned long long>()) {}

  void add(const AdamSlot& slot) {
    const std::int64_t count = slot.value.count();
    if (count == 0) return;
    if (table_.slots == kAdamSlots) flush(false);
    blocks_ += blocks_for(count, kAdamElements);
    table_.slot[table_.slots] = {slot.value.as<T>(), slot.gradient.as<T>(), slot.first_moment.as<T>(),
                                 slot.second_moment.as<T>(), count};
    table_.block_end[table_.slots] = blocks_;
    ++table_.slots;
  }

  void flush(bool is_last) {
    if (is_last && blocks_ == 0) {
      return launch(exec_, "adam_step counter", advance<unsigned long long>, {dim3(1), dim3(1)}, step_);
    }
    launch(exec_, "adam_step", adam_update<T>, {dim3(blocks_), dim3(kAdamThreads)}, table_, rates_, step_, is_last);
    table_.slots = 0;
    blocks_ = 0;
  }

 private:
  const CudaExec& exec_;
  AdamSettings rates_;
  unsigned long long* step_;
  AdamTable<T> table_{};
  unsigned blocks_ = 0;
};

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void adam_step(const CudaExec& exec, const AdamStep& op) {
  if (op.slots.empty()) return;
  with_real(op.slots.front().value.dtype, [&](auto zero) {
    AdamBatch<decltype(zero)> batch(exec, op);
    for (const AdamSlot& slot : op.slots) batch.add(slot);
    batch.flush(true);
  });
}

}  // namespace warpgnn::backend
