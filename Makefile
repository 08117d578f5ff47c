# Each target says what it does; `make` alone prints them. What they run stands in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=

GO_BUILD := CGO_ENABLED=0 go build -ldflags='-s -w'

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/vedette and bin/vedette-scanner, static
	$(GO_BUILD) -o bin/vedette ./cmd/vedette
	$(GO_BUILD) -o bin/vedette-scanner ./cmd/vedette-scanner

.PHONY: test
test: ## everything, on both databases; as root installs what it needs (ARGS: packages, such as ./internal/api/...)
	scripts/test $(ARGS)

.PHONY: lint
lint: ## gofmt, go vet, golangci-lint (fetched into bin/tools)
	scripts/lint

.PHONY: bench
bench: ## every benchmark, and comparisons with other tools where they are installed (ARGS: packages)
	scripts/bench $(ARGS)

.PHONY: fuzz
fuzz: ## every fuzz target for 10 min, resumable (ARGS=--short: 20 s each; --jobs N at once; FUZZTIME=…; ARGS=--again: from the start)
	scripts/fuzz $(ARGS)

.PHONY: detection-templates
detection-templates: ## what of a template collection loads and is found (COLLECTION=PATH; ARGS: -verbose, -count N)
	scripts/templates $(COLLECTION) $(ARGS)

.PHONY: demo
demo: build ## a whole service with real targets, scanned and reported (ARGS=--exit stops it at the end)
	scripts/demo $(ARGS)

.PHONY: crash
crash: ## kill server, scanner and PostgreSQL in mid-scan, CRASHES=20 times each
	scripts/crash $(ARGS)

.PHONY: chaos
chaos: ## three servers, three scanners, 50 scans: kill any process at any moment, KILLS=100 times
	scripts/chaos $(ARGS)

.PHONY: openapi
openapi: build ## write api/openapi.json and the client made from it
	mkdir -p api
	bin/vedette openapi > api/openapi.json.new && mv api/openapi.json.new api/openapi.json
	go generate ./client

.PHONY: setup
setup: ## install the Debian packages that building, testing and the demo need
	scripts/setup test demo

.PHONY: clean
clean: ## remove what was built; data under var/ stays
	rm -rf bin demo
