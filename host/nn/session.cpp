#include "warpgnn/nn/session.hpp"

#include <cmath>

#include "warpgnn/dense.hpp"
#include "warpgnn/error.hpp"
#include "warpgnn/random.hpp"

namespace warpgnn::nn {

namespace {

Tensor upload(const Session& session, const std::vector<double>& values, std::initializer_list<std::int64_t> shape) {
  if (session.dtype() == Dtype::float64) {
    return Tensor::from<double>(session.context(), values, shape);
  }
  const std::vector<float> rounded(values.begin(), values.end());
  return Tensor::from<float>(session.context(), rounded, shape);
}

std::size_t count_of(std::initializer_list<std::int64_t> shape) {
  return static_cast<std::size_t>(contiguous_layout(Dtype::float64, {shape.begin(), shape.size()}).count());
}

Parameter make(Session& session, std::string name, std::initializer_list<std::int64_t> shape,
               const std::vector<double>& values) {
  Parameter parameter{std::move(name), upload(session, values, shape),
                      Tensor(session.context(), session.dtype(), shape), true};
  parameter.gradient.fill_zero();
  return parameter;
}

}  // namespace

Session::Session(Context context, Dtype dtype, std::uint64_t seed)
    : context_(std::move(context)), dtype_(dtype), generator_(seed) {
  if (!is_real(dtype)) {
    throw Error(ErrorCode::invalid_argument, std::string("dtype: expected float32 or float64, got ") + name_of(dtype));
  }
  dropout_counter_ = Tensor(context_, Dtype::int64, {1});
  set_dropout_state(seed ^ 0xD1B54A32D192ED03u);
}

void Session::end_step() {
  if (dropout_seed_ == first_dropout_seed_) return;  // no mask was drawn
  dropout_seed_ = first_dropout_seed_;
  advance_counter(context_, {dropout_counter_});
}

std::uint64_t Session::dropout_state() const {
  return dropout_seed(dropout_seed_, dropout_counter_.to_host<std::int64_t>().front());
}

void Session::set_dropout_state(std::uint64_t state) {
  first_dropout_seed_ = dropout_seed_ = state;
  dropout_counter_.fill_zero();
}

Parameter zeros(Session& session, std::string name, std::initializer_list<std::int64_t> shape) {
  return make(session, std::move(name), shape, std::vector<double>(count_of(shape), 0.0));
}

Parameter ones(Session& session, std::string name, std::initializer_list<std::int64_t> shape) {
  return make(session, std::move(name), shape, std::vector<double>(count_of(shape), 1.0));
}

Parameter uniform(Session& session, std::string name, std::initializer_list<std::int64_t> shape, double bound) {
  std::vector<double> values(count_of(shape));
  // Not std::uniform_real_distribution, whose sequence is the standard library's own choice.
  for (double& value : values) {
    const double unit = static_cast<double>(session.generator()() >> 11) * 0x1.0p-53;
    value = bound * (2 * unit - 1);
  }
  return make(session, std::move(name), shape, values);
}

Parameter glorot(Session& session, std::string name, std::initializer_list<std::int64_t> shape, std::int64_t fan_in,
                 std::int64_t fan_out) {
  return uniform(session, std::move(name), shape, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
}

}  // namespace warpgnn::nn
