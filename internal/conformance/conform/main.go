// Command conform measures Chartpost against the guide, the pairs of other projects and the official validator.
//
//	conform guide DIR                    the guide's rows as text files, for whoever writes tables
//	conform coverage [-v] [-all]         the guide's rows that no row of ours covers, by field and element
//	conform observed                     which places of a message other projects map where
//	conform pairs [-v] [-top N] [-suite NAME] [-structure NAME] [-only TEXT] [-back]
//	conform select DIR                   copies the corpus' messages of the structures that we convert
//	conform referee [-top N] [-most N] DIR...  the official validator over FHIR files that we made
//	conform validator [-v]               our validator against the official one's test suite, by module
//	conform views [-report FILE]         the test suite of SQL on FHIR, and its report as its implementations publish it
//	conform clinical [-v] [-top N] [-suite NAME] [-only TEXT] [-back]   pairs of clinical documents and FHIR
//	conform ccda [-nth N] [-most N] DIR BACK  clinical documents and what came back of them, by the referee for C-CDA
//	conform ccda-validate [-nth N] [DIR] our check of clinical documents against the official schema and schematrons
//	conform gather DIR                   the official examples of FHIR as a few records of one patient each
//	conform ledgers [-top N] [-messages DIR] FILE...  what became of the values, from ledgers
//
// What is measured is the program -chartpost FILE or $CHARTPOST_BIN; without either, pairs convert within this process. The
// shared folder is that of the tests. Exit status: 0 measured, or not possible here, which is said; 1 a measurement failed; 2 usage.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chartpost/chartpost/internal/conformance"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// commands are the measurements in the order of the help.
var commands = []struct {
	name string
	run  func(args []string) error
}{
	{"guide", guide},
	{"coverage", coverage},
	{"observed", observed},
	{"pairs", pairs},
	{"select", selectCorpus},
	{"referee", referee},
	{"validator", validator},
	{"ledgers", ledgers},
	{"ccda", ccda},
	{"clinical", clinical},
	{"gather", gather},
	{"ccda-validate", ccdaValidate},
	{"views", views},
}

// errUsage ends the run with status 2.
var errUsage = errors.New("usage: conform guide, coverage, observed, pairs, select, referee, validator, ledgers, ccda, clinical, gather, ccda-validate or views, with its arguments")

func main() {
	err := errUsage
	if len(os.Args) > 1 {
		for _, c := range commands {
			if c.name == os.Args[1] {
				err = c.run(os.Args[2:])
			}
		}
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(1)
	}
}

// noShared says that the measurement is not possible here; that is no failure.
func noShared(what string) error {
	fmt.Printf("%s: skipped, no shared folder here (set CHARTPOST_SHARED)\n", what)
	return nil
}

func guide(args []string) error {
	shared := testshared.Find()
	if len(args) != 1 {
		return errUsage
	}
	if shared == "" {
		return noShared("guide")
	}
	rows, err := conformance.ReadGuideDir(shared)
	if err != nil {
		return err
	}
	codes, err := conformance.ReadCodesDir(shared)
	if err != nil {
		return err
	}
	return conformance.RenderGuide(args[0], rows, codes)
}

func gather(args []string) error {
	shared := testshared.Find()
	if len(args) != 1 {
		return errUsage
	}
	if shared == "" {
		return noShared("gather")
	}
	records, err := conformance.GatherExamples(shared, 8)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	for i, b := range records {
		if err := os.WriteFile(filepath.Join(args[0], fmt.Sprintf("gathered-%d.json", i+1)), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func coverage(args []string) error {
	fs := flag.NewFlagSet("coverage", flag.ExitOnError)
	verbose := fs.Bool("v", false, "list the rows that are not covered")
	all := fs.Bool("all", false, "all maps of the guide, not only those that our structures need")
	only := fs.String("map", "", "only maps whose names contain this")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("coverage")
	}
	rows, err := conformance.ReadGuideDir(shared)
	if err != nil {
		return err
	}
	files, faults := v2Tables()
	need := conformance.MapsOf(rows, conformance.Structures)
	for _, r := range rows {
		if *all && r.Kind != "message" {
			need[r.Map] = true
		}
		if !strings.Contains(r.Map, *only) {
			delete(need, r.Map)
		}
	}
	conformance.PrintCoverage(os.Stdout, conformance.Coverage(rows, files), need, *verbose)
	return faults
}

// v2Tables are the built-in tables of HL7 v2 as they stand in their files. What could be read of one with a fault is there too.
func v2Tables() (files []*mapping.File, faults error) {
	names, err := filepath.Glob(filepath.Join(testshared.Root(), "converters", "v2fhir", "*.map"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := mapping.ParseFile(filepath.Base(name), b)
		if err != nil {
			faults = errors.Join(faults, err)
		}
		if f != nil {
			files = append(files, f)
		}
	}
	return files, faults
}

func observed(args []string) error {
	shared := testshared.Find()
	if len(args) != 0 {
		return errUsage
	}
	if shared == "" {
		return noShared("observed")
	}
	list, err := conformance.ReadPairs(shared, "hl7->fhir")
	if err != nil {
		return err
	}
	return conformance.Observed(os.Stdout, list)
}

// binary is the flag for the program that is measured.
func binary(fs *flag.FlagSet) *string {
	return fs.String("chartpost", os.Getenv("CHARTPOST_BIN"), "the program that is measured")
}

func pairs(args []string) error {
	fs := flag.NewFlagSet("pairs", flag.ExitOnError)
	bin := binary(fs)
	verbose := fs.Bool("v", false, "list the most frequent misses")
	top := fs.Int("top", 40, "how many paths of each suite -v lists")
	suite := fs.String("suite", "", "only this suite")
	structure := fs.String("structure", "", "only this message structure, such as ORU_R01")
	only := fs.String("only", "", "only pairs whose file names contain this")
	back := fs.Bool("back", false, "FHIR to HL7 v2 instead")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("pairs")
	}
	if !*verbose {
		*top = 0
	}
	direction, kind := "hl7->fhir", "v2-to-fhir"
	if *back {
		direction, kind = "fhir->hl7", "fhir-to-v2"
	}
	list, err := conformance.ReadPairs(shared, direction)
	if err != nil {
		return err
	}
	forth := func(path, zone string) ([][]byte, error) {
		out, err := runProgram(*bin, path, "fhir", zone)
		if err != nil {
			return nil, err
		}
		return bytes.Split(bytes.TrimSpace(out), []byte("\n")), nil
	}
	if *bin == "" {
		if *back {
			return fmt.Errorf("pairs -back needs a program: -chartpost FILE")
		}
		if forth, err = inProcess(); err != nil {
			return err
		}
	}
	var results []conformance.PairResult
	for _, p := range list {
		if *suite != "" && p.Suite != *suite || *structure != "" && p.Structure != *structure || !strings.Contains(p.Input+p.Expected, *only) {
			continue
		}
		if *back {
			results = append(results, conformance.CompareBackPair(p, func(path string) ([]byte, error) {
				return runProgram(*bin, path, "hl7v2", "UTC")
			}))
			continue
		}
		results = append(results, conformance.ComparePair(p, forth))
	}
	conformance.Report(os.Stdout, kind, results, *top)
	return nil
}

// runProgram runs the program on one file. What it wrote counts even if it found something wrong.
func runProgram(bin, path, to, zone string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(bin, "convert", path, "--to", to, "--tz", zone, "--quiet")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fmt.Errorf("%w: %s", err, first)
	}
	return out.Bytes(), nil
}

func selectCorpus(args []string) error {
	shared := testshared.Find()
	if len(args) != 1 {
		return errUsage
	}
	if shared == "" {
		return noShared("select")
	}
	counts, err := conformance.SelectCorpus(shared, args[0], conformance.Structures)
	for _, s := range conformance.Structures {
		fmt.Printf("%s: %d files\n", s, counts[s])
	}
	return err
}

func referee(args []string) error {
	fs := flag.NewFlagSet("referee", flag.ExitOnError)
	top := fs.Int("top", 50, "how many kinds of error to list")
	most := fs.Int("most", 0, "how many errors are allowed")
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("referee")
	}
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Printf("referee: skipped, no %s here\n", tool)
			return nil
		}
	}
	r, err := conformance.RunReferee(shared, fs.Args())
	if err != nil {
		return err
	}
	r.Print(os.Stdout, *top)
	if r.Errors > *most {
		return fmt.Errorf("the referee found %d errors, and at most %d are allowed", r.Errors, *most)
	}
	return nil
}

func validator(args []string) error {
	fs := flag.NewFlagSet("validator", flag.ExitOnError)
	verbose := fs.Bool("v", false, "list every case on which we do not agree, and why")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("validator")
	}
	cases, err := conformance.ValidatorCases(shared)
	if err != nil {
		return err
	}
	fmt.Print(conformance.ValidatorTable(cases))
	if *verbose {
		why := conformance.Disagreements()
		for _, c := range cases {
			if !c.Agrees() {
				fmt.Printf("%s (%s): %s\n", c.Name, c.Module, why[c.Name])
			}
		}
	}
	return nil
}

// ccda measures documents and what came back of them.
func ccda(args []string) error {
	fs := flag.NewFlagSet("ccda", flag.ExitOnError)
	nth := fs.Int("nth", 8, "run the rules over every nth document; 0 is none")
	most := fs.Int("most", 0, "how many documents may break a rule that they did not break before")
	if err := fs.Parse(args); err != nil || fs.NArg() != 2 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("ccda")
	}
	trip, err := conformance.RunRoundTrip(shared, fs.Arg(0), fs.Arg(1), *nth)
	if err != nil {
		return err
	}
	trip.Print(os.Stdout)
	return trip.Check(*most)
}

// clinical compares pairs of clinical documents and FHIR by content.
func clinical(args []string) error {
	fs := flag.NewFlagSet("clinical", flag.ExitOnError)
	verbose := fs.Bool("v", false, "list the most frequent misses")
	top := fs.Int("top", 40, "how many paths of each suite -v lists")
	suite := fs.String("suite", "", "only this suite")
	only := fs.String("only", "", "only pairs whose file names contain this")
	back := fs.Bool("back", false, "FHIR to documents instead")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("clinical")
	}
	if !*verbose {
		*top = 0
	}
	direction, kind, compare := "CDA->FHIR", "ccda-fhir", conformance.CompareClinicalPair
	if *back {
		direction, kind, compare = "FHIR->CDA", "fhir-ccda", conformance.CompareClinicalBackPair
	}
	list, err := conformance.ReadClinicalPairs(shared, direction)
	if err != nil {
		return err
	}
	convert, err := documents()
	if err != nil {
		return err
	}
	var results []conformance.PairResult
	for _, p := range list {
		if (*suite == "" || p.Suite == *suite) && strings.Contains(p.Input+p.Expected, *only) {
			results = append(results, compare(p, convert))
		}
	}
	conformance.Report(os.Stdout, kind, results, *top)
	return nil
}

func ccdaValidate(args []string) error {
	fs := flag.NewFlagSet("ccda-validate", flag.ExitOnError)
	nth := fs.Int("nth", 6, "ask the official schema and schematrons about every nth document; they take a second or two for each")
	if err := fs.Parse(args); err != nil || fs.NArg() > 1 || *nth < 1 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("ccda-validate")
	}
	dir := filepath.Join(shared, "corpus", "ccda")
	if fs.NArg() == 1 {
		dir = fs.Arg(0)
	}
	a, err := conformance.CompareCCDA(shared, dir, *nth)
	if err != nil {
		return err
	}
	a.Print(os.Stdout)
	return nil
}

func ledgers(args []string) error {
	fs := flag.NewFlagSet("ledgers", flag.ExitOnError)
	top := fs.Int("top", 20, "how many places of each state to list")
	messages := fs.String("messages", "", "the folder of the sources, to tell the message structures apart")
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 {
		return errUsage
	}
	var s conformance.LedgerStats
	if *messages != "" {
		s.KindOf = conformance.MessageKinds(*messages)
	}
	for _, name := range fs.Args() {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = s.Read(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.Print(os.Stdout, *top)
	return nil
}
