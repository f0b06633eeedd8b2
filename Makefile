# Build, test and demonstrate vPALs. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

CONFIGURATION ?= release
BUILD := .build
BIN := $(BUILD)/release
VENV := .venv
SWIFT_FILES := Package.swift Sources Tests

.PHONY: help deps build release demo test gate fuzz bench bench-peers lint fmt clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1  /' | awk '{printf "  make %-12s", $$1; $$1=""; print}'

deps: ## install the Debian and PyPI packages (as root; asks nothing; may be repeated)
	@scripts/install-dependencies

build: ## debug build of the programs and the tests
	swift build --product vPALsPackageTests

release: deps ## optimised build of the programs
	swift build -c release --product vpals
	swift build -c release --product vpals-train
	swift build -c release --product vpals-check
	swift build -c release --product vpals-vnnlib
	swift build -c release --product vpals-solver

demo: release ## from measured data to certified models, under .demo/
	@scripts/demo

test: deps ## all tests
	swift build --product vPALsPackageTests
	swift test --skip-build

gate: ## refuse models of this repository that are not proven
	swift build --product vpals
	$(BUILD)/debug/vpals gate models

fuzz: ## fuzz the readers of files under AddressSanitizer; FUZZ_SECONDS=60 for each of the six
	@scripts/fuzz

# BENCH=targets: what has a target, medians of three, an hour or more. BENCH=full: every network and feature, for many
# hours. Other arguments: BENCH_OPTIONS='--nets n6_* --repeat 5', BENCH_OPTIONS='--markdown docs/measurements.md'.
BENCH ?= quick
BENCH_OPTIONS ?=
BENCH_MODE_quick := --quick --recipe
BENCH_MODE_targets := --targets --recipe --linnos --threads-compare --incremental --second-checker
BENCH_MODE_full := --all --recipe --linnos --threads-compare --incremental --second-checker

bench: release ## time, proofs and peers on 72 networks, about 15 minutes; BENCH=targets or full for more
	$(if $(filter quick targets full,$(BENCH)),,$(error BENCH is $(BENCH); it must be quick, targets or full))
	@nice -n 5 Benchmarks/run.py --bin $(BIN) --peers --models $(BENCH_MODE_$(BENCH)) $(BENCH_OPTIONS)

bench-gate: release ## the gate on a thousand certified versions, about 10 minutes, most of it to make them
	@nice -n 5 Benchmarks/gate.py --bin $(BIN)

bench-peers: ## install the solvers that make bench compares with, into .venv-peers
	@scripts/install-peers

lint: ## formatting and style, warnings are errors
	swift format lint --strict --recursive --parallel --configuration .swift-format $(SWIFT_FILES)

fmt: ## format in place
	swift format --in-place --recursive --parallel --configuration .swift-format $(SWIFT_FILES)

clean: ## remove what was built and demonstrated
	rm -rf $(BUILD) .build-* .demo $(VENV) .venv-peers
