#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "warpgnn/dtype.hpp"
#include "warpgnn/pool.hpp"

/// The options that take one of a few words: one table each, for reading, printing and help.
namespace train_graphs {

enum class ModelKind { attention, gcn, gat, gin };
enum class DeviceChoice { automatic, cpu, cuda };
enum class Selection { last, valid };

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

inline constexpr std::array kModels{
    Choice<ModelKind>{"attention", ModelKind::attention},
    Choice<ModelKind>{"gcn", ModelKind::gcn},
    Choice<ModelKind>{"gat", ModelKind::gat},
    Choice<ModelKind>{"gin", ModelKind::gin},
};
inline constexpr std::array kPools{
    Choice<warpgnn::PoolReduce>{"sum", warpgnn::PoolReduce::sum},
    Choice<warpgnn::PoolReduce>{"mean", warpgnn::PoolReduce::mean},
    Choice<warpgnn::PoolReduce>{"max", warpgnn::PoolReduce::max},
};
inline constexpr std::array kGates{
    Choice<warpgnn::PoolGate>{"none", warpgnn::PoolGate::none},
    Choice<warpgnn::PoolGate>{"raw", warpgnn::PoolGate::raw},
    Choice<warpgnn::PoolGate>{"sigmoid", warpgnn::PoolGate::sigmoid},
    Choice<warpgnn::PoolGate>{"softmax", warpgnn::PoolGate::softmax},
};
inline constexpr std::array kDevices{
    Choice<DeviceChoice>{"auto", DeviceChoice::automatic},
    Choice<DeviceChoice>{"cpu", DeviceChoice::cpu},
    Choice<DeviceChoice>{"cuda", DeviceChoice::cuda},
};
inline constexpr std::array kSelections{
    Choice<Selection>{"last", Selection::last},
    Choice<Selection>{"valid", Selection::valid},
};
inline constexpr std::array kDtypes{
    Choice<warpgnn::Dtype>{"float32", warpgnn::Dtype::float32},
    Choice<warpgnn::Dtype>{"float64", warpgnn::Dtype::float64},
};

template <class Value, std::size_t kCount>
std::string name_in(const std::array<Choice<Value>, kCount>& table, Value value) {
  for (const Choice<Value>& choice : table) {
    if (choice.value == value) return std::string(choice.name);
  }
  return "unknown";
}

template <class Value, std::size_t kCount>
std::optional<Value> find_in(const std::array<Choice<Value>, kCount>& table, std::string_view name) {
  for (const Choice<Value>& choice : table) {
    if (choice.name == name) return choice.value;
  }
  return std::nullopt;
}

/// "a, b or c", for messages.
template <class Value, std::size_t kCount>
std::string names_of(const std::array<Choice<Value>, kCount>& table) {
  std::string names;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (i != 0) names += i + 1 == kCount ? " or " : ", ";
    names += table[i].name;
  }
  return names;
}

}  // namespace train_graphs
