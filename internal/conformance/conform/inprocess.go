package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
	_ "time/tzdata"

	"github.com/chartpost/chartpost/converters/v2fhir"
	"github.com/chartpost/chartpost/internal/conformance"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// inProcess converts messages with the packages of this module, without a build of the program.
func inProcess() (conformance.Converter, error) {
	maps, err := mapping.NewMaps(v2fhir.Tables(), nil)
	if err != nil {
		return nil, err
	}
	return func(path, zone string) ([][]byte, error) {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var out [][]byte
		var rejected error
		o := &convert.Options{From: "hl7v2", To: "fhir", Zone: loc, Jobs: 1}
		err = convert.Run(context.Background(), v2fhir.Format(maps), convert.FHIR(), bytes.NewReader(b), path, o, func(r *convert.Result) error {
			if r.Rejected != nil {
				rejected = fmt.Errorf("rejected: %w", r.Rejected)
			}
			for _, p := range r.Parts {
				out = append(out, bytes.Clone(p.Data))
			}
			return nil
		})
		if err == nil && len(out) == 0 {
			err = rejected
		}
		return out, err
	}, nil
}
