# Every target works on a fresh machine: what it needs, it asks `deps` for first.
SHELL := /bin/bash
GO ?= go
BIN := bin/aiperf
FUZZTIME ?= 5s
LDFLAGS := -s -w
# The race detector and ZeroMQ both need cgo.
export CGO_ENABLED := 1

.PHONY: all deps test-deps build demo test bench lint docs fuzz clean

all: build

deps: ## install what the machine lacks: a C compiler, pkg-config, libzmq's development files
	@scripts/deps.sh
	@$(GO) mod download

build: deps ## bin/aiperf
	@mkdir -p bin
	$(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN) ./launcher

demo: build ## a whole benchmark against the embedded server
	./$(BIN) demo

test-deps: ## what some tests need beside that: Python with pyzmq and msgpack
	@scripts/test-deps.sh

test-tokenizers: test-deps ## tokenizers of five models and the reference libraries, for the specs that compare
	@scripts/test-tokenizers.sh

test: deps test-deps test-tokenizers ## everything, with the race detector
	$(GO) vet ./...
	@color=; [ -t 1 ] || color=--no-color; set -x; $(GO) tool ginkgo run $$color --race --procs=2 --timeout=15m --poll-progress-after=90s ./...
	$(GO) test -count=1 ./plugins/tokenizers # the tokenizers of models, which the detector would make take minutes

bench: build ## figures of the whole program, then of the hot paths
	$(GO) run ./test/bench -aiperf $(BIN)
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-tokenizers: deps test-tokenizers ## encoding and decoding next to the reference library, in one run
	AIPERF_BENCH_TOKENIZERS=1 $(GO) test ./plugins/tokenizers -run TestTokenizers -ginkgo.focus 'beside the reference' -ginkgo.v -v -count=1

lint: deps ## formatting and vet
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...

docs: deps ## rewrite the generated references (flags, environment, metrics, protocol)
	$(GO) generate ./...
	$(GO) test ./config ./metrics ./messages -update

fuzz: deps ## every fuzz target for $(FUZZTIME)
	scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin artifacts
