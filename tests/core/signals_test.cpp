// SPDX-License-Identifier: MIT
// A program's signal handlers may run at any time, also in the midst of an op.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/linear.hpp"

namespace warpgnn::test {
namespace {

/// A handler of SIGALRM that does nothing, some thousand times a second of real time.
class Alarms {
 public:
  Alarms() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    const itimerval often{{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~Alarms() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

 private:
  struct sigaction before_ {};
};

TEST(Signals, DoNotDisturbProducts) {
  const Context context = Context::cpu(2);
  constexpr std::int64_t kRows = 1500, kIn = 44, kOut = 64;
  Rng rng;
  const auto made = [&](std::int64_t rows, std::int64_t columns) {
    const std::vector<double> reals = rng.reals(static_cast<std::size_t>(rows * columns), -1, 1);
    const std::vector<float> values(reals.begin(), reals.end());
    return Tensor::from(context, std::span<const float>(values), {rows, columns});
  };
  const Tensor x = made(kRows, kIn), weight = made(kOut, kIn), dy = made(kRows, kOut);
  const auto results = [&] {
    Tensor y(context, Dtype::float32, {kRows, kOut}), dx(context, Dtype::float32, {kRows, kIn}),
        dweight(context, Dtype::float32, {kOut, kIn});
    WorkspaceBuffer scratch;
    linear_forward(context, {.x = x, .weight = weight}, {.y = y}, scratch);
    linear_backward(context, {.x = x, .weight = weight}, {.dy = dy, .dx = dx, .dweight = dweight}, scratch);
    std::vector<float> all = y.to_host<float>();
    for (const Tensor* more : {&dx, &dweight}) {
      const std::vector<float> values = more->to_host<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const std::vector<float> want = results();
  const Alarms alarms;
  for (int run = 0; run < 400; ++run) ASSERT_EQ(results(), want) << run;
}

}  // namespace
}  // namespace warpgnn::test
