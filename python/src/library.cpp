// SPDX-License-Identifier: MIT
// The operators' schemas, and their functions for the CPU and for CUDA. Fakes and gradients are registered in Python.

#include "call.hpp"

namespace {

using warpgnn::python::Registration;

/// The options of attention, and what it reads beside query, key and value.
#define ATTENTION_OPTIONS "int score, float negative_slope, float scale, float dropout"

void define(Registration& library) {
  for (const char* schema : {
           "graph_from_coo(Tensor source, Tensor destination, SymInt num_sources, SymInt num_destinations) -> Tensor[]",
           "gcn_scale(Tensor[] graph, Tensor x, Tensor? weight) -> Tensor",
           "gcn_norm(Tensor[] graph, Tensor weight) -> (Tensor, Tensor)",
           "gcn_norm_backward(Tensor[] graph, Tensor dnorm, Tensor weight, Tensor inv_sqrt_degree) -> Tensor",

           "aggregate(Tensor[] graph, Tensor x, Tensor? weight, Tensor? source_scale, Tensor? destination_scale, "
           "bool mean) -> Tensor",
           "aggregate_backward_x(Tensor[] graph, Tensor dy, Tensor? weight, Tensor? source_scale, "
           "Tensor? destination_scale, bool mean) -> Tensor",
           "aggregate_backward_weight(Tensor[] graph, Tensor dy, Tensor x, Tensor? source_scale, "
           "Tensor? destination_scale, bool mean) -> Tensor",
           "aggregate_extremum(Tensor[] graph, Tensor x, bool minimum) -> (Tensor, Tensor)",
           "aggregate_extremum_backward(Tensor[] graph, Tensor dy, Tensor arg, bool minimum) -> Tensor",

           "message_aggregate(Tensor[] graph, Tensor? x, Tensor edge, int message, int reduce) -> (Tensor, Tensor)",
           "message_aggregate_backward(Tensor[] graph, Tensor dy, Tensor? x, Tensor? edge, Tensor? arg, int message, "
           "int reduce, int needs) -> (Tensor, Tensor)",
           "edge_softmax(Tensor[] graph, Tensor score) -> Tensor",
           "edge_softmax_backward(Tensor[] graph, Tensor weight, Tensor dweight) -> Tensor",

           "gat_attention(Tensor[] graph, Tensor value, Tensor source_score, Tensor destination_score, "
           "Tensor? edge_score, Tensor? seed, float negative_slope, float dropout, bool training) "
           "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
           "gat_attention_backward(Tensor[] graph, Tensor dy, Tensor value, Tensor source_score, "
           "Tensor destination_score, Tensor? edge_score, Tensor? seed, Tensor y, Tensor maximum, Tensor sum, "
           "Tensor? positive_y, Tensor? positive_weight, float negative_slope, float dropout, int needs) "
           "-> (Tensor, Tensor, Tensor, Tensor)",
           "gat_attention_weights(Tensor[] graph, Tensor source_score, Tensor destination_score, Tensor? edge_score, "
           "Tensor maximum, Tensor sum, float negative_slope) -> Tensor",
           "gat_layer(Tensor[] graph, Tensor value, Tensor source_vector, Tensor destination_vector, "
           "Tensor? edge_score, Tensor? seed, float negative_slope, float dropout, bool training) "
           "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
           "gat_layer_backward(Tensor[] graph, Tensor dy, Tensor value, Tensor source_vector, "
           "Tensor destination_vector, Tensor? edge_score, Tensor? seed, Tensor y, Tensor source_score, "
           "Tensor destination_score, Tensor maximum, Tensor sum, Tensor positive_y, Tensor positive_weight, "
           "float negative_slope, float dropout, int needs) -> (Tensor, Tensor, Tensor, Tensor)",

           "attention(Tensor[] graph, Tensor query, Tensor key, Tensor? value, Tensor? edge_key, Tensor? edge_value, "
           "Tensor? edge_bias, Tensor? vector, Tensor? seed, " ATTENTION_OPTIONS
           ", bool edge_key_is_value) -> (Tensor, Tensor, Tensor)",
           "attention_backward(Tensor[] graph, Tensor dy, Tensor query, Tensor key, Tensor? value, Tensor? edge_key, "
           "Tensor? edge_value, Tensor? edge_bias, Tensor? vector, Tensor? seed, Tensor y, Tensor maximum, "
           "Tensor sum, " ATTENTION_OPTIONS
           ", bool edge_key_is_value, int needs) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
           "attention_weights(Tensor[] graph, Tensor query, Tensor key, Tensor? edge_key, Tensor? edge_bias, "
           "Tensor? vector, Tensor? seed, Tensor maximum, Tensor sum, " ATTENTION_OPTIONS ", bool dropped) -> Tensor",

           "pool(Tensor offsets, Tensor host_offsets, Tensor x, Tensor? score, int reduce, int gate, "
           "float temperature) -> (Tensor, Tensor, Tensor, Tensor)",
           "pool_backward(Tensor offsets, Tensor host_offsets, Tensor dy, Tensor? x, Tensor? score, Tensor? y, "
           "Tensor? maximum, Tensor? sum, Tensor? arg, int reduce, int gate, float temperature, int needs) "
           "-> (Tensor, Tensor)",
           "pool_weights(Tensor offsets, Tensor host_offsets, Tensor score, Tensor? maximum, Tensor? sum, int gate, "
           "float temperature) -> Tensor",

           "relation_weights(Tensor[] graph, Tensor relation, Tensor x, int relations, int norm) -> Tensor",
           "relation_aggregate(Tensor[] graph, Tensor x, Tensor relation, Tensor coefficient, Tensor? weight) "
           "-> Tensor",
           "relation_aggregate_backward(Tensor[] graph, Tensor dy, Tensor x, Tensor relation, Tensor coefficient, "
           "Tensor? weight, int needs) -> (Tensor, Tensor, Tensor)",
       }) {
    library.def(schema);
  }
}

void implement(Registration& library) {
  warpgnn::python::register_graph(library);
  warpgnn::python::register_aggregate(library);
  warpgnn::python::register_messages(library);
  warpgnn::python::register_gat(library);
  warpgnn::python::register_attention(library);
  warpgnn::python::register_pool(library);
  warpgnn::python::register_relation(library);
}

}  // namespace

STABLE_TORCH_LIBRARY(warpgnn, library) {
  define(library);
}
STABLE_TORCH_LIBRARY_IMPL(warpgnn, CPU, library) {
  implement(library);
}
STABLE_TORCH_LIBRARY_IMPL(warpgnn, CUDA, library) {
  implement(library);
}
