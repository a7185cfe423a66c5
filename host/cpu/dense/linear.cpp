// SPDX-License-Identifier: MIT
#include <atomic>

#include "host/cpu/base/rows.hpp"
#include "host/cpu/dense/map_rows.hpp"
#include "host/cpu/dense/product.hpp"

namespace warpgnn::backend {

[[noreturn]] void fail_for_memory(const char* op);  // host/cpu/runtime.cpp

}  // namespace warpgnn::backend

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

// A product is cut by its sizes alone and each piece is one thread's work: no bit depends on how many threads there
// are, and nothing waits for threads that OpenMP may not grant.

/// Multiply-adds of a task: some 100 microseconds.
constexpr std::int64_t kTaskWork = std::int64_t{8} << 20;
/// Tasks that a product is cut into where it has few rows, as long as none gets too small.
constexpr std::int64_t kWantedTasks = 32;
/// Elements of a task's rows that should stay in the second cache while bias is added or 16 bits are converted.
constexpr std::int64_t kTaskElements = std::int64_t{64} << 10;
/// Sides of a tile below which packing its factors shows.
constexpr std::int64_t kTileSide = 256;
/// Chunks of a sum cost writing and reading their sums once more.
constexpr std::int64_t kMinChunkTerms = 512;
constexpr std::int64_t kMaxPartials = std::int64_t{4} << 20;
/// Terms that are converted from 16 bits at a time.
constexpr std::int64_t kHalfTerms = 256;

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
/// Whole vectors of any level.
std::int64_t round_up(std::int64_t count) {
  return ceil_divide(count, 16) * 16;
}
/// The side of about `pieces` equal pieces.
std::int64_t side_of(std::int64_t size, std::int64_t pieces) {
  return std::min(size, round_up(ceil_divide(size, std::max<std::int64_t>(pieces, 1))));
}

/// Tiles of the result of a product, and chunks of its sums.
struct Cut {
  std::int64_t rows, columns, terms;
  std::int64_t tile_rows, tile_columns, chunk_terms;

  std::int64_t row_tiles() const { return ceil_divide(rows, tile_rows); }
  std::int64_t column_tiles() const { return ceil_divide(columns, tile_columns); }
  std::int64_t tiles() const { return row_tiles() * column_tiles(); }
  std::int64_t chunks() const { return std::max<std::int64_t>(ceil_divide(terms, chunk_terms), 1); }
  std::int64_t tasks() const { return tiles() * chunks(); }
  std::int64_t work() const { return rows * columns * terms; }
};

/// Many rows, few terms: forward and dx.
Cut cut_rows(std::int64_t rows, std::int64_t columns, std::int64_t terms) {
  const std::int64_t some_terms = std::max<std::int64_t>(terms, 1);
  const std::int64_t wanted =
      std::min({kTaskWork / (columns * some_terms), kTaskElements / columns, 2 * kTaskElements / some_terms});
  Cut cut{rows,    columns,   terms, std::min(rows, round_up(std::clamp<std::int64_t>(wanted, kTileSide, 4096))),
          columns, some_terms};
  const std::int64_t pieces = std::min(
      {kWantedTasks / cut.row_tiles(), columns / (kTileSide / 2), cut.tile_rows * columns * terms / kTaskWork});
  cut.tile_columns = side_of(columns, pieces);
  return cut;
}

/// Few rows, many terms: dweight.
Cut cut_terms(std::int64_t rows, std::int64_t columns, std::int64_t terms) {
  Cut cut{rows,
          columns,
          terms,
          side_of(rows, ceil_divide(rows, kTileSide)),
          side_of(columns, ceil_divide(columns, kTileSide)),
          std::max<std::int64_t>(terms, 1)};
  const std::int64_t chunks =
      std::max<std::int64_t>(std::min(kWantedTasks / cut.tiles(), kMaxPartials / (rows * columns)), 1);
  const std::int64_t smallest = std::max(kMinChunkTerms, kTaskWork / 4 / (cut.tile_rows * cut.tile_columns));
  cut.chunk_terms = std::min(cut.chunk_terms, std::max(smallest, ceil_divide(terms, chunks)));
  return cut;
}

/// A view as a matrix whose leading dimension is never too small, whatever the stride of a single row.
template <class T, class View>
Matrix<T> matrix_of(const View& view) {
  const std::int64_t stride = view.shape[0] > 1 ? view.row_stride() : 0;
  return {view.template as<T>(), view.shape[0], view.row_size(), std::max({stride, view.row_size(), std::int64_t{1}})};
}

template <class S>
void convert_rows(const Rows<const S>& from, std::int64_t rows, std::int64_t width, Accumulator<S>* to) {
  for (std::int64_t r = 0; r < rows; ++r) convert_row(from[r], width, to + r * width);
}

/// What a product of 16-bit matrices needs: its weight in float, and each thread's piece of both others.
template <class S>
struct HalfScratch {
  Accumulator<S>*weight = nullptr, *left = nullptr, *right = nullptr;

  static HalfScratch carve(Carver& carver, const CpuExec& exec, std::int64_t weight, std::int64_t left,
                           std::int64_t right) {
    HalfScratch scratch;
    if constexpr (is_half_type<S>) {
      scratch.weight = carver.take<float>(weight);
      scratch.left = carver.take<float>(exec.threads * left);
      scratch.right = carver.take<float>(exec.threads * right);
    }
    return scratch;
  }
};

/// The tasks of a product, and whether there was memory for all.
template <class Task>
void run_tasks(const CpuExec& exec, const char* name, const Cut& cut, const Task& task) {
  std::atomic<bool> done = true;
  parallel_tasks(exec, cut.tasks(), cut.work() / 4, [&](std::int64_t index, int thread) {
    if (!task(index, thread)) done.store(false, std::memory_order_relaxed);
  });
  if (!done) fail_for_memory(name);
}

// --- y = activation(x weight^T + bias), and dx = dz weight -----------------------------------------------------------

/// What a product's columns become, while they are in the cache.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  // null: none
  Activation activation = Activation::identity;
  T slope{};

  /// @param first the column that y begins with.
  void apply(const Matrix<T>& y, std::int64_t first) const {
    if (bias == nullptr && activation == Activation::identity) return;
    math::with_activation(activation, [&](auto kind) {
      for (std::int64_t r = 0; r < y.rows; ++r) {
        T* const row = y.data + r * y.leading;
        if (bias == nullptr) {
          apply_to_row<decltype(kind)::value>(row, y.columns, slope, [](std::int64_t) { return T(0); });
        } else {
          apply_to_row<decltype(kind)::value>(row, y.columns, slope,
                                              [addend = bias + first](std::int64_t c) { return addend[c]; });
        }
      }
    });
  }

 private:
  template <Activation kKind, class Addend>
  static void apply_to_row(T* row, std::int64_t columns, T slope, const Addend& addend) {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) row[c] = math::activation<Math, kKind>(row[c] + addend(c), slope);
  }
};

template <class S>
class RowProduct {
 public:
  using T = Accumulator<S>;

  /// `transpose` is that of the weight. With `add` the product is added to y, and the epilogue is empty.
  RowProduct(const ConstTensorView& x, const ConstTensorView& weight, bool transpose, const TensorView& y,
             const Epilogue<T>& epilogue, bool add)
      : cut_(cut_rows(y.shape[0], y.shape[1], x.shape[1])),
        x_(read_rows<S>(x)),
        y_(write_rows<S>(y)),
        weight_(matrix_of<const S>(weight)),
        transpose_(transpose),
        add_(add),
        epilogue_(epilogue) {}

  HalfScratch<S> carve(Carver& carver, const CpuExec& exec) const {
    return HalfScratch<S>::carve(carver, exec, weight_.rows * weight_.columns, cut_.tile_rows * cut_.terms,
                                 cut_.tile_rows * cut_.tile_columns);
  }

  void run(const CpuExec& exec, const char* name, const HalfScratch<S>& scratch) const {
    const Matrix<const T> weight = widened_weight(exec, scratch);
    run_tasks(exec, name, cut_, [&](std::int64_t index, int thread) {
      const std::int64_t row = index / cut_.column_tiles() * cut_.tile_rows,
                         column = index % cut_.column_tiles() * cut_.tile_columns;
      return tile(row, column, part_of(weight, column), thread, scratch);
    });
  }

 private:
  Matrix<const T> widened_weight(const CpuExec& exec, [[maybe_unused]] const HalfScratch<S>& scratch) const {
    if constexpr (is_half_type<S>) {
      parallel_for(exec, weight_.rows, weight_.columns, [&](std::int64_t first, std::int64_t last) {
        convert_rows(Rows<const S>{weight_.data + first * weight_.leading, weight_.leading}, last - first,
                     weight_.columns, scratch.weight + first * weight_.columns);
      });
      return {scratch.weight, weight_.rows, weight_.columns, std::max<std::int64_t>(weight_.columns, 1)};
    } else {
      return weight_;
    }
  }

  /// What of the weight belongs to a tile's columns.
  Matrix<const T> part_of(Matrix<const T> weight, std::int64_t column) const {
    const std::int64_t columns = std::min(cut_.tile_columns, cut_.columns - column);
    if (transpose_) {
      weight.data += column * weight.leading;
      weight.rows = columns;
    } else {
      weight.data += column;
      weight.columns = columns;
    }
    return weight;
  }

  bool tile(std::int64_t row, std::int64_t column, const Matrix<const T>& weight, [[maybe_unused]] int thread,
            [[maybe_unused]] const HalfScratch<S>& scratch) const {
    const std::int64_t rows = std::min(cut_.tile_rows, cut_.rows - row),
                       columns = std::min(cut_.tile_columns, cut_.columns - column);
    if constexpr (is_half_type<S>) {
      T* const x = scratch.left + thread * cut_.tile_rows * cut_.terms;
      T* const y = scratch.right + thread * cut_.tile_rows * cut_.tile_columns;
      convert_rows(Rows<const S>{x_[row], x_.stride}, rows, cut_.terms, x);
      if (add_) convert_rows(Rows<const S>{y_[row] + column, y_.stride}, rows, columns, y);
      if (!product({x, rows, cut_.terms, cut_.terms}, weight, {y, rows, columns, columns}, column)) return false;
      for (std::int64_t r = 0; r < rows; ++r) convert_row(y + r * columns, columns, y_[row + r] + column);
      return true;
    } else {
      const std::int64_t from = std::max(x_.stride, cut_.terms), to = std::max(y_.stride, cut_.columns);
      return product({x_[row], rows, cut_.terms, from}, weight, {y_[row] + column, rows, columns, to}, column);
    }
  }

  bool product(const Matrix<const T>& x, const Matrix<const T>& weight, const Matrix<T>& y, std::int64_t column) const {
    if (cut_.terms > 0) {
      if (!multiply(ProductForm{.transpose_right = transpose_, .add = add_}, x, weight, y)) return false;
    } else if (!add_) {
      for (std::int64_t r = 0; r < y.rows; ++r) std::fill_n(y.data + r * y.leading, y.columns, T(0));
    }
    epilogue_.apply(y, column);
    return true;
  }

  Cut cut_;
  Rows<const S> x_;
  Rows<S> y_;
  Matrix<const S> weight_;
  bool transpose_, add_;
  Epilogue<T> epilogue_;
};

/// No elements, no work: a cut needs columns.
template <class S, class Function>
void with_row_product(const LinearForward& op, Function&& function) {
  using T = Accumulator<S>;
  if (op.y.shape[0] == 0 || op.y.shape[1] == 0) return;
  const Epilogue<T> epilogue{op.bias.defined() ? op.bias.as<T>() : nullptr, op.activation, static_cast<T>(op.slope)};
  function(RowProduct<S>(op.x, op.weight, true, op.y, epilogue, false));
}
template <class S, class Function>
void with_row_product(const LinearBackward& op, Function&& function) {
  if (op.dx.shape[0] > 0 && op.dx.shape[1] > 0) {
    function(RowProduct<S>(op.dy, op.weight, false, op.dx, {}, op.add_to_dx));
  }
}

// --- dweight = dz^T x ------------------------------------------------------------------------------------------------

template <class S>
class WeightGradient {
 public:
  using T = Accumulator<S>;

  explicit WeightGradient(const LinearBackward& op)
      : cut_(cut_terms(op.dweight.shape[0], op.dweight.shape[1], op.dy.shape[0])),
        dy_(read_rows<S>(op.dy)),
        x_(read_rows<S>(op.x)),
        dweight_(matrix_of<T>(op.dweight)) {}

  struct Scratch {
    HalfScratch<S> half;
    T* partials;  // [chunks][rows][columns], where there are several chunks
  };

  Scratch carve(Carver& carver, const CpuExec& exec) const {
    return {HalfScratch<S>::carve(carver, exec, 0, kHalfTerms * cut_.tile_rows, kHalfTerms * cut_.tile_columns),
            carver.take<T>(cut_.chunks() > 1 ? cut_.chunks() * cut_.rows * cut_.columns : 0)};
  }

  void run(const CpuExec& exec, const Scratch& scratch) const {
    if (cut_.terms == 0) {
      for (std::int64_t r = 0; r < cut_.rows; ++r)
        std::fill_n(dweight_.data + r * dweight_.leading, cut_.columns, T(0));
      return;
    }
    run_tasks(exec, "linear_backward", cut_, [&](std::int64_t index, int thread) {
      const std::int64_t tile = index % cut_.tiles();
      return chunk(index / cut_.tiles(), tile / cut_.column_tiles() * cut_.tile_rows,
                   tile % cut_.column_tiles() * cut_.tile_columns, thread, scratch);
    });
    if (cut_.chunks() > 1) add_partials(exec, scratch.partials);
  }

 private:
  bool chunk(std::int64_t number, std::int64_t row, std::int64_t column, [[maybe_unused]] int thread,
             const Scratch& scratch) const {
    const std::int64_t first = number * cut_.chunk_terms, last = std::min(cut_.terms, first + cut_.chunk_terms),
                       rows = std::min(cut_.tile_rows, cut_.rows - row),
                       columns = std::min(cut_.tile_columns, cut_.columns - column);
    Matrix<T> sum{dweight_.data + row * dweight_.leading + column, rows, columns, dweight_.leading};
    if (cut_.chunks() > 1) {
      sum.data = scratch.partials + (number * cut_.rows + row) * cut_.columns + column;
      sum.leading = cut_.columns;
    }
    if constexpr (is_half_type<S>) {
      T* const dy = scratch.half.left + thread * kHalfTerms * cut_.tile_rows;
      T* const x = scratch.half.right + thread * kHalfTerms * cut_.tile_columns;
      for (std::int64_t begin = first; begin < last; begin += kHalfTerms) {
        const std::int64_t terms = std::min(kHalfTerms, last - begin);
        convert_rows(Rows<const S>{dy_[begin] + row, dy_.stride}, terms, rows, dy);
        convert_rows(Rows<const S>{x_[begin] + column, x_.stride}, terms, columns, x);
        const ProductForm form{.transpose_left = true, .add = begin > first};
        if (!multiply<T>(form, {dy, terms, rows, rows}, {x, terms, columns, columns}, sum)) return false;
      }
      return true;
    } else {
      return multiply<T>(ProductForm{.transpose_left = true},
                         {dy_[first] + row, last - first, rows, std::max(dy_.stride, cut_.rows)},
                         {x_[first] + column, last - first, columns, std::max(x_.stride, cut_.columns)}, sum);
    }
  }

  void add_partials(const CpuExec& exec, const T* partials) const {
    parallel_for(exec, cut_.rows, cut_.chunks() * cut_.columns, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T* const from = partials + r * cut_.columns;
        for_each_tile<T, kStreamVectors>(cut_.columns, [&](auto tile, std::int64_t c) {
          auto total = tile.load(from + c);
          for (std::int64_t k = 1; k < cut_.chunks(); ++k) total.add(from + k * cut_.rows * cut_.columns + c);
          total.store(dweight_.data + r * dweight_.leading + c);
        });
      }
    });
  }

  Cut cut_;
  Rows<const S> dy_, x_;
  Matrix<T> dweight_;
};

bool has_weight_gradient(const LinearBackward& op) {
  return op.dweight.defined() && op.dweight.count() > 0;
}

/// Column sums of dy.
template <class S>
void sum_columns(const CpuExec& exec, const LinearBackward& op, double* partials) {
  const std::int64_t columns = op.dy.shape[1];
  const auto dy = read_rows<S>(op.dy);
  auto* const dbias = op.dbias.as<Accumulator<S>>();
  reduce_rows(
      exec, op.dy.shape[0], columns, partials,
      [&](std::int64_t n, double* partial) {
        for (std::int64_t c = 0; c < columns; ++c) partial[c] += static_cast<double>(to_accumulator(dy[n][c]));
      },
      [&](std::int64_t c, double total) { dbias[c] = static_cast<Accumulator<S>>(total); });
}

double* carve_column_sums(Carver& carver, const LinearBackward& op) {
  return carver.take<double>(op.dbias.defined() ? reduction_doubles(op.dy.shape[0], op.dy.shape[1]) : 0);
}

/// Room for dz; undefined where that is dy.
template <class S>
TensorView take_dz(Carver& carver, const LinearBackward& op) {
  if (op.activation == Activation::identity) return {};
  return {contiguous_layout(op.dy.dtype, {op.dy.shape.data(), 2}, op.dy.device), carver.take<S>(op.dy.count())};
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const LinearForward& op) {
  Carver carver;
  with_storage(op.y.dtype,
               [&]<class S>(S) { with_row_product<S>(op, [&](const auto& product) { product.carve(carver, exec); }); });
  return carver.bytes();
}

void linear_forward(const CpuExec& exec, const LinearForward& op) {
  Carver carver(op.workspace.data);
  with_storage(op.y.dtype, [&]<class S>(S) {
    with_row_product<S>(op,
                        [&](const auto& product) { product.run(exec, "linear_forward", product.carve(carver, exec)); });
  });
}

// Behind dz the parts of backward run one after the other in the same workspace.
std::size_t workspace_size(const CpuExec& exec, const LinearBackward& op) {
  return with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver kept, sums, rows, weights;
    take_dz<S>(kept, op);
    carve_column_sums(sums, op);
    if (op.dx.defined()) with_row_product<S>(op, [&](const auto& dx) { dx.carve(rows, exec); });
    if (has_weight_gradient(op)) WeightGradient<S>(op).carve(weights, exec);
    return kept.bytes() + std::max({sums.bytes(), rows.bytes(), weights.bytes()});
  });
}

void linear_backward(const CpuExec& exec, const LinearBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver kept(op.workspace.data);
    LinearBackward inner = op;
    if (const TensorView dz = take_dz<S>(kept, op); dz.ndim > 0) {
      activation_gradient<S>(exec, op.activation, static_cast<Accumulator<S>>(op.slope), op.y, op.dy, dz);
      inner.dy = dz;
    }
    Carver sums = kept, rows = kept, weights = kept;
    if (op.dx.defined()) {
      with_row_product<S>(inner, [&](const auto& dx) { dx.run(exec, "linear_backward", dx.carve(rows, exec)); });
    }
    if (has_weight_gradient(op)) {
      const WeightGradient<S> dweight(inner);
      dweight.run(exec, dweight.carve(weights, exec));
    }
    if (op.dbias.defined()) sum_columns<S>(exec, inner, carve_column_sums(sums, op));
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
