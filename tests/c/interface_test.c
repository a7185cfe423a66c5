// SPDX-License-Identifier: MIT
// The C interface from C: what comes out of the ops, what is refused, and that nothing is written then. The same bits
// as from C++ for every op are another test's concern: ops_test.cpp.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "warpgnn/c/warpgnn.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int failures = 0;

static void check(bool right, const char* what, int line) {
  if (right) return;
  ++failures;
  printf("line %d: %s (last error: %s)\n", line, what, warpgnn_last_error());
}
#define CHECK(condition) check(condition, #condition, __LINE__)
#define OK(call) check((call) == WARPGNN_OK, #call, __LINE__)

// A call is refused, with a message that begins with the argument's name.
static void check_refused(warpgnn_status got, warpgnn_status want, const char* name, const char* what, int line) {
  check(got == want, what, line);
  const bool named = strncmp(warpgnn_last_error(), name, strlen(name)) == 0;
  check(named, name, line);
}
#define REFUSED(name, call) check_refused(call, WARPGNN_INVALID_ARGUMENT, name ": ", #call, __LINE__)
#define REFUSED_AS(status, name, call) check_refused(call, status, name ": ", #call, __LINE__)

static bool are(const float* got, const float* want, size_t count) {
  for (size_t k = 0; k < count; ++k) {
    if (got[k] != want[k]) return false;
  }
  return true;
}

static void check_near(const warpgnn_view* view, const float* want, size_t count, int line) {
  const float* got = (const float*)view->data;
  for (size_t k = 0; k < count; ++k) {
    if (fabsf(got[k] - want[k]) <= 1e-6F * fmaxf(1, fabsf(want[k]))) continue;
    ++failures;
    printf("line %d: element %d is %g, expected %g\n", line, (int)k, (double)got[k], (double)want[k]);
  }
}
#define NEAR(view, ...)                                 \
  do {                                                  \
    const float want_[] = {__VA_ARGS__};                \
    check_near(&(view), want_, COUNT(want_), __LINE__); \
  } while (0)

static const warpgnn_device kHost = {WARPGNN_DEVICE_TYPE_CPU, 0};

static warpgnn_view view_of(const void* data, warpgnn_dtype dtype, int ndim, int64_t a, int64_t b, int64_t c) {
  const int64_t shape[] = {a, b, c};
  warpgnn_view view = {0};
  OK(warpgnn_contiguous_view(data, dtype, kHost, ndim, shape, &view));
  return view;
}
static warpgnn_view vector(const void* data, warpgnn_dtype dtype, int64_t size) {
  return view_of(data, dtype, 1, size, 0, 0);
}
static warpgnn_view matrix(const float* data, int64_t rows, int64_t columns) {
  return view_of(data, WARPGNN_DTYPE_FLOAT32, 2, rows, columns, 0);
}
static warpgnn_view heads(const float* data, int64_t rows, int64_t count, int64_t channels) {
  return view_of(data, WARPGNN_DTYPE_FLOAT32, 3, rows, count, channels);
}

// What all ops run on: 0 -> 1, 2 -> 1, 1 -> 0.
static warpgnn_context* context = NULL;
static warpgnn_graph* graph = NULL;
static warpgnn_workspace* scratch = NULL;
static const float rows[] = {1, 2, 3, 4, 5, 6};

static warpgnn_graph* graph_of(const int32_t* source, const int32_t* destination, int64_t edges, int64_t nodes,
                               const int64_t* offsets, int64_t graphs) {
  warpgnn_edge_list list = {.num_sources = nodes, .num_destinations = nodes};
  list.source = vector(source, WARPGNN_DTYPE_INT32, edges);
  list.destination = vector(destination, WARPGNN_DTYPE_INT32, edges);
  if (offsets != NULL) list.graph_offsets = vector(offsets, WARPGNN_DTYPE_INT64, graphs + 1);
  warpgnn_graph* made = NULL;
  OK(warpgnn_graph_from_coo(context, &list, &made));
  return made;
}

static int64_t edges_of(const warpgnn_graph* of) {
  int64_t count = -1;
  OK(warpgnn_graph_num_edges(of, &count));
  return count;
}
static int64_t nodes_of(const warpgnn_graph* of) {
  int64_t count = -1;
  OK(warpgnn_graph_num_nodes(of, &count));
  return count;
}

// --- Contexts, tensors and views -------------------------------------------------------------------------------------

static void test_contexts(void) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", WARPGNN_VERSION_MAJOR, WARPGNN_VERSION_MINOR, WARPGNN_VERSION_PATCH);
  CHECK(strcmp(warpgnn_version(), version) == 0);
  CHECK(strcmp(warpgnn_status_name(WARPGNN_OUT_OF_RANGE), "out of range") == 0);

  const char* description = NULL;
  OK(warpgnn_context_description(context, &description));
  CHECK(description != NULL && strncmp(description, "CPU", 3) == 0);
  warpgnn_device device = {0};
  OK(warpgnn_context_device(context, &device));
  CHECK(device.type == WARPGNN_DEVICE_TYPE_CPU && device.index == 0);
  int32_t threads = 0;
  OK(warpgnn_context_threads(context, &threads));
  CHECK(threads == 2);
  void* stream = &threads;
  OK(warpgnn_context_stream(context, &stream));
  CHECK(stream == NULL);
  OK(warpgnn_context_synchronize(context));

  warpgnn_context* other = context;
  REFUSED("threads", warpgnn_context_create_cpu(-1, &other));
  CHECK(other == context);
  if (!warpgnn_cuda_built()) {
    CHECK(warpgnn_cuda_device_count() == 0);
    REFUSED_AS(WARPGNN_NOT_BUILT, "device", warpgnn_context_create_cuda(0, &other));
    REFUSED_AS(WARPGNN_NOT_BUILT, "device", warpgnn_context_create_cuda_on_stream(0, NULL, &other));
    CHECK(other == context);
  }
  OK(warpgnn_context_create_best(1, &other));
  warpgnn_context_destroy(other);

  REFUSED("context", warpgnn_context_create_cpu(1, NULL));
  REFUSED("context", warpgnn_context_synchronize(NULL));
  REFUSED("context", warpgnn_context_description(NULL, &description));
  REFUSED("description", warpgnn_context_description(context, NULL));
  warpgnn_context_destroy(NULL);
}

static void test_tensors(void) {
  const int64_t shape[] = {3, 2, 1};
  float back[6] = {0};
  warpgnn_tensor *tensor = NULL, *like = NULL;
  OK(warpgnn_tensor_create_from_host(context, WARPGNN_DTYPE_FLOAT32, 2, shape, rows, sizeof rows, &tensor));
  OK(warpgnn_tensor_copy_to_host(tensor, back, sizeof back));
  CHECK(are(back, rows, COUNT(rows)));
  const warpgnn_view view = warpgnn_tensor_view(tensor);
  CHECK(view.ndim == 2 && view.shape[0] == 3 && view.shape[1] == 2 && view.stride[0] == 2 && view.stride[1] == 1);

  OK(warpgnn_tensor_create_like(context, &view, &like));
  const warpgnn_view to = warpgnn_tensor_view(like);
  OK(warpgnn_copy(context, &view, &to));
  memset(back, 0, sizeof back);
  OK(warpgnn_copy_to_host(context, &to, back, sizeof back));
  CHECK(are(back, rows, COUNT(rows)));
  OK(warpgnn_tensor_fill_zero(like));
  OK(warpgnn_tensor_copy_to_host(like, back, sizeof back));
  CHECK(back[0] == 0 && back[5] == 0);
  OK(warpgnn_tensor_copy_from_host(like, rows, sizeof rows));

  warpgnn_view part = {0};
  OK(warpgnn_rows(&to, 1, 2, &part));
  CHECK(part.shape[0] == 2 && ((const float*)part.data)[0] == 3);
  OK(warpgnn_columns(&to, 1, 1, &part));
  OK(warpgnn_copy_to_host(context, &part, back, 3 * sizeof(float)));
  CHECK(back[0] == 2 && back[1] == 4 && back[2] == 6);
  OK(warpgnn_copy_from_host(context, rows, 3 * sizeof(float), &part));
  NEAR(to, 1, 1, 3, 2, 5, 3);
  const int64_t flat = 6, wrong = 7;
  OK(warpgnn_reshape(&to, 1, &flat, &part));
  CHECK(part.ndim == 1 && part.shape[0] == 6);
  const warpgnn_view before = part;
  REFUSED("shape", warpgnn_reshape(&to, 1, &wrong, &part));
  REFUSED("shape", warpgnn_reshape(&to, 4, &flat, &part));
  REFUSED_AS(WARPGNN_OUT_OF_RANGE, "count", warpgnn_rows(&to, 1, 3, &part));
  CHECK(memcmp(&before, &part, sizeof part) == 0);

  size_t bytes = 0;
  OK(warpgnn_tensor_resize(context, like, WARPGNN_DTYPE_BFLOAT16, 3, shape));
  OK(warpgnn_tensor_bytes(like, &bytes));
  CHECK(bytes == 6 * warpgnn_dtype_size(WARPGNN_DTYPE_BFLOAT16));
  CHECK(strcmp(warpgnn_dtype_name(WARPGNN_DTYPE_BFLOAT16), "bfloat16") == 0 && warpgnn_dtype_size(6) == 0);

  warpgnn_tensor* untouched = tensor;
  REFUSED("dtype", warpgnn_tensor_create(context, 6, 2, shape, &untouched));
  REFUSED("shape", warpgnn_tensor_create(context, WARPGNN_DTYPE_FLOAT32, 2, NULL, &untouched));
  REFUSED("bytes", warpgnn_tensor_create_from_host(context, WARPGNN_DTYPE_FLOAT32, 2, shape, rows, 4, &untouched));
  REFUSED("values", warpgnn_tensor_create_from_host(context, WARPGNN_DTYPE_FLOAT32, 2, shape, NULL, 24, &untouched));
  CHECK(untouched == tensor);
#if !defined(__SANITIZE_ADDRESS__)  // which ends a program that asks for so much
  const int64_t huge[] = {(int64_t)1 << 50};
  REFUSED_AS(WARPGNN_OUT_OF_MEMORY, "memory", warpgnn_tensor_create(context, 0, 1, huge, &untouched));
#endif
  CHECK(untouched == tensor);
  REFUSED("tensor", warpgnn_tensor_fill_zero(NULL));
  REFUSED("context", warpgnn_tensor_create(NULL, WARPGNN_DTYPE_FLOAT32, 2, shape, &untouched));
  CHECK(warpgnn_tensor_view(NULL).ndim == 0);
  warpgnn_tensor_destroy(tensor);
  warpgnn_tensor_destroy(like);
  warpgnn_tensor_destroy(NULL);
}

// --- Graphs ----------------------------------------------------------------------------------------------------------

static void count_release(void* counter) {
  ++*(int*)counter;
}

static void test_parts(void) {
  warpgnn_graph_parts parts = {0};
  OK(warpgnn_graph_get_parts(graph, &parts));
  CHECK(parts.in_edges.offsets.shape[0] == 4 && parts.in_edges.neighbors.shape[0] == 3);
  int released = 0;
  warpgnn_graph *again = NULL, *turned = NULL;
  OK(warpgnn_graph_from_parts(context, &parts, count_release, &released, &again));
  OK(warpgnn_graph_reversed(context, again, &turned));
  CHECK(edges_of(turned) == 3);
  warpgnn_graph_destroy(again);
  CHECK(released == 0);
  warpgnn_graph_destroy(turned);
  CHECK(released == 1);
  warpgnn_graph* untouched = graph;
  parts.in_edges.offsets.dtype = WARPGNN_DTYPE_INT32;
  REFUSED("in_edges.offsets", warpgnn_graph_from_parts(context, &parts, count_release, &released, &untouched));
  parts.in_edges.offsets.dtype = 77;
  REFUSED("in_edges.offsets", warpgnn_graph_from_parts(context, &parts, count_release, &released, &untouched));
  CHECK(untouched == graph && released == 1);
}

static void test_graphs(void) {
  CHECK(nodes_of(graph) == 3 && edges_of(graph) == 3);
  const int64_t offsets[] = {0, 1, 3, 3};
  const int32_t sources[] = {1, 0, 2};
  const warpgnn_compressed_rows csr = {
      vector(offsets, WARPGNN_DTYPE_INT64, 4), vector(sources, WARPGNN_DTYPE_INT32, 3), 3, {0}};
  warpgnn_graph *rows_graph = NULL, *looped = NULL, *batch = NULL, *selected = NULL;
  OK(warpgnn_graph_from_csr(context, &csr, &rows_graph));
  OK(warpgnn_graph_with_self_loops(context, graph, WARPGNN_SELF_LOOPS_WHERE_MISSING, &looped));
  CHECK(edges_of(looped) == 6);
  warpgnn_graph* loopless = NULL;
  warpgnn_tensor *proper = NULL, *places = NULL;
  OK(warpgnn_graph_without_self_loops(context, looped, &loopless, &proper, &places));
  CHECK(edges_of(loopless) == 3 && warpgnn_tensor_view(proper).shape[0] == 3);
  CHECK(((const int32_t*)warpgnn_tensor_view(places).data)[5] == -1);
  warpgnn_graph_destroy(loopless);
  warpgnn_tensor_destroy(proper);
  warpgnn_tensor_destroy(places);
  REFUSED("loopless", warpgnn_graph_without_self_loops(context, looped, NULL, NULL, NULL));
  const warpgnn_graph* const both[] = {rows_graph, looped};
  OK(warpgnn_graph_batch(context, both, 2, &batch));
  int64_t count = 0;
  OK(warpgnn_graph_num_graphs(batch, &count));
  CHECK(count == 2 && nodes_of(batch) == 6 && edges_of(batch) == 9);
  OK(warpgnn_top_k_count(batch, 0.5, 0, &count));
  CHECK(count == 4);
  OK(warpgnn_top_k_count(batch, 0.5, 1, &count));
  CHECK(count == 2);
  REFUSED("ratio", warpgnn_top_k_count(batch, 2, 0, &count));
  REFUSED("count", warpgnn_top_k_count(batch, 0.5, -1, &count));
  REFUSED("kept", warpgnn_top_k_count(batch, 0.5, 0, NULL));

  const int64_t second = 1, third = 2;
  warpgnn_tensor *nodes = NULL, *edges = NULL;
  OK(warpgnn_graph_select(context, batch, &second, 1, &selected, &nodes, &edges));
  CHECK(edges_of(selected) == 6 && ((const int32_t*)warpgnn_tensor_view(nodes).data)[0] == 3);
  warpgnn_graph_destroy(selected);
  warpgnn_tensor_destroy(nodes);
  warpgnn_tensor_destroy(edges);
  selected = NULL;
  REFUSED_AS(WARPGNN_OUT_OF_RANGE, "graphs", warpgnn_graph_select(context, batch, &third, 1, &selected, NULL, NULL));
  CHECK(selected == NULL);

  const int32_t chosen[] = {0, 1}, unordered[] = {1, 0};
  const warpgnn_view some = vector(chosen, WARPGNN_DTYPE_INT32, 2), bad = vector(unordered, WARPGNN_DTYPE_INT32, 2);
  OK(warpgnn_induced_subgraph(context, graph, &some, &selected, NULL, NULL));
  CHECK(nodes_of(selected) == 2 && edges_of(selected) == 2);
  warpgnn_graph_destroy(selected);
  REFUSED("nodes", warpgnn_induced_subgraph(context, graph, &bad, &selected, NULL, NULL));

  const int32_t types[] = {0, 1, 1};
  const warpgnn_view relation = vector(types, WARPGNN_DTYPE_INT32, 3);
  warpgnn_graph *typed = NULL, *merged = NULL;
  warpgnn_tensor* destination = NULL;
  OK(warpgnn_expand_relations(context, graph, &relation, 2, &typed, &merged, &destination));
  CHECK(nodes_of(typed) == 6);
  OK(warpgnn_graph_num_destinations(merged, &count));
  CHECK(count == 3);
  OK(warpgnn_graph_num_sources(merged, &count));
  CHECK(count == 6 && ((const int32_t*)warpgnn_tensor_view(destination).data)[1] == 3);
  REFUSED_AS(WARPGNN_OUT_OF_RANGE, "relation",
             warpgnn_expand_relations(context, graph, &relation, 1, NULL, NULL, NULL));
  REFUSED("graph", warpgnn_graph_num_nodes(merged, &count));

  warpgnn_graph* untouched = graph;
  const int32_t outside[] = {0, 1, 3};
  warpgnn_edge_list list = {.num_sources = 3, .num_destinations = 3};
  list.source = vector(outside, WARPGNN_DTYPE_INT32, 3);
  list.destination = vector(sources, WARPGNN_DTYPE_INT32, 3);
  REFUSED_AS(WARPGNN_OUT_OF_RANGE, "source", warpgnn_graph_from_coo(context, &list, &untouched));
  list.source.ndim = 9;
  REFUSED("source", warpgnn_graph_from_coo(context, &list, &untouched));
  REFUSED("edges", warpgnn_graph_from_coo(context, NULL, &untouched));
  REFUSED("which", warpgnn_graph_with_self_loops(context, graph, 2, &untouched));
  REFUSED("graph", warpgnn_graph_reversed(context, NULL, &untouched));
  const warpgnn_graph* const none[] = {graph, NULL};
  REFUSED("graphs[1]", warpgnn_graph_batch(context, none, 2, &untouched));
  CHECK(untouched == graph);

  warpgnn_tensor_destroy(destination);
  warpgnn_graph* const made[6] = {rows_graph, looped, batch, typed, merged, NULL};
  for (int g = 0; g < 6; ++g) warpgnn_graph_destroy(made[g]);
}

// --- Ops -------------------------------------------------------------------------------------------------------------

static void test_aggregate(void) {
  float y[6] = {0}, dx[6] = {0};
  warpgnn_aggregate op = warpgnn_aggregate_default();
  op.graph = graph;
  op.x = matrix(rows, 3, 2);
  warpgnn_aggregate_result result = warpgnn_aggregate_result_default();
  result.y = matrix(y, 3, 2);
  OK(warpgnn_aggregate_forward(context, &op, &result, scratch));
  NEAR(result.y, 3, 4, 6, 8, 0, 0);
  warpgnn_aggregate_gradients gradients = warpgnn_aggregate_gradients_default();
  gradients.dy = op.x;
  gradients.dx = matrix(dx, 3, 2);
  OK(warpgnn_aggregate_backward(context, &op, &result, &gradients, scratch));
  NEAR(gradients.dx, 3, 4, 1, 2, 3, 4);
  op.reduce = WARPGNN_REDUCE_MEAN;
  OK(warpgnn_aggregate_forward(context, &op, &result, scratch));
  NEAR(result.y, 3, 4, 3, 4, 0, 0);
}

// Scores of 0 and log 3 make weights of 1/4 and 3/4.
static void test_gat_attention(void) {
  const float zero[3] = {0}, source_score[] = {0, 0, logf(3)}, upstream[] = {0, 0, 1, 0, 0, 0};
  float dvalue[6], dsource[3], ddestination[3];
  warpgnn_gat_attention op = warpgnn_gat_attention_default();
  op.graph = graph;
  op.value = heads(rows, 3, 1, 2);
  op.source_score = matrix(source_score, 3, 1);
  op.destination_score = matrix(zero, 3, 1);
  warpgnn_gat_attention_result result;
  warpgnn_owned* owner = NULL;
  OK(warpgnn_gat_attention_allocate(context, &op, WARPGNN_PURPOSE_TRAINING, &result, &owner));
  size_t bytes = 1;
  OK(warpgnn_gat_attention_forward_workspace_size(context, &op, &result, &bytes));
  OK(warpgnn_gat_attention_forward(context, &op, &result, scratch));
  NEAR(result.y, 3, 4, 4, 5, 0, 0);
  NEAR(result.sum, 1, 4.0F / 3, 0);

  warpgnn_gat_attention_gradients gradients = warpgnn_gat_attention_gradients_default();
  gradients.dy = heads(upstream, 3, 1, 2);
  gradients.dvalue = heads(dvalue, 3, 1, 2);
  gradients.dsource_score = matrix(dsource, 3, 1);
  gradients.ddestination_score = matrix(ddestination, 3, 1);
  OK(warpgnn_gat_attention_backward_workspace_size(context, &op, &result, &gradients, &bytes));
  CHECK(bytes > 0);
  REFUSED_AS(WARPGNN_WORKSPACE_TOO_SMALL, "workspace",
             warpgnn_gat_attention_backward(context, &op, &result, &gradients, NULL));
  OK(warpgnn_gat_attention_backward(context, &op, &result, &gradients, scratch));
  NEAR(gradients.dvalue, 0.25F, 0, 0, 0, 0.75F, 0);
  NEAR(gradients.dsource_score, -0.15F, 0, 0.75F);
  NEAR(gradients.ddestination_score, 0, 0.6F, 0);

  // The same in memory of the caller's, which is as long as was asked for, or not.
  _Alignas(WARPGNN_WORKSPACE_ALIGNMENT) static char memory[1 << 16];
  CHECK(bytes <= sizeof memory);
  warpgnn_workspace *given = NULL, *tight = NULL;
  OK(warpgnn_workspace_create_on(memory, bytes, &given));
  OK(warpgnn_workspace_create_on(memory, bytes - 1, &tight));
  memset(dvalue, 0, sizeof dvalue);
  REFUSED_AS(WARPGNN_WORKSPACE_TOO_SMALL, "workspace",
             warpgnn_gat_attention_backward(context, &op, &result, &gradients, tight));
  REFUSED_AS(WARPGNN_WORKSPACE_TOO_SMALL, "workspace", warpgnn_workspace_reserve(context, tight, bytes));
  NEAR(gradients.dvalue, 0, 0, 0, 0, 0, 0);
  OK(warpgnn_workspace_reserve(context, given, bytes));
  OK(warpgnn_gat_attention_backward(context, &op, &result, &gradients, given));
  NEAR(gradients.dvalue, 0.25F, 0, 0, 0, 0.75F, 0);
  warpgnn_workspace_destroy(given);
  warpgnn_workspace_destroy(tight);

  float weights[3] = {0};
  const warpgnn_gat_attention_weights_args wanted = {matrix(weights, 3, 1)};
  OK(warpgnn_gat_attention_weights(context, &op, &result, &wanted));
  NEAR(wanted.weight, 0.25F, 0.75F, 1);

  warpgnn_owned* untouched = owner;
  const warpgnn_gat_attention_result before = result;
  REFUSED("purpose", warpgnn_gat_attention_allocate(context, &op, 2, &result, &untouched));
  CHECK(untouched == owner && memcmp(&before, &result, sizeof result) == 0);
  warpgnn_owned_destroy(owner);
}

static void test_attention(void) {
  const float query[] = {1, 1, 1}, key[] = {0, 0, logf(3)};
  float y[6], maximum[3], sum[3];
  warpgnn_attention op = warpgnn_attention_default();
  CHECK(op.negative_slope == 0.2 && op.scale == 1);
  op.graph = graph;
  op.score = WARPGNN_ATTENTION_SCORE_DOT;
  op.query = heads(query, 3, 1, 1);
  op.key = heads(key, 3, 1, 1);
  op.value = heads(rows, 3, 1, 2);
  const warpgnn_attention_result result = {heads(y, 3, 1, 2), matrix(maximum, 3, 1), matrix(sum, 3, 1)};
  OK(warpgnn_attention_forward(context, &op, &result, scratch));
  NEAR(result.y, 3, 4, 4, 5, 0, 0);
  op.score = 3;
  REFUSED("score", warpgnn_attention_forward(context, &op, &result, scratch));
  op.score = WARPGNN_ATTENTION_SCORE_DOT;
  op.dropout.counter.ndim = 5;
  REFUSED("dropout.counter", warpgnn_attention_forward(context, &op, &result, scratch));
}

static void test_linear(void) {
  const float weight[] = {1, 10}, bias[] = {100}, dy[] = {1, 2, 3};
  float y[3], dx[6], dweight[2], dbias[1];
  warpgnn_linear op = warpgnn_linear_default();
  op.x = matrix(rows, 3, 2);
  op.weight = matrix(weight, 1, 2);
  op.bias = vector(bias, WARPGNN_DTYPE_FLOAT32, 1);
  const warpgnn_linear_result result = {matrix(y, 3, 1)};
  warpgnn_linear_gradients gradients = warpgnn_linear_gradients_default();
  gradients.dy = matrix(dy, 3, 1);
  gradients.dx = matrix(dx, 3, 2);
  gradients.dweight = matrix(dweight, 1, 2);
  gradients.dbias = vector(dbias, WARPGNN_DTYPE_FLOAT32, 1);
  OK(warpgnn_linear_forward(context, &op, &result, scratch));
  NEAR(result.y, 121, 143, 165);
  OK(warpgnn_linear_backward(context, &op, &gradients, scratch));
  NEAR(gradients.dx, 1, 10, 2, 20, 3, 30);
  NEAR(gradients.dweight, 22, 28);
  NEAR(gradients.dbias, 6);
}

static void test_pool(void) {
  const int32_t from[] = {0}, to[] = {1};
  const int64_t offsets[] = {0, 2, 3};
  warpgnn_graph* batch = graph_of(from, to, 1, 3, offsets, 2);
  const float score[] = {0, logf(3), 7};
  float y[4], maximum[2], sum[2];
  warpgnn_pool op = warpgnn_pool_default();
  op.graph = batch;
  op.reduce = WARPGNN_POOL_REDUCE_MEAN;
  op.x = matrix(rows, 3, 2);
  warpgnn_pool_result result = {.y = matrix(y, 2, 2)};
  OK(warpgnn_pool_forward(context, &op, &result, scratch));
  NEAR(result.y, 2, 3, 5, 6);
  op.reduce = WARPGNN_POOL_REDUCE_SUM;
  op.gate = WARPGNN_POOL_GATE_SOFTMAX;
  op.score = vector(score, WARPGNN_DTYPE_FLOAT32, 3);
  result.maximum = vector(maximum, WARPGNN_DTYPE_FLOAT32, 2);
  result.sum = vector(sum, WARPGNN_DTYPE_FLOAT32, 2);
  OK(warpgnn_pool_forward(context, &op, &result, scratch));
  NEAR(result.y, 2.5F, 3.5F, 5, 6);
  warpgnn_graph_destroy(batch);
}

static void test_adam(void) {
  float value[] = {1}, gradient[] = {2}, first[] = {0}, second[] = {0};
  int64_t step[] = {0};
  warpgnn_adam_slot slots[2];
  for (size_t s = 0; s < COUNT(slots); ++s) {
    slots[s].value = vector(value, WARPGNN_DTYPE_FLOAT32, 1);
    slots[s].gradient = vector(gradient, WARPGNN_DTYPE_FLOAT32, 1);
    slots[s].first_moment = vector(first, WARPGNN_DTYPE_FLOAT32, 1);
    slots[s].second_moment = vector(second, WARPGNN_DTYPE_FLOAT32, 1);
  }
  warpgnn_adam_step_args op = warpgnn_adam_step_args_default();
  op.slots = slots;
  op.slots_count = 1;
  op.step = vector(step, WARPGNN_DTYPE_INT64, 1);
  OK(warpgnn_adam_step(context, &op));
  CHECK(step[0] == 1 && fabsf(value[0] - 0.999F) < 1e-6F);
  op.slots_count = 2;
  slots[1].gradient.device.type = 7;
  REFUSED("slots[1].gradient", warpgnn_adam_step(context, &op));
  op.slots = NULL;
  REFUSED("slots", warpgnn_adam_step(context, &op));
  CHECK(step[0] == 1 && fabsf(value[0] - 0.999F) < 1e-6F);
}

// What is wrong is named, and nothing is written.
static void test_refusals(void) {
  float y[6] = {-1, -1, -1, -1, -1, -1};
  warpgnn_aggregate op = warpgnn_aggregate_default();
  warpgnn_aggregate_result result = {.y = matrix(y, 3, 2)};
  op.x = matrix(rows, 3, 2);
  REFUSED("graph", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.graph = graph;
  REFUSED("context", warpgnn_aggregate_forward(NULL, &op, &result, scratch));
  REFUSED("op", warpgnn_aggregate_forward(context, NULL, &result, scratch));
  REFUSED("result", warpgnn_aggregate_forward(context, &op, NULL, scratch));
  REFUSED("gradients", warpgnn_aggregate_backward(context, &op, &result, NULL, scratch));
  op.reduce = 4;
  REFUSED("reduce", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.reduce = -1;
  REFUSED("reduce", warpgnn_aggregate_forward(context, &op, &result, scratch));
  CHECK(strstr(warpgnn_last_error(), "-1") != NULL);
  op.reduce = WARPGNN_REDUCE_SUM;
  result.y.shape[1] = 1;
  REFUSED("y", warpgnn_aggregate_forward(context, &op, &result, scratch));
  result.y = matrix(y, 3, 2);
  op.x.dtype = 250;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x.dtype = WARPGNN_DTYPE_INT32;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x = matrix(rows, 3, 2);
  op.x.device.type = 0;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x = matrix(rows, 3, 2);
  op.x.ndim = 0;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x = matrix(rows, 3, 2);
  op.x.shape[0] = -3;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x = matrix(rows, 3, 2);
  op.x.data = NULL;
  REFUSED("x", warpgnn_aggregate_forward(context, &op, &result, scratch));
  op.x = result.y;
  REFUSED("y", warpgnn_aggregate_forward(context, &op, &result, scratch));
  CHECK(strstr(warpgnn_last_error(), "overlaps x") != NULL);
  size_t bytes = 12345;
  REFUSED("bytes", warpgnn_aggregate_forward_workspace_size(context, &op, &result, NULL));
  op.x.dtype = 250;
  REFUSED("x", warpgnn_aggregate_forward_workspace_size(context, &op, &result, &bytes));
  CHECK(bytes == 12345);
  NEAR(result.y, -1, -1, -1, -1, -1, -1);
  warpgnn_workspace_destroy(NULL);
  warpgnn_owned_destroy(NULL);
}

int main(void) {
  CHECK(warpgnn_last_error()[0] == '\0');
  OK(warpgnn_context_create_cpu(2, &context));
  const int32_t source[] = {0, 2, 1}, destination[] = {1, 1, 0};
  graph = graph_of(source, destination, 3, 3, NULL, 0);
  OK(warpgnn_workspace_create(&scratch));
  OK(warpgnn_workspace_reserve(context, scratch, 100));

  test_contexts();
  test_tensors();
  test_graphs();
  test_parts();
  test_aggregate();
  test_gat_attention();
  test_attention();
  test_linear();
  test_pool();
  test_adam();
  test_refusals();

  warpgnn_workspace_destroy(scratch);
  warpgnn_graph_destroy(graph);
  warpgnn_context_destroy(context);
  if (failures == 0) printf("the C interface does as it says\n");
  return failures == 0 ? 0 : 1;
}
