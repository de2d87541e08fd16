package csvfhir

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// TestOfficeNames: the lists of the systems that offices have are read without a mapping of one's own. Behind each column stands what it is; a
// column without that is unmapped.
func TestOfficeNames(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, columns string }{
		{"people", "PAT_ID, PAT_MRN_ID=mrn, PAT_NAME=full_name, BIRTH_DATE=birth_date, SEX_C, ADD_LINE_1=address1, CITY=city, ZIP=zip, HOME_PHONE=phone_home, EMAIL_ADDRESS=email"},
		{"people", "patientid=mrn, patient firstname=first_name, patient lastname=last_name, patientdob=birth_date, patientsex=sex, patient address1=address1, " +
			"patient homephone=phone_home, patient mobile no=phone_cell, primary insurance package name=insurance, primary insurance id no=insurance_id"},
		{"people", "Patient Acct No=mrn, Patient Name=full_name, Patient DOB=birth_date, Patient Gender=sex, PCP Name=provider, Last Appt Date"},
		{"people", "ID=mrn, First Name=first_name, Last Name=last_name, DOB=birth_date, Primary Ins Policy Company Name=insurance, Primary Ins Policy Number=insurance_id, Work Phone Ext"},
		{"people", "id, chart_id=mrn, first_name=first_name, last_name=last_name, date_of_birth=birth_date, patient_status=active"},
		{"people", "PERSON_ID, MRN=mrn, NAME_LAST=last_name, NAME_FIRST=first_name, BIRTH_DT_TM=birth_date, SEX_CD_DISP=sex, RACE_CD_DISP=race, STREET_ADDR=address1, PHONE_NUM=phone"},
		{"people", "person_nbr=mrn, last_name=last_name, date_of_birth=birth_date, expired_ind=deceased, primarycare_prov_name=provider"},
		{"people", "Patient MRN=mrn, Patient's Last Name=last_name, D.O.B.=birth_date, M/F=sex, Tel. (H)=phone_home, Tel. (C)=phone_cell"},
		{"meds", "Patient Acct No=mrn, Patient Name=full_name, Drug Name=drug, Formulation=form, Take=dose, Route=route, Dispense=quantity, Refills=refills, Duration"},
		{"vaccinations", "IIS Patient ID=mrn, Patient DOB=birth_date, Vaccination Date=date, CVX=cvx, Lot #=lot, Dose #=dose_number, Administering Clinic=location"},
		{"labs", "SPECIMEN#=accession, PATIENT NAME=full_name, COLL DT=collected, TEST=test_name, RESULT=value, REF INTERVAL=range"},
		{"labs", "patient_id=mrn, first_name=first_name, last_name=last_name, test_date=collected, test_type=test_name, test_result=value, specimen_type=specimen, ordering_provider=provider"},
		{"labs", "Patient ID=mrn, Analyte Name=test_name, Result=value, Units=units"},
		{"meds", "PatientID=mrn, Medication=drug, Dosage=dose, Frequency=frequency, Quantity=quantity, Issue Date=written, Doctor Name=provider"},
		{"people", "PatientID=mrn, FirstName=first_name, LastName=last_name, DOB=birth_date, InsuranceProvider=insurance, MemberID=insurance_id"},
		// The unit of a bare number stands in the name alone: nobody reads it without being asked.
		{"vaccinations", "MRN=mrn, Date=date, Vaccine=vaccine, Dose (mL)"},
	} {
		var columns, want []string
		for _, x := range strings.Split(c.columns, ", ") {
			name, is, known := strings.Cut(x, "=")
			if columns = append(columns, name); !known {
				is = name
			}
			want = append(want, is)
		}
		x := set.Find("list.csv", "", columns)
		if x == nil {
			t.Errorf("%s: no mapping knows it", c.columns)
			continue
		}
		if x.Table.Name != c.kind {
			t.Errorf("%s is read as %s, not as %s", c.columns, x.Table.Name, c.kind)
		}
		if d := cmp.Diff(want, x.Names); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.columns, d)
		}
	}
}

// TestOthers: lists that have columns of patients' lists and are not of patients are read by no mapping.
func TestOthers(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for columns, kind := range map[string]string{
		"disease_id,name,description,icd10_code":                           "",
		"Name,Test,Result,Units":                                           "",
		"Name,DOB,Test,Result,Units":                                       "labs",
		"Patient Name,Test,Result,Units":                                   "labs",
		"MRN,Name,Test,Result,Units":                                       "labs",
		"doctor_id,hospital_id,first_name,last_name,date_of_birth,address": "",
		"patient_id,doctor_id,first_name,last_name,date_of_birth,address":  "people",
		"first_name,last_name,date_of_birth,doctor_id":                     "people",
		"Name,DOB,Phone":                                                   "people",
		// What any list has makes nothing a problem or an appointment.
		"patient_id,scheduled_at,task_type,description,priority,status": "",
		"patient_id,date,code,description":                              "",
		"patient_id,description,start_date,status":                      "",
		"patient_id,diagnosis,start_date,status":                        "problems",
		"patient_id,description,icd10":                                  "problems",
		"patient_id,start,stop,code,description":                        "",
		"patient_id,start,type,description":                             "",
		"patient_id,visit_date,duration":                                "appointments",
		"patient_id,date,time,provider":                                 "appointments",
		// A visit is an encounter, a booked one an appointment; a list with neither is none of them.
		"encounter_id,patient_id,encounter_date,encounter_type":                  "visits",
		"admission_id,patient_id,admit_date,discharge_date,department":           "visits",
		"patient_id,name,age,ward,bed,admission_date,primary_diagnosis":          "visits",
		"aufnahme_id;patient_id;triage_stufe;zeit_ankunft;zeit_entlassung":       "",
		"patient_id,start,end,department":                                        "",
		"patient_id,visit_date,visit_type,visit_id":                              "appointments",
		"note_id,patient_id,encounter_id,note_date,note_type,provider,note_text": "note_list",
		"patient_id,date,type,content":                                           "",
		"START,STOP,PATIENT,ENCOUNTER,CODE,WHAT":                                 "",
		"id,name,email,phone,age,weight,notes,created_at,last_visit":             "",
		"patient_id,full_name,document_id,age,registration_date,clinical_notes":  "",
		// The number of a row is no patient's.
		"ID,Test,Result,Units":                        "",
		"ID,Patient ID,Test,Result,Units":             "labs",
		"patient_id,timestamp,heart_rate,systolic_bp": "vitals",
		"patient_id,timestamp,temperature":            "",
	} {
		x := set.Find("list.csv", "", strings.Split(columns, ","))
		if x == nil && kind != "" || x != nil && x.Table.Name != kind {
			t.Errorf("%s: %+v, want %q", columns, x, kind)
		}
	}
}

// TestWhose: where names of columns do not tell whose number and name stand in a row, the cells do.
func TestWhose(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, kind, names string }{
		{"ID,Patient,Diagnosis,Onset\nv1,p-9,Asthma,2026-01-02\nv2,p-9,Gout,2026-01-03\n", "problems", "ID,mrn,description,onset"},
		{"ID,Patient,Diagnosis,Onset\nv1,Fern Exampleton,Asthma,2026-01-02\n", "problems", "ID,full_name,description,onset"},
		{"Patient,MRN,Diagnosis,Onset\np-9,77,Asthma,2026-01-02\n", "problems", "Patient,mrn,description,onset"},
		// A visit's Name is the house's, if it holds no names of people.
		{"PATIENT,NAME,CITY,VISIT DATE,TIME\np-9,LAKE CLINIC 2 LLC,Lakeside,2026-01-02,10:30\n", "", ""},
		{"PATIENT,NAME,CITY,VISIT DATE,TIME\np-9,Fern Exampleton,Lakeside,2026-01-02,10:30\n", "appointments", "mrn,full_name,city,date,time"},
		{"paciente_id,nombre,fecha_nacimiento,sexo\n1,Elena Ejemplo Prueba,1980-01-02,F\n", "people", "mrn,full_name,birth_date,sex"},
		{"paciente_id,nombre,fecha_nacimiento,sexo\n1,Elena,1980-01-02,F\n", "", ""},
	} {
		f, err := csvtab.Open("list.csv", csvtab.Bytes([]byte(c.text)), csvtab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := set.FindIn("list.csv", f.Tables[0])
		if err != nil {
			t.Fatal(err)
		}
		kind, names := "", ""
		if x != nil {
			kind, names = x.Table.Name, strings.Join(x.Names, ",")
		}
		if kind != c.kind || names != c.names {
			t.Errorf("%q is %q (%s), want %q (%s)", c.text, kind, names, c.kind, c.names)
		}
	}
}

// TestVitals: the unit of a vital sign stands in the name of its column; a word says why there is no number, and a number of another unit is invalid.
func TestVitals(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	table := "MRN,Date,Pulse,SBP,DBP,Temp F,Weight lbs\nEX-1,2026-03-04,72 bpm,,82,98.6,>300\nEX-1,2026-03-05,refused,120,80,37 C,\n"
	o := convert.Options{To: "fhir", TempDir: t.TempDir()}
	out := convertTables(t, set, []*convert.File{inMemory("v.csv", table)}, &o, set.Named(officeName))
	text := strings.Join(out.lines, "\n")
	for _, want := range []string{
		`"valueQuantity":{"value":72,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}`,
		`"dataAbsentReason":{"text":"refused"}`,
		`"code":"8480-6"}]},"dataAbsentReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"unknown"}]}`,
		`"valueQuantity":{"value":98.6,"unit":"[degF]","system":"http://unitsofmeasure.org","code":"[degF]"}`,
		`"valueQuantity":{"value":300,"comparator":">","unit":"[lb_av]"`,
		`"dataAbsentReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"error"}]}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `"value":37,`) {
		t.Error("37 of another unit is a temperature in °F")
	}
	want := []map[string]string{
		{"mrn": "EX-1", "taken": "2026-03-04", "heart_rate": "72", "diastolic": "82", "temp_f": "98.6", "weight_lb": ">300"},
		{"mrn": "EX-1", "taken": "2026-03-05", "heart_rate": "refused", "systolic": "120", "diastolic": "80"},
	}
	for i, row := range out.tables["vitals"] {
		for name, value := range row {
			if value != want[i][name] {
				t.Errorf("row %d comes back with %s %q, want %q", i, name, value, want[i][name])
			}
		}
	}
	if got := len(out.tables["vitals"]); got != len(want) {
		t.Errorf("%d rows come back: %v", got, slices.Sorted(maps.Keys(out.tables)))
	}
}

// TestBlank: a table without a name and a row is empty, and nobody is asked for a mapping of it.
func TestBlank(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"\n\n,,,\n": "CP-CNV-003 r.csv", "\xef\xbb\xbf\n": "CP-CNV-003 r.csv", "Colour,Length\n": "CP-CSV-050 r.csv"} {
		o := convert.Options{To: "fhir", TempDir: t.TempDir()}
		out := convertTables(t, set, []*convert.File{inMemory("r.csv", text)}, &o, nil)
		if !slices.Equal(out.rejected, []string{want}) {
			t.Errorf("%q: %v, want %s", text, out.rejected, want)
		}
	}
}

// TestOwnNames: a mapping of one's own knows a column by the names that stand in it and no others: which those are was somebody's decision.
func TestOwnNames(t *testing.T) {
	set, err := NewSet(parsed(t, people))
	if err != nil {
		t.Fatal(err)
	}
	x := set.Find("list.csv", "", []string{"MRN", "DOB", "Patient First Name", "Birth Date"})
	if x == nil || !slices.Equal(x.Names, []string{"MRN", "DOB", "Patient First Name", "Birth Date"}) || x.Table.of.BuiltIn {
		t.Errorf("%+v", x)
	}
}

// TestPairsFit: a pair of functions that cannot fill the place to which its row leads is a fault of the mapping, not of every row of a table.
func TestPairsFit(t *testing.T) {
	const head = "---\nname: M\nmatches: {format: csv}\nfiles:\n  people: {headers: [MRN], key: MRN}\n  shots: {headers: [Patient, Vaccine]}\n---\n" +
		"table people -> Patient\nMRN  ST  identifier[system='https://maple.example/mrn'].value\n\ntable shots -> Immunization\nVaccine  ST  vaccineCode.text\n'completed'  ST  status\n"
	for row, fault := range map[string]string{
		"Patient  ref(people)          patient":                                "",
		"Patient  ref(people/Patient)  patient":                                "",
		"Patient  ref(people)          encounter":                              "FHIR does not let encounter lead to a Patient: it may lead to Encounter; of Immunization that is patient",
		"Patient  ref(people)          performer.actor":                        "it may lead to Practitioner",
		"Patient  ref(people)          lotNumber":                              "ref makes Reference, and lotNumber is a string; of Immunization that is patient",
		"Patient  ref(people)          extension(us-core-race).valueReference": "",
		"Nurse    NAME                 performer.actor.display":                "NAME makes HumanName, and performer.actor.display is a string",
	} {
		set, err := NewSet(parsed(t, head+row+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		switch err := set.Mappings[0].Check(); {
		case fault == "" && err != nil:
			t.Errorf("%s: %v", row, err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("%s: %v, want %s", row, err, fault)
		}
	}
}

// TestDisagree: what rows say differently of one person is told by row and column, and never by value.
func TestDisagree(t *testing.T) {
	for _, c := range []struct{ mapping, text, want string }{
		{results, "MRN,Name,DOB,Test,Result\n7,\"Lee, Ann\",1960-03-04,Glucose,5\n7,\"Lee, Ann\",1961-03-04,Glucose,6\n",
			"CP-CSV-057 r.csv:3, row 3: it says something else of one Patient than row 2: DOB"},
		{"", "Patient ID,Last Name,First Name,Test,Result,Home Phone\n7,Lee,Ann,Glucose,5,555-0100\n7,Li,Ann,Glucose,6,555-0101\n",
			"CP-CSV-057 r.csv:3, row 3: it says something else of one Patient than row 2: Last Name, Home Phone"},
	} {
		var own []string
		if c.mapping != "" {
			own = append(own, c.mapping)
		}
		set, err := NewSet(parsed(t, own...))
		if err != nil {
			t.Fatal(err)
		}
		m := set.Mappings[0]
		if c.mapping == "" {
			m = set.Named(officeName)
		}
		o := convert.Options{To: "fhir", TempDir: t.TempDir()}
		out := convertTables(t, set, []*convert.File{inMemory("r.csv", c.text)}, &o, m)
		var got []string
		for _, rec := range out.records {
			for _, f := range rec.Findings {
				got = append(got, string(f.ID)+" "+f.Place.String()+": "+f.Message())
			}
		}
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("findings %v, want %s", got, c.want)
		}
	}
}

// TestColumnsTogether: what a cell says may need the rest of its column, or of its table: it is never guessed from the cell alone.
func TestColumnsTogether(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	const people = "MRN,Last Name,DOB,"
	for _, c := range []struct{ name, text, has, hasNot string }{
		{"a point before three digits where numbers have decimal commas", "MRN;Test;Result;Units\n7;Glukose;5,4;mmol/l\n7;Leukozyten;11.200;/ul\n", `"valueString":"11.200"`, `11.2,`},
		{"and where they have none", "MRN;Test;Result;Units\n7;Glucose;5.4;mmol/l\n7;Gravity;1.020;x\n", `"value":1.020`, `"valueString"`},
		{"a range of thousands", "MRN;Test;Result;Range\n7;Glukose;5,4;\n7;Leukozyten;9;4.000-10.000\n", `"text":"4.000-10.000"`, `"low"`},
		{"a number of thousands", "MRN;Medikament;Einnahme;Menge\n7;Probol;1x;1,5\n8;Probol;2x;1.000\n", `"value":1.5`, `"value":1.0`},
		{"both marks say which is the point", "MRN;Test;Result;Units\n7;Glukose;5,4;mmol/l\n7;Leukozyten;11.200,5;/ul\n7;Platelets;250,100.5;/ul\n", `"value":11200.5`, `"valueString"`},
		{"M beside H is mujer", people + "Sexo\n1,A,1970-01-02,M\n2,B,1970-01-03,H\n", `"gender":"female"`, ""},
		{"H beside F is homme", people + "Sexe\n1,A,1970-01-02,H\n2,B,1970-01-03,F\n", `"gender":"male"`, ""},
		{"M alone in Sexo may be either", people + "Sexo\n1,A,1970-01-02,M\n", `"gender":"unknown","_gender":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/alternate-codes","valueCodeableConcept":{"text":"M"}}]}`, ""},
		{"M beside F in Sexo", people + "Sexo\n1,A,1970-01-02,M\n2,B,1970-01-02,F\n", `"gender":"male"`, ""},
		{"M alone in Sex", people + "Sex\n1,A,1970-01-02,M\n", `"gender":"male"`, ""},
		{"M beside both", people + "Sex\n1,A,1970-01-02,M\n2,B,1970-01-02,F\n3,C,1970-01-02,H\n", `"text":"M"`, `"gender":"male"},{"`},
		{"German letters", people + "Geschlecht\n1,A,1970-01-02,w\n", `"gender":"female"`, ""},
		{"a column Patient with names", "Patient,DOB,Date,Vaccine\n\"Testa, Ann\",1970-01-02,2026-01-03,MMR\n", `"family":"Testa"`, ""},
		{"a column Patient with numbers beside an MRN", "MRN,Patient,Date,Vaccine\n7,1234,2026-01-03,MMR\n", `"value":"7"`, "1234"},
		{"Name beside first names is the last name", "Name;Vorname;Geburtsdatum\nMuster;Eva;1970-01-02\n", `"family":"Muster"`, `"text"`},
		{"Name beside first names is the whole name", "Name,First Name,DOB\nEva Muster,Eva,1970-01-02\n", `"text":"Eva Muster"`, `"family"`},
	} {
		o := convert.Options{To: "fhir", TempDir: t.TempDir()}
		out := convertTables(t, set, []*convert.File{inMemory("r.csv", c.text)}, &o, set.Named(officeName))
		got := strings.Join(out.lines, "\n")
		if !strings.Contains(got, c.has) || c.hasNot != "" && strings.Contains(got, c.hasNot) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// TestOnePatient: the lists of an office, whose numbers have no system, have one patient for each number, with what any of the lists says of him.
func TestOnePatient(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := []*convert.File{inMemory("p.csv", "MRN,Last Name,First Name,DOB,Phone\n7,Lee,Ann,1960-03-14,555-0100\n8,Roe,Bo,1961-03-14,555-0101\n"),
		inMemory("l.csv", "MRN,Last Name,Test,Result\n7,Lee,Glucose,5\n7,Lee,Sodium,140\n8,Roe,Glucose,6\n")}
	for _, to := range []string{"fhir", "ndjson"} {
		o := convert.Options{To: to, TempDir: t.TempDir()}
		out := convertTables(t, set, files, &o, set.Named(officeName))
		n := map[string]int{}
		for _, rec := range out.records {
			for _, r := range rec.Resources {
				n[r.Type()]++
			}
			if len(rec.Findings) > 0 {
				t.Errorf("%s: %v", to, rec.Findings)
			}
		}
		if n["Patient"] != 2 || n["Observation"] != 3 {
			t.Errorf("%s: %v", to, n)
		}
	}
}

// TestSharedCharacters: columns of fixed width that overlap are a fault of the mapping.
func TestSharedCharacters(t *testing.T) {
	_, err := NewSet(parsed(t, "---\nname: M\nbase: registry\nmatches: {format: csv}\nfiles:\n  client:\n    fixed: [phone 560-572]\n---\n"))
	if err == nil || !strings.Contains(err.Error(), "client: phone and sending_organization share characters") {
		t.Error(err)
	}
}

// TestDollars: what an amount in US dollars may look like in a column of dollars, and what is none.
func TestDollars(t *testing.T) {
	for in, want := range map[string]string{
		"129.16": "129.16", "$1,334.88": "1334.88", "$ 12": "12", "$1,334": "1334", "US$5": "5", "USD 12": "12", "12 USD": "12", "1,334 USD": "1334", "-$20": "-20", "$-20.50": "-20.50", "-20": "-20",
		"($15.50)": "-15.50", "$0.00": "0.00", "($0.00)": "0.00", "$.50": "0.50", "1.334,88": "1334.88", "$1,234,567.89": "1234567.89",
		"$2,71,227.08": "271227.08", "11,85,00,200.00": "118500200.00", "1,234,567": "1234567", "12,34,567": "1234567",
		"1,23": "1.23", "123,45,678.0": "", "1,23,45": "", "1,2345,678": "", "1,234,56": "", "0,123,456": "",
		"1,334": "", "$": "", "": "", "12 EUR": "", "€12": "", "(12": "", "-$-1": "", "(-1)": "", "$12 per visit": "", "$1,33": "1.33", "free": "", "$$5": "", "USD 5 USD": "", "(": "",
	} {
		if got := inDollars(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
