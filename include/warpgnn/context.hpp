#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace warpgnn {

enum class DeviceType : std::uint8_t { cpu = 1, cuda = 2 };  // DLPack's codes

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
/// each thread or stream.
class Context {
 public:
  /// @param threads OpenMP threads for one op; 0 takes what OpenMP would take.
  /// The instruction set is the best that this machine has, or a lower one named by the environment variable
  /// WARPGNN_CPU_LEVEL (baseline, v3, v4: the x86-64 levels), read here and nowhere else.
  static Context cpu(int threads = 0);
  /// @param stream a cudaStream_t, or null for a stream of the context's own.
  /// Throws `not_built` in a library without CUDA and `no_device` where there is no such device.
  static Context cuda(int device = 0, void* stream = nullptr);
  /// The first CUDA device when there is one, else the CPU with `threads`. description() says which it took and why.
  static Context best(int threads = 0);

  Device device() const;
  bool is_cuda() const { return device().type == DeviceType::cuda; }
  int threads() const;   ///< 0 on CUDA
  void* stream() const;  ///< the cudaStream_t; null on the CPU
  std::string description() const;
  /// Waits for all work that was given to the stream; reports its errors. Nothing to do on the CPU.
  void synchronize() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit Context(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// Whether CUDA kernels were compiled into this library.
bool cuda_built();
/// CUDA devices that can be used now; 0 without a driver, without a device or without CUDA in the build.
int cuda_device_count();

}  // namespace warpgnn
