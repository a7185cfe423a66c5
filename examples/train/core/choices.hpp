// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "warpgnn/dtype.hpp"

/// Options that take one of a few words: one table each, for reading, printing and help.
namespace train {

enum class DeviceChoice { automatic, cpu, cuda };

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

inline constexpr std::array kDevices{
    Choice<DeviceChoice>{"auto", DeviceChoice::automatic},
    Choice<DeviceChoice>{"cpu", DeviceChoice::cpu},
    Choice<DeviceChoice>{"cuda", DeviceChoice::cuda},
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

}  // namespace train
