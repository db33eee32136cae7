# The doors of the project: `make help` lists them. CI calls make and nothing else.

VERSION := $(shell cat VERSION 2>/dev/null || echo 0.1.0)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

include native/flags.mk

# A Go that is too old, or none, is made good by .ci/go-toolchain under .cache/go.
export PATH := $(CURDIR)/.cache/go/bin:$(PATH)
GO      ?= go
GOFLAGS := -tags=$(GOTAGS) -buildvcs=false
# No path of this machine in the result, which is thus the same everywhere; and
# what Debian asks of a program that parses bytes it does not trust.
PORTABLE := -ffile-prefix-map=$(CURDIR)/= -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
CGO_CFLAGS   += $(PORTABLE)
CGO_CXXFLAGS += $(PORTABLE)
export GO GOFLAGS CGO_CPPFLAGS CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS

LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# What each door needs beyond git and make, in Debian's names.
PACKAGES_BUILD := build-essential ca-certificates $(NATIVE_PACKAGES)
PACKAGES_LINT  := clang-format man-db shellcheck
PACKAGES_TEST  := bash-completion python3-numpy systemd
PACKAGES_COUNT := valgrind
PACKAGES_GST   := gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
PACKAGES_PAGE  := chromium fonts-dejavu-core
PACKAGES_DNN   := python3-opencv
PACKAGES_FUZZ  := clang libclang-rt-14-dev

# Where `make run` keeps what systemd would keep in /run/agent and /var/lib/agent.
RUN_ENV := RUNTIME_DIRECTORY=$(CURDIR)/var/run STATE_DIRECTORY=$(CURDIR)/var/lib

.DEFAULT_GOAL := help
.PHONY: help deps deps-lint deps-test build run test unit hooks race asan instructions gstreamer lint fmt page fuzz bench gobench soak env version clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what the build needs (apt, and Go when there is none new enough)
	@.ci/deps $(PACKAGES_BUILD)
	@.ci/go-toolchain

deps-lint: deps
	@.ci/deps $(PACKAGES_LINT)

deps-test: deps
	@.ci/deps $(PACKAGES_TEST)

build: deps ## compile bin/agent
	$(GO) build -buildmode=pie $(BUILDFLAGS) -ldflags '$(LDFLAGS)' -o bin/agent ./cmd/agent

run: build ## build and run on the cameras found, else on a test pattern (Ctrl-C stops)
	@mkdir -p var/run var/lib
	@printf '%s\n' 'in a browser: http://127.0.0.1:9810' 'programs that read frames (README.md: how) find them by' '  export EDGE_AGENT_RUN=$(CURDIR)/var/run PYTHONPATH=$(CURDIR)/agent/output/ring/python' 'and so does bin/agent status --watch'
	@exec env $(RUN_ENV) bin/agent run $(ARGS)

comma := ,

# What a merge needs, in this order; sections below may add to it.
TEST_STEPS := lint unit hooks race asan instructions
test: ## everything that must hold before a merge, with a summary
	@.ci/test $(TEST_STEPS)

unit: deps-test ## the tests
	$(GO) test $(or $(PKG),./...)
	$(if $(PKG),,$(GO) test -tags $(GOTAGS)$(comma)testhooks ./preproc/worker)

hooks: deps-test ## the tests in which native code crashes on request
	$(GO) test -tags=$(GOTAGS),testhooks -run 'Crash' ./agent

# The race detector does not see into C++, which the sanitizers watch instead; and
# preproc starts no goroutine, but its reference would take minutes.
race: deps-test ## the tests under the race detector
	$(GO) test -race $(or $(PKG),$$($(GO) list ./... | grep -v -e /native -e '/preproc$$'))

# cgo hands -asan to the C compiler only, so the C++ flags say it again. OpenCV
# comes as shared libraries: of its archives, the sanitizers keep every section
# and with them LAPACK's undefined symbols. Go looks for leaks when a test ends.
# native's C++ tests need no target: they are always built with the sanitizers.
# The check of vptr reads through system calls that a worker has given up.
SANITIZE := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
asan: CGO_CXXFLAGS := -std=c++17 $(STRICT) $(SANITIZE)
asan: CGO_LDFLAGS := -fsanitize=address,undefined -lopencv_imgproc -lopencv_core -ljpeg
asan: deps-test ## the native tests, and those of its worker, under AddressSanitizer, LeakSanitizer and UBSan
	$(GO) test -asan -timeout 40m $(or $(PKG),./preproc ./preproc/worker)

instructions: deps-test ## instructions a frame, against the mark (UPDATE=1 makes a new one)
	@.ci/deps $(PACKAGES_COUNT)
	$(GO) test -tags $(GOTAGS)$(comma)callgrind -count 1 -v -run Instructions ./native $(if $(UPDATE),-update)

# Not a step of make test: of the packages, 600 MB are for this alone.
gstreamer: deps-test ## the outputs for GStreamer, read by stock gst-launch-1.0
	@.ci/deps $(PACKAGES_GST)
	$(GO) test -tags $(GOTAGS)$(comma)gstreamer -count 1 -run Stock ./agent/output/gst ./agent/output/ring ./agent

# Not a step of make test either: a browser takes 300 MB.
page: build deps-test ## the status page in a real browser; screenshots in .cache/page, to be looked at
	@.ci/deps $(PACKAGES_PAGE)
	$(GO) test -tags $(GOTAGS)$(comma)page -count 1 ./agent/page

# Unpacked and not installed, for Debian's package would start a service here.
PACKAGES_PROMETHEUS := prometheus
TEST_STEPS += prometheus
.PHONY: prometheus
prometheus: deps-test ## the metrics, the alerts and the dashboard, with real Prometheus
	@.ci/unpack .cache/prometheus $(PACKAGES_PROMETHEUS)
	PATH='$(CURDIR)/.cache/prometheus/usr/bin':"$$PATH" \
		$(GO) test -tags $(GOTAGS)$(comma)prometheus -count 1 -v -run 'Prometheus|Promtool|AlertsFire' ./agent/metrics ./agent

# With the tags of the tests that need a VM or a camera, which are code too.
lint: GOFLAGS := -tags=$(GOTAGS),e2e,deb,dnn,v4l2real,callgrind,gstreamer,page,prometheus -buildvcs=false
lint: deps-lint ## gofmt, vet, staticcheck, clang-format, shellcheck, man pages, words
	@.ci/lint

fmt: deps-lint ## format Go and C++ in place
	"$$($(GO) env GOROOT)/bin/gofmt" -w $$(git ls-files -co --exclude-standard '*.go')
	git ls-files -co --exclude-standard 'native/*.h' 'native/*.cc' 'agent/output/ring/c/*.[ch]' | xargs -r clang-format -i

FUZZTIME ?= 20s
fuzz: deps-test ## each fuzz target for FUZZTIME (20s)
	@.ci/fuzz $(FUZZTIME)
	@.ci/deps $(PACKAGES_FUZZ)
	@.ci/fuzz-native $(FUZZTIME)

# Of the other ways to preprocess, what apt cannot install is left out.
PACKAGES_BENCH := ffmpeg gstreamer1.0-plugins-base gstreamer1.0-plugins-good libgstreamer-plugins-base1.0-dev \
	libopencv-calib3d-dev libopencv-imgcodecs-dev libyuv-dev pkg-config valgrind
BENCH_FLAGS = $(if $(JOBS),-jobs '$(JOBS)') $(if $(ROUNDS),-rounds $(ROUNDS)) $(if $(INSTRUCTIONS),-instructions) \
	$(if $(JOBS),,-readme native/bench/README.md -paced 10s)

bench: build ## us and the other ways, on the same frames; the table of native/bench/README.md (JOBS='NV12,bgr' for some, without the table; ROUNDS=9 INSTRUCTIONS=1)
	@.ci/deps $(PACKAGES_BENCH) || true
	GOTAGS=$(GOTAGS) .ci/bench $(BENCH_FLAGS)

gobench: deps-test ## the Go benchmarks (PKG=./dir BENCH=pattern), or with BASE=revision those of the preprocessor against it
	$(if $(BASE),.ci/gobench '$(BASE)' $(or $(PKG),./preproc) '$(or $(BENCH),.)',\
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem $(or $(PKG),./...))

.PHONY: bench-ring soak-ring
bench-ring: build ## what readers of frames get and cost, and hostile ones: the numbers of native/bench/README.md (SECONDS=10 a row)
	$(GO) build -o bin/bench-ring ./agent/output/ring/bench
	bin/bench-ring $(if $(SECONDS),-seconds $(SECONDS))

.PHONY: example
example: deps-test ## the example that detects with OpenCV (installs python3-opencv), on a model made by hand
	@.ci/deps $(PACKAGES_DNN)
	$(GO) test -tags $(GOTAGS)$(comma)dnn -count 1 -v -run ExampleDetects ./agent/output/ring

READS ?= 1e7
soak-ring: deps-test ## READS (1e7) frames read while they are written over, and none torn
	$(GO) test -count 1 -v -timeout 60m -run NoTornFrame ./agent/output/ring -args -reads=$(READS)

SOAK ?= 10m
soak: build ## run the agent for SOAK (10m) and watch its memory, descriptors and threads
	@.ci/soak $(SOAK)

env: ## print exports, for editors and for go by hand, to be eval'ed
	@printf "export PATH='%s':\"\$$PATH\"\n" '$(CURDIR)/.cache/go/bin'
	@printf "export %s='%s'\n" GOFLAGS '$(GOFLAGS)' CGO_CPPFLAGS '$(CGO_CPPFLAGS)' \
		CGO_CFLAGS '$(CGO_CFLAGS)' CGO_CXXFLAGS '$(CGO_CXXFLAGS)' CGO_LDFLAGS '$(CGO_LDFLAGS)'

version: ## the version that a build would carry
	@echo $(VERSION) $(COMMIT)

clean: ## delete what was built or run here
	rm -rf bin dist var

distclean: clean ## clean, and forget downloads and images
	rm -rf .cache

# The Debian package.
PACKAGES_DEB := debhelper dpkg-dev

DEB = $(CURDIR)/dist/edge-agent_$(VERSION)_$(shell dpkg --print-architecture).deb
TEST_STEPS += deb-test

.PHONY: deb deb-again deb-test
deb: deps ## dist/edge-agent_VERSION_ARCH.deb, as git and the compiler have it, bit for bit (ARCH=arm64 as root, by cross compiler)
	@.ci/deps $(PACKAGES_DEB) $(if $(ARCH),mmdebstrap)
	$(if $(ARCH),systemd/cross.sh '$(ARCH)',systemd/deb.sh) '$(VERSION)' '$(COMMIT)'

# Somewhere else, in another time zone, language and umask.
deb-again: deb
	@mkdir -p .cache/deb-again
	umask 027; TZ=Pacific/Kiritimati LC_ALL=C DEB_BUILD=.cache/deb-again/elsewhere DEB_OUT=.cache/deb-again \
		systemd/deb.sh '$(VERSION)' '$(COMMIT)' >.cache/deb-again/log 2>&1 || { tail .cache/deb-again/log; exit 1; }

deb-test: deb deb-again ## the package: small, hardened, lintian-clean, reproducible, with debug symbols
	@.ci/deps lintian gdb
	DEB='$(DEB)' DEB_AGAIN='$(CURDIR)/.cache/deb-again' $(GO) test -tags $(GOTAGS)$(comma)deb -count 1 -v \
		-run 'Package|Program|DebugSymbols|Lintian|Reproducible' ./systemd

# Needs root, for a Debian with cross compilers under .cache/cross (1.1 GB, once).
DEB_ARM64 = $(CURDIR)/dist/edge-agent_$(VERSION)_arm64.deb
.PHONY: arm64
arm64: deb ## the package for arm64, and its program, emulated, on the same frames as this machine's
	$(MAKE) deb ARCH=arm64
	@.ci/deps lintian gdb qemu-user-static
	DEB='$(DEB)' DEB_ARM64='$(DEB_ARM64)' DEB_ARM64_ROOT='$(CURDIR)/.cache/cross/arm64' \
		$(GO) test -tags $(GOTAGS)$(comma)deb -count 1 -v -run ARM64 ./systemd
	DEB='$(DEB_ARM64)' $(GO) test -tags $(GOTAGS)$(comma)deb -count 1 -v \
		-run 'PackageIsSmall|PackageHas|Hardened|FewLibraries|DebugSymbols|Lintian' ./systemd

# No registry is asked: the base is a Debian made here. Needs root.
PACKAGES_CONTAINER := buildah mmdebstrap podman runc
CONTAINER_BASE     := .cache/container/base.tar
.PHONY: container
container: deb ## systemd/Containerfile built and run by Podman, with its health check
	@.ci/deps $(PACKAGES_CONTAINER)
	@mkdir -p $(dir $(CONTAINER_BASE))
	@test -e $(CONTAINER_BASE) || mmdebstrap --quiet --variant=apt --include=libjpeg62-turbo,libstdc++6,systemd-standalone-sysusers bookworm $(CONTAINER_BASE)
	DEB='$(DEB)' CONTAINER_BASE='$(CURDIR)/$(CONTAINER_BASE)' CONTAINER_STORE='$(CURDIR)/.cache/container' \
		$(GO) test -tags $(GOTAGS)$(comma)deb -count 1 -v -run Container ./systemd

# The installed package under systemd, with the kernel's camera drivers, in a
# virtual machine: systemd/e2e. Needs root; installs QEMU when it is missing.
E2E_ENV = PATH='$(CURDIR)/.cache/prometheus/usr/bin':"$$PATH" E2E_DEB='$(DEB)' \
	E2E_TESTHOOKS='$(CURDIR)/.cache/e2e/agent-testhooks'
TEST_STEPS += e2e-short

.PHONY: e2e e2e-short e2e-build docs-test vm
e2e-build: deb
	$(GO) test -tags e2e -c -o .cache/e2e/e2e.test ./systemd/e2e

e2e: e2e-build ## every proof in the virtual machine (RUN=TestFaults for some); logs in .cache/e2e/logs
	$(GO) build -buildmode=pie -tags $(GOTAGS),testhooks -o .cache/e2e/agent-testhooks ./cmd/agent
	@.ci/unpack .cache/prometheus $(PACKAGES_PROMETHEUS)
	cd systemd/e2e && $(E2E_ENV) ../../.cache/e2e/e2e.test -test.timeout 40m -test.skip '^(TestShortForm|TestLifecycleShort)$$' -test.run '$(or $(RUN),.)'

e2e-short: e2e-build ## the main ways in the virtual machine, the life of the package and the documents' commands in a container, in three minutes
	cd systemd/e2e && $(E2E_ENV) ../../.cache/e2e/e2e.test -test.timeout 10m -test.run '^(TestShortForm|TestLifecycleShort|TestDocuments|TestReload)$$'

.PHONY: lifecycle
lifecycle: e2e-build ## install, upgrade, remove, purge; bad configs; drop-ins; each way to end: what consumers miss
	cd systemd/e2e && $(E2E_ENV) ../../.cache/e2e/e2e.test -test.timeout 15m -test.run '^(TestLifecycle|TestDropIns|TestEndings|TestEndingsByTheKernel)$$'

# Each fault that a device has to live with, and what it cost. The short form
# needs no virtual machine: a container has systemd, but no cameras.
FAULTS = cd systemd/e2e && ../../.cache/e2e/bin/faults -deb '$(DEB)' -hooks '$(CURDIR)/.cache/e2e/agent-testhooks' \
	-report '$(CURDIR)/.cache/e2e/logs/faults.txt' $(if $(RUN),-rows '$(RUN)') $(if $(TIMES),-times $(TIMES))
TEST_STEPS += faults-short

.PHONY: faults faults-short faults-build
faults-build: deb
	$(GO) build -buildmode=pie -tags $(GOTAGS),testhooks -o .cache/e2e/agent-testhooks ./cmd/agent
	CGO_ENABLED=0 $(GO) build -o .cache/e2e/bin/faults ./systemd/e2e/faults

faults: faults-build ## the whole campaign of faults, and one table of what they cost (RUN=vivid, TIMES=3)
	$(FAULTS)

faults-short: faults-build ## its main rows, without a virtual machine
	$(FAULTS) -short

docs-test: e2e-build ## the commands of README and man pages, in a container and a machine with the installed package
	cd systemd/e2e && $(E2E_ENV) ../../.cache/e2e/e2e.test -test.timeout 15m -test.run '^TestDocuments'

vm: ## a shell in the virtual machine, or RUN='COMMAND ARG...'
	$(GO) run ./systemd/e2e/vm $(RUN)
