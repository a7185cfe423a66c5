// SPDX-License-Identifier: MIT
#pragma once

/// What every call from C has to do with: errors, views, contexts, tensors and workspaces.
///
/// Calls. What can fail returns a warpgnn_status. A call that fails leaves what it was to write as it was, handles that
/// it was to make included, and no C++ exception leaves the library. Pointers to handles and to structs may not be null
/// unless said.
///
/// Handles. What a function makes, the caller destroys, once and in any order: tensors and graphs keep what they need
/// of their context. Destroying a null pointer does nothing.
///
/// Threads. As in C++: any number of threads may use a graph at the same time, a CUDA context serves one at a time.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "warpgnn/version.hpp"

#ifdef __cplusplus
extern "C" {
#endif

// --- Errors ----------------------------------------------------------------------------------------------------------

/// How a call ended: well, or for one of the reasons of warpgnn::ErrorCode.
typedef enum warpgnn_status {
  WARPGNN_OK = 0,
  /// Shape, dtype, stride, alias or option that the call does not accept.
  WARPGNN_INVALID_ARGUMENT = 1,
  /// An index, label or offset outside its domain.
  WARPGNN_OUT_OF_RANGE = 2,
  /// A count that does not fit the type that must hold it.
  WARPGNN_OVERFLOW = 3,
  /// The workspace is shorter than the op needs, or there is none.
  WARPGNN_WORKSPACE_TOO_SMALL = 4,
  /// The backend was not compiled into this library.
  WARPGNN_NOT_BUILT = 5,
  /// CUDA was asked for and this machine has no usable device.
  WARPGNN_NO_DEVICE = 6,
  /// Memory of the host or the device that could not be had.
  WARPGNN_OUT_OF_MEMORY = 7,
  /// The CUDA runtime or cuBLAS reported an error.
  WARPGNN_DEVICE_FAILURE = 8,
  /// The call allocates or waits, which a stream that is being captured does not allow.
  WARPGNN_CAPTURING = 9,
  /// A file could not be read or written.
  WARPGNN_IO_FAILURE = 10,
  /// Anything else that was thrown: a fault of the library's.
  WARPGNN_UNEXPECTED = 11
} warpgnn_status;

/// What the last failed call of this thread has to say, as the C++ interface says it: the argument, what was expected
/// and what was given. Empty before any failed. It is good until this thread's next call that fails.
const char* warpgnn_last_error(void);
/// The status in words, such as "out of range".
const char* warpgnn_status_name(warpgnn_status status);
/// The version of the library that this was linked with, major.minor.patch. That of the headers is in
/// WARPGNN_VERSION_MAJOR, WARPGNN_VERSION_MINOR and WARPGNN_VERSION_PATCH.
const char* warpgnn_version(void);

// --- Views -----------------------------------------------------------------------------------------------------------

/// The values of warpgnn_dtype.
enum warpgnn_dtype_values {
  WARPGNN_DTYPE_FLOAT32 = 0,
  WARPGNN_DTYPE_FLOAT64 = 1,
  WARPGNN_DTYPE_INT32 = 2,
  WARPGNN_DTYPE_INT64 = 3,
  WARPGNN_DTYPE_FLOAT16 = 4,
  WARPGNN_DTYPE_BFLOAT16 = 5
};
/// Element type of a tensor. This and the other choices are numbers of 32 bits, so that structs have one layout for
/// every compiler; one that is none of the values is refused.
typedef int32_t warpgnn_dtype;
/// The bytes of an element; 0 for a number that is no dtype.
size_t warpgnn_dtype_size(warpgnn_dtype dtype);
/// The type's name, as it stands in messages.
const char* warpgnn_dtype_name(warpgnn_dtype dtype);

/// The values of warpgnn_device_type, which are DLPack's.
enum warpgnn_device_type_values { WARPGNN_DEVICE_TYPE_CPU = 1, WARPGNN_DEVICE_TYPE_CUDA = 2 };
/// The kinds of devices.
typedef int32_t warpgnn_device_type;

/// Where memory lies.
typedef struct warpgnn_device {
  warpgnn_device_type type;
  int32_t index;
} warpgnn_device;

/// The most dimensions of a tensor.
#define WARPGNN_MAX_DIMS 3

/// A tensor that an op reads or writes: warpgnn::TensorView. All zero (or ndim 0 and no data) it stands for an argument
/// that is not given.
///
/// Strides count elements. Ops accept any stride between rows (dimension 0) that keeps rows apart, and need every row
/// itself to be contiguous. What an op only reads is never written, whatever the type of `data` allows.
typedef struct warpgnn_view {
  void* data;
  warpgnn_dtype dtype;
  warpgnn_device device;
  int32_t ndim;
  int64_t shape[WARPGNN_MAX_DIMS];
  int64_t stride[WARPGNN_MAX_DIMS];
} warpgnn_view;

/// A contiguous view of memory that the caller owns. `data` is const for the sake of inputs: what a view is used for
/// decides whether it is written.
warpgnn_status warpgnn_contiguous_view(const void* data, warpgnn_dtype dtype, warpgnn_device device, int32_t ndim,
                                       const int64_t* shape, warpgnn_view* view);
/// The same memory seen with another shape. The view must be contiguous and hold as many elements.
warpgnn_status warpgnn_reshape(const warpgnn_view* tensor, int32_t ndim, const int64_t* shape, warpgnn_view* view);
/// Rows [first, first + count) of a tensor: the same memory, strides kept.
warpgnn_status warpgnn_rows(const warpgnn_view* tensor, int64_t first, int64_t count, warpgnn_view* view);
/// Columns [first, first + count) of a matrix: the same memory, strides kept.
warpgnn_status warpgnn_columns(const warpgnn_view* matrix, int64_t first, int64_t count, warpgnn_view* view);

// --- Contexts --------------------------------------------------------------------------------------------------------

/// Where ops run: warpgnn::Context, whose comment says what may be captured into CUDA graphs.
typedef struct warpgnn_context warpgnn_context;

/// The CPU. `threads` are those of one op; 0 takes what OpenMP would take.
warpgnn_status warpgnn_context_create_cpu(int32_t threads, warpgnn_context** context);
/// A CUDA device, on a stream of the context's own, which waits for no other.
warpgnn_status warpgnn_context_create_cuda(int32_t device, warpgnn_context** context);
/// The same on a cudaStream_t of the caller's, which must outlive the context and its tensors. Null is a stream too:
/// CUDA's legacy default stream.
warpgnn_status warpgnn_context_create_cuda_on_stream(int32_t device, void* stream, warpgnn_context** context);
/// The first CUDA device when there is one, else the CPU with `threads`.
warpgnn_status warpgnn_context_create_best(int32_t threads, warpgnn_context** context);
/// Tensors and graphs of the context stay usable.
void warpgnn_context_destroy(warpgnn_context* context);

/// What the context runs on, in words that live as long as it does.
warpgnn_status warpgnn_context_description(const warpgnn_context* context, const char** description);
/// Where its tensors lie.
warpgnn_status warpgnn_context_device(const warpgnn_context* context, warpgnn_device* device);
/// The threads of one op; 0 on CUDA.
warpgnn_status warpgnn_context_threads(const warpgnn_context* context, int32_t* threads);
/// The cudaStream_t, null for the legacy default stream; null on the CPU.
warpgnn_status warpgnn_context_stream(const warpgnn_context* context, void** stream);
/// Waits for all work that was given to the stream; reports its errors. Nothing to do on the CPU.
warpgnn_status warpgnn_context_synchronize(const warpgnn_context* context);

/// Whether CUDA kernels were compiled into this library.
bool warpgnn_cuda_built(void);
/// CUDA devices that can be used now; 0 without a driver, without a device or without CUDA in the build.
int32_t warpgnn_cuda_device_count(void);

// --- Tensors ---------------------------------------------------------------------------------------------------------

/// An owned, contiguous tensor on a context's device.
typedef struct warpgnn_tensor warpgnn_tensor;

/// Memory is not initialised.
warpgnn_status warpgnn_tensor_create(const warpgnn_context* context, warpgnn_dtype dtype, int32_t ndim,
                                     const int64_t* shape, warpgnn_tensor** tensor);
/// A copy of host values, which take `bytes` bytes.
warpgnn_status warpgnn_tensor_create_from_host(const warpgnn_context* context, warpgnn_dtype dtype, int32_t ndim,
                                               const int64_t* shape, const void* values, size_t bytes,
                                               warpgnn_tensor** tensor);
/// A tensor of the same dtype and shape on the context's device, wherever `like` lies. Not initialised.
warpgnn_status warpgnn_tensor_create_like(const warpgnn_context* context, const warpgnn_view* like,
                                          warpgnn_tensor** tensor);
/// Of a null pointer: nothing.
void warpgnn_tensor_destroy(warpgnn_tensor* tensor);

/// The tensor as ops take it, good until it is resized or destroyed. Of a null pointer: a view that is not given.
warpgnn_view warpgnn_tensor_view(const warpgnn_tensor* tensor);
/// The bytes of its elements.
warpgnn_status warpgnn_tensor_bytes(const warpgnn_tensor* tensor, size_t* bytes);
/// Takes another shape; memory is kept when it is large enough, else replaced and its content lost.
warpgnn_status warpgnn_tensor_resize(const warpgnn_context* context, warpgnn_tensor* tensor, warpgnn_dtype dtype,
                                     int32_t ndim, const int64_t* shape);
/// Bytes all zero: +0 for every dtype.
warpgnn_status warpgnn_tensor_fill_zero(warpgnn_tensor* tensor);
/// Waits until the data has arrived. `bytes` must be the tensor's.
warpgnn_status warpgnn_tensor_copy_from_host(warpgnn_tensor* tensor, const void* source, size_t bytes);
/// The way back, with the same rules.
warpgnn_status warpgnn_tensor_copy_to_host(const warpgnn_tensor* tensor, void* target, size_t bytes);

/// to = from, bit by bit, for views of one shape and dtype on the context's device. Ordered by the stream as ops are.
warpgnn_status warpgnn_copy(const warpgnn_context* context, const warpgnn_view* from, const warpgnn_view* to);
/// The elements of a view, row after row, in `bytes` bytes of host memory, which must be what they take. Waits.
warpgnn_status warpgnn_copy_to_host(const warpgnn_context* context, const warpgnn_view* from, void* to, size_t bytes);
/// The way back, with the same rules.
warpgnn_status warpgnn_copy_from_host(const warpgnn_context* context, const void* from, size_t bytes,
                                      const warpgnn_view* to);

// --- What ops write, and what they need meanwhile --------------------------------------------------------------------

/// The values of warpgnn_purpose.
enum warpgnn_purpose_values { WARPGNN_PURPOSE_TRAINING = 0, WARPGNN_PURPOSE_INFERENCE = 1 };
/// What an op's results are wanted for: a backward reads more of them than its forward's caller.
typedef int32_t warpgnn_purpose;

/// The memory behind a result struct that was allocated for an op.
typedef struct warpgnn_owned warpgnn_owned;
/// The views of the result are good until here.
void warpgnn_owned_destroy(warpgnn_owned* owned);

/// Where ops take scratch memory from. Ops that ask for none do with a null pointer.
typedef struct warpgnn_workspace warpgnn_workspace;

/// A workspace that grows to the largest size asked of it; for callers that run many ops on one stream.
warpgnn_status warpgnn_workspace_create(warpgnn_workspace** workspace);
/// Memory of the caller's on the ops' device, aligned to WARPGNN_WORKSPACE_ALIGNMENT: it does not grow, and must be as
/// long as the ops' ..._workspace_size say.
warpgnn_status warpgnn_workspace_create_on(void* data, size_t bytes, warpgnn_workspace** workspace);
/// Lets a growing workspace grow to so many bytes at once, before a capture, say. One on given memory must have them.
warpgnn_status warpgnn_workspace_reserve(const warpgnn_context* context, warpgnn_workspace* workspace, size_t bytes);
/// Of memory of the caller's: the handle alone.
void warpgnn_workspace_destroy(warpgnn_workspace* workspace);

/// What the memory of a workspace is aligned to, in bytes.
#define WARPGNN_WORKSPACE_ALIGNMENT 64

#ifdef __cplusplus
}
#endif
