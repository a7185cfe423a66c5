// SPDX-License-Identifier: MIT
#include "tests/support/refusals.hpp"

namespace warpgnn::test {

const char* name_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::missing: return "missing";
    case Flaw::rows: return "one row too many";
    case Flaw::dims: return "one dimension too many or too few";
    case Flaw::dtype: return "wrong dtype";
    case Flaw::device: return "wrong device";
    case Flaw::columns_apart: return "elements of a row apart";
    case Flaw::rows_overlap: return "rows overlap";
    case Flaw::null: return "null pointer";
  }
  return "unknown";
}

bool applies(Flaw flaw, const Layout& layout) {
  const auto last = static_cast<std::size_t>(layout.ndim) - 1;
  switch (flaw) {
    case Flaw::columns_apart: return layout.ndim > 1 && layout.shape[last] > 1;
    case Flaw::rows_overlap: return layout.shape[0] > 1;
    default: return true;
  }
}

void spoil(Flaw flaw, Layout& layout) {
  switch (flaw) {
    case Flaw::missing:
    case Flaw::null: return;
    case Flaw::rows: ++layout.shape[0]; return;
    case Flaw::dims: {
      const auto last = static_cast<std::size_t>(layout.ndim);
      if (layout.ndim == kMaxDims) {
        --layout.ndim;
      } else {
        layout.shape[last] = layout.stride[last] = 1;
        ++layout.ndim;
      }
      return;
    }
    case Flaw::dtype:
      layout.dtype = layout.dtype == Dtype::float32   ? Dtype::float64
                     : layout.dtype == Dtype::float64 ? Dtype::float32
                     : layout.dtype == Dtype::int32   ? Dtype::int64
                                                      : Dtype::int32;
      return;
    case Flaw::device:
      layout.device = layout.device.type == DeviceType::cpu ? Device{DeviceType::cuda, 0} : Device{};
      return;
    case Flaw::columns_apart: {
      for (int d = 0; d < layout.ndim; ++d) layout.stride[static_cast<std::size_t>(d)] *= 2;
      return;
    }
    case Flaw::rows_overlap: layout.stride[0] = layout.row_size() - 1; return;
  }
}

std::vector<std::string> words_about(Flaw flaw, const Layout& spoiled) {
  const auto after = [](std::string text, std::int64_t number) { return text.append(std::to_string(number)); };
  switch (flaw) {
    case Flaw::missing: return {"expected", "got none"};
    case Flaw::rows: return {"expected", after("[", spoiled.shape[0] - 1), after("got [", spoiled.shape[0])};
    case Flaw::dims: return {"expected", "got"};
    case Flaw::dtype: return {"expected", std::string("got ").append(warpgnn::name_of(spoiled.dtype))};
    case Flaw::device: return {"expected", "got", "CUDA", "CPU"};
    case Flaw::columns_apart: return {"expected", "contiguous"};
    case Flaw::rows_overlap: return {"expected", "stride", after("got ", spoiled.stride[0])};
    case Flaw::null: return {"expected", "null"};
  }
  return {};
}

}  // namespace warpgnn::test
