package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	_ "time/tzdata"

	"github.com/chartpost/chartpost/converters/ccdafhir"
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

// documents converts clinical documents and FHIR with the packages of this module.
func documents() (conformance.DocumentConverter, error) {
	maps, err := mapping.NewMaps(ccdafhir.Tables(), nil)
	if err != nil {
		return nil, err
	}
	return func(source []byte, name, to string) (out []byte, err error) {
		from, into := ccdafhir.Format(maps), convert.FHIR()
		if to == "ccda" {
			from, into = into, from
		}
		o := &convert.Options{From: from.Name, To: to, Zone: time.UTC, Jobs: 1}
		var rejected error
		err = convert.Run(context.Background(), from, into, bytes.NewReader(source), name, o, func(r *convert.Result) error {
			if r.Rejected != nil {
				rejected = fmt.Errorf("rejected: %w", r.Rejected)
			}
			for _, p := range r.Parts {
				out = append(out, p.Data...)
			}
			return nil
		})
		return out, errors.Join(err, rejected)
	}, nil
}
