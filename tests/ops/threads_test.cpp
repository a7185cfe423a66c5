// SPDX-License-Identifier: MIT
// On the CPU, every op gives the same bits with any number of threads. The problems are large enough to be shared out:
// small ones stay on one thread.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>

#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::test {
namespace {

constexpr std::int64_t kRows = 40000;  // of dense tensors

std::size_t count_of(const Shape& shape) {
  std::size_t product = 1;
  for (const std::int64_t size : shape) product *= static_cast<std::size_t>(size);
  return product;
}

/// Inputs that are the same in every run of one test, and outputs whose bits are compared.
class Trial {
 public:
  Trial(const Context& context, Dtype dtype) : context_(context), dtype_(dtype) {}

  const Context& context() const { return context_; }
  Dtype dtype() const { return dtype_; }
  Rng& rng() { return rng_; }

  const TestTensor& input(const Shape& shape, double low = -1, double high = 1) {
    return keep(TestTensor::input(context_, dtype_, shape, rng_.reals(count_of(shape), low, high)));
  }
  const TestTensor& input_ids(const Shape& shape, std::int64_t limit) {
    oracle::Ids ids(count_of(shape));
    for (std::int64_t& id : ids) id = rng_.below(limit);
    return keep(TestTensor::input_ids(context_, Dtype::int32, shape, ids));
  }
  const TestTensor& inout(const Shape& shape) {
    return keep_output(TestTensor::inout(context_, dtype_, shape, rng_.reals(count_of(shape), 0.5, 1)));
  }
  const TestTensor& output(const Shape& shape) { return keep_output(TestTensor::output(context_, dtype_, shape)); }
  const TestTensor& output_ids(const Shape& shape) {
    return keep_output(TestTensor::output(context_, Dtype::int32, shape));
  }

  std::vector<std::vector<unsigned char>> bits() const {
    std::vector<std::vector<unsigned char>> all;
    for (const TestTensor* output : outputs_) all.push_back(output->bits());
    return all;
  }

 private:
  const TestTensor& keep(TestTensor tensor) { return tensors_.emplace_back(std::move(tensor)); }
  const TestTensor& keep_output(TestTensor tensor) {
    const TestTensor& kept = keep(std::move(tensor));
    outputs_.push_back(&kept);
    return kept;
  }

  const Context& context_;
  Dtype dtype_;
  Rng rng_;
  std::deque<TestTensor> tensors_;
  std::vector<const TestTensor*> outputs_;
};

void expect_the_same_for_any_thread_count(const std::function<void(Trial&)>& body) {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const auto bits = [&](int threads) {
      const Context context = Context::cpu(threads);
      Trial trial(context, dtype);
      body(trial);
      return trial.bits();
    };
    const auto one = bits(1);
    ASSERT_FALSE(one.empty());
    for (const int threads : {2, 5}) {
      const auto several = bits(threads);
      for (std::size_t k = 0; k < one.size(); ++k) {
        EXPECT_TRUE(several[k] == one[k])
            << "output " << k << " of " << warpgnn::name_of(dtype) << " with " << threads << " threads";
      }
    }
  }
}

/// Some long rows in both directions, many short ones and many without edges.
TestGraph large_graph(Rng& rng) {
  return power_law_graph(rng, 4000, 60000);
}

TEST(Threads, AggregateSums) {
  for (const Reduce reduce : {Reduce::sum, Reduce::mean}) {
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const Graph graph = large_graph(on.rng()).upload(on.context());
      const auto &x = on.input({4000, 65}), &weight = on.input({60000}), &epsilon = on.input({1});
      run(on.context(), aggregate_forward, Aggregate{graph, reduce, x, weight, epsilon},
          AggregateResult{on.output({4000, 65})});
      run(on.context(), aggregate_backward, Aggregate{graph, reduce, x, weight, epsilon}, AggregateResult{},
          AggregateGradients{on.input({4000, 65}), on.output({4000, 65}), on.output({60000}), on.output({1})});
    });
  }
}

TEST(Threads, AggregateScaled) {
  for (const bool weighted : {false, true}) {
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const auto &x = on.input({4000, 65}), &scale = on.input({4000});
      const Aggregate op{.graph = large_graph(on.rng()).upload(on.context()),
                         .x = x,
                         .weight = weighted ? ConstTensorView(on.input({60000})) : ConstTensorView{},
                         .source_scale = scale,
                         .destination_scale = scale};
      run(on.context(), aggregate_forward, op, AggregateResult{on.output({4000, 65})});
      run(on.context(), aggregate_backward, op, AggregateResult{},
          AggregateGradients{.dy = on.input({4000, 65}), .dx = on.output({4000, 65}), .dweight = on.output({60000})});
    });
  }
}

TEST(Threads, AggregateExtremes) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = large_graph(on.rng()).upload(on.context());
    const auto& arg = on.output_ids({4000, 65});
    run(on.context(), aggregate_forward, Aggregate{graph, Reduce::max, on.input({4000, 65})},
        AggregateResult{on.output({4000, 65}), arg});
    run(on.context(), aggregate_backward, Aggregate{graph, Reduce::max}, AggregateResult{.arg = arg},
        AggregateGradients{on.input({4000, 65}), on.output({4000, 65})});
  });
}

TEST(Threads, MessageAggregate) {
  for (const auto& [message, reduce] :
       {std::pair{EdgeMessage::relu_add, Reduce::sum}, std::pair{EdgeMessage::multiply, Reduce::max}}) {
    expect_the_same_for_any_thread_count([&, message = message, reduce = reduce](Trial& on) {
      const Graph graph = large_graph(on.rng()).upload(on.context());
      const auto &x = on.input({4000, 33}), &edge = on.input({60000, 33}), &epsilon = on.input({1});
      const TensorView arg = reduce == Reduce::max ? on.output_ids({4000, 33}).view() : TensorView{};
      run(on.context(), message_aggregate_forward, MessageAggregate{graph, message, reduce, x, edge, epsilon},
          MessageAggregateResult{on.output({4000, 33}), arg});
      run(on.context(), message_aggregate_backward, MessageAggregate{graph, message, reduce, x, edge, epsilon},
          MessageAggregateResult{.arg = arg},
          MessageAggregateGradients{on.input({4000, 33}), on.output({4000, 33}), on.output({60000, 33}),
                                    on.output({1})});
    });
  }
}

TEST(Threads, Relations) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = large_graph(on.rng()).upload(on.context());
    const auto &relation = on.input_ids({60000}, 7), &coefficient = on.input({7, 3}), &x = on.input({4000, 33});
    const auto& weight = on.output({60000});
    run(on.context(), relation_weights, RelationWeights{graph, RelationNorm::per_relation, 7, relation},
        RelationWeightsResult{weight});
    run(on.context(), relation_aggregate_forward, RelationAggregate{graph, relation, coefficient, weight, x},
        RelationAggregateResult{on.output({4000, 3, 33})});
    run(on.context(), relation_aggregate_backward, RelationAggregate{graph, relation, coefficient, weight, x},
        RelationAggregateGradients{on.input({4000, 3, 33}), on.output({4000, 33}), on.output({7, 3})});
  });
}

TEST(Threads, GcnNorm) {
  constexpr std::int64_t kEdges = 1200000;  // a few operations per edge
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = power_law_graph(on.rng(), 10000, kEdges).upload(on.context());
    const auto& weight = on.input({kEdges}, 0.5, 1.5);
    const auto& inv_sqrt_degree = on.output({10000});
    run(on.context(), gcn_norm_forward, GcnNorm{graph, weight}, GcnNormResult{on.output({kEdges}), inv_sqrt_degree});
    run(on.context(), gcn_norm_backward, GcnNorm{graph, weight}, GcnNormResult{.inv_sqrt_degree = inv_sqrt_degree},
        GcnNormGradients{on.input({kEdges}), on.output({kEdges})});
  });
}

TEST(Threads, EdgeSoftmax) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = large_graph(on.rng()).upload(on.context());
    const auto& weight = on.output({60000, 9});
    run(on.context(), edge_softmax_forward, EdgeSoftmax{graph, on.input({60000, 9}, -3, 3)}, EdgeSoftmaxResult{weight});
    run(on.context(), edge_softmax_backward, EdgeSoftmax{graph}, EdgeSoftmaxResult{weight},
        EdgeSoftmaxGradients{on.input({60000, 9}), on.output({60000, 9})});
  });
}

TEST(Threads, GatAttention) {
  for (const std::int64_t channels : {16, 7}) {
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const Graph graph = large_graph(on.rng()).upload(on.context());
      const Shape rows{4000, 4, channels}, scores{4000, 4}, edges{60000, 4};
      const AttentionDropout dropout{0.3, 11};
      const auto &value = on.input(rows), &source = on.input(scores), &destination = on.input(scores),
                 &edge = on.input(edges), &dy = on.input(rows);
      const auto &y = on.output(rows), &maximum = on.output(scores), &sum = on.output(scores),
                 &positive_y = on.output(rows), &positive_weight = on.output(scores);
      run(on.context(), gat_attention_forward, GatAttention{graph, 0.2, dropout, value, source, destination, edge},
          GatAttentionResult{y, maximum, sum, positive_y, positive_weight});
      run(on.context(), gat_attention_backward, GatAttention{graph, 0.2, dropout, value, source, destination, edge},
          GatAttentionResult{y, maximum, sum, positive_y, positive_weight},
          GatAttentionGradients{dy, on.output(rows), on.output(scores), on.output(scores), on.output(edges)});
      run(on.context(), gat_attention_weights,
          GatAttention{.graph = graph,
                       .negative_slope = 0.2,
                       .source_score = source,
                       .destination_score = destination,
                       .edge_score = edge},
          GatAttentionResult{.maximum = maximum, .sum = sum}, GatAttentionWeights{on.output(edges)});
    });
  }
}

TEST(Threads, Attention) {
  for (const AttentionScore score : {AttentionScore::gatv2, AttentionScore::additive, AttentionScore::dot}) {
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const Graph graph = large_graph(on.rng()).upload(on.context());
      const Shape rows{4000, 4, 7}, scores{4000, 4}, edge_rows{60000, 4, 7}, edge_scores{60000, 4};
      const bool with_vector = score != AttentionScore::dot;
      AttentionForward op;
      op.graph = graph;
      op.score = score;
      op.dropout = {0.3, 11};
      op.query = on.input(rows);
      op.key = on.input(rows);
      op.value = on.input(rows);
      op.edge_key = on.input(edge_rows);
      op.edge_value = on.input(edge_rows);
      op.edge_bias = on.input(edge_scores);
      if (with_vector) op.vector = on.input({4, 7});
      op.y = on.output(rows);
      op.maximum = on.output(scores);
      op.sum = on.output(scores);
      run(on.context(), attention_forward, op);
      AttentionBackward back{{.graph = graph,
                              .score = score,
                              .dropout = op.dropout,
                              .query = op.query,
                              .key = op.key,
                              .value = op.value,
                              .edge_key = op.edge_key,
                              .edge_value = op.edge_value,
                              .edge_bias = op.edge_bias,
                              .vector = op.vector},
                             {.y = op.y, .maximum = op.maximum, .sum = op.sum},
                             {.dy = on.input(rows)}};
      for (TensorView* const gradient : {&back.dquery, &back.dkey, &back.dvalue}) *gradient = on.output(rows);
      back.dedge_key = on.output(edge_rows);
      back.dedge_value = on.output(edge_rows);
      back.dedge_bias = on.output(edge_scores);
      if (with_vector) back.dvector = on.output({4, 7});
      run(on.context(), attention_backward, back);
      run(on.context(), attention_weights,
          Attention{.graph = graph,
                    .score = score,
                    .query = op.query,
                    .key = op.key,
                    .edge_key = op.edge_key,
                    .edge_bias = op.edge_bias,
                    .vector = op.vector},
          AttentionResult{.maximum = op.maximum, .sum = op.sum}, AttentionWeights{.weight = on.output(edge_scores)});
    });
  }
}

TEST(Threads, ResidualGate) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Shape rows{kRows, 65};
    const auto &x = on.input(rows), &residual = on.input(rows), &weight = on.input({3, 65}), &dy = on.input(rows);
    const auto& gate = on.output({kRows});
    run(on.context(), residual_gate_forward, ResidualGate{x, residual, weight},
        ResidualGateResult{on.output(rows), gate});
    run(on.context(), residual_gate_backward, ResidualGate{x, residual, weight}, ResidualGateResult{.gate = gate},
        ResidualGateGradients{dy, on.output(rows), on.output(rows), on.output({3, 65})});
  });
}

TEST(Threads, HeadDot) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const auto &x = on.input({kRows, 4, 17}), &vector = on.input({4, 17});
    run(on.context(), head_dot_forward, HeadDot{x, vector, vector},
        HeadDotResult{on.output({kRows, 4}), on.output({kRows, 4})});
    run(on.context(), head_dot_backward, HeadDot{x, vector, vector},
        HeadDotGradients{on.input({kRows, 4}), on.inout({kRows, 4, 17}), on.output({4, 17}), on.input({kRows, 4}),
                         on.output({4, 17})});
  });
}

/// kRows nodes in mostly small graphs, some empty, some long.
TestGraph large_batch() {
  oracle::Ids offsets{0};
  while (offsets.back() < kRows) {
    const auto index = static_cast<std::int64_t>(offsets.size());
    const std::int64_t size = index % 100 == 0 ? 3 * kChunkEdges + 5 : index % 7 == 0 ? 0 : index % 40;
    offsets.push_back(std::min(kRows, offsets.back() + size));
  }
  return {"", {kRows, kRows, {}, {}}, offsets};
}

TEST(Threads, Pool) {
  const TestGraph batch = large_batch();
  const auto graphs = static_cast<std::int64_t>(batch.graph_offsets.size()) - 1;
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = batch.upload(on.context());
    const auto &x = on.input({kRows, 65}), &score = on.input({kRows}), &dy = on.input({graphs, 65});
    const auto &y = on.output({graphs, 65}), &maximum = on.output({graphs}), &sum = on.output({graphs}),
               &arg = on.output_ids({graphs, 65});
    run(on.context(), pool_forward, Pool{graph, PoolReduce::mean, PoolGate::softmax, 1, x, score},
        PoolResult{y, maximum, sum});
    run(on.context(), pool_backward, Pool{graph, PoolReduce::mean, PoolGate::softmax, 1, x, score},
        PoolResult{y, maximum, sum}, PoolGradients{dy, on.output({kRows, 65}), on.output({kRows})});
    run(on.context(), pool_weights, Pool{.graph = graph, .gate = PoolGate::softmax, .temperature = 1, .score = score},
        PoolResult{.maximum = maximum, .sum = sum}, PoolWeights{on.output({kRows})});
    run(on.context(), pool_forward, Pool{graph, PoolReduce::max, PoolGate::none, 1, x},
        PoolResult{on.output({graphs, 65}), {}, {}, arg});
    run(on.context(), pool_backward, Pool{graph, PoolReduce::max, PoolGate::none, 1}, PoolResult{{}, {}, {}, arg},
        PoolGradients{dy, on.output({kRows, 65})});
  });
}

TEST(Threads, PoolHeads) {
  const TestGraph batch = large_batch();
  const auto graphs = static_cast<std::int64_t>(batch.graph_offsets.size()) - 1;
  const std::pair<Shape, PoolGate> cases[] = {{{4, 8}, PoolGate::softmax}, {{33, 1}, PoolGate::sigmoid}};
  for (const auto& each : cases) {
    const Shape& heads = each.first;
    const PoolGate gate = each.second;
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const Graph graph = batch.upload(on.context());
      const Shape node_rows{kRows, heads[0], heads[1]}, graph_rows{graphs, heads[0], heads[1]};
      const auto &x = on.input(node_rows), &score = on.input({kRows, heads[0]}), &dy = on.input(graph_rows);
      const auto& y = on.output(graph_rows);
      PoolForward forward{{.graph = graph, .gate = gate, .x = x, .score = score}, {.y = y}};
      if (gate == PoolGate::softmax) {
        forward.maximum = on.output({graphs, heads[0]});
        forward.sum = on.output({graphs, heads[0]});
      }
      run(on.context(), pool_forward, forward);
      run(on.context(), pool_backward, Pool{.graph = graph, .gate = gate, .x = x, .score = score},
          PoolResult{.y = y, .maximum = forward.maximum, .sum = forward.sum},
          PoolGradients{.dy = dy, .dx = on.output(node_rows), .dscore = on.output({kRows, heads[0]})});
    });
  }
}

TEST(Threads, SegmentDotAndTopK) {
  const TestGraph batch = large_batch();
  const auto graphs = static_cast<std::int64_t>(batch.graph_offsets.size()) - 1;
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Graph graph = batch.upload(on.context());
    const std::int64_t kept = top_k_count(graph, 0.3);
    const auto &x = on.input({kRows, 33}), &query = on.input({graphs, 33});
    const auto &score = on.output({kRows}), &selected = on.output_ids({kept}), &position = on.output_ids({kRows});
    run(on.context(), segment_dot_forward, SegmentDot{graph, x, query}, SegmentDotResult{score});
    run(on.context(), segment_dot_backward, SegmentDot{graph, x, query},
        SegmentDotGradients{on.input({kRows}), on.inout({kRows, 33}), on.output({graphs, 33})});
    run(on.context(), segment_top_k, SegmentTopK{.graph = graph, .ratio = 0.3, .score = score},
        SegmentTopKResult{selected, position});
    run(on.context(), scaled_gather_forward, ScaledGather{x, score, selected},
        ScaledGatherResult{on.output({kept, 33})});
    run(on.context(), scaled_gather_backward, ScaledGather{.x = x, .scale = score, .position = position},
        ScaledGatherGradients{on.input({kept, 33}), on.output({kRows, 33}), on.output({kRows})});
  });
}

TEST(Threads, RowNormsAndCells) {
  constexpr std::int64_t kNormRows = 4500;
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Shape rows{kNormRows, 33};
    const auto &x = on.input(rows), &gamma = on.input({33}), &beta = on.input({33}), &dy = on.input(rows);
    const auto &mean = on.output({kNormRows}), &inv_std = on.output({kNormRows}), &y = on.output(rows),
               &norm = on.output({kNormRows}), &c = on.output(rows);
    run(on.context(), layer_norm_forward, LayerNorm{1e-5, x, gamma, beta},
        LayerNormResult{on.output(rows), mean, inv_std});
    run(on.context(), layer_norm_backward, LayerNorm{.x = x, .gamma = gamma},
        LayerNormResult{.mean = mean, .inv_std = inv_std},
        LayerNormGradients{dy, on.output(rows), on.output({33}), on.output({33})});
    run(on.context(), normalize_rows_forward, NormalizeRows{x}, NormalizeRowsResult{y, norm});
    run(on.context(), normalize_rows_backward, NormalizeRows{}, NormalizeRowsResult{y, norm},
        NormalizeRowsGradients{dy, on.output(rows)});
    const auto& gates = on.input({kNormRows, 132});
    run(on.context(), lstm_cell_forward, LstmCell{gates, x}, LstmCellResult{c, on.output(rows)});
    run(on.context(), lstm_cell_backward, LstmCell{gates, x}, LstmCellResult{c},
        LstmCellGradients{dy, on.input(rows), on.output({kNormRows, 132}), on.output(rows)});
    const auto &input = on.input({kNormRows, 99}), &hidden = on.input({kNormRows, 99});
    run(on.context(), gru_cell_forward, GruCell{input, hidden, x}, GruCellResult{on.output(rows)});
    run(on.context(), gru_cell_backward, GruCell{input, hidden, x},
        GruCellGradients{dy, on.output({kNormRows, 99}), on.output({kNormRows, 99}), on.output(rows)});
  });
}

TEST(Threads, ElementwiseOps) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const Shape shape{kRows, 35};
    const auto& x = on.input(shape);
    for (const Activation kind : {Activation::relu, Activation::elu, Activation::tanh}) {
      const auto& y = on.output(shape);
      run(on.context(), activation_forward, Activate{kind, 0.2, x}, ActivateResult{y});
      run(on.context(), activation_backward, Activate{kind, 0.2}, ActivateResult{y},
          ActivateGradients{x, on.output(shape)});
    }
    run(on.context(), dropout, Dropout{0.4, 5, x, on.output(shape)});
    run(on.context(), gather_rows, GatherRows{x, on.input_ids({kRows}, kRows), on.output(shape)});
    run(on.context(), add_scaled, AddScaled{0.3, x, on.inout(shape)});
    run(on.context(), add_bias, AddBias{x, on.input({35}), on.output(shape)});
  });
}

TEST(Threads, BatchNorm) {
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const auto &x = on.input({kRows, 35}), &gamma = on.input({35}), &beta = on.input({35});
    const auto &mean = on.output({35}), &inv_std = on.output({35});
    const auto &running_mean = on.inout({35}), &running_var = on.inout({35});
    BatchNormForward op{{true, 1e-5, 0.1, x, gamma, beta},
                        {on.output({kRows, 35}), running_mean, running_var, mean, inv_std}};
    run(on.context(), batch_norm_forward, op);
    op.training = false;
    op.y = on.output({kRows, 35});
    run(on.context(), batch_norm_forward, op);
    run(on.context(), batch_norm_backward, BatchNorm{.x = x, .gamma = gamma},
        BatchNormResult{.saved_mean = mean, .saved_inv_std = inv_std},
        BatchNormGradients{on.input({kRows, 35}), on.output({kRows, 35}), on.output({35}), on.output({35})});
  });
}

TEST(Threads, LossAndOptimiser) {
  constexpr std::int64_t kExamples = 1200000;
  expect_the_same_for_any_thread_count([&](Trial& on) {
    const auto& label = on.input_ids({kExamples}, 2);
    const auto &probability = on.output({kExamples, 2}), &total_weight = on.output({1});
    run(on.context(), cross_entropy_forward, CrossEntropy{.logits = on.input({kExamples, 2}), .label = label},
        CrossEntropyResult{.loss = on.output({1}), .probability = probability, .total_weight = total_weight});
    run(on.context(), cross_entropy_backward, CrossEntropy{.label = label},
        CrossEntropyResult{.probability = probability, .total_weight = total_weight},
        CrossEntropyGradients{.dlogits = on.output({kExamples, 2})});
    const SoftCrossEntropy soft{.logits = on.input({kExamples, 2}), .target = on.input({kExamples, 2})};
    const SoftCrossEntropyResult saved{.loss = on.output({1}),
                                       .total_weight = on.output({1}),
                                       .maximum = on.output({kExamples}),
                                       .sum = on.output({kExamples}),
                                       .row_weight = on.output({kExamples})};
    run(on.context(), soft_cross_entropy_forward, soft, saved);
    run(on.context(), soft_cross_entropy_backward, soft, saved, SoftCrossEntropyGradients{on.output({kExamples, 2})});
    const PointwiseLoss squared{.prediction = on.input({kExamples, 2}), .target = on.input({kExamples, 2})};
    const auto& squared_weight = on.output({1});
    run(on.context(), pointwise_loss_forward, squared,
        PointwiseLossResult{.loss = on.output({1}), .total_weight = squared_weight});
    run(on.context(), pointwise_loss_backward, squared, PointwiseLossResult{.total_weight = squared_weight},
        PointwiseLossGradients{on.output({kExamples, 2})});
    Tensor step(on.context(), Dtype::int64, {1});
    step.fill_zero();
    const AdamSlot slot{on.inout({200001}), on.input({200001}), on.inout({200001}), on.inout({200001})};
    run(on.context(), adam_step, AdamStep{.slots = {&slot, 1}, .step = step});
  });
}

/// Sums over rows in several chunks, rows in several tiles, and a weight so wide that its columns are cut as well.
TEST(Threads, Linear) {
  struct Sizes {
    std::int64_t rows, in, out;
  };
  for (const Sizes& n : {Sizes{4000, 65, 33}, Sizes{1100, 300, 400}, Sizes{70, 520, 1100}}) {
    expect_the_same_for_any_thread_count([&](Trial& on) {
      const auto &x = on.input({n.rows, n.in}), &weight = on.input({n.out, n.in});
      run(on.context(), linear_forward, Linear{x, weight, on.input({n.out})}, LinearResult{on.output({n.rows, n.out})});
      run(on.context(), linear_backward, Linear{x, weight},
          LinearGradients{on.input({n.rows, n.out}), on.output({n.rows, n.in}), on.output({n.out, n.in}),
                          on.output({n.out})});
    });
  }
}

}  // namespace
}  // namespace warpgnn::test
