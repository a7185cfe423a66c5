// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "data/data_folder.hpp"
#include "dataset.hpp"

namespace train::graphs {

/// Looks for NAME_A.txt with find_data.
DatasetLocation find_dataset(const std::string& name, const std::string& data);

/// Reads a data set in the text format of the TUDataset collection (Morris et al. 2020): NAME_A.txt,
/// NAME_graph_indicator.txt and NAME_graph_labels.txt; and, where they exist, NAME_node_labels.txt,
/// NAME_node_attributes.txt, NAME_edge_labels.txt and NAME_edge_attributes.txt.
/// A file of labels may have several in each line; lines of different length are temporal labels, times and labels in
/// turn, of which the first and the last label and the time of the last change are kept.
/// Throws DataError that names the file, the line and what was expected there.
Dataset read_tu(const std::filesystem::path& folder, const std::string& name);

}  // namespace train::graphs
