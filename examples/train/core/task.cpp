// SPDX-License-Identifier: MIT
#include "core/task.hpp"

#include <utility>

namespace train {

Fields Task::fields() {
  Fields fields = own_fields();
  for (Field& field : training_fields(training_, training_words())) fields.push_back(std::move(field));
  return fields;
}

RunRules Task::rules() const {
  return {.repeats = training_.repeats,
          .folds = folds(),
          .epochs = {.most = training_.epochs,
                     .has_valid = has_valid(),
                     .may_stop = training_.patience > 0,
                     .evaluate_every = training_.evaluate_every,
                     .metrics = metrics()},
          .findings = findings()};
}

}  // namespace train
