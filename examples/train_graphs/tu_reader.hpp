#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "dataset.hpp"

namespace train_graphs {

/// Where the files of a data set were looked for, and the folder that has them.
struct DatasetLocation {
  std::optional<std::filesystem::path> folder;
  std::string searched;  ///< the places, for a message
};

/// Looks for NAME_A.txt and NAME/NAME_A.txt in `data` when that is given, else in the folder that the environment
/// variable WARPGNN_DATA names, ../shared/data and ~/.cache/warpgnn.
DatasetLocation find_dataset(const std::string& name, const std::string& data);

/// Reads a data set in the text format of the TUDataset collection (Morris et al. 2020): NAME_A.txt,
/// NAME_graph_indicator.txt and NAME_graph_labels.txt; and, where they exist, NAME_node_labels.txt,
/// NAME_node_attributes.txt, NAME_edge_labels.txt and NAME_edge_attributes.txt.
/// Throws DataError that names the file, the line and what was expected there.
Dataset read_tu(const std::filesystem::path& folder, const std::string& name);

}  // namespace train_graphs
