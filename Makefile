# SPDX-License-Identifier: MIT
# A thin front over the CMake presets; see CMakePresets.json.

SHELL := /bin/bash
.DEFAULT_GOAL := help

NVCC := $(shell command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
GPU := $(wildcard /dev/nvidiactl)
PRESET ?= $(if $(NVCC),cuda,cpu)
DEMO_PRESET ?= $(if $(and $(NVCC),$(GPU)),demo-cuda,demo)
JOBS ?= $(shell nproc)
SETUP := @scripts/setup.sh
# Its releases disagree about a few lambdas; this one is packaged for Debian 12 and Ubuntu 24.04.
CLANG_FORMAT := clang-format-14

OUR_FILES = $(shell find include host kernels tests bench examples python -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' \
  -o -path '*/executor/include/*.h' -o -path 'include/*.h' -o -name '*.c')
# Left out of what shellcheck finds: ls in scripts (SC2012), here of names without spaces.
SHELL_FILES = $(shell find scripts tests bench -name '*.sh') .ci/run

PYTHON_FILES = $(shell find scripts tests bench python docs examples -name '*.py' -not -path '*/build/*')
# Left out of pycodestyle: where a continued line stands, spaces in slices, and definitions on one line.
PYTHON_STYLE_IGNORED := E126,E127,E128,E129,E203,E701,E704,E731,E741,W503,W504

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Train graph networks on MUTAG and write the results to out/demo
	$(SETUP) build demo
	@cmake --preset $(DEMO_PRESET) >/dev/null
	@cmake --build --preset $(DEMO_PRESET) --target warpgnn_train --parallel $(JOBS)
	@build/$(DEMO_PRESET)/bin/warpgnn-train graphs --out out/demo

.PHONY: test
test: ## Build everything and run all tests (with the CUDA kernels where nvcc is found)
	$(SETUP) build test
	@cmake --preset $(PRESET)
	@cmake --build --preset $(PRESET) --parallel $(JOBS)
	@ctest --preset $(PRESET) --parallel $(JOBS)

# TORCH=VERSION: of PyTorch, instead of the newest that is tested.
.PHONY: test-python
test-python: ## Install the Python package beside PyTorch in build/test-python-* and run its tests
	$(SETUP) python
	@scripts/test_python.sh

.PHONY: wheels
wheels: ## Make wheels of the Python package in out/wheels, for the CPU and where nvcc is found with the CUDA kernels
	$(SETUP) python
	@scripts/wheels.sh

.PHONY: asan
asan: ## Run all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test PRESET=cpu-asan

.PHONY: bench
bench: ## Run the benchmarks on this machine and keep the results in bench/results
	$(SETUP) build bench
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --parallel $(JOBS)
	@mkdir -p bench/results
	@build/bench/bin/warpgnn_bench --benchmark_out_format=json \
	  --benchmark_out=bench/results/$$(scripts/machine_name.sh)-$$(date +%F).json

# PEERS_PYTHON=PROGRAM: a python3 that has PyTorch and PyTorch Geometric, in place of one that is set up in build/peers.
# THREADS=N: for ours and theirs alike, in place of all. More by scripts/bench_peers.sh --help.
.PHONY: bench-peers
bench-peers: ## Measure ours beside PyTorch Geometric and DGL on this machine's CPU; rows and a table in bench/results
	$(SETUP) build bench peers
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --parallel $(JOBS)
	@cmake --preset demo >/dev/null
	@cmake --build --preset demo --target warpgnn_train --parallel $(JOBS)
	@scripts/bench_peers.sh

.PHONY: predict
predict: ## Print what the kernels should cost on an H100 and an H200, by their machine code and the graphs' degrees
	$(SETUP) build bench
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --parallel $(JOBS)
	@build/bench/bin/warpgnn_bench --predict=tests/sass_budget.txt

.PHONY: device
device: ## Build self-contained tests and benchmarks, packed as build/device.tar.xz, for a machine with a GPU
	$(SETUP) build test bench device
	@cmake --preset device
	@cmake --build --preset device --parallel $(JOBS)
	@scripts/device/archive.sh build/device/bin build/device.tar.xz

.PHONY: check-device
check-device: ## Test, measure and profile the programs of 'make device' on this machine's GPU, in ten minutes
	@scripts/check_device.sh

.PHONY: resource-budget
resource-budget: ## Measure registers and stack of every kernel and rewrite tests/resource_budget.txt
	@cmake --preset cuda >/dev/null
	@cmake --build --preset cuda --target resource_budget --parallel $(JOBS)

.PHONY: sass-budget
sass-budget: ## Read the machine code of the kernels' loops and rewrite tests/sass_budget.txt
	@cmake --preset cuda >/dev/null
	@cmake --build --preset cuda --target sass_budget --parallel $(JOBS)

.PHONY: simd-budget
simd-budget: ## Count vector instructions of the CPU's loops and rewrite tests/simd_budget.txt
	@cmake --preset cpu >/dev/null
	@cmake --build --preset cpu --target simd_budget --parallel $(JOBS)

.PHONY: traffic
traffic: ## Count the memory traffic of every op's kernels on the host, over its byte bounds
	$(SETUP) build test
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target simt_traffic --parallel $(JOBS)
	@build/$(PRESET)/bin/simt_traffic

.PHONY: traffic-budget
traffic-budget: ## Count it and rewrite tests/simt/traffic_budget.txt
	@$(MAKE) --no-print-directory traffic >/dev/null
	@build/$(PRESET)/bin/simt_traffic --write tests/simt/traffic_budget.txt

.PHONY: mutants
mutants: ## Change the kernels in one place at a time and see which changes no test notices (takes up to an hour)
	$(SETUP) build test mutants
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target warpgnn_tests_simt --parallel $(JOBS)
	@tests/simt/mutants.py build/$(PRESET) $(MUTANTS)

.PHONY: format
format: ## Format all C++ and CUDA files
	$(SETUP) lint
	@$(CLANG_FORMAT) -i $(OUR_FILES)

.PHONY: check
check: ## Check in a minute what reads the sources alone: format, scripts and Python, layout, addresses, the generated C interface
	$(SETUP) build test lint
	@$(CLANG_FORMAT) --dry-run -Werror $(OUR_FILES)
	@shellcheck --exclude=SC2012 $(SHELL_FILES)
	@pyflakes3 $(PYTHON_FILES)
	@pycodestyle --max-line-length=120 --ignore=$(PYTHON_STYLE_IGNORED) $(PYTHON_FILES)
	@tests/tree_test.sh .
	@python3 scripts/c_interface.py --check
	@tests/address_products.sh . /usr/include/eigen3 || test $$? -eq 77  # skipped: there is no clang-query

.PHONY: lint
lint: check ## Run clang-tidy as well; builds nothing
	$(SETUP) bench
	@cmake --preset lint >/dev/null
	@scripts/lint.py --jobs $(JOBS)

.PHONY: docs
docs: ## Make the documentation's pages in build/docs, with everything public in them
	$(SETUP) docs
	@scripts/docs.sh

.PHONY: clean
clean: ## Remove all build output
	@rm -rf build out
