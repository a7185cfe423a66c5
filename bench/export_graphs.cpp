// SPDX-License-Identifier: MIT
#include "export_graphs.hpp"

#include <bit>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "output_file.hpp"

namespace warpgnn::bench {

namespace {

void write_numbers(const std::string& path, const Tensor& tensor) {
  static_assert(std::endian::native == std::endian::little);
  const auto numbers = tensor.to_host<std::int32_t>();
  OutputFile(path, std::ios::binary)
      .write({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int32_t)});
}

}  // namespace

void export_graphs(const Context& context, const std::vector<std::string>& names, const std::string& folder,
                   Scale scale) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot make the folder " + folder + ": " + error.message());
  for (const std::string& name : names) {
    const EdgeTensors graph = named_graph(context, name, scale);
    const std::string path = folder + "/" + name;
    write_numbers(path + ".source.i32", graph.source);
    write_numbers(path + ".destination.i32", graph.destination);
    const nlohmann::ordered_json about{{"nodes", graph.nodes}, {"edges", graph.edges()}, {"graph", display_name(name)}};
    OutputFile(path + ".json", std::ios::trunc).write(about.dump() + "\n");
  }
}

}  // namespace warpgnn::bench
