// SPDX-License-Identifier: MIT
#pragma once

#include "block.hpp"

namespace simt {

/// Counting of one launch. Requests come from Block::issue_accesses.
void begin_traffic(const std::string& kernel, std::uint64_t launch);
void end_traffic();

/// Counts one request: the lanes' accesses by one instruction of one warp, at the same time, and remembers loads.
void count_request(const std::vector<const Access*>& accesses, RecentLoads& recent);

}  // namespace simt
