# SPDX-License-Identifier: MIT
"""Times of one call: the median of fixed repetitions, under the conditions of our benchmark."""

import statistics
import time

import torch

REPETITIONS = 10
WARM_UPS = 2


class CudaClock:
    """Two events around the call. A wait and a flush of the caches by reading are queued before it, so that the GPU
    begins only once the host has queued every kernel: what is measured is the GPU's time, not that of Python."""

    WAIT_CYCLES = 4_000_000  # about two milliseconds

    def __init__(self):
        cache_bytes = torch.cuda.get_device_properties(0).L2_cache_size
        self._flush = torch.ones(cache_bytes, dtype=torch.int32, device="cuda")  # four times the cache

    def seconds(self, call):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda._sleep(self.WAIT_CYCLES)
        self._flush.sum()
        start.record()
        call()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop) * 1e-3


class CpuClock:
    """Caches are as the last call left them, as in our rows on the CPU."""

    def seconds(self, call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start


def measure(clock, call):
    for _ in range(WARM_UPS):
        call()
    times = [clock.seconds(call) for _ in range(REPETITIONS)]
    return {
        "median_us": round(statistics.median(times) * 1e6, 3),
        "best_us": round(min(times) * 1e6, 3),
        "repetitions": REPETITIONS,
    }
