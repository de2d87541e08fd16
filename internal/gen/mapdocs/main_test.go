package main

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestPage(t *testing.T) {
	pages, err := build(fstest.MapFS{
		"v2fhir/al1.map":   {Data: []byte("# What both have.\ntable AL1|IAM -> AllergyIntolerance\n3  CWE  code\n\ntable IAM -> AllergyIntolerance\n7  EI  identifier\n")},
		"v2fhir/codes.map": {Data: []byte("codes 0001 sys from src  # sex\nF  female\n> A|x  other  # as *O*\nN  -  no answer\n")},
		"v2fhir/pid.map": {Data: []byte("# Patient.\n# PID[Patient]\n\nsystem sys http://a.example/\n\n# The patient.\ntable PID -> Patient\n1  -  set id\n8  0001  gender  with 2=a|b if no 3\n" +
			"# between\n> 9  XPN[]  name -> X  # back\nelse 'x'  ID  y\n- id made again\n5 CWE+0001 z\n\ntable XPN -> HumanName|Y\n1 date(x) family\n2 ID 'a'\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"README.md": "# The mappings\n\nWhat each format's rows say, one page for each mapping file, made from the files by internal/gen/mapdocs. " +
			"[The row language](../rows.md) explains the words; `chartpost explain PID-8` shows the rows of one place.\n" + `
## HL7 v2

| file | rows | codes | what it holds |
|---|---:|---:|---|
| [al1.map](v2fhir/al1.md) | 2 |  | AL1, IAM |
| [codes.map](v2fhir/codes.md) |  | 3 | 0001 |
| [pid.map](v2fhir/pid.md) | 8 |  | PID, XPN |
`,
		"v2fhir/al1.md": `<!-- Made from converters/v2fhir/al1.map by internal/gen/mapdocs. DO NOT EDIT. -->
# al1.map

<a id="al1"></a>
<a id="iam"></a>
## AL1, IAM -> AllergyIntolerance

What both have.

| HL7 v2 | type | FHIR | when | note |
|---|---|---|---|---|
` + "| `3` | CWE | `code` |  |  |" + `

## IAM -> AllergyIntolerance

| HL7 v2 | type | FHIR | when | note |
|---|---|---|---|---|
` + "| `7` | EI | `identifier` |  |  |" + `
`,
		"v2fhir/codes.md": `<!-- Made from converters/v2fhir/codes.map by internal/gen/mapdocs. DO NOT EDIT. -->
# codes.map

<a id="0001"></a>
## codes 0001

sex

From ` + "`src`. To `sys`." + `

| code | FHIR | note |
|---|---|---|
| ` + "`F` | `female`" + ` |  |
| ` + "`A\\|x` | `other`" + ` | to FHIR only: as \*O\* |
| ` + "`N`" + ` | *no counterpart* | no answer |
`,
		"v2fhir/pid.md": `<!-- Made from converters/v2fhir/pid.map by internal/gen/mapdocs. DO NOT EDIT. -->
# pid.map

Patient.
PID\[Patient\]

| system | URI |
|---|---|
| ` + "`sys` | `http://a.example/`" + ` |

<a id="pid"></a>
## PID -> Patient

The patient.

| HL7 v2 | type | FHIR | when | note |
|---|---|---|---|---|
| ` + "`1`" + ` |  | *not taken over* |  | set id |
| ` + "`8` | [0001](codes.md#0001) | `gender` | with `2=a\\|b` if `no 3`" + ` |  |

between

| HL7 v2 | type | FHIR | when | note |
|---|---|---|---|---|
| ` + "`9` | [XPN](#xpn), each | `name -> X`" + ` |  | to FHIR only: back |
| else ` + "`'x'` | ID | `y`" + ` |  |  |
| *not taken over* |  | ` + "`id`" + ` |  | made again |
| ` + "`5` | CWE + [0001](codes.md#0001) | `z`" + ` |  |  |

<a id="xpn"></a>
## XPN -> HumanName, Y

| HL7 v2 | type | FHIR | when | note |
|---|---|---|---|---|
| ` + "`1` | date(x) | `family`" + ` |  |  |
| ` + "`2` | ID | `'a'`" + ` |  |  |
`,
	}
	got := map[string]string{}
	for name, text := range pages {
		got[name] = string(text)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
