//go:build deps

// Package deps keeps the modules of DESIGN.md section 6 in go.mod while the packages that import them are being written.
package deps

import (
	_ "c2sp.org/CCTV/age"
	_ "filippo.io/age"
	_ "filippo.io/age/armor"
	_ "github.com/charmbracelet/huh"
	_ "github.com/go-json-experiment/json"
	_ "github.com/go-json-experiment/json/jsontext"
	_ "github.com/google/fhir/go/jsonformat"
	_ "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/uuid"
	_ "github.com/klauspost/compress/flate"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/schollz/progressbar/v3"
	_ "github.com/spf13/cobra/doc"
	_ "golang.org/x/crypto/ssh"
	_ "golang.org/x/term"
	_ "golang.org/x/text/encoding/japanese"
	_ "golang.org/x/text/unicode/norm"
	_ "gopkg.in/yaml.v3"
)
