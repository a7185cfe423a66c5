// SPDX-License-Identifier: MIT
#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/statistics.hpp"
#include "data/random_bits.hpp"
#include "model/transfer.hpp"
#include "warpgnn/ops/aggregate.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/linear.hpp"
#include "warpgnn/ops/message_aggregate.hpp"

namespace train::relations {

using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Dtype;
using warpgnn::Tensor;

namespace {

constexpr std::size_t kAskedAtOnce = 512;  // in evaluations

/// The bound of states and relations at the start.
constexpr double kBound = 0.17;  // a standard deviation of 0.1

Tensor upload_ids(const Context& context, const std::vector<std::int32_t>& ids) {
  return Tensor::from(context, std::span(ids), {static_cast<std::int64_t>(ids.size())});
}

std::vector<std::int32_t> numbers_up_to(std::int64_t count) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

template <class Function>
auto with_values(Dtype dtype, const Function& function) {
  return dtype == Dtype::float64 ? function(double{}) : function(float{});
}

}  // namespace

std::vector<Question> questions_of(std::span<const Triple> sorted) {
  std::vector<Question> questions;
  for (std::size_t first = 0; first < sorted.size();) {
    const auto answers = tails_of(sorted.subspan(first), sorted[first].head, sorted[first].relation);
    questions.push_back({sorted[first].head, sorted[first].relation, answers});
    first += answers.size();
  }
  return questions;
}

RelationTraining::RelationTraining(const Context& context, const Knowledge& data, const Settings& settings,
                                   const TrainingSettings& training, std::uint64_t seed)
    : Training(context, training.dtype, seed),
      data_(&data),
      settings_(settings),
      learning_rate_(training.learning_rate),
      seed_(seed),
      train_(both_ways(data.train, data.num_relations())),
      valid_(both_ways(data.valid, data.num_relations())),
      test_(both_ways(data.test, data.num_relations())),
      questions_(questions_of(train_)),
      head_dropout_(session(), settings.dropout),
      relation_dropout_(session(), settings.dropout),
      loss_(session()) {
  for (const auto* part : {&train_, &valid_, &test_}) all_.insert(all_.end(), part->begin(), part->end());
  std::sort(all_.begin(), all_.end());
  nn::ParameterList parameters;
  make_model(parameters);
  optimise(parameters, {.learning_rate = training.learning_rate, .weight_decay = training.weight_decay});
  loss_sum_ = Tensor(context, training.dtype, {1});
}

void RelationTraining::make_model(nn::ParameterList& parameters) {
  const std::int64_t width = settings_.width, entities = data_->num_entities(), relations = 2 * data_->num_relations();
  entities_ = nn::uniform(session(), "entities", {entities, width}, kBound);
  relations_ = nn::uniform(session(), "relations", {relations, width}, kBound);
  parameters = {&entities_, &relations_};
  if (has_tails()) {
    tails_ = nn::uniform(session(), "tails", {entities, width}, kBound);
    parameters.push_back(&tails_);
  }
  if (!has_encoder(settings_.model)) return;
  relation_rows_ = nn::uniform(session(), "relation_rows", {relations + 1, settings_.relation_width}, 1);
  parameters.push_back(&relation_rows_);
  const EncoderOptions options{.kind = encoder_of(settings_.model),
                               .widths = std::vector<std::int64_t>(static_cast<std::size_t>(settings_.layers), width),
                               .heads = settings_.heads,
                               .dropout = settings_.dropout,
                               .attention_dropout = settings_.attention_dropout,
                               .answers = true};
  encoder_ = make_encoder(session(), options, width, settings_.relation_width);
  for (std::size_t layer = 0; layer < options.widths.size(); ++layer) encoder_->collect(layer, parameters);
  make_facts();
}

/// A fact is an edge from its tail to its head, for a head gathers what it is related to.
void RelationTraining::make_facts() {
  for (const Triple& fact : train_) {
    fact_source_.push_back(fact.tail);
    fact_destination_.push_back(fact.head);
    fact_relation_.push_back(fact.relation);
  }
  const auto entities = data_->num_entities(), loop = 2 * data_->num_relations();
  for (std::int32_t entity = 0; entity < entities; ++entity) {
    fact_source_.push_back(entity);
    fact_destination_.push_back(entity);
    fact_relation_.push_back(static_cast<std::int32_t>(loop));
  }
  const Context& context = session().context();
  const auto facts = static_cast<std::int64_t>(fact_source_.size());
  input_.graph = upload_graph(context, fact_source_, fact_destination_, entities, entities);
  input_.x = entities_.value;
  fact_relation_index_ = upload_ids(context, fact_relation_);
  facts_of_relation_ = upload_graph(context, fact_relation_, numbers_up_to(facts), loop + 1, facts);
  edge_features_ = Tensor(context, session().dtype(), {facts, settings_.relation_width});
  input_.edge_features = edge_features_;
}

std::int64_t RelationTraining::steps() const {
  return (static_cast<std::int64_t>(questions_.size()) + settings_.batch_size - 1) / settings_.batch_size;
}

void RelationTraining::begin_epoch(std::int64_t epoch) {
  halve_rate(learning_rate_, settings_.halve_rate_every, epoch);
  order_ = questions_;
  RandomBits(mix_seed({seed_, static_cast<std::uint64_t>(epoch)})).shuffle(order_);
  loss_sum_.fill_zero();
}

void RelationTraining::collect_epoch(std::vector<nn::NamedTensor>& tensors) {
  tensors.push_back({"epoch.loss_sum", &loss_sum_});
}

RelationTraining::Asked RelationTraining::ask(std::span<const Question> questions) {
  const Context& context = session().context();
  std::vector<std::int32_t> head, relation;
  for (const Question& question : questions) {
    head.push_back(question.head);
    relation.push_back(question.relation);
  }
  Asked asked;
  asked.count = static_cast<std::int64_t>(questions.size());
  const std::vector<std::int32_t> every = numbers_up_to(asked.count);
  asked.head = upload_ids(context, head);
  asked.relation = upload_ids(context, relation);
  asked.heads = upload_graph(context, head, every, data_->num_entities(), asked.count);
  asked.relations = upload_graph(context, relation, every, 2 * data_->num_relations(), asked.count);
  const auto [each, is_new] = each_.try_emplace(asked.count);
  if (is_new) each->second = upload_graph(context, every, every, asked.count, asked.count);
  asked.each = &each->second;
  return asked;
}

const Tensor& RelationTraining::targets(std::span<const Question> questions) {
  const auto count = static_cast<std::int64_t>(questions.size()), entities = data_->num_entities();
  target_.resize(session().context(), session().dtype(), {count, entities});
  with_values(session().dtype(), [&]<class Value>(Value) {
    host_target_.resize(std::max(host_target_.size(), target_.bytes()));
    auto* const values = reinterpret_cast<Value*>(host_target_.data());
    const auto set_all = [&](Value value) {
      for (std::size_t row = 0; row < questions.size(); ++row) {
        for (const Triple& answer : questions[row].answers) {
          values[row * static_cast<std::size_t>(entities) + static_cast<std::size_t>(answer.tail)] = value;
        }
      }
    };
    set_all(1);
    target_.copy_from_host(values, target_.bytes());
    set_all(0);
  });
  return target_;
}

ConstTensorView RelationTraining::encode() {
  states_ = entities_.value;
  if (!encoder_) return states_;
  const Context& context = session().context();
  warpgnn::gather_rows(context, {.x = relation_rows_.value, .index = fact_relation_index_, .y = edge_features_});
  const ConstTensorView more = encoder_->forward(input_).back();
  encoded_.resize(context, session().dtype(), {more.shape[0], more.shape[1]});
  warpgnn::copy(context, entities_.value, encoded_);
  warpgnn::add_scaled(context, {.source = more, .target = encoded_});
  return states_ = encoded_;
}

void RelationTraining::encode_backward(const ConstTensorView& dstates) {
  const Context& context = session().context();
  warpgnn::copy(context, dstates, entities_.gradient);
  if (!encoder_) return;
  std::vector<ConstTensorView> dy(static_cast<std::size_t>(settings_.layers));
  dy.back() = dstates;
  warpgnn::add_scaled(context, {.source = encoder_->backward(dy, true), .target = entities_.gradient});
  warpgnn::aggregate_backward(context, {.graph = facts_of_relation_}, {},
                              {.dy = encoder_->edge_feature_gradient(), .dx = relation_rows_.gradient},
                              session().scratch());
}

ConstTensorView RelationTraining::judge(const Asked& asked) {
  const Context& context = session().context();
  const Dtype dtype = session().dtype();
  for (Tensor* rows : {&head_rows_, &relation_states_, &query_}) {
    rows->resize(context, dtype, {asked.count, settings_.width});
  }
  warpgnn::gather_rows(context, {.x = states_, .index = asked.head, .y = head_rows_});
  warpgnn::gather_rows(context, {.x = relations_.value, .index = asked.relation, .y = relation_states_});
  head_dropped_ = head_dropout_.forward(head_rows_);
  relation_dropped_ = relation_dropout_.forward(relation_states_);
  warpgnn::message_aggregate_forward(
      context,
      {.graph = *asked.each, .message = warpgnn::EdgeMessage::multiply, .x = head_dropped_, .edge = relation_dropped_},
      {.y = query_}, session().scratch());
  logits_.resize(context, dtype, {asked.count, data_->num_entities()});
  warpgnn::linear_forward(context, {.x = query_, .weight = tail_rows()}, {.y = logits_}, session().scratch());
  return logits_;
}

void RelationTraining::judge_backward(const Asked& asked, const ConstTensorView& dlogits) {
  const Context& context = session().context();
  const Dtype dtype = session().dtype();
  for (Tensor* rows : {&dquery_, &dhead_, &drelation_}) rows->resize(context, dtype, {asked.count, settings_.width});
  dstates_.resize(context, dtype, {data_->num_entities(), settings_.width});
  // What tails get as answers goes to their rows, or to a place of its own until the heads' share is there.
  const warpgnn::TensorView dtails = has_tails() ? tails_.gradient.view() : entities_.gradient.view();
  warpgnn::linear_backward(context, {.x = query_, .weight = tail_rows()},
                           {.dy = dlogits, .dx = dquery_, .dweight = dtails}, session().scratch());
  warpgnn::message_aggregate_backward(
      context,
      {.graph = *asked.each, .message = warpgnn::EdgeMessage::multiply, .x = head_dropped_, .edge = relation_dropped_},
      {}, {.dy = dquery_, .dx = dhead_, .dedge = drelation_}, session().scratch());
  warpgnn::aggregate_backward(context, {.graph = asked.relations}, {},
                              {.dy = relation_dropout_.backward(drelation_), .dx = relations_.gradient},
                              session().scratch());
  warpgnn::aggregate_backward(context, {.graph = asked.heads}, {},
                              {.dy = head_dropout_.backward(dhead_), .dx = dstates_}, session().scratch());
  if (!has_tails()) warpgnn::add_scaled(context, {.source = dtails, .target = dstates_});
  encode_backward(dstates_);
}

void RelationTraining::step(std::int64_t step) {
  session().set_training(true);
  const auto begin = static_cast<std::size_t>(step * settings_.batch_size);
  const std::size_t count = std::min(static_cast<std::size_t>(settings_.batch_size), order_.size() - begin);
  const auto questions = std::span(order_).subspan(begin, count);
  const Asked asked = ask(questions);
  encode();
  const ConstTensorView loss = loss_.forward(judge(asked), targets(questions));
  std::size_t answers = 0;
  for (const Question& question : questions) answers += question.answers.size();
  warpgnn::add_scaled(session().context(),
                      {.scale = static_cast<double>(answers), .source = loss, .target = loss_sum_});
  judge_backward(asked, loss_.backward());
  update();
}

void RelationTraining::add_ranks(std::span<const Question> questions, std::vector<double>& ranks) {
  const auto entities = static_cast<std::size_t>(data_->num_entities());
  with_values(session().dtype(), [&]<class Value>(Value) {
    const auto logits = warpgnn::to_host<Value>(session().context(), logits_);
    for (std::size_t row = 0; row < questions.size(); ++row) {
      const auto scores = std::span(logits).subspan(row * entities, entities);
      const auto known = tails_of(all_, questions[row].head, questions[row].relation);
      for (const Triple& answer : questions[row].answers) {
        const Value score = scores[static_cast<std::size_t>(answer.tail)];
        std::int64_t higher = 0, equal = 0;
        for (const Value other : scores) {
          higher += other > score ? 1 : 0;
          equal += other == score ? 1 : 0;
        }
        for (const Triple& other : known) {
          higher -= scores[static_cast<std::size_t>(other.tail)] > score ? 1 : 0;
          equal -= scores[static_cast<std::size_t>(other.tail)] == score ? 1 : 0;
        }
        ranks.push_back(1 + static_cast<double>(higher) + static_cast<double>(equal) / 2);
      }
    }
  });
}

Score RelationTraining::score_of(std::span<const Triple> sorted, const std::string& part) {
  const std::vector<Question> questions = questions_of(sorted);
  std::vector<double> ranks;
  double loss = 0;
  for (std::size_t first = 0; first < questions.size(); first += kAskedAtOnce) {
    const auto batch = std::span(questions).subspan(first, std::min(kAskedAtOnce, questions.size() - first));
    const std::size_t before = ranks.size();
    const ConstTensorView mean = loss_.forward(judge(ask(batch)), targets(batch));
    add_ranks(batch, ranks);
    loss += download(mean, session().context())[0] * static_cast<double>(ranks.size() - before);
  }
  double reciprocals = 0, first_places = 0, first_ten = 0;
  for (const double rank : ranks) {
    reciprocals += 1 / rank;
    first_places += rank <= 1 ? 1 : 0;
    first_ten += rank <= 10 ? 1 : 0;
  }
  const auto count = static_cast<double>(ranks.size());
  return {finite(loss / count, "the " + part + " loss"),
          {reciprocals / count, first_places / count, first_ten / count}};
}

Scores RelationTraining::scores(bool evaluate) {
  Scores scores;
  const double answers = static_cast<double>(train_.size());
  scores.train.loss = finite(download(loss_sum_, session().context())[0] / answers, "the training loss");
  if (!evaluate) return scores;
  session().set_training(false);
  encode();
  scores.valid = score_of(valid_, "validation");
  scores.test = score_of(test_, "test");
  return scores;
}

Answers RelationTraining::answer(const Question& question) {
  session().set_training(false);
  encode();
  Answers answers{download(judge(ask({&question, 1})), session().context()), 0};
  std::vector<double> ranks;
  add_ranks({&question, 1}, ranks);
  answers.rank = ranks.at(0);
  const double largest = answers.chance[place_of_largest(answers.chance)];
  double sum = 0;
  for (double& chance : answers.chance) sum += chance = std::exp(chance - largest);
  for (double& chance : answers.chance) chance /= sum;
  return answers;
}

std::vector<Gathered> RelationTraining::gathered(std::int32_t entity) {
  std::vector<Gathered> gathered;
  if (!encoder_) return gathered;
  const warpgnn::SharedTensor attention = encoder_->edge_attention();
  const std::vector<double> weight = download(attention, session().context());
  const auto heads = static_cast<std::size_t>(attention.row_size()), facts = train_.size();
  for (std::size_t fact = 0; fact < fact_destination_.size(); ++fact) {
    if (fact_destination_[fact] != entity) continue;
    const auto of_fact = std::span(weight).subspan(fact * heads, heads);
    gathered.push_back({fact < facts ? fact_relation_[fact] : -1, fact_source_[fact], mean_of(of_fact)});
  }
  return gathered;
}

}  // namespace train::relations
