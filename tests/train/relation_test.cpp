// SPDX-License-Identifier: MIT
// What is the knowledge graphs' own: their readers, questions, ranks, pictures, what a model reaches.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/errors.hpp"
#include "relations/guesses.hpp"
#include "small_tasks.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train::relations {
namespace {

using test::Words;

class KnowledgeReader : public testing::Test {
 protected:
  Knowledge read() const { return read_knowledge(folder.path(), "K"); }
  void write(const std::string& ending, const std::string& train) const {
    folder.write("train" + ending, train);
    for (const char* part : {"valid", "test"})
      folder.write(part + ending, ending == ".txt" ? "a\tr\tb\n" : "0\t0\t1\n");
  }
  void expect_error(const std::string& part) const {
    try {
      read();
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  TemporaryFolder folder;
};

TEST_F(KnowledgeReader, NumbersNamesAsTheyCome) {
  write(".txt", "b, the first\tis\ta\na\tis not\tb, the first\r\nb, the first\tis\ta\n");
  const Knowledge data = read();
  EXPECT_EQ(data.entities, (std::vector<std::string>{"b, the first", "a", "b"}));
  EXPECT_EQ(data.relations, (std::vector<std::string>{"is", "is not", "r"}));
  EXPECT_EQ(data.train, (std::vector<Triple>{{0, 0, 1}, {1, 1, 0}}));
  EXPECT_EQ(data.test, (std::vector<Triple>{{1, 2, 2}}));
}

TEST_F(KnowledgeReader, TakesNumbersWithAndWithoutNames) {
  write(".ids.tsv", "2\t1\t0\n0 0 1\n");
  EXPECT_EQ(read().entities, (std::vector<std::string>{"0", "1", "2"}));
  folder.write("entities.dict", "0\tzero\n1\tone\n2\ttwo\n3\tthree\n");
  const Knowledge data = read();
  EXPECT_EQ(data.entities, (std::vector<std::string>{"zero", "one", "two", "three"}));
  EXPECT_EQ(data.relations, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(data.train, (std::vector<Triple>{{0, 0, 1}, {2, 1, 0}}));
}

TEST_F(KnowledgeReader, TakesPackedFiles) {
  for (const char* part : {"train", "valid", "test"}) folder.write(part + std::string(".txt.gz"), "a\tr\tb\n");
  ASSERT_TRUE(find_dataset("K", folder.path().string()).folder);
  EXPECT_EQ(read().train.size(), 1u);
}

TEST_F(KnowledgeReader, NamesTheLineThatIsWrong) {
  write(".txt", "a\tr\tb\na\tr\n");
  expect_error("train.txt:2: expected head, relation and tail with tabs between");
  write(".txt", "a\t\tb\n");
  expect_error("train.txt:1: expected head");
  write(".ids.tsv", "0\t0\t1\n0\t0\tx\n");
  expect_error("train.ids.tsv:2: expected head, relation and tail as numbers");
  write(".ids.tsv", "0\t-1\t1\n");
  expect_error("train.ids.tsv:1: expected numbers from 0 on");
  folder.write("entities.dict", "0\tzero\n2\ttwo\n");
  expect_error("entities.dict:2: expected the number 1");
  folder.write("entities.dict", "0\tzero\n1\tone\n");
  write(".ids.tsv", "0\t0\t2\n");
  expect_error("train.ids.tsv:1: expected numbers from 0 on, below 2, found 2");
  std::filesystem::remove(folder.path() / "test.ids.tsv");
  write(".ids.tsv", "0\t0\t1\n");
  std::filesystem::remove(folder.path() / "test.ids.tsv");
  expect_error("test.ids.tsv");
}

TEST(Questions, GatherTheAnswersOfBothDirections) {
  const std::vector<Triple> facts{{0, 0, 1}, {0, 0, 2}, {1, 0, 2}};
  const std::vector<Triple> both = both_ways(facts, 1);
  const std::vector<Question> questions = questions_of(both);
  ASSERT_EQ(questions.size(), 4u);
  EXPECT_EQ(questions[0].answers.size(), 2u);
  EXPECT_EQ(questions[3].head, 2);
  EXPECT_EQ(questions[3].relation, 1);
  EXPECT_EQ(questions[3].answers[1], (Triple{2, 1, 1}));
  EXPECT_TRUE(tails_of(both, 1, 5).empty());
}

class SmallRelations : public testing::Test {
 protected:
  std::unique_ptr<RelationsTask> make(const Words& words) const {
    auto task = std::make_unique<RelationsTask>();
    test::parse(*task, test::operator+(test::relations_task().words, words));
    task->use(generate_clock(3));
    task->move_to(warpgnn::Context::cpu(1));
    return task;
  }
  static std::unique_ptr<RelationTraining> trained(RelationsTask& task, std::int64_t epochs) {
    std::unique_ptr<Training> training = task.begin(0, 0);
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
      training->begin_epoch(epoch);
      for (std::int64_t step = 0; step < training->steps(); ++step) training->step(step);
    }
    return std::unique_ptr<RelationTraining>(dynamic_cast<RelationTraining*>(training.release()));
  }
};

/// By the definition: among the entities that are no known answer, the place in the middle of equals.
TEST_F(SmallRelations, RanksAreAmongEntitiesThatAreNoAnswer) {
  for (const char* dtype : {"float32", "float64"}) {
    const auto task = make({"--dtype", dtype});
    const Knowledge& data = task->data();
    const auto training = trained(*task, 3);
    std::vector<Triple> all;
    for (const auto* part : {&data.train, &data.valid, &data.test}) all.insert(all.end(), part->begin(), part->end());
    double reciprocals = 0;
    std::size_t count = 0;
    for (const Triple& fact : both_ways(data.test, data.num_relations())) {
      const Answers answers = training->answer({fact.head, fact.relation, {&fact, 1}});
      EXPECT_NEAR(std::accumulate(answers.chance.begin(), answers.chance.end(), 0.0), 1, 1e-6);
      const std::vector<Triple> known = both_ways(all, data.num_relations());
      double rank = 1;
      for (std::int32_t other = 0; other < 24; ++other) {
        if (std::binary_search(known.begin(), known.end(), Triple{fact.head, fact.relation, other})) continue;
        const double its = answers.chance[static_cast<std::size_t>(other)],
                     right = answers.chance[static_cast<std::size_t>(fact.tail)];
        rank += its > right ? 1 : its == right ? 0.5 : 0;
      }
      EXPECT_EQ(answers.rank, rank);
      reciprocals += 1 / rank;
      ++count;
    }
    EXPECT_NEAR(training->scores(true).test->metrics[0], reciprocals / static_cast<double>(count), 1e-12);
  }
}

/// All answers are equal where heads' states are zero.
TEST_F(SmallRelations, EqualScoresShareTheMiddlePlace) {
  const auto task = make({});
  const auto training = trained(*task, 0);
  for (const auto& tensor : training->tensors()) {
    if (tensor.name == "entities") tensor.tensor->fill_zero();
  }
  const Triple fact = task->data().test[0];
  const auto all = task->data();
  std::size_t known = 0;
  for (const auto* part : {&all.train, &all.valid, &all.test}) {
    known += tails_of(*part, fact.head, fact.relation).size();
  }
  EXPECT_EQ(training->answer({fact.head, fact.relation, {&fact, 1}}).rank, 1 + (24 - static_cast<double>(known)) / 2);
}

/// The mean reciprocal rank in the end.
double reached(const Words& words) {
  const Words common{"--dataset", "clock", "--epochs",     "150", "--dropout", "0.1",
                     "--lr",      "0.01",  "--batch-size", "64",  "--width",   "32"};
  const auto outcome = test::train(test::relations_task(), test::operator+(common, words));
  EXPECT_TRUE(outcome.completed);
  return outcome.results.runs[0].epochs.back().test->metrics[0];
}

/// DistMult judges a fact and its reverse the same, so it cannot tell an hour later from an hour before.
TEST(Relations, LearnTheClock) {
  EXPECT_GT(reached({"--decoder", "cp"}), 0.9);
  EXPECT_GT(reached({"--decoder", "cp", "--model", "gatv2"}), 0.9);
  const double distmult = reached({"--decoder", "distmult"});
  EXPECT_GT(distmult, 0.4);
  EXPECT_LT(distmult, 0.7);
}

TEST_F(SmallRelations, PicturesShowTheFactAndWhatTheModelSaw) {
  for (const std::string model : {"embedding", "gat"}) {
    const auto task = make({"--model", model});
    const auto training = trained(*task, 5);
    const std::vector<Guess> guesses = make_guesses(*training, task->data(), 3);
    ASSERT_EQ(guesses.size(), 3u);
    EXPECT_EQ(to_json(guesses_from_json(to_json(guesses), task->data())), to_json(guesses));
    for (const Guess& guess : guesses) {
      EXPECT_TRUE(std::binary_search(task->data().test.begin(), task->data().test.end(), guess.fact));
      const Picture picture = make_picture(task->data(), guess);
      EXPECT_TRUE(picture.nodes[0].in_motif);
      EXPECT_EQ(picture.weight_name, model == "gat" ? "attention" : "chance");
      EXPECT_EQ(guess.gathered.empty(), model == "embedding");
      double sum = 0;
      for (const Gathered& one : guess.gathered) sum += one.weight;
      EXPECT_LE(sum, 1 + 1e-5);
      EXPECT_EQ(sum > 0.3, model == "gat");
      EXPECT_GE(guess.best.size(), 6u);
    }
  }
}

TEST_F(SmallRelations, RefusesPicturesOfOtherData) {
  const auto task = make({});
  nlohmann::json seen = to_json(make_guesses(*trained(*task, 1), task->data(), 1));
  const auto expect_refused = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json wrong = seen;
    wrong[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_THROW(task->expect_seen(wrong), DataError) << pointer;
  };
  task->expect_seen(seen);
  expect_refused("/0/fact/0", 24);
  expect_refused("/0/fact/1", 8);
  expect_refused("/0/rank", 0);
  expect_refused("/0/best/0", -1);
  expect_refused("/0/chance", nlohmann::json::array());
  expect_refused("/0/gathered", {{0, 24, 0.5}});
}

}  // namespace
}  // namespace train::relations
