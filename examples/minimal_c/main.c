// SPDX-License-Identifier: MIT
// Fused GAT attention, forward and backward, on a graph of four nodes: two heads of two channels.
#include <stdio.h>
#include <stdlib.h>

#include "warpgnn/c/warpgnn.h"

static void must(warpgnn_status status) {
  if (status == WARPGNN_OK) return;
  fprintf(stderr, "%s: %s\n", warpgnn_status_name(status), warpgnn_last_error());
  exit(EXIT_FAILURE);
}

// A tensor of so many nodes x 2 [x 2] floats on the context's device.
static warpgnn_tensor* floats(const warpgnn_context* context, int ndim, const float* values) {
  const int64_t shape[] = {4, 2, 2};
  const size_t bytes = (ndim == 3 ? 16 : 8) * sizeof(float);
  warpgnn_tensor* tensor;
  must(warpgnn_tensor_create_from_host(context, WARPGNN_DTYPE_FLOAT32, ndim, shape, values, bytes, &tensor));
  return tensor;
}

int main(void) {
  warpgnn_context* context;
  const char* description;
  must(warpgnn_context_create_best(0, &context));  // the first GPU, else the CPU
  must(warpgnn_context_description(context, &description));
  printf("running on %s\n", description);

  const int32_t source[] = {0, 1, 2, 3, 3}, destination[] = {1, 2, 0, 0, 3};
  const int64_t edge_count = 5;
  const warpgnn_device host = {WARPGNN_DEVICE_TYPE_CPU, 0};
  warpgnn_edge_list edges = {.num_sources = 4, .num_destinations = 4};
  must(warpgnn_contiguous_view(source, WARPGNN_DTYPE_INT32, host, 1, &edge_count, &edges.source));
  must(warpgnn_contiguous_view(destination, WARPGNN_DTYPE_INT32, host, 1, &edge_count, &edges.destination));
  warpgnn_graph* graph;
  must(warpgnn_graph_from_coo(context, &edges, &graph));

  float numbers[16], ones[16];
  for (int i = 0; i < 16; ++i) {
    numbers[i] = (float)(i + 1);
    ones[i] = 1;
  }
  warpgnn_tensor *value = floats(context, 3, numbers), *score = floats(context, 2, numbers);
  warpgnn_tensor *dy = floats(context, 3, ones), *dvalue = floats(context, 3, ones);
  warpgnn_tensor *dsource = floats(context, 2, ones), *ddestination = floats(context, 2, ones);

  warpgnn_gat_attention op = warpgnn_gat_attention_default();
  op.graph = graph;
  op.value = warpgnn_tensor_view(value);
  op.source_score = op.destination_score = warpgnn_tensor_view(score);
  warpgnn_gat_attention_result result;  // y, and what backward reads
  warpgnn_owned* owner;
  must(warpgnn_gat_attention_allocate(context, &op, WARPGNN_PURPOSE_TRAINING, &result, &owner));
  warpgnn_gat_attention_gradients gradients = warpgnn_gat_attention_gradients_default();
  gradients.dy = warpgnn_tensor_view(dy);
  gradients.dvalue = warpgnn_tensor_view(dvalue);
  gradients.dsource_score = warpgnn_tensor_view(dsource);
  gradients.ddestination_score = warpgnn_tensor_view(ddestination);

  warpgnn_workspace* scratch;
  must(warpgnn_workspace_create(&scratch));
  must(warpgnn_gat_attention_forward(context, &op, &result, scratch));
  must(warpgnn_gat_attention_backward(context, &op, &result, &gradients, scratch));

  float out[16], gradient[16];
  must(warpgnn_copy_to_host(context, &result.y, out, sizeof out));
  must(warpgnn_tensor_copy_to_host(dvalue, gradient, sizeof gradient));
  for (int i = 0; i < 16; ++i) printf("y %8.4f   dvalue %8.4f\n", out[i], gradient[i]);

  warpgnn_workspace_destroy(scratch);
  warpgnn_owned_destroy(owner);
  warpgnn_tensor* const tensors[6] = {value, score, dy, dvalue, dsource, ddestination};
  for (int i = 0; i < 6; ++i) warpgnn_tensor_destroy(tensors[i]);
  warpgnn_graph_destroy(graph);
  warpgnn_context_destroy(context);
  return 0;
}
