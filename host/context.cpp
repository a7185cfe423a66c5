#include "warpgnn/context.hpp"

#include <omp.h>

#include "dispatch.hpp"

namespace warpgnn {

namespace {

std::string describe_cpu(int threads) {
  return "CPU, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

}  // namespace

Context Context::cpu(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::invalid_argument, "threads: expected 0 or more, got " + std::to_string(threads));
  }
  auto state = std::make_shared<State>();
  state->cpu.threads = threads == 0 ? omp_get_max_threads() : threads;
  state->description = describe_cpu(state->cpu.threads);
  return Context(std::move(state));
}

Context Context::cuda(int device, void* stream) {
  if (!backend::cuda_built()) {
    throw Error(ErrorCode::not_built, "device: CUDA was asked for, but this library was built without it");
  }
  const int devices = backend::cuda_device_count();
  if (devices == 0) {
    throw Error(ErrorCode::no_device, "device: CUDA was asked for, but " + backend::cuda_unavailable_reason());
  }
  if (device < 0 || device >= devices) {
    throw Error(ErrorCode::no_device,
                "device: expected a number in [0, " + std::to_string(devices) + "), got " + std::to_string(device));
  }
  auto state = std::make_shared<State>();
  state->cuda = backend::cuda_open(device, stream);
  state->device = Device{DeviceType::cuda, device};
  state->owns_stream = stream == nullptr;
  state->description = "CUDA device " + std::to_string(device) + ", " + backend::cuda_device_name(state->cuda);
  return Context(std::move(state));
}

Context Context::best() {
  if (backend::cuda_device_count() > 0) return cuda();
  auto state = std::make_shared<State>();
  state->cpu.threads = omp_get_max_threads();
  state->description = describe_cpu(state->cpu.threads) + " (" + backend::cuda_unavailable_reason() + ")";
  return Context(std::move(state));
}

Device Context::device() const {
  return state_->device;
}

int Context::threads() const {
  return is_cuda() ? 0 : state_->cpu.threads;
}

void* Context::stream() const {
  return is_cuda() ? state_->cuda.stream : nullptr;
}

std::string Context::description() const {
  return state_->description;
}

void Context::synchronize() const {
  with_exec(*this, [](const auto& exec) { backend::synchronize(exec); });
}

bool cuda_built() {
  return backend::cuda_built();
}

int cuda_device_count() {
  return backend::cuda_device_count();
}

}  // namespace warpgnn
