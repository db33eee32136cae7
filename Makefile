# The door of the project: `make help` lists every target.
# CI calls `make test` and nothing else.

VERSION := $(shell cat VERSION 2>/dev/null || echo 0.1.0)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

include native/flags.mk

GO      ?= go
GOFLAGS := -tags=$(GOTAGS) -buildvcs=false
export GOFLAGS CGO_CPPFLAGS CGO_CXXFLAGS CGO_LDFLAGS

LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.DEFAULT_GOAL := help
.PHONY: help deps build run test unit race lint fmt clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: deps ## compile bin/agent
	$(GO) build -buildmode=pie -ldflags '$(LDFLAGS)' -o bin/agent ./cmd/agent

unit: deps ## Go and C++ tests
	$(GO) test ./...

race: deps ## the Go tests under the race detector
	$(GO) test -race ./...

clean: ## delete everything that was built
	rm -rf bin dist .cache
