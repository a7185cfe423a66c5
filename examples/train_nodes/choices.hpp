// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "common/choices.hpp"

/// The options of train_nodes that take one of a few words.
namespace examples::train_nodes {

enum class ModelKind { gcn, gat, gatv2, transformer };

/// Whether a model attends along edges.
constexpr bool has_edge_attention(ModelKind model) {
  return model != ModelKind::gcn;
}

/// Which epoch's test accuracy counts.
enum class Selection {
  last,
  accuracy,  ///< best in validation accuracy, then loss
  loss,      ///< best in validation loss
  both,      ///< the last that was, so far, best in both at once, as the authors of GAT choose
};

inline constexpr std::array kModels{
    Choice<ModelKind>{"gcn", ModelKind::gcn},
    Choice<ModelKind>{"gat", ModelKind::gat},
    Choice<ModelKind>{"gatv2", ModelKind::gatv2},
    Choice<ModelKind>{"transformer", ModelKind::transformer},
};
inline constexpr std::array kSelections{
    Choice<Selection>{"last", Selection::last},
    Choice<Selection>{"accuracy", Selection::accuracy},
    Choice<Selection>{"loss", Selection::loss},
    Choice<Selection>{"both", Selection::both},
};

}  // namespace examples::train_nodes
