// SPDX-License-Identifier: MIT
#include "features.hpp"

#include <algorithm>
#include <cmath>

#include "core/memory.hpp"
#include "core/statistics.hpp"
#include "data/random_bits.hpp"

namespace train::graphs {
namespace {

/// Each column with mean 0 and variance 1; a constant column becomes 0.
Matrix standardise_columns(Matrix matrix) {
  std::vector<double> values(static_cast<std::size_t>(matrix.rows));
  for (std::int64_t column = 0; column < matrix.columns; ++column) {
    const auto at = [&](std::int64_t row) -> double& {
      return matrix.values[static_cast<std::size_t>(row * matrix.columns + column)];
    };
    for (std::int64_t row = 0; row < matrix.rows; ++row) values[static_cast<std::size_t>(row)] = at(row);
    standardise(values);
    for (std::int64_t row = 0; row < matrix.rows; ++row) at(row) = values[static_cast<std::size_t>(row)];
  }
  return matrix;
}

/// How labels become rows of numbers: one column of the file beside the other.
class LabelRows {
 public:
  LabelRows(const std::vector<Categories>& columns, std::int64_t most) : columns_(columns), most_(most) {
    for (const Categories& column : columns) width_ += width_of(column);
  }

  std::int64_t width() const { return width_; }

  /// Writes the row of an item, which is zero so far, and returns its end.
  template <class Iterator>
  Iterator write(std::int64_t item, Iterator begin) const {
    for (const Categories& column : columns_) {
      const std::int32_t label = column.index[static_cast<std::size_t>(item)];
      if (is_coded(column)) {
        write_code(label, begin);
      } else {
        begin[label] = 1;
      }
      begin += width_of(column);
    }
    return begin;
  }

  /// "7 + 3 labels, one-hot"
  std::string describe() const {
    std::string counts;
    bool any_one_hot = false;
    for (const Categories& column : columns_) {
      counts += (counts.empty() ? "" : " + ") + std::to_string(column.count());
      if (is_coded(column)) counts += " (as codes of " + std::to_string(most_) + ")";
      any_one_hot |= !is_coded(column);
    }
    return counts + " labels" + (any_one_hot ? ", one-hot" : "");
  }

 private:
  bool is_coded(const Categories& column) const { return column.count() > most_; }
  std::int64_t width_of(const Categories& column) const { return std::min(column.count(), most_); }

  template <class Iterator>
  void write_code(std::int32_t label, Iterator begin) const {
    RandomBits bits(mix_seed({static_cast<std::uint64_t>(label), 0xC0DE}));
    const double size = 1 / std::sqrt(static_cast<double>(most_));
    std::generate_n(begin, most_, [&] { return bits.below(2) == 0 ? -size : size; });
  }

  const std::vector<Categories>& columns_;
  std::int64_t most_, width_ = 0;
};

Matrix labels_beside(const LabelRows& labels, const Matrix& attributes, std::int64_t rows, const std::string& items) {
  Matrix matrix{rows, labels.width() + attributes.columns, {}};
  const double bytes = static_cast<double>(rows) * static_cast<double>(matrix.columns) * sizeof(double);
  const std::string what = "the features of " + std::to_string(rows) + " " + items + " of " + labels.describe() +
                           " (a smaller --label-width makes them narrower)";
  naming_memory(what, bytes, [&] { matrix.values.assign(static_cast<std::size_t>(rows * matrix.columns), 0); });
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto end = labels.write(row, matrix.values.begin() + row * matrix.columns);
    std::copy_n(attributes.values.begin() + row * attributes.columns, attributes.columns, end);
  }
  return matrix;
}

Categories degree_labels(const Dataset& dataset) {
  Categories degrees;
  degrees.index.assign(static_cast<std::size_t>(dataset.num_nodes()), 0);
  for (const std::int32_t node : dataset.destination) ++degrees.index[static_cast<std::size_t>(node)];
  std::int32_t largest = 0;
  for (std::int32_t& degree : degrees.index) {
    degree = std::min(degree, static_cast<std::int32_t>(kDegreeCap));
    largest = std::max(largest, degree);
  }
  for (std::int64_t degree = 0; degree <= largest; ++degree) degrees.value.push_back(degree);
  return degrees;
}

std::string describe(const LabelRows& labels, const Matrix& attributes) {
  std::string text = labels.width() == 0 ? "" : labels.describe();
  if (attributes.columns != 0) {
    text += (text.empty() ? "" : " + ") + std::to_string(attributes.columns) + " attributes, standardised";
  }
  return text;
}

}  // namespace

Features make_features(const Dataset& dataset, std::int64_t label_width, bool with_edges) {
  Features features;
  if (dataset.node_labels.empty() && dataset.node_attributes.columns == 0) {
    const std::vector<Categories> degrees{degree_labels(dataset)};
    features.node = labels_beside(LabelRows(degrees, kDegreeCap + 1), {}, dataset.num_nodes(), "nodes");
    features.node_source = "degree 0 to " + std::to_string(degrees[0].value.back()) + ", one-hot";
  } else {
    const LabelRows labels(dataset.node_labels, label_width);
    features.node = labels_beside(labels, standardise_columns(dataset.node_attributes), dataset.num_nodes(), "nodes");
    features.node_source = describe(labels, dataset.node_attributes);
  }
  const LabelRows labels(dataset.edge_labels, label_width);
  if (with_edges) {
    features.edge = labels_beside(labels, standardise_columns(dataset.edge_attributes), dataset.num_edges(), "edges");
  }
  features.edge_source = describe(labels, dataset.edge_attributes);
  return features;
}

}  // namespace train::graphs
