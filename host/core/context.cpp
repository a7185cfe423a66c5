// SPDX-License-Identifier: MIT
#include "warpgnn/context.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "host/core/dispatch.hpp"

namespace warpgnn {

namespace {

constexpr std::array<const char*, 3> kLevelNames{"baseline", "v3", "v4"};

/// The best level, or the highest that the environment variable WARPGNN_CPU_LEVEL allows.
std::size_t highest_level() {
  const char* const wanted = std::getenv("WARPGNN_CPU_LEVEL");
  if (wanted == nullptr || *wanted == '\0') return kLevelNames.size() - 1;
  const auto* const found = std::find(kLevelNames.begin(), kLevelNames.end(), std::string_view(wanted));
  if (found == kLevelNames.end()) {
    throw Error(ErrorCode::invalid_argument,
                std::string("WARPGNN_CPU_LEVEL: expected baseline, v3 or v4, got '") + wanted + "'");
  }
  return static_cast<std::size_t>(found - kLevelNames.begin());
}

/// The highest of the allowed levels that were built and that this machine has.
backend::CpuLevel choose_level() {
  const std::size_t highest = highest_level();
  for (std::size_t level = highest + 1; level-- > 0;) {
    if (backend::cpu_level_usable(backend::CpuLevel(level))) return backend::CpuLevel(level);
  }
  throw Error(ErrorCode::not_built, std::string("threads: the CPU was asked for, but this library was built only for "
                                                "processors of a higher level than ") +
                                        kLevelNames[std::min(highest, std::size_t(backend::processor_level()))]);
}

void open_cpu(int threads, Context::State& state) {
  if (threads < 0) {
    throw Error(ErrorCode::invalid_argument, "threads: expected 0 or more, got " + std::to_string(threads));
  }
  state.cpu.threads = threads == 0 ? omp_get_max_threads() : threads;
  state.cpu.level = choose_level();
  state.description = "CPU, " + std::to_string(state.cpu.threads) + (state.cpu.threads == 1 ? " thread" : " threads");
  if (state.cpu.level != backend::CpuLevel::baseline) {
    state.description += std::string(", x86-64-") + kLevelNames[static_cast<std::size_t>(state.cpu.level)];
  }
}

}  // namespace

Context Context::cpu(int threads) {
  auto state = std::make_shared<State>();
  open_cpu(threads, *state);
  return Context(std::move(state));
}

Context Context::cuda(int device) {
  return open_cuda(device, std::nullopt);
}

Context Context::cuda(int device, void* stream) {
  return open_cuda(device, stream);
}

Context Context::open_cuda(int device, std::optional<void*> stream) {
  if (!backend::cuda_built()) {
    throw Error(ErrorCode::not_built, "device: CUDA was asked for, but this library was built without it");
  }
  const int devices = backend::cuda_device_count();
  if (devices == 0) {
    throw Error(ErrorCode::no_device,
                "device: CUDA was asked for and cannot be used: " + backend::cuda_unavailable_reason());
  }
  if (device < 0 || device >= devices) {
    throw Error(ErrorCode::no_device,
                "device: expected a number in [0, " + std::to_string(devices) + "), got " + std::to_string(device));
  }
  auto state = std::make_shared<State>();
  state->cuda = backend::cuda_open(device, stream);
  state->device = Device{DeviceType::cuda, device};
  state->owns_stream = !stream;
  state->description = "CUDA device " + std::to_string(device) + ", " + backend::cuda_device_name(state->cuda);
  return Context(std::move(state));
}

Context Context::best(int threads) {
  if (backend::cuda_device_count() > 0) return cuda();
  auto state = std::make_shared<State>();
  open_cpu(threads, *state);
  state->description += " (" + backend::cuda_unavailable_reason() + ")";
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
