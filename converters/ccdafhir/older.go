package ccdafhir

// Before C-CDA the same statements had the templates of CCD 1.0 (HL7, 2.16.840.1.113883.10.20.1), of HITSP C32 and C83, and of IHE's Patient Care
// Coordination and laboratory reports (XD-LAB), by which documents are still written, in Europe above all. What is one of C-CDA's statements by
// another name is read by the same tables: their rows name these templates beside those of C-CDA, and this list does so for the code.
//
// Where a country or the European Union gives them templates of its own instead, these stand here too: else its problems and allergies were
// observations that nobody finds.
//
// An allergy of IHE's has the template of a problem too, and vital signs of CCD 1.0 that of results: the more special one counts.

const (
	ccd1 = "2.16.840.1.113883.10.20.1."
	pcc  = "1.3.6.1.4.1.19376.1.5.3.1.4."
	ehds = "1.3.6.1.4.1.12559.11.10.1.3.1.3." // the patient summary of eHDSI, between the countries of Europe
	fse  = "2.16.840.1.113883.2.9.10.1."      // Italy: 4.3 the patient summary, 6 the letter of an emergency department, 11 the vaccinations
)

// older are these templates, by that of C-CDA.
var older = map[string][]string{
	entries + "1":  {ccd1 + "32", "1.3.6.1.4.1.19376.1.3.1.4", fse + "6.45"},                         // Result Organizer, Laboratory Battery Organizer
	entries + "3":  {ccd1 + "27", pcc + "5.2", fse + "4.3.4.1"},                                      // Problem Act, Problem Concern
	entries + "4":  {ccd1 + "28", pcc + "5", ehds + "7", fse + "4.3.4.2"},                            // Problem Observation, Problem Entry
	entries + "6":  {ccd1 + "50", pcc + "1.1"},                                                       // Problem Status
	entries + "7":  {ccd1 + "18", pcc + "6", ehds + "17", fse + "4.3.1.3"},                           // Alert Observation, Allergy or Intolerance
	entries + "8":  {ccd1 + "55", pcc + "1"},                                                         // Severity
	entries + "9":  {ccd1 + "54"},                                                                    // Reaction
	entries + "20": {ccd1 + "49"},                                                                    // Patient Instruction
	entries + "26": {ccd1 + "35", pcc + "13.1", fse + "4.3.8.1", fse + "6.90"},                       // Vital Signs Organizer
	entries + "28": {ccd1 + "39", pcc + "1.1"},                                                       // Alert Status
	entries + "30": {pcc + "5.3", ehds + "16", fse + "4.3.1.1"},                                      // Allergy and Intolerance Concern
	entries + "31": {ccd1 + "38"},                                                                    // Age
	entries + "45": {ccd1 + "23", pcc + "15"},                                                        // Family History Organizer
	entries + "52": {pcc + "12", "2.16.840.1.113883.3.88.11.83.13", fse + "4.3.3.1", fse + "11.4.1"}, // Immunization
	entries + "60": {ccd1 + "20", pcc + "17"},                                                        // Coverage
	entries + "61": {ccd1 + "26", pcc + "18"},                                                        // Policy, Payer
	entries + "64": {ccd1 + "40"},                                                                    // Comment
}
