package ccdafhir

// This file says what documents and sections are made of where FHIR is the origin: C-CDA R2.1, volume 2, chapters 1 and 2.

// templateOf is a template id with its version; both forms are written, for receivers that know the root alone.
type templateOf struct{ root, version string }

const (
	sectionRoot = "2.16.840.1.113883.10.20.22.2."
	entryRoot   = "2.16.840.1.113883.10.20.22.4."
)

// bornDocument is a type of document: --document names it.
type bornDocument struct {
	name, code, display, title string
	template                   string
	sections                   []string // must be there, and say so where there is no information
	required                   bool     // those sections are the ones with entries required
	encounter                  bool     // must have an encompassing encounter
	service                    string   // class of the service event; empty: none
	performer                  string   // type of its performer, which must be there
}

var bornDocuments = []bornDocument{
	{name: "ccd", code: "34133-9", display: "Summarization of Episode Note", title: "Continuity of Care Document", template: "2", service: "PCPR", required: true,
		sections: []string{"allergies", "medications", "problems", "results", "social", "vitals"}},
	{name: "referral", code: "57133-1", display: "Referral note", title: "Referral Note", template: "14", required: true,
		sections: []string{"problems", "allergies", "medications", "reason", "plan", "assessment"}},
	{name: "discharge", code: "18842-5", display: "Discharge summary", title: "Discharge Summary", template: "8", encounter: true,
		sections: []string{"allergies", "course", "discharge", "plan"}},
	{name: "consultation", code: "11488-4", display: "Consult note", title: "Consultation Note", template: "4", encounter: true, required: true,
		sections: []string{"illness", "allergies", "problems", "reason", "assessment", "plan"}},
	{name: "history", code: "34117-2", display: "History and physical note", title: "History and Physical", template: "3", encounter: true,
		sections: []string{"complaint", "past", "systems", "allergies", "medications", "family", "social", "vitals", "status", "examination", "results", "assessment", "plan"}},
	{name: "progress", code: "11506-3", display: "Progress note", title: "Progress Note", template: "9", encounter: true,
		sections: []string{"assessment", "plan"}},
	{name: "procedure", code: "28570-0", display: "Procedure Note", title: "Procedure Note", template: "6", service: "ACT", performer: "PPRF",
		sections: []string{"complications", "description", "indications", "after", "assessment", "plan"}},
	{name: "operative", code: "11504-8", display: "Surgical operation note", title: "Operative Note", template: "7", service: "PROC", performer: "PPRF",
		sections: []string{"anesthesia", "complications", "before", "blood", "findings", "specimens", "description", "postoperative"}},
	{name: "transfer", code: "18761-7", display: "Transfer summary note", title: "Transfer Summary", template: "13", service: "PCPR", performer: "PRF", required: true,
		sections: []string{"allergies", "medications", "problems", "results", "vitals", "reason", "assessment", "plan"}},
	{name: "careplan", code: "52521-2", display: "Overall plan of care/advance care directives", title: "Care Plan", template: "15", service: "PCPR", performer: "PRF",
		sections: []string{"concerns", "goals"}},
	{name: "imaging", code: "18748-4", display: "Diagnostic imaging study", title: "Diagnostic Imaging Report", template: "5", service: "ACT",
		sections: []string{"imaging"}},
	{name: "unstructured", code: "34133-9", display: "Summarization of Episode Note", title: "Clinical Document", template: "10"},
}

// Documents are the names that --document knows.
func Documents() []string {
	var names []string
	for _, d := range bornDocuments {
		names = append(names, d.name)
	}
	return names
}

// bornSection is a section. Of those with two templates, full is the one that must have entries.
type bornSection struct {
	key, code, title string
	template, full   templateOf
	columns          []string // of the table of its narrative
	translation      string   // a second code that must be there
	none             string   // what it says where its entries stand in a section beside it, for its template does not have them
	promises         bool     // its only template wants entries
}

var bornSections = []bornSection{
	{key: "imaging", code: "59776-5", title: "Findings", template: templateOf{"2.16.840.1.113883.10.20.6.1.2", ""}},
	{key: "reason", code: "42349-1", title: "Reason for Referral", template: templateOf{"1.3.6.1.4.1.19376.1.5.3.1.3.1", "2014-06-09"}},
	{key: "complaint", code: "46239-0", title: "Chief Complaint and Reason for Visit", template: templateOf{sectionRoot + "13", ""}},
	{key: "illness", code: "10164-2", title: "History of Present Illness", template: templateOf{"1.3.6.1.4.1.19376.1.5.3.1.3.4", ""}},
	{key: "course", code: "8648-8", title: "Hospital Course", template: templateOf{"1.3.6.1.4.1.19376.1.5.3.1.3.5", ""}},
	{key: "discharge", code: "11535-2", title: "Discharge Diagnosis", template: templateOf{sectionRoot + "24", "2015-08-01"}, translation: "78375-3"},
	{key: "before", code: "10219-4", title: "Preoperative Diagnosis", template: templateOf{sectionRoot + "34", "2015-08-01"}},
	{key: "postoperative", code: "10218-6", title: "Postoperative Diagnosis", template: templateOf{sectionRoot + "35", ""}},
	{key: "indications", code: "59768-2", title: "Procedure Indications", template: templateOf{sectionRoot + "29", "2014-06-09"}},
	{key: "description", code: "29554-3", title: "Procedure Description", template: templateOf{sectionRoot + "27", ""}},
	{key: "findings", code: "59776-5", title: "Procedure Findings", template: templateOf{sectionRoot + "28", "2015-08-01"}},
	{key: "after", code: "59769-0", title: "Postprocedure Diagnosis", template: templateOf{sectionRoot + "36", "2015-08-01"}},
	{key: "anesthesia", code: "59774-0", title: "Anesthesia", template: templateOf{sectionRoot + "25", "2014-06-09"}},
	{key: "blood", code: "59770-8", title: "Procedure Estimated Blood Loss", template: templateOf{"2.16.840.1.113883.10.20.18.2.9", ""}},
	{key: "specimens", code: "59773-2", title: "Procedure Specimens Taken", template: templateOf{sectionRoot + "31", ""}},
	{key: "complications", code: "55109-3", title: "Complications", template: templateOf{sectionRoot + "37", "2015-08-01"}},
	{key: "allergies", code: "48765-2", title: "Allergies and Adverse Reactions", template: templateOf{sectionRoot + "6", "2015-08-01"},
		full: templateOf{sectionRoot + "6.1", "2015-08-01"}, columns: []string{"Substance", "Reaction", "Criticality", "Status", "Onset"}},
	{key: "medications", code: "10160-0", title: "Medications", template: templateOf{sectionRoot + "1", "2014-06-09"},
		full: templateOf{sectionRoot + "1.1", "2014-06-09"}, columns: []string{"Medication", "Directions", "Status", "Date"}},
	{key: "problems", code: "11450-4", title: "Problems", template: templateOf{sectionRoot + "5", "2015-08-01"},
		full: templateOf{sectionRoot + "5.1", "2015-08-01"}, columns: []string{"Problem", "Status", "Onset", "End"}},
	{key: "concerns", code: "75310-3", title: "Health Concerns", template: templateOf{sectionRoot + "58", "2015-08-01"}, columns: []string{"Concern", "Status", "Onset", "End"}, promises: true},
	{key: "procedures", code: "47519-4", title: "Procedures", template: templateOf{sectionRoot + "7", "2014-06-09"},
		full: templateOf{sectionRoot + "7.1", "2014-06-09"}, columns: []string{"Procedure", "Status", "Date"}},
	{key: "immunizations", code: "11369-6", title: "Immunizations", template: templateOf{sectionRoot + "2", "2015-08-01"},
		full: templateOf{sectionRoot + "2.1", "2015-08-01"}, columns: []string{"Vaccine", "Status", "Date"}},
	{key: "results", code: "30954-2", title: "Results", template: templateOf{sectionRoot + "3", "2015-08-01"},
		full: templateOf{sectionRoot + "3.1", "2015-08-01"}, columns: []string{"Test", "Result", "Status", "Date"}, none: "No results whose state is known"},
	{key: "vitals", code: "8716-3", title: "Vital Signs", template: templateOf{sectionRoot + "4", "2015-08-01"},
		full: templateOf{sectionRoot + "4.1", "2015-08-01"}, columns: []string{"Measurement", "Value", "Date"}},
	{key: "social", code: "29762-2", title: "Social History", template: templateOf{sectionRoot + "17", "2015-08-01"}, columns: []string{"Observation", "Value", "Date"}},
	{key: "family", code: "10157-6", title: "Family History", template: templateOf{sectionRoot + "15", "2015-08-01"}, columns: []string{"Relative", "Condition"}},
	{key: "past", code: "11348-0", title: "Past Medical History", template: templateOf{sectionRoot + "20", "2015-08-01"}},
	{key: "systems", code: "10187-3", title: "Review of Systems", template: templateOf{"1.3.6.1.4.1.19376.1.5.3.1.3.18", ""}},
	{key: "status", code: "10210-3", title: "General Status", template: templateOf{"2.16.840.1.113883.10.20.2.5", ""}},
	{key: "examination", code: "29545-1", title: "Physical Findings", template: templateOf{"2.16.840.1.113883.10.20.2.10", "2015-08-01"}},
	{key: "encounters", code: "46240-8", title: "Encounters", template: templateOf{sectionRoot + "22", "2015-08-01"},
		full: templateOf{sectionRoot + "22.1", "2015-08-01"}, columns: []string{"Encounter", "Reason", "Status", "Begin", "End"}},
	{key: "functional", code: "47420-5", title: "Functional Status", template: templateOf{sectionRoot + "14", "2014-06-09"}, columns: []string{"Observation", "Value", "Date"}},
	{key: "assessment", code: "51848-0", title: "Assessment", template: templateOf{sectionRoot + "8", ""}},
	{key: "plan", code: "18776-5", title: "Plan of Treatment", template: templateOf{sectionRoot + "10", "2014-06-09"}, columns: []string{"Planned", "Status", "Date"}},
	{key: "goals", code: "61146-7", title: "Goals", template: templateOf{sectionRoot + "60", ""}, columns: []string{"Goal", "Status", "Date"},
		none: "No goals that are still aimed at", promises: true},
	{key: "equipment", code: "46264-8", title: "Medical Equipment", template: templateOf{sectionRoot + "23", "2014-06-09"}, columns: []string{"Device", "Identifier"}},
	{key: "directives", code: "42348-3", title: "Advance Directives", template: templateOf{sectionRoot + "21", "2015-08-01"},
		full: templateOf{sectionRoot + "21.1", "2015-08-01"}, columns: []string{"Directive", "Status", "Date"}},
	{key: "payers", code: "48768-6", title: "Payers", template: templateOf{sectionRoot + "18", "2015-08-01"}, columns: []string{"Payer", "Kind", "Member number", "Time"}},
	{key: "team", code: "85847-2", title: "Care Teams", template: templateOf{sectionRoot + "500", "2022-06-01"}, columns: []string{"Member", "Role", "Time"}},
	{key: "notes", code: "34109-9", title: "Notes", template: templateOf{sectionRoot + "65", "2016-11-01"}, columns: []string{"Note", "Date"}},
}
