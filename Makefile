# Go and make are all that `make demo` and `make build` need. `make test` tests everything that can be tested here: what wants a
# tool or the shared corpora skips with a message where they are absent.

GO       ?= go
BIN      ?= bin/chartpost
RELEASE  ?=
PKG      := github.com/chartpost/chartpost
LDFLAGS  := -s -w $(if $(RELEASE),-X $(PKG)/cmd/chartpost/internal/cli.release=$(RELEASE))
TARGETS  := windows/amd64 windows/arm64 darwin/amd64 darwin/arm64 linux/amd64 linux/arm64
FUZZTIME ?= 20s
BENCH    ?= .
LISTS    := $(addprefix pkg/hl7v2/schema/,structures.txt segments.txt datatypes.txt) pkg/terminology/codes.csv pkg/validate/cda/rules.txt pkg/seal/page/page_gen.js
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

export CGO_ENABLED = 0
# The same flag for builds, tests and tools, so that they share what was compiled: the FHIR messages take more than a minute.
# HTTP/2 stays out: what is put to a server or fetched from it is one file at a time, and it would weigh 0.34 MB.
# What is not on a hot path is compiled without inlining, which makes the binary 1 MB smaller.
COLD     := github.com/google/fhir/go/... google.golang.org/protobuf/... net/http net crypto/tls crypto/x509 golang.org/x/crypto/ssh/... \
            github.com/pkg/sftp github.com/spf13/... gopkg.in/yaml.v3 rsc.io/qr/... github.com/schollz/progressbar/v3 $(PKG)/cmd/... $(PKG)/converters/csvfhir $(PKG)/internal/safefile $(PKG)/pkg/seal/... \
            $(addprefix $(PKG)/pkg/,contacts convert diag journal transport mapping/suggest pack sqlview validate validate/cda view) filippo.io/... os encoding/json github.com/go-json-experiment/json encoding/asn1 archive/zip regexp/syntax net/url net/textproto mime/... vendor/... \
            math/big crypto/rsa crypto/ecdsa $(addprefix crypto/internal/fips140/,rsa bigmod ecdsa nistec nistec/fiat)
export GOFLAGS := $(shell $(GO) env GOFLAGS) -trimpath -tags=nethttpomithttp2 $(COLD:%=-gcflags=%=-l)

.PHONY: all build demo test lint bench docs fuzz conformance maps lists cross $(TARGETS:%=cross/%) clean

all: build

build:
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/chartpost

demo: build
	./scripts/demo.sh $(BIN)

test:
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

# gofmt, go vet and the house's own rules need nothing but Go; staticcheck is fetched as a Go module.
lint:
	@out=$$(gofmt -l cmd converters internal pkg); test -z "$$out" || { echo "not formatted:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) test -count=1 ./internal/lint
	$(GO) run $(STATICCHECK) ./...

bench: build
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	./scripts/bench-jq.sh $(BIN)
	./scripts/bench-hl7v2.sh $(BIN)
	GO="$(GO)" ./scripts/bench-seal.sh $(BIN)
	./scripts/bench-validate.sh $(BIN)
	GO="$(GO)" ./scripts/bench-ccda.sh $(BIN)

# Manual pages and completions; a test says when they are not current.
docs:
	$(GO) run ./cmd/chartpost/internal/manpages docs

# Every fuzz target in turn, FUZZTIME each.
fuzz:
	GO='$(GO)' ./scripts/fuzz.sh $(FUZZTIME)

# Measurements against the guide, other projects' pairs and the official validator; they want the shared folder.
conformance: build
	GO='$(GO)' ./scripts/conformance.sh $(BIN)

# Lays out the mapping files and makes the pages of docs/mappings anew.
maps:
	$(GO) run ./cmd/chartpost map fmt -w converters examples
	$(GO) run ./internal/gen/mapdocs

# Packs the lists that the program holds compressed; a test says when one is not current.
lists:
	$(GO) run ./internal/gen/squeeze $(LISTS)

# One target a platform, so that make -j compiles them side by side.
cross: $(TARGETS:%=cross/%)

$(TARGETS:%=cross/%): cross/%:
	GOOS=$(*D) GOARCH=$(*F) $(GO) build -ldflags '$(LDFLAGS)' -o dist/chartpost-$(*D)-$(*F)$(if $(filter windows,$(*D)),.exe) ./cmd/chartpost

clean:
	rm -rf bin dist demo
