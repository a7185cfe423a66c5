// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace warpgnn {

/// The kinds of devices, in DLPack's codes.
enum class DeviceType : std::uint8_t { cpu = 1, cuda = 2 };

/// Where memory lies.
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// Where ops run: the CPU with a number of threads, or one CUDA device with one stream.
///
/// A Context is a cheap handle: copies share its state. Ops on a CUDA context are ordered by its stream and return
/// before they have run. One CUDA context serves one host thread at a time (it holds a cuBLAS handle); make one for
/// each thread or stream. Memory comes from a pool of the context's own, which keeps what is freed and is given back
/// when the context and the last tensor on it are gone.
///
/// Capture. What runs on a CUDA context can be captured into a CUDA graph: call cudaStreamBeginCapture on stream().
/// - First run the work once without capturing: tensors and workspaces take their sizes, and CUDA loads each kernel at
///   its first launch, which a capture does not allow.
/// - What allocates or waits (growing tensors, building graphs, copies to and from the host, synchronize()) is refused
///   with `capturing` and leaves the capture intact. Open and close contexts before or after.
/// - A graph uses the memory that it was captured with. Tensors, layers and graphs that took part must outlive it; they
///   may grow, and captured work goes on with what they had.
/// - Graphs captured from one context share its cuBLAS workspace, and those of one nn::Session its scratch: replay them
///   on one stream, not at the same time. Graphs for two streams are captured from two contexts.
/// - A default stream is not one to capture: CUDA refuses the legacy one.
class Context {
 public:
  /// @param threads OpenMP threads for one op; 0 takes what OpenMP would take.
  /// The instruction set is the best that this machine has, or a lower one named by the environment variable
  /// WARPGNN_CPU_LEVEL (baseline, v3, v4: the x86-64 levels), read here and nowhere else.
  static Context cpu(int threads = 0);
  /// On a stream of the context's own, which waits for no other.
  /// Throws `not_built` in a library without CUDA and `no_device` where there is no such device.
  static Context cuda(int device = 0);
  /// @param stream the cudaStream_t to use, which must outlive the context and its tensors. Null is a stream too:
  /// CUDA's legacy default stream, the one that other frameworks use unless told otherwise.
  static Context cuda(int device, void* stream);
  /// The first CUDA device when there is one, else the CPU with `threads`. description() says which it took and why.
  static Context best(int threads = 0);

  Device device() const;
  bool is_cuda() const { return device().type == DeviceType::cuda; }
  int threads() const;   ///< 0 on CUDA
  void* stream() const;  ///< the cudaStream_t, null for the legacy default stream; null on the CPU
  std::string description() const;
  /// Waits for all work that was given to the stream; reports its errors. Nothing to do on the CPU.
  void synchronize() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  static Context open_cuda(int device, std::optional<void*> stream);
  explicit Context(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// Whether CUDA kernels were compiled into this library.
bool cuda_built();
/// CUDA devices that can be used now; 0 without a driver, without a device or without CUDA in the build.
int cuda_device_count();

}  // namespace warpgnn
