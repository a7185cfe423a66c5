// SPDX-License-Identifier: MIT
// Names and places from the program's own ELF symbol table; source lines from addr2line.

#include "symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "report.hpp"

namespace simt {
namespace {

constexpr const char* kProgram = "/proc/self/exe";

/// The program's file, mapped as long as the process lives. Reading its tens of megabytes would take each test longer
/// than most tests take.
const char* map_program() {
  const int file = open(kProgram, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  const bool known = file >= 0 && fstat(file, &status) == 0;
  void* const image =
      known ? mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
  if (image == MAP_FAILED) throw std::system_error(errno, std::generic_category(), kProgram);
  close(file);
  return static_cast<const char*>(image);
}

struct Symbol {
  std::string_view name;  // mangled
  std::size_t bytes = 0;
};

class Program {
 public:
  Program() {
    dl_iterate_phdr(
        [](dl_phdr_info* module, std::size_t, void* self) {
          static_cast<Program*>(self)->place(*module);
          return 1;  // the first module is the program itself
        },
        this);
    read_symbols();
  }

  std::uintptr_t base() const { return base_; }
  bool in_constants(std::uintptr_t address) const {
    for (const auto& [first, bytes] : constants_) {
      if (address - first < bytes) return true;
    }
    return false;
  }
  const std::multimap<std::uintptr_t, Symbol>& functions() const { return functions_; }
  const std::multimap<std::uintptr_t, Symbol>& locals() const { return locals_; }

 private:
  void place(const dl_phdr_info& module) {
    base_ = module.dlpi_addr;
    for (int k = 0; k < module.dlpi_phnum; ++k) {
      const auto& segment = module.dlpi_phdr[k];
      const bool writable = (segment.p_flags & PF_W) != 0;
      if (segment.p_type == PT_LOAD && !writable) constants_.emplace_back(base_ + segment.p_vaddr, segment.p_memsz);
    }
  }

  void read_symbols() {
    const char* const image = map_program();
    const auto* const header = reinterpret_cast<const Elf64_Ehdr*>(image);
    const auto* const sections = reinterpret_cast<const Elf64_Shdr*>(image + header->e_shoff);
    for (int k = 0; k < header->e_shnum; ++k) {
      if (sections[k].sh_type != SHT_SYMTAB) continue;
      const char* const names = image + sections[sections[k].sh_link].sh_offset;
      const auto* const first = reinterpret_cast<const Elf64_Sym*>(image + sections[k].sh_offset);
      const std::size_t count = sections[k].sh_size / sizeof(Elf64_Sym);
      for (std::size_t s = 0; s < count; ++s) add(first[s], names + first[s].st_name);
    }
  }

  void add(const Elf64_Sym& symbol, const char* name) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    const std::uintptr_t address = base_ + symbol.st_value;
    if (type == STT_FUNC) functions_.emplace(address, Symbol{name, symbol.st_size});
    // _ZZ begins the name of a variable that is local to a function.
    if (type == STT_OBJECT && std::string_view(name).substr(0, 3) == "_ZZ") {
      locals_.emplace(address, Symbol{name, symbol.st_size});
    }
  }

  std::uintptr_t base_ = 0;
  std::vector<std::pair<std::uintptr_t, std::size_t>> constants_;
  std::multimap<std::uintptr_t, Symbol> functions_, locals_;
};

const Program& program() {
  static const Program self;
  return self;
}

std::string demangle(std::string_view mangled) {
  const std::string name(mangled);
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                     std::free);
  return status == 0 ? plain.get() : name;
}

/// "kernel" from "void space::kernel<int, (anonymous namespace)::f(int)>(float*)".
std::string without_arguments(const std::string& name) {
  int depth = 0;
  std::string plain;
  for (const char c : name) {
    if (c == '<' || c == '(') ++depth;
    if (depth == 0) plain += c;
    if (c == '>' || c == ')') --depth;
  }
  const std::size_t start = plain.find_last_of(" :");
  return start == std::string::npos ? plain : plain.substr(start + 1);
}

std::string last_component(const std::string& name) {
  const std::size_t start = name.rfind("::");
  return start == std::string::npos ? name : name.substr(start + 2);
}

std::string run(const std::string& command) {
  std::string output;
  if (FILE* const pipe = popen(command.c_str(), "r")) {
    std::array<char, 1024> part{};
    while (std::fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
    pclose(pipe);
  }
  return output;
}

bool is_own_header(const std::string& line) {
  return line.find("/executor/include/") != std::string::npos;
}

}  // namespace

std::string full_name(const void* kernel) {
  const auto found = program().functions().find(reinterpret_cast<std::uintptr_t>(kernel));
  return found == program().functions().end() ? text(kernel) : demangle(found->second.name);
}

std::string short_name(const void* kernel) {
  return without_arguments(full_name(kernel));
}

std::vector<SharedVariable> shared_variables(const void* kernel) {
  // Identical functions may share an address and still have variables of their own.
  std::vector<std::string> prefixes;
  const auto [first, last] = program().functions().equal_range(reinterpret_cast<std::uintptr_t>(kernel));
  for (auto function = first; function != last; ++function) {
    prefixes.push_back("_ZZ" + std::string(function->second.name.substr(2)) + "E");
  }
  std::vector<SharedVariable> variables;
  for (const auto& [address, symbol] : program().locals()) {
    for (const std::string& prefix : prefixes) {
      if (symbol.name.substr(0, prefix.size()) != prefix) continue;
      variables.push_back({last_component(demangle(symbol.name)), address, symbol.bytes});
    }
  }
  return variables;
}

std::string source_line(const void* site) {
  static std::map<const void*, std::string> known;
  std::string& line = known[site];
  if (!line.empty()) return line;
  std::array<char, 4096> path{};
  const ssize_t length = readlink(kProgram, path.data(), path.size() - 1);
  if (length <= 0) return line = text(site);
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(site) - 1 - program().base();
  std::istringstream frames(run(text("addr2line -i -e '", path.data(), "' 0x", std::hex, offset, " 2>/dev/null")));
  for (std::string frame; std::getline(frames, frame);) {  // from the innermost inlined function outwards
    if (is_own_header(frame)) continue;
    frame = frame.substr(0, frame.find(" (discriminator"));
    line += (line.empty() ? "" : " in ") + frame.substr(frame.rfind('/') + 1);
  }
  return line.empty() ? line = text(site) : line;
}

bool in_constants(std::uintptr_t address) {
  return program().in_constants(address);
}

}  // namespace simt
