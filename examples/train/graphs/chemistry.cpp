// SPDX-License-Identifier: MIT
#include "chemistry.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "motif_generator.hpp"

namespace train::graphs {
namespace {

struct ClassName {
  std::int64_t label;
  const char* name;
};

struct Vocabulary {
  std::string_view dataset;
  std::span<const char* const> atoms;  // by node label
  std::span<const Bond> bonds;         // by edge label
  std::array<ClassName, 2> classes;
};

constexpr std::array kMutagAtoms{"C", "N", "O", "F", "I", "Cl", "Br"};
constexpr std::array kMutagBonds{Bond::aromatic, Bond::single, Bond::double_bond, Bond::triple};
constexpr std::array kPtcAtoms{"In", "P", "O",  "N",  "Na", "C",  "Cl", "S",  "Br",
                               "F",  "K", "Cu", "Zn", "I",  "Ba", "Sn", "Pb", "Ca"};
constexpr std::array kPtcBonds{Bond::triple, Bond::double_bond, Bond::single, Bond::aromatic};

const std::array kVocabularies{
    Vocabulary{"MUTAG", kMutagAtoms, kMutagBonds, {ClassName{1, "mutagenic"}, ClassName{-1, "not mutagenic"}}},
    Vocabulary{"PTC_MR", kPtcAtoms, kPtcBonds, {ClassName{1, "carcinogenic"}, ClassName{-1, "not carcinogenic"}}},
    Vocabulary{kMotifDatasetName, {}, {}, {ClassName{0, "house"}, ClassName{1, "cycle"}}},
};

const Vocabulary* vocabulary_of(const std::string& dataset) {
  const auto found = std::find_if(kVocabularies.begin(), kVocabularies.end(),
                                  [&](const Vocabulary& vocabulary) { return vocabulary.dataset == dataset; });
  return found == kVocabularies.end() ? nullptr : &*found;
}

bool is_index(std::int64_t label, std::size_t size) {
  return label >= 0 && static_cast<std::size_t>(label) < size;
}

}  // namespace

bool is_molecule_set(const std::string& dataset) {
  const Vocabulary* const vocabulary = vocabulary_of(dataset);
  return vocabulary != nullptr && !vocabulary->atoms.empty();
}

std::string atom_symbol(const std::string& dataset, std::int64_t node_label) {
  const Vocabulary* const vocabulary = vocabulary_of(dataset);
  if (vocabulary == nullptr || !is_index(node_label, vocabulary->atoms.size())) return std::to_string(node_label);
  return vocabulary->atoms[static_cast<std::size_t>(node_label)];
}

Bond bond_kind(const std::string& dataset, std::int64_t edge_label) {
  const Vocabulary* const vocabulary = vocabulary_of(dataset);
  if (vocabulary == nullptr || !is_index(edge_label, vocabulary->bonds.size())) return Bond::plain;
  return vocabulary->bonds[static_cast<std::size_t>(edge_label)];
}

std::string class_name(const std::string& dataset, std::int64_t graph_label) {
  if (const Vocabulary* const vocabulary = vocabulary_of(dataset)) {
    for (const ClassName& entry : vocabulary->classes) {
      if (entry.label == graph_label) return entry.name;
    }
  }
  return "class " + std::to_string(graph_label);
}

}  // namespace train::graphs
