package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
)

// What is looked through to find out whom files are about. More than that is for --about: it would take longer than sealing.
const (
	aboutFile  = 16 << 20
	aboutTotal = 64 << 20
)

// patientsIn lists the patients that files of the known formats name, each once. It is here that sealing, which knows nothing of health
// records, meets the formats, which know nothing of packages. Files that cannot be read so say nothing; that is no fault.
func patientsIn(ctx context.Context, sources *pack.Sources) ([]journal.Patient, error) {
	formats, err := converters.Formats(nil)
	if err != nil {
		return nil, err
	}
	var list []journal.Patient
	total := int64(0)
	for src := range sources.Files() {
		if src.Size() > aboutFile || total+src.Size() > aboutTotal {
			continue
		}
		total += src.Size()
		for _, p := range patientsOf(ctx, src.Path, formats) {
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b journal.Patient) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Birth, b.Birth), cmp.Compare(a.MRN, b.MRN))
	})
	return list, nil
}

func patientsOf(ctx context.Context, path string, formats *convert.Formats) (list []journal.Patient) {
	f, err := os.Open(path)
	if err != nil {
		return nil // sealing says so
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, convert.SniffLen)
	head, _ := in.Peek(convert.SniffLen)
	format := formats.Detect(path, head)
	if format == nil || format.NewWorker == nil {
		return nil
	}
	o := &convert.Options{To: "ndjson"}
	worker := format.NewWorker(o)
	for raw, err := range format.Read(in, path, o) {
		if err != nil || ctx.Err() != nil {
			break
		}
		if raw.Index == 0 || raw.Reject != nil {
			continue
		}
		list = append(list, patientsOfRecord(worker, raw)...)
	}
	return list
}

// patientsOfRecord reads one record. One that the tables break on names nobody; converting it would say why.
func patientsOfRecord(w convert.Worker, raw *convert.Raw) (list []journal.Patient) {
	defer func() { _ = recover() }()
	rec, err := w.ToHub(raw)
	if err != nil {
		return nil
	}
	for _, r := range rec.Resources {
		if r.Type() != "Patient" {
			continue
		}
		data, err := fhir.Append(nil, r.Msg)
		if err != nil {
			continue
		}
		if p := patientOf(data); p.Name != "" {
			list = append(list, p)
		}
	}
	return list
}

// patientOf takes from a FHIR Patient what an accounting needs to find it by: the official name or the first, the birth date, and the
// identifier that is a medical record number or the first.
func patientOf(data []byte) journal.Patient {
	var x struct {
		Name []struct {
			Use, Text, Family string
			Given             []string
		}
		BirthDate  string
		Identifier []struct {
			Value string
			Type  struct{ Coding []struct{ Code string } }
		}
	}
	if json.Unmarshal(data, &x) != nil {
		return journal.Patient{}
	}
	var p journal.Patient
	for _, n := range x.Name {
		text := strings.TrimSpace(strings.Join(append(slices.Clone(n.Given), n.Family), " "))
		if text == "" {
			text = n.Text
		}
		if p.Name == "" || n.Use == "official" {
			p.Name = visible(text)
		}
		if n.Use == "official" {
			break
		}
	}
	p.Birth = visible(x.BirthDate)
	for _, id := range x.Identifier {
		mr := len(id.Type.Coding) > 0 && id.Type.Coding[0].Code == "MR"
		if p.MRN == "" || mr {
			p.MRN = visible(id.Value)
		}
		if mr {
			break
		}
	}
	return p
}

// visible is a text that a terminal and a page can show, cut to one line.
func visible(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if !pack.IsLine(s) {
		return ""
	}
	return s
}
