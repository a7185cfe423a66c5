// SPDX-License-Identifier: MIT
// Work that is recorded at its second run and replayed from the third.

#include "warpgnn/replay.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/selector.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class ReplayTest : public BackendTest {
 protected:
  Tensor reals(const Reals& values) const {
    return tensor_of(context(), Dtype::float64, {static_cast<std::int64_t>(values.size())}, values);
  }
};
WARPGNN_INSTANTIATE_BACKEND_TESTS(ReplayTest);

TEST_P(ReplayTest, DoesTheSameEachTime) {
  Tensor step = reals({1, 2, 3});
  const Tensor sum = reals({0, 0, 0});
  int calls = 0;
  Replay replay(context(), [&] {
    ++calls;
    add_scaled(context(), {.scale = 2, .source = step, .target = sum});
  });
  for (int run = 1; run <= 4; ++run) {
    replay.run();
    EXPECT_EQ(reals_of(sum), (Reals{2.0 * run, 4.0 * run, 6.0 * run})) << run;
    EXPECT_EQ(replay.recorded(), context().is_cuda() && run > 1) << run;
  }
  EXPECT_EQ(calls, context().is_cuda() ? 2 : 4);
  const Reals other{10, 0, 0};
  step.copy_from_host(other.data(), step.bytes());  // what it reads may change
  Replay moved(std::move(replay));
  moved.run();
  EXPECT_EQ(reals_of(sum), (Reals{28, 16, 24}));
}

TEST_P(ReplayTest, CutsOutWhatWasChosenLast) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 6, 5, 3}, 3);
  const auto nodes = static_cast<std::int64_t>(batch.edges.destinations());
  const Tensor x = tensor_of(context(), Dtype::float64, {nodes, 1}, rng.reals(static_cast<std::size_t>(nodes)));
  const SelectionSize size{3, 16, 64};
  WorkspaceBuffer scratch;
  const auto total = [&](Selector& selector, const TensorView& chosen, const TensorView& pooled) {
    const GraphSelection& selection = selector.cut();
    gather_rows(context(), {.x = x, .index = selection.nodes, .y = chosen});
    pool_forward(context(), {.graph = selection.graph, .x = chosen}, {.y = pooled}, scratch);
  };
  Selector eager(context(), batch.upload(context()), 3), replayed(context(), batch.upload(context()), 3);
  const Tensor want_chosen(context(), Dtype::float64, {16, 1}), want(context(), Dtype::float64, {3, 1});
  const Tensor got_chosen(context(), Dtype::float64, {16, 1}), got(context(), Dtype::float64, {3, 1});
  Replay replay(context(), [&] { total(replayed, got_chosen, got); });
  for (const Ids& graphs : {Ids{0, 1}, Ids{3}, Ids{2, 3}, Ids{}, Ids{1, 2}, Ids{0, 0}, Ids{3, 1}, Ids{2}}) {
    eager.choose(graphs, size);
    replayed.choose(graphs, size);
    total(eager, want_chosen, want);
    replay.run();
    EXPECT_EQ(reals_of(got), reals_of(want)) << ::testing::PrintToString(graphs);
  }
}

TEST_P(ReplayTest, ARunThatThrowsIsNone) {
  const Tensor sum = reals({0}), one = reals({1});
  int calls = 0;
  Replay replay(context(), [&] {
    add_scaled(context(), {.source = one, .target = sum});
    if (++calls == 2) throw std::runtime_error("stopped");
  });
  replay.run();
  EXPECT_THROW(replay.run(), std::runtime_error);
  EXPECT_FALSE(replay.recorded());
  replay.run();
  replay.run();
  EXPECT_EQ(reals_of(sum), Reals{context().is_cuda() ? 3.0 : 4.0});  // what is only captured does not happen
}

TEST_P(ReplayTest, RefusesWhatCannotBeRecorded) {
  expect_error(ErrorCode::invalid_argument, {"work:", "none"}, [&] { Replay(context(), nullptr); });
  Tensor tensor(context(), Dtype::float32, {1});
  std::int64_t size = 1;
  Replay grows(context(), [&] { tensor.resize(context(), Dtype::float32, {size *= 100}); });
  grows.run();
  if (!context().is_cuda()) return grows.run();
  expect_error(ErrorCode::capturing, {"stream:", "new memory"}, [&] { grows.run(); });
  Replay inner(context(), [] {});
  inner.run();
  inner.run();
  Replay holds(context(), [&] { inner.run(); });
  holds.run();
  expect_error(ErrorCode::capturing, {"stream:", "replay"}, [&] { holds.run(); });
}

}  // namespace
}  // namespace warpgnn::test
