// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simt {

/// A __shared__ variable of a kernel, where it lies in this process.
struct SharedVariable {
  std::string name;
  std::uintptr_t address = 0;
  std::size_t bytes = 0;
};

/// The kernel's name with its namespaces and template arguments, or without either.
std::string full_name(const void* kernel);
std::string short_name(const void* kernel);

/// The variables that are declared in the kernel itself.
std::vector<SharedVariable> shared_variables(const void* kernel);

/// "file:line in file:line ..." of the code before `site`: from the innermost inlined function outwards, without the
/// executor's own headers.
std::string source_line(const void* site);

/// Whether the address belongs to the program's constants.
bool in_constants(std::uintptr_t address);

}  // namespace simt
