# `make` alone prints the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test conformance integration chaos check bench bench-all bench-compare bench-code perf-test fuzz stress up down

# The broker that the demo runs on, as a URL; empty is the one in the process itself. For chaos and
# bench, a broker's name; empty is each of them.
BROKER ?=
# How long make chaos hurts a broker, and what draws the faults.
DURATION ?=
SEED ?=
# What make bench measures; empty is all. What make bench-compare compares with.
WORK ?=
BASE ?= HEAD
# How long each fuzz target runs.
FUZZTIME ?= 30s

# The last version that Go 1.25 builds.
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
# The linter keeps its results by content, with the paths of the tree that they came from: one cache for each tree.
export GOLANGCI_LINT_CACHE ?= $(CURDIR)/.cache/golangci-lint
MODULES := $(sort $(shell find . -name go.mod -not -path '*/testdata/*' -not -path './.git/*' -exec dirname {} \;))
# $(call each,COMMAND) runs the command in every module's folder and stops at the first failure.
each = for dir in $(MODULES); do (cd "$$dir" && $(1)) || exit 1; done

help:
	@echo "Herald. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@echo "Variables:"
	@echo "  BROKER=URL     the broker of make demo: memory:// (default), amqp://…, kafka://…, redis://…"
	@echo "  BROKER=kafka   the one broker of make chaos, with DURATION=30m and SEED=7 for a long run; of make bench, with WORK=publish"
	@echo "  BASE=v1.2.0    what make bench-compare compares with"
	@echo "  FUZZTIME=30s   the time that make fuzz gives each target"
	@echo "  HERALD_TEST_…  where tests take brokers from, and which ones they must have: docs/testing.md"

demo: ## run the checkout example; BROKER=URL chooses the broker
	@go run ./examples/checkout $(if $(BROKER),-broker "$(BROKER)")

test: ## run the tests of every module and the demo, on every broker that can be had here, and say which suites ran on which
	@go run ./cmd/internal/runtests

conformance: ## of those, run the drivers' contract alone
	@go run ./cmd/internal/runtests conformance

integration: ## run the tests that hurt brokers, and those that exchange messages with other clients
	@go run ./cmd/internal/runtests integration

# One broker's run goes on where it was interrupted; that of all begins anew.
chaos: ## hurt each broker by faults drawn at random, and judge the history; BROKER=kafka DURATION=30m SEED=7 is a long run
ifeq ($(BROKER),)
	@HERALD_CHAOS_DURATION=$(DURATION) HERALD_CHAOS_SEED=$(SEED) go run ./cmd/internal/runtests chaos
else
	@cd integration && go run ./cmd/chaos -broker $(BROKER) $(if $(DURATION),-duration $(DURATION)) $(if $(SEED),-seed $(SEED))
endif

check: ## check format, vet, lint, imports, snippets, modules, and the build from outside
	@echo "check: gofmt -s"
	@out=$$(gofmt -s -l .) && test -z "$$out" || { echo "run gofmt -s -w on: $$out"; exit 1; }
	@echo "check: no test sleeps outside testing/synctest"
	@out=$$(grep -rl --include='*_test.go' --exclude=bench_test.go 'time\.Sleep(' . | xargs -r grep -L '"testing/synctest"'); \
		test -z "$$out" || { echo "wait for the event instead of sleeping: $$out"; exit 1; }
	@echo "check: go vet"
	@$(call each,go vet ./...)
	@echo "check: golangci-lint: code, comments, sizes, import table (its first run takes a minute or two to build)"
	@$(call each,$(GOLANGCI) run ./...)
	@echo "check: go mod tidy, go mod verify"
	@$(call each,go mod tidy -diff && go mod verify)
	@echo "check: the Go code of README.md and docs"
	@go run ./cmd/internal/snippets
	@echo "check: README's program from a module outside, and what it compiles in"
	@go run ./cmd/internal/outside
	@echo "check: all good"

# A whole run writes the tables and plots of docs/performance.md; a part of one is printed alone.
bench: ## measure Herald beside bare clients and peers in under 20 minutes, and write docs/performance.md; BROKER=kafka WORK=publish prints a part
ifeq ($(BROKER)$(WORK),)
	@cd integration && go run ./cmd/bench -within 18m -render
else
	@cd integration && go run ./cmd/bench -out ../.cache/bench/part $(if $(BROKER),-broker $(BROKER)) $(if $(WORK),-work $(WORK))
endif

bench-all: ## the same with every size and along every axis of growth, for hours
	@cd integration && go run ./cmd/bench -grid all $(if $(BROKER)$(WORK),-out ../.cache/bench/part,-render) $(if $(BROKER),-broker $(BROKER)) $(if $(WORK),-work $(WORK))

bench-compare: ## measure Herald as it is beside Herald at BASE, with benchstat
	@cd integration && go run ./cmd/bench -base $(BASE) $(if $(BROKER),-broker $(BROKER)) $(if $(WORK),-work $(WORK))

# Maven Central's own checksums are checked by Maven; the jar that runs, here too.
PERF_TEST := 2.22.1
PERF_TEST_SHA256 := 57b2057b56f582e88bd5f89a2c7c4507139b48bfb80a23b5e12809f31aba8acf
perf-test: ## fetch RabbitMQ PerfTest with Maven, which make bench then measures too
	@rm -rf .cache/perf-test .cache/perf-test-new && mkdir -p .cache/perf-test-new
	@mvn -q -B -f integration/bench/perf-test.xml -Dperf-test.version=$(PERF_TEST) dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory=$(CURDIR)/.cache/perf-test-new
	@echo "$(PERF_TEST_SHA256)  .cache/perf-test-new/perf-test-$(PERF_TEST).jar" | sha256sum -c -
	@mv .cache/perf-test-new .cache/perf-test

bench-code: ## measure the envelope, messaging, schemas, and each adapter beside the bare client of its broker
	@go test -run '^$$' -bench . -benchmem -benchtime 1s -count 3 ./envelope/... ./pkg/messaging/... ./adapters/memory/... ./schema/...
	@cd integration && go test -run '^$$' -bench . -benchmem -benchtime 20000x -count 3 -timeout 30m ./bench/...

stress: ## run Watermill's suite for the bridge in its stress variant, for an hour or so
	@cd integration && HERALD_TEST_WATERMILL_STRESS=1 go test -tags stress -timeout 3h ./watermill

fuzz: ## run every fuzz target in turn for FUZZTIME
	@go run ./cmd/internal/fuzz -time $(FUZZTIME)

up: ## start RabbitMQ, Kafka and Redis, in Docker or else as processes, and wait until they serve
	@go run ./cmd/internal/brokers up

down: ## remove those brokers and what they hold
	@go run ./cmd/internal/brokers down
