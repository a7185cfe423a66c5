// SPDX-License-Identifier: MIT
#include "generators.hpp"

#include <cmath>
#include <numeric>

#include "device_kernels.hpp"
#include "pair_laws.hpp"
#include "random_bits.hpp"

namespace warpgnn::bench {

namespace {

void add_both_ways(EdgeSet& set, std::int64_t a, std::int64_t b) {
  const auto first = static_cast<std::int32_t>(a), second = static_cast<std::int32_t>(b);
  set.source.insert(set.source.end(), {first, second});
  set.destination.insert(set.destination.end(), {second, first});
}

EdgeSet empty_set(std::int64_t nodes, std::int64_t edges) {
  EdgeSet set;
  set.nodes = nodes;
  set.source.reserve(static_cast<std::size_t>(edges));
  set.destination.reserve(static_cast<std::size_t>(edges));
  return set;
}

std::vector<std::int32_t> shuffled_ids(std::int64_t count, RandomBits& random) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  for (std::int64_t k = count - 1; k > 0; --k) {
    std::swap(ids[static_cast<std::size_t>(k)], ids[static_cast<std::size_t>(random.below(k + 1))]);
  }
  return ids;
}

RankLaw law_with_first_share(std::int64_t count, double share) {
  double low = 1e-6, high = 1e9;
  while (high / low > 1.001) {
    const double middle = std::sqrt(low * high);
    (RankLaw(count, middle).first_share() > share ? low : high) = middle;
  }
  return RankLaw(count, high);
}

/// The nodes by rank, and how pairs of ranks are drawn; `ids` of the law is left to the caller.
struct RankedNodes {
  std::vector<std::int32_t> ids;
  PowerLawPairs law;
};

RankedNodes ranked_nodes(const PowerLaw& sizes) {
  RandomBits random(sizes.seed);
  auto ids = shuffled_ids(sizes.nodes, random);
  const double share = static_cast<double>(sizes.max_degree) / static_cast<double>(sizes.edges);
  return {std::move(ids), {nullptr, law_with_first_share(sizes.nodes, share), sizes.seed, random.draws()}};
}

HubPairs pairs_of(const HubStress& sizes) {
  return {sizes.nodes, sizes.hub_degree, sizes.seed};
}

template <class Pairs>
EdgeSet drawn(std::int64_t nodes, std::int64_t pairs, const Pairs& law) {
  EdgeSet set;
  set.nodes = nodes;
  set.source.resize(static_cast<std::size_t>(2 * pairs));
  set.destination.resize(static_cast<std::size_t>(2 * pairs));
  for (std::int64_t pair = 0; pair < pairs; ++pair) write_pair(law, pair, set.source.data(), set.destination.data());
  return set;
}

template <class Pairs>
EdgeTensors drawn(const Context& context, std::int64_t nodes, std::int64_t pairs, const Pairs& law) {
  EdgeTensors set{.nodes = nodes,
                  .source = Tensor(context, Dtype::int32, {2 * pairs}),
                  .destination = Tensor(context, Dtype::int32, {2 * pairs})};
  draw_pairs(context, law, pairs, set.source.view().as<std::int32_t>(), set.destination.view().as<std::int32_t>());
  return set;
}

}  // namespace

EdgeSet power_law(const PowerLaw& sizes) {
  RankedNodes ranked = ranked_nodes(sizes);
  ranked.law.ids = ranked.ids.data();
  return drawn(sizes.nodes, sizes.edges / 2, ranked.law);
}

EdgeSet hub_stress(const HubStress& sizes) {
  return drawn(sizes.nodes, sizes.edges / 2, pairs_of(sizes));
}

EdgeTensors power_law(const Context& context, const PowerLaw& sizes) {
  if (!context.is_cuda()) return upload(context, power_law(sizes));
  RankedNodes ranked = ranked_nodes(sizes);
  const auto ids = Tensor::from<std::int32_t>(context, ranked.ids, {sizes.nodes});
  ranked.law.ids = ids.view().as<std::int32_t>();
  return drawn(context, sizes.nodes, sizes.edges / 2, ranked.law);
}

EdgeTensors hub_stress(const Context& context, const HubStress& sizes) {
  if (!context.is_cuda()) return upload(context, hub_stress(sizes));
  return drawn(context, sizes.nodes, sizes.edges / 2, pairs_of(sizes));
}

EdgeSet road_grid(std::int64_t side, std::uint64_t seed) {
  constexpr double kKept = 0.75;  // of the four streets of a crossing
  RandomBits random(seed);
  EdgeSet set = empty_set(side * side, 3 * side * side);
  for (std::int64_t row = 0; row < side; ++row) {
    for (std::int64_t column = 0; column < side; ++column) {
      const std::int64_t crossing = row * side + column;
      if (column + 1 < side && random.unit() < kKept) add_both_ways(set, crossing, crossing + 1);
      if (row + 1 < side && random.unit() < kKept) add_both_ways(set, crossing, crossing + side);
    }
  }
  return set;
}

EdgeSet molecules(std::int64_t graphs, std::int64_t mean_atoms, std::int64_t rings, std::uint64_t seed) {
  constexpr int kMaxBonds = 4;
  RandomBits random(seed);
  EdgeSet set;
  set.graph_offsets.push_back(0);
  for (std::int64_t g = 0; g < graphs; ++g) {
    const std::int64_t atoms = mean_atoms - mean_atoms / 3 + random.below(2 * (mean_atoms / 3) + 1);
    std::vector<int> bonds(static_cast<std::size_t>(atoms), 0);
    const auto bond = [&](std::int64_t a, std::int64_t b) {
      ++bonds[static_cast<std::size_t>(a)];
      ++bonds[static_cast<std::size_t>(b)];
      add_both_ways(set, set.nodes + a, set.nodes + b);
    };
    const auto is_free = [&](std::int64_t a) { return bonds[static_cast<std::size_t>(a)] < kMaxBonds; };
    for (std::int64_t atom = 1; atom < atoms; ++atom) {
      const std::int64_t branch = atom - 1 - random.below(std::min<std::int64_t>(atom, 3));
      bond(atom, is_free(branch) ? branch : atom - 1);
    }
    for (std::int64_t ring = 0; ring < rings; ++ring) {
      const std::int64_t atom = random.below(atoms - 5);
      if (is_free(atom) && is_free(atom + 5)) bond(atom, atom + 5);
    }
    set.nodes += atoms;
    set.graph_offsets.push_back(set.nodes);
  }
  return set;
}

EdgeSet dense_batch(std::int64_t graphs, std::int64_t nodes_each, std::int64_t edges_each, std::uint64_t seed) {
  RandomBits random(seed);
  EdgeSet set = empty_set(graphs * nodes_each, graphs * edges_each);
  set.graph_offsets.push_back(0);
  for (std::int64_t g = 0; g < graphs; ++g) {
    for (std::int64_t pair = 0; pair < edges_each / 2; ++pair) {
      const std::int64_t a = random.below(nodes_each), b = random.below(nodes_each);
      add_both_ways(set, g * nodes_each + a, g * nodes_each + b);
    }
    set.graph_offsets.push_back((g + 1) * nodes_each);
  }
  return set;
}

}  // namespace warpgnn::bench
