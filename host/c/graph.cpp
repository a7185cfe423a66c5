// SPDX-License-Identifier: MIT
#include "warpgnn/c/graph.h"

#include "host/c/bridge.hpp"

using warpgnn::AdjacencyParts;
using warpgnn::Context;
using warpgnn::Device;
using warpgnn::Graph;
using warpgnn::GraphParts;
using warpgnn::GraphSelection;
using warpgnn::LooplessGraph;
using warpgnn::RelationGraph;
using warpgnn::SelfLoops;
using warpgnn::Tensor;
using warpgnn::TensorView;
using namespace warpgnn::c_interface;

namespace {

using warpgnn::c_interface::hand_over;
using warpgnn::c_interface::to_c;

/// Tells the caller that its memory is no longer used, once it is armed.
struct Release {
  void (*call)(void*);
  void* owner;
  bool armed = false;

  Release(void (*release)(void*), void* of) : call(release), owner(of) {}
  Release(const Release&) = delete;
  Release& operator=(const Release&) = delete;
  ~Release() {
    if (armed && call != nullptr) call(owner);
  }
};

const Graph& the(const warpgnn_graph* graph) {
  return given("graph", graph).graph;
}

/// Gives the graph that `make` makes.
template <class Make>
warpgnn_status create_graph(const char* name, warpgnn_graph** graph, Make&& make) {
  return guarded([&] {
    given(name, graph);
    hand_over(graph, std::make_unique<warpgnn_graph>(make()));
  });
}

/// A number of the graph's.
template <class Count>
warpgnn_status count_of(const warpgnn_graph* graph, int64_t* count, Count&& counted) {
  return guarded([&] {
    const Graph& of = the(graph);
    given("count", count);
    *count = counted(of);
  });
}

AdjacencyParts from_c(const warpgnn_adjacency_parts& parts, const char* name) {
  const Place place{name};
  return {.offsets = view_of(place, "offsets", parts.offsets),
          .neighbors = view_of(place, "neighbors", parts.neighbors),
          .edge_ids = view_of(place, "edge_ids", parts.edge_ids),
          .long_rows = view_of(place, "long_rows", parts.long_rows),
          .first_chunks = view_of(place, "first_chunks", parts.first_chunks),
          .chunk_owners = view_of(place, "chunk_owners", parts.chunk_owners),
          .row_order = view_of(place, "row_order", parts.row_order)};
}

warpgnn_adjacency_parts to_c(const AdjacencyParts& parts) {
  return {.offsets = to_c(parts.offsets),
          .neighbors = to_c(parts.neighbors),
          .edge_ids = to_c(parts.edge_ids),
          .long_rows = to_c(parts.long_rows),
          .first_chunks = to_c(parts.first_chunks),
          .chunk_owners = to_c(parts.chunk_owners),
          .row_order = to_c(parts.row_order)};
}

/// A graph with two tensors that say what became of another, or nothing where a handle cannot be had.
void hand_over(Graph&& graph, Tensor&& first, Tensor&& second, warpgnn_graph** to, warpgnn_tensor** to_first,
               warpgnn_tensor** to_second) {
  auto made = std::make_unique<warpgnn_graph>(std::move(graph));
  auto made_first = std::make_unique<warpgnn_tensor>(std::move(first));
  auto made_second = std::make_unique<warpgnn_tensor>(std::move(second));
  hand_over(to, std::move(made));
  hand_over(to_first, std::move(made_first));
  hand_over(to_second, std::move(made_second));
}
void hand_over(GraphSelection&& of, warpgnn_graph** selected, warpgnn_tensor** nodes, warpgnn_tensor** edges) {
  hand_over(std::move(of.graph), std::move(of.nodes), std::move(of.edges), selected, nodes, edges);
}

}  // namespace

// --- Building --------------------------------------------------------------------------------------------------------

warpgnn_status warpgnn_graph_from_coo(const warpgnn_context* context, const warpgnn_edge_list* edges,
                                      warpgnn_graph** graph) {
  return create_graph("graph", graph, [&] {
    const Context& on = context_of(context);
    const warpgnn_edge_list& list = given("edges", edges);
    return Graph::from_coo(on, {.source = view_of({}, "source", list.source),
                                .destination = view_of({}, "destination", list.destination),
                                .num_sources = list.num_sources,
                                .num_destinations = list.num_destinations,
                                .graph_offsets = view_of({}, "graph_offsets", list.graph_offsets)});
  });
}

warpgnn_status warpgnn_graph_from_csr(const warpgnn_context* context, const warpgnn_compressed_rows* rows,
                                      warpgnn_graph** graph) {
  return create_graph("graph", graph, [&] {
    const Context& on = context_of(context);
    const warpgnn_compressed_rows& list = given("rows", rows);
    return Graph::from_csr(on, {.offsets = view_of({}, "offsets", list.offsets),
                                .sources = view_of({}, "sources", list.sources),
                                .num_sources = list.num_sources,
                                .graph_offsets = view_of({}, "graph_offsets", list.graph_offsets)});
  });
}

warpgnn_status warpgnn_graph_from_parts(const warpgnn_context* context, const warpgnn_graph_parts* parts,
                                        void (*release)(void* owner), void* owner, warpgnn_graph** graph) {
  return guarded([&] {
    given("graph", graph);
    const Context& on = context_of(context);
    const warpgnn_graph_parts& all = given("parts", parts);
    const auto last = std::make_shared<Release>(release, owner);
    auto made = std::make_unique<warpgnn_graph>(
        Graph::from_parts(on, {.in_edges = from_c(all.in_edges, "in_edges"),
                               .out_edges = from_c(all.out_edges, "out_edges"),
                               .graph_offsets = view_of({}, "graph_offsets", all.graph_offsets),
                               .host_graph_offsets = view_of({}, "host_graph_offsets", all.host_graph_offsets),
                               .host_slot_offsets = view_of({}, "host_slot_offsets", all.host_slot_offsets),
                               .slot_of_edge = view_of({}, "slot_of_edge", all.slot_of_edge),
                               .owner = last}));
    last->armed = true;
    hand_over(graph, std::move(made));
  });
}

warpgnn_status warpgnn_graph_batch(const warpgnn_context* context, const warpgnn_graph* const* graphs, size_t count,
                                   warpgnn_graph** graph) {
  return create_graph("graph", graph, [&] {
    const Context& on = context_of(context);
    if (count > 0) given("graphs", graphs);
    std::vector<Graph> parts;
    parts.reserve(count);
    for (size_t g = 0; g < count; ++g) {
      if (graphs[g] == nullptr) refuse("graphs[" + std::to_string(g) + "]: expected one, got a null pointer");
      parts.push_back(graphs[g]->graph);
    }
    return Graph::batch(on, parts);
  });
}

void warpgnn_graph_destroy(warpgnn_graph* graph) {
  delete graph;
}

// --- What it consists of ---------------------------------------------------------------------------------------------

warpgnn_status warpgnn_graph_device(const warpgnn_graph* graph, warpgnn_device* device) {
  return guarded([&] {
    const Device place = the(graph).device();
    given("device", device) = {static_cast<warpgnn_device_type>(place.type), place.index};
  });
}

warpgnn_status warpgnn_graph_num_sources(const warpgnn_graph* graph, int64_t* count) {
  return count_of(graph, count, [](const Graph& of) { return of.num_sources(); });
}

warpgnn_status warpgnn_graph_num_destinations(const warpgnn_graph* graph, int64_t* count) {
  return count_of(graph, count, [](const Graph& of) { return of.num_destinations(); });
}

warpgnn_status warpgnn_graph_num_edges(const warpgnn_graph* graph, int64_t* count) {
  return count_of(graph, count, [](const Graph& of) { return of.num_edges(); });
}

warpgnn_status warpgnn_graph_num_graphs(const warpgnn_graph* graph, int64_t* count) {
  return count_of(graph, count, [](const Graph& of) { return of.num_graphs(); });
}

warpgnn_status warpgnn_graph_num_nodes(const warpgnn_graph* graph, int64_t* count) {
  return count_of(graph, count, [](const Graph& of) { return of.num_nodes(); });
}

warpgnn_status warpgnn_graph_get_parts(const warpgnn_graph* graph, warpgnn_graph_parts* parts) {
  return guarded([&] {
    const GraphParts all = the(graph).parts();
    given("parts", parts) = {.in_edges = to_c(all.in_edges),
                             .out_edges = to_c(all.out_edges),
                             .graph_offsets = to_c(all.graph_offsets),
                             .host_graph_offsets = to_c(all.host_graph_offsets),
                             .host_slot_offsets = to_c(all.host_slot_offsets),
                             .slot_of_edge = to_c(all.slot_of_edge)};
  });
}

// --- One of another --------------------------------------------------------------------------------------------------

warpgnn_status warpgnn_graph_reversed(const warpgnn_context* context, const warpgnn_graph* graph,
                                      warpgnn_graph** reversed) {
  return create_graph("reversed", reversed, [&] {
    const Context& on = context_of(context);
    return the(graph).reversed(on);
  });
}

warpgnn_status warpgnn_graph_with_self_loops(const warpgnn_context* context, const warpgnn_graph* graph,
                                             warpgnn_self_loops which, warpgnn_graph** looped) {
  return create_graph("looped", looped, [&] {
    const Context& on = context_of(context);
    const Graph& of = the(graph);
    return of.with_self_loops(on,
                              choice_of<SelfLoops>({}, "which", "number", which, WARPGNN_SELF_LOOPS_WHERE_MISSING + 1));
  });
}

warpgnn_status warpgnn_graph_without_self_loops(const warpgnn_context* context, const warpgnn_graph* graph,
                                                warpgnn_graph** loopless, warpgnn_tensor** edges,
                                                warpgnn_tensor** position) {
  return guarded([&] {
    const Context& on = context_of(context);
    const Graph& of = the(graph);
    given("loopless", loopless);
    LooplessGraph made = of.without_self_loops(on);
    hand_over(std::move(made.graph), std::move(made.edges), std::move(made.position), loopless, edges, position);
  });
}

warpgnn_status warpgnn_graph_select(const warpgnn_context* context, const warpgnn_graph* graph, const int64_t* graphs,
                                    size_t count, warpgnn_graph** selected, warpgnn_tensor** selected_nodes,
                                    warpgnn_tensor** selected_edges) {
  return guarded([&] {
    const Context& on = context_of(context);
    const Graph& of = the(graph);
    given("selected", selected);
    if (count > 0) given("graphs", graphs);
    hand_over(of.select(on, {graphs, count}), selected, selected_nodes, selected_edges);
  });
}

warpgnn_status warpgnn_induced_subgraph(const warpgnn_context* context, const warpgnn_graph* graph,
                                        const warpgnn_view* nodes, warpgnn_graph** selected,
                                        warpgnn_tensor** selected_nodes, warpgnn_tensor** selected_edges) {
  return guarded([&] {
    const Context& on = context_of(context);
    const Graph& of = the(graph);
    given("selected", selected);
    const TensorView chosen = view_of("nodes", nodes);
    hand_over(induced_subgraph(on, of, chosen), selected, selected_nodes, selected_edges);
  });
}

warpgnn_status warpgnn_expand_relations(const warpgnn_context* context, const warpgnn_graph* graph,
                                        const warpgnn_view* relation, int64_t relations, warpgnn_graph** typed,
                                        warpgnn_graph** merged, warpgnn_tensor** typed_destination) {
  return guarded([&] {
    const Context& on = context_of(context);
    const Graph& of = the(graph);
    RelationGraph made = expand_relations(on, of, view_of("relation", relation), relations);
    auto by_type = std::make_unique<warpgnn_graph>(std::move(made.typed));
    auto together = std::make_unique<warpgnn_graph>(std::move(made.merged));
    auto destination = std::make_unique<warpgnn_tensor>(std::move(made.typed_destination));
    hand_over(typed, std::move(by_type));
    hand_over(merged, std::move(together));
    hand_over(typed_destination, std::move(destination));
  });
}

warpgnn_status warpgnn_top_k_count(const warpgnn_graph* graph, double ratio, int64_t count, int64_t* kept) {
  return guarded([&] {
    const Graph& of = the(graph);
    given("kept", kept) = top_k_count(of, ratio, count);
  });
}
