// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/training.hpp"
#include "knowledge.hpp"
#include "model/encoder.hpp"
#include "settings.hpp"
#include "warpgnn/nn/layers.hpp"

namespace train::relations {

namespace nn = warpgnn::nn;

/// A head and a relation, and the facts that answer it.
struct Question {
  std::int32_t head = 0, relation = 0;
  std::span<const Triple> answers;
};
/// The questions that sorted triples answer, which must outlive them.
std::vector<Question> questions_of(std::span<const Triple> sorted);

/// How the tails of a question were judged.
struct Answers {
  std::vector<double> chance;  ///< of every entity
  double rank = 0;             ///< of the question's first answer, as RelationTraining ranks
};

/// What an entity gathered from a neighbour.
struct Gathered {
  std::int32_t relation = 0, entity = 0;  ///< relation as both_ways counts; the entity itself has relation -1
  double weight = 0;
};

/// Training of states for the entities and relations of a knowledge graph. Facts count in both directions. A step
/// answers a batch of questions: of each, all known answers share the loss that an answer by itself would have, the
/// softmax over all entities, which then is computed once for all of them ("1 vs all", Lacroix et al. 2018).
///
/// An answer's rank is its place among the entities that answer the question in no part of the data, best first; of
/// equals it is in the middle.
class RelationTraining : public Training {
 public:
  /// `data` must outlive it.
  RelationTraining(const warpgnn::Context& context, const Knowledge& data, const Settings& settings,
                   const TrainingSettings& training, std::uint64_t seed);

  std::int64_t steps() const override;
  void begin_epoch(std::int64_t epoch) override;
  void step(std::int64_t step) override;
  Scores scores(bool evaluate) override;

  Answers answer(const Question& question);
  /// The mean over heads of what the last layer of attention gathers for an entity; empty without one.
  std::vector<Gathered> gathered(std::int32_t entity);

 private:
  /// A batch of questions on the device.
  struct Asked {
    warpgnn::Tensor head, relation;        // [B] int32
    warpgnn::Graph heads, relations;       // from entities and relations to questions
    const warpgnn::Graph* each = nullptr;  // from each question to itself
    std::int64_t count = 0;
  };

  void collect_epoch(std::vector<nn::NamedTensor>& tensors) override;
  void make_model(nn::ParameterList& parameters);
  void make_facts();
  Asked ask(std::span<const Question> questions);
  /// 1 for every answer, [B, N].
  const warpgnn::Tensor& targets(std::span<const Question> questions);
  /// The states of all entities, [N, width].
  warpgnn::ConstTensorView encode();
  void encode_backward(const warpgnn::ConstTensorView& dstates);
  bool has_tails() const { return settings_.decoder == Decoder::cp; }
  warpgnn::ConstTensorView tail_rows() const { return has_tails() ? tails_.value : states_; }
  /// Logits [B, N].
  warpgnn::ConstTensorView judge(const Asked& asked);
  void judge_backward(const Asked& asked, const warpgnn::ConstTensorView& dlogits);
  /// The ranks of the answers of questions in the logits' rows.
  void add_ranks(std::span<const Question> questions, std::vector<double>& ranks);
  Score score_of(std::span<const Triple> sorted, const std::string& part);

  const Knowledge* data_;
  Settings settings_;
  double learning_rate_;
  std::uint64_t seed_;
  std::vector<Triple> train_, valid_, test_, all_;  // both ways
  std::vector<Question> questions_, order_;

  nn::Parameter entities_, relations_, tails_, relation_rows_;
  std::unique_ptr<Encoder> encoder_;
  GraphInput input_;
  std::vector<std::int32_t> fact_source_, fact_destination_, fact_relation_;  // with loops
  warpgnn::Tensor fact_relation_index_, edge_features_;
  warpgnn::Graph facts_of_relation_;  // from relations to the facts as nodes
  nn::DropoutLayer head_dropout_, relation_dropout_;
  nn::SoftCrossEntropy loss_;
  std::map<std::int64_t, warpgnn::Graph> each_;  // by number of questions

  warpgnn::ConstTensorView states_;
  warpgnn::Tensor encoded_, head_rows_, relation_states_, query_, logits_, target_, loss_sum_;
  warpgnn::ConstTensorView head_dropped_, relation_dropped_;
  warpgnn::Tensor dquery_, dhead_, drelation_, dstates_;
  std::vector<std::byte> host_target_;  // zeros, but while targets are set up
};

}  // namespace train::relations
