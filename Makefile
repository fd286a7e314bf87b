# Throughline. `make help` explains every target.
SHELL := /bin/sh
GO ?= go
MODULES := ./pkg/... ./services/... ./dashboards/...
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS := -s -w -X main.version=$(VERSION)
LIBCHDB := deploy/embedded/node_modules/.package-lock.json
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help build demo up test race lint fuzz bench chaos golden clean libchdb

help: ## Explain every target
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: libchdb ## Build bin/throughline and fetch the embedded ClickHouse engine
	@echo "building bin/throughline"
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/throughline ./services/cmd/throughline

libchdb: $(LIBCHDB) ## Fetch the embedded ClickHouse engine (npm, version locked)

$(LIBCHDB): deploy/embedded/package.json deploy/embedded/package-lock.json
	@deploy/embedded/fetch

demo: build ## Run everything in one process with the demo portfolio: http://127.0.0.1:8080
	@bin/throughline up --demo

up: build ## Run everything in one process, empty: http://127.0.0.1:8080
	@bin/throughline up

test: libchdb ## Run all tests on the real engines, and print a summary
	@$(GO) test $(TESTFLAGS) $(MODULES)

race: libchdb ## Run all tests under the race detector
	@$(GO) test -race $(TESTFLAGS) $(MODULES)

lint: ## Check formatting, go vet and the linters of .golangci.yml
	@test -z "$$(gofmt -l pkg services dashboards)" || { echo "gofmt would change:"; gofmt -l pkg services dashboards; exit 1; }
	@$(GO) vet $(MODULES)
	@$(GO) run $(GOLANGCI) run $(MODULES)

fuzz: ## Fuzz every decoder for FUZZTIME each (default 20s)
	@deploy/ci/fuzz $${FUZZTIME:-20s}

bench: build ## Measure ingestion and projection beside the limits of their parts; prints a table
	@bin/throughline bench

chaos: build ## Kill the process at random moments under load (KILLS, default 200) and check that nothing is lost or doubled
	@bin/throughline bench chaos --kills $${KILLS:-200}

golden: libchdb ## Rewrite the golden files that tests compare with
	@$(GO) test ./pkg/... ./services/... -run Golden -update

clean: ## Remove what was built (not the data)
	@rm -rf bin artefacts
