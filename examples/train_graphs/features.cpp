#include "features.hpp"

#include <algorithm>

#include "common/statistics.hpp"

namespace examples::train_graphs {
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

Matrix one_hot_beside(const std::vector<Categories>& labels, const Matrix& attributes, std::int64_t rows) {
  Matrix matrix;
  matrix.rows = rows;
  matrix.columns = attributes.columns;
  for (const Categories& column : labels) matrix.columns += column.count();
  matrix.values.assign(static_cast<std::size_t>(matrix.rows * matrix.columns), 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    auto begin = matrix.values.begin() + row * matrix.columns;
    for (const Categories& column : labels) {
      begin[column.index[static_cast<std::size_t>(row)]] = 1;
      begin += column.count();
    }
    std::copy_n(attributes.values.begin() + row * attributes.columns, attributes.columns, begin);
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

std::string describe(const std::vector<Categories>& labels, const Matrix& attributes) {
  std::string text;
  for (const Categories& column : labels) text += (text.empty() ? "" : " + ") + std::to_string(column.count());
  if (!labels.empty()) text += " labels, one-hot";
  if (attributes.columns != 0) {
    text += (text.empty() ? "" : " + ") + std::to_string(attributes.columns) + " attributes, standardised";
  }
  return text;
}

}  // namespace

Features make_features(const Dataset& dataset) {
  Features features;
  if (dataset.node_labels.empty() && dataset.node_attributes.columns == 0) {
    const Categories degrees = degree_labels(dataset);
    features.node = one_hot_beside({degrees}, {}, dataset.num_nodes());
    features.node_source = "degree 0 to " + std::to_string(degrees.value.back()) + ", one-hot";
  } else {
    features.node =
        one_hot_beside(dataset.node_labels, standardise_columns(dataset.node_attributes), dataset.num_nodes());
    features.node_source = describe(dataset.node_labels, dataset.node_attributes);
  }
  features.edge =
      one_hot_beside(dataset.edge_labels, standardise_columns(dataset.edge_attributes), dataset.num_edges());
  features.edge_source = describe(dataset.edge_labels, dataset.edge_attributes);
  return features;
}

}  // namespace examples::train_graphs
