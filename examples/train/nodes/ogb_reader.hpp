// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "data/data_folder.hpp"
#include "node_data.hpp"
#include "warpgnn/dtype.hpp"

namespace train::nodes {

/// Looks for raw/edge.csv.gz with find_data.
DatasetLocation find_dataset(const std::string& name, const std::string& data);

/// The edges and features alone.
NodeData read_ogb_graph(const std::filesystem::path& folder, const std::string& name, warpgnn::Dtype dtype);

/// Reads a data set in the raw layout of the Open Graph Benchmark (Hu et al. 2020):
/// raw/{edge,node-feat,node-label,num-node-list,num-edge-list}.csv.gz and split/SPLIT/{train,valid,test}.csv.gz.
/// A class of nan or -1 is none: such a node takes part in the graph, but may be in no part of the split.
/// Throws DataError that names the file, the line and what was expected there, also for features beyond `dtype` that
/// would be taken as they are; UsageError for a split that is not there.
NodeData read_ogb(const std::filesystem::path& folder, const std::string& name, const std::string& split,
                  warpgnn::Dtype dtype);

}  // namespace train::nodes
