# The whole repository: every module that go.work names.

SHELL := /bin/bash

# The linter is built from its own go.mod, so that no module depends on it.
linter = $$(GOWORK=off go tool -n -modfile=tools/golangci-lint/go.mod golangci-lint)

.PHONY: help test soak bench growth purge install lint fmt

help: ## Print this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

# The race detector is for what users run in their process; tests of other programs,
# and those that attack or draw at random, take long with it and find no more.
raced = $$(go list work | grep -E '/(core|adapters|stores)(/|$$)|/internal/(batch|tests/(engine|gormstore|otel|races|redisstore))$$')

# It makes tables of interleavings take too long: it gets a sample of them, and they
# run as a whole without it afterwards. What takes longest comes first.
whole = ./internal/tests/soak ./internal/tests/races ./core/session ./core/cacheddb ./core/transition

test: install lint ## Lint and test all modules on real servers, with the race detector
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT && export TMPDIR=$$tmp SESHAT_TEST_SERVERS=1 && \
	CGO_ENABLED=1 go test -race -p 4 -timeout 10m $(raced) && \
	CGO_ENABLED=0 go test -p 4 -timeout 10m $(whole) $$(go list work | grep -vxF "$(raced)")

# How long the shops are under load, and which faults happen when (0: by chance).
SOAK ?= 2m
SEED ?= 0

soak: install ## Strike the shops with faults under load and report (SOAK=10m, SEED=1)
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT && \
	TMPDIR=$$tmp SESHAT_TEST_SERVERS=1 go test -v -count=1 -timeout 0 -run '^TestSoak$$' ./internal/tests/soak -soak $(SOAK) -seed $(SEED)

# Each contestant is measured for 300 ms, eleven times; BENCH_ROUND=100ms
# BENCH_ROUNDS=2 is a quick look. The machine should have nothing else to do.
bench: export CGO_ENABLED = 0
bench: install ## Measure Seshat beside other libraries; write benchmarks/RESULTS.md
	@$(measure) -bench '^BenchmarkResults$$' ./benchmarks

growth: export CGO_ENABLED = 0
growth: install ## Measure Seshat from little to much; write benchmarks/GROWTH.md
	@$(measure) -bench '^BenchmarkGrowth$$' ./benchmarks

# BENCH_ROWS=100000 is a quick look.
purge: export CGO_ENABLED = 0
purge: install ## Measure purges of a million rows beside traffic; write benchmarks/PURGE.md
	@$(measure) -bench '^BenchmarkPurge$$' ./benchmarks

measure = tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT && \
	TMPDIR=$$tmp SESHAT_TEST_SERVERS=1 go test -run '^$$' -benchtime 1x -count=1 -timeout 0

install: ## Install the servers that the tests need, or say which are missing
	@internal/scripts/install.sh

lint: export CGO_ENABLED = 0
lint: ## Run the linter on all modules
	@set -e; linter=$(linter); modules=$$(go list -m -f '{{.Dir}}/...'); \
	"$$linter" run --allow-parallel-runners $$modules

fmt: export CGO_ENABLED = 0
fmt: ## Format all Go files
	@set -e; linter=$(linter); "$$linter" fmt
