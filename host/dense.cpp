#include "warpgnn/dense.hpp"

#include <cmath>

#include "check.hpp"

namespace warpgnn {

namespace {

void check_probability(double probability) {
  if (!(probability >= 0 && probability < 1)) {
    fail("probability: expected a number in [0, 1), got " + std::to_string(probability));
  }
}

Checker checked(const Context& context, const LinearForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  expect_dims("weight", op.weight, 2);
  const std::int64_t rows = op.x.shape[0], in = op.x.shape[1], out = op.weight.shape[0];
  check.input("x", op.x, {rows, in}, dtype);
  check.input("weight", op.weight, {out, in}, dtype);
  check.optional_input("bias", op.bias, {out}, accumulator_of(dtype));
  Checker::contiguous("bias", op.bias);
  check.output("y", op.y, {rows, out}, dtype);
  return check;
}

Checker checked(const Context& context, const LinearBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 2);
  const std::int64_t rows = op.dy.shape[0], out = op.dy.shape[1];
  check.input("dy", op.dy, {rows, out}, dtype);
  if (op.dx.defined()) {
    expect_dims("weight", op.weight, 2);
    check.input("weight", op.weight, {out, op.weight.shape[1]}, dtype);
    check.output("dx", op.dx, {rows, op.weight.shape[1]}, dtype);
  }
  if (op.dweight.defined()) {
    expect_dims("x", op.x, 2);
    check.input("x", op.x, {rows, op.x.shape[1]}, dtype);
    check.output("dweight", op.dweight, {out, op.x.shape[1]}, accumulator_of(dtype));
  }
  check.optional_output("dbias", op.dbias, {out}, accumulator_of(dtype));
  Checker::contiguous("dbias", op.dbias);
  return check;
}

bool has_slope(Activation kind) {
  return kind == Activation::leaky_relu || kind == Activation::elu;
}

Checker checked(const Context& context, const ActivationForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x);
  if (has_slope(op.kind) && !std::isfinite(op.slope)) {
    fail("slope: expected a finite number, got " + std::to_string(op.slope));
  }
  check.input("x", op.x, Shape(op.x), dtype);
  check.output_in_place("y", op.y, Shape(op.x), dtype, "x");
  return check;
}

Checker checked(const Context& context, const ActivationBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("y", op.y);
  if (has_slope(op.kind) && !(op.slope > 0 && std::isfinite(op.slope))) {
    fail("slope: expected a positive number, got " + std::to_string(op.slope));
  }
  check.input("y", op.y, Shape(op.y), dtype);
  check.input("dy", op.dy, Shape(op.y), dtype);
  check.output_in_place("dx", op.dx, Shape(op.y), dtype, "dy");
  return check;
}

Checker checked(const Context& context, const Dropout& op) {
  Checker check(context);
  check_probability(op.probability);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  check.input("x", op.x, Shape(op.x), dtype);
  check.optional_input("counter", op.counter, {1}, Dtype::int64);
  check.output_in_place("y", op.y, Shape(op.x), dtype, "x");
  return check;
}

Checker checked(const Context& context, const AdvanceCounter& op) {
  Checker check(context);
  check.updated("counter", op.counter, {1}, Dtype::int64);
  return check;
}

Checker checked(const Context& context, const GatherRows& op) {
  Checker check(context);
  expect_dims("x", op.x, 2);
  expect_dims("index", op.index, 1);
  check.input("x", op.x, Shape(op.x), op.x.dtype);
  check.input("index", op.index, {op.index.shape[0]}, Dtype::int32);
  check.output("y", op.y, {op.index.shape[0], op.x.shape[1]}, op.x.dtype);
  return check;
}

void expect_convertible(const char* name, const Layout& layout) {
  if (expect_storage(name, layout) == Dtype::float64) {
    fail(std::string(name) + ": expected float32, float16 or bfloat16, got float64");
  }
}

Checker checked(const Context& context, const Convert& op) {
  Checker check(context);
  expect_convertible("x", op.x);
  expect_convertible("y", op.y);
  check.input("x", op.x, Shape(op.x), op.x.dtype);
  check.output("y", op.y, Shape(op.x), op.y.dtype);
  return check;
}

Checker checked(const Context& context, const AddScaled& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("source", op.source);
  check.input("source", op.source, Shape(op.source), dtype);
  check.updated("target", op.target, Shape(op.source), dtype);
  return check;
}

Checker checked(const Context& context, const AddBias& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  check.input("x", op.x, Shape(op.x), dtype);
  check.input("bias", op.bias, {op.x.shape[1]}, accumulator_of(dtype));
  Checker::contiguous("bias", op.bias);
  check.output_in_place("y", op.y, Shape(op.x), dtype, "x");
  return check;
}

Checker checked(const Context& context, const BatchNormForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  if (op.training && rows == 0) fail("x: expected at least 1 row in training, got none");
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  if (!(op.momentum >= 0 && op.momentum <= 1)) {
    fail("momentum: expected a number in [0, 1], got " + std::to_string(op.momentum));
  }
  check.input("x", op.x, {rows, width}, dtype);
  check.input("gamma", op.gamma, {width}, dtype);
  check.input("beta", op.beta, {width}, dtype);
  check.updated("running_mean", op.running_mean, {width}, dtype);
  check.updated("running_var", op.running_var, {width}, dtype);
  check.output("y", op.y, {rows, width}, dtype);
  if (op.training) {
    check.output("saved_mean", op.saved_mean, {width}, dtype);
    check.output("saved_inv_std", op.saved_inv_std, {width}, dtype);
  }
  for (const Layout* vector :
       {static_cast<const Layout*>(&op.gamma), static_cast<const Layout*>(&op.beta),
        static_cast<const Layout*>(&op.running_mean), static_cast<const Layout*>(&op.running_var),
        static_cast<const Layout*>(&op.saved_mean), static_cast<const Layout*>(&op.saved_inv_std)}) {
    Checker::contiguous("gamma, beta and statistics", *vector);
  }
  return check;
}

Checker checked(const Context& context, const BatchNormBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  check.input("x", op.x, {rows, width}, dtype);
  check.input("gamma", op.gamma, {width}, dtype);
  check.input("saved_mean", op.saved_mean, {width}, dtype);
  check.input("saved_inv_std", op.saved_inv_std, {width}, dtype);
  check.input("dy", op.dy, {rows, width}, dtype);
  check.output("dx", op.dx, {rows, width}, dtype);
  check.output("dgamma", op.dgamma, {width}, dtype);
  check.output("dbeta", op.dbeta, {width}, dtype);
  for (const Layout* vector : {static_cast<const Layout*>(&op.gamma), static_cast<const Layout*>(&op.saved_mean),
                               static_cast<const Layout*>(&op.saved_inv_std), static_cast<const Layout*>(&op.dgamma),
                               static_cast<const Layout*>(&op.dbeta)}) {
    Checker::contiguous("gamma, statistics and their gradients", *vector);
  }
  return check;
}

void check_classes(const char* name, const Layout& layout) {
  expect_dims(name, layout, 2);
  if (layout.shape[1] < 1) fail(std::string(name) + ": expected at least 1 class, got 0");
}

/// Of both passes.
template <class Op>
void check_class_options(const Op& op, std::int64_t classes, Dtype dtype, Checker& check) {
  if (!(op.label_smoothing >= 0 && op.label_smoothing <= 1)) {
    fail("label_smoothing: expected a number in [0, 1], got " + std::to_string(op.label_smoothing));
  }
  check.optional_input("class_weight", op.class_weight, {classes}, dtype);
  Checker::contiguous("class_weight", op.class_weight);
}

/// Where the host can read them.
template <class Op>
void check_labels(const Context& context, const Op& op, std::int64_t classes) {
  if (context.is_cuda()) return;
  const std::int32_t* label = op.label.template as<std::int32_t>();
  for (std::int64_t row = 0; row < op.label.shape[0]; ++row, label += op.label.row_stride()) {
    if ((*label >= 0 && *label < classes) || *label == op.ignore_index) continue;
    throw Error(ErrorCode::out_of_range, "label: expected a class in [0, " + std::to_string(classes) + ") or " +
                                             std::to_string(op.ignore_index) + " to ignore the row, got " +
                                             std::to_string(*label) + " in row " + std::to_string(row));
  }
}

Checker checked(const Context& context, const CrossEntropyForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("logits", op.logits);
  check_classes("logits", op.logits);
  check.input("logits", op.logits, Shape(op.logits), dtype);
  check.input("label", op.label, {op.logits.shape[0]}, Dtype::int32);
  check.output("loss", op.loss, {1}, dtype);
  check.output("probability", op.probability, Shape(op.logits), dtype);
  check.output("total_weight", op.total_weight, {1}, dtype);
  check_class_options(op, op.logits.shape[1], dtype, check);
  return check;
}

Checker checked(const Context& context, const CrossEntropyBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("probability", op.probability);
  check_classes("probability", op.probability);
  check.input("probability", op.probability, Shape(op.probability), dtype);
  check.input("label", op.label, {op.probability.shape[0]}, Dtype::int32);
  check.input("total_weight", op.total_weight, {1}, dtype);
  check_class_options(op, op.probability.shape[1], dtype, check);
  check.output("dlogits", op.dlogits, Shape(op.probability), dtype);
  return check;
}

void check_adam_options(const AdamStep& op) {
  if (!(op.beta1 >= 0 && op.beta1 < 1)) fail("beta1: expected a number in [0, 1), got " + std::to_string(op.beta1));
  if (!(op.beta2 >= 0 && op.beta2 < 1)) fail("beta2: expected a number in [0, 1), got " + std::to_string(op.beta2));
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  if (!std::isfinite(op.learning_rate)) fail("learning_rate: expected a finite number");
}

void check_adam_slot(const Context& context, const AdamSlot& slot, const TensorView& step) {
  Checker check(context);
  const Dtype dtype = expect_real("value", slot.value);
  check.updated("value", slot.value, Shape(slot.value), dtype);
  check.input("gradient", slot.gradient, Shape(slot.value), dtype);
  check.updated("first_moment", slot.first_moment, Shape(slot.value), dtype);
  check.updated("second_moment", slot.second_moment, Shape(slot.value), dtype);
  check.updated("step", step, {1}, Dtype::int64);
  Checker::contiguous("value", slot.value);
  Checker::contiguous("gradient", slot.gradient);
  Checker::contiguous("first_moment", slot.first_moment);
  Checker::contiguous("second_moment", slot.second_moment);
  check.finish();
}

}  // namespace

std::size_t workspace_size(const Context& context, const LinearForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const LinearBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const BatchNormForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const BatchNormBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const CrossEntropyForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

void linear_forward(const Context& context, const LinearForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::linear_forward(exec, o); });
}

void linear_backward(const Context& context, const LinearBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::linear_backward(exec, o); });
}

void activation_forward(const Context& context, const ActivationForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::activation_forward(exec, o); });
}

void activation_backward(const Context& context, const ActivationBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::activation_backward(exec, o); });
}

void dropout(const Context& context, const Dropout& op) {
  run_checked(context, op, checked(context, op), [](const auto& exec, const auto& o) { backend::dropout(exec, o); });
}

void advance_counter(const Context& context, const AdvanceCounter& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::advance_counter(exec, o); });
}

void gather_rows(const Context& context, const GatherRows& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::gather_rows(exec, o); });
}

void convert(const Context& context, const Convert& op) {
  run_checked(context, op, checked(context, op), [](const auto& exec, const auto& o) { backend::convert(exec, o); });
}

void add_scaled(const Context& context, const AddScaled& op) {
  run_checked(context, op, checked(context, op), [](const auto& exec, const auto& o) { backend::add_scaled(exec, o); });
}

void add_bias(const Context& context, const AddBias& op) {
  run_checked(context, op, checked(context, op), [](const auto& exec, const auto& o) { backend::add_bias(exec, o); });
}

void batch_norm_forward(const Context& context, const BatchNormForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::batch_norm_forward(exec, o); });
}

void batch_norm_backward(const Context& context, const BatchNormBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::batch_norm_backward(exec, o); });
}

void cross_entropy_forward(const Context& context, const CrossEntropyForward& op) {
  run_checked(context, op, checked(context, op), [&](const auto& exec, const auto& o) {
    check_labels(context, o, o.logits.shape[1]);
    backend::cross_entropy_forward(exec, o);
  });
}

void cross_entropy_backward(const Context& context, const CrossEntropyBackward& op) {
  run_checked(context, op, checked(context, op), [&](const auto& exec, const auto& o) {
    check_labels(context, o, o.probability.shape[1]);
    backend::cross_entropy_backward(exec, o);
  });
}

void adam_step(const Context& context, const AdamStep& op) {
  check_adam_options(op);
  for (const AdamSlot& slot : op.slots) check_adam_slot(context, slot, op.step);
  if (op.slots.empty()) return;
  with_exec(context, [&](const auto& exec) { backend::adam_step(exec, op); });
}

}  // namespace warpgnn
