#include "common/program.hpp"

#include <exception>
#include <iostream>

#include "common/errors.hpp"

namespace examples {

int run_program_main(const std::string& program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return kExitUsage;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return kExitFailure;
  }
}

warpgnn::Context open_context(DeviceChoice device, int threads) {
  switch (device) {
    case DeviceChoice::cpu: return warpgnn::Context::cpu(threads);
    case DeviceChoice::cuda: return warpgnn::Context::cuda();
    case DeviceChoice::automatic: break;
  }
  return warpgnn::Context::best(threads);
}

std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-+=./,:@%") == std::string::npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace examples
