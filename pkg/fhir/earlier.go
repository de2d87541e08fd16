package fhir

import "slices"

// Records of DSTU2 (FHIR 1.0.2) and STU3 (3.0.2) come from servers and portals to this day. They are not R4, and what is said of them is clearer if it
// says so.

// earlierTypes are types of resources that R4 has no more, or has under another name.
var earlierTypes = []string{"MedicationOrder", "DiagnosticOrder", "DeviceUseRequest", "ProcedureRequest", "ReferralRequest", "ProcessRequest", "ProcessResponse", "BodySite", "Conformance",
	"EligibilityRequest", "EligibilityResponse", "OrderResponse", "Order", "ImagingManifest", "ImagingObjectSelection", "DataElement", "ExpansionProfile", "ServiceDefinition", "DeviceComponent",
	"Sequence"}

// earlierElements are elements by type that R4 has no more, or has under another name.
var earlierElements = map[string][]string{
	"Patient":             {"careProvider", "animal"},
	"Observation":         {"comments", "comment", "reliability", "context", "related"},
	"Condition":           {"patient", "dateRecorded", "notes", "context", "assertedDate"},
	"Immunization":        {"date", "wasNotGiven", "reported", "explanation", "vaccinationProtocol", "notGiven"},
	"AllergyIntolerance":  {"substance", "status", "assertedDate"},
	"Procedure":           {"notPerformed", "request", "notes", "context", "notDone", "notDoneReason", "definition"},
	"MedicationRequest":   {"context", "definition"},
	"MedicationStatement": {"wasNotTaken", "reasonForUseCodeableConcept", "patient", "taken"},
	"Encounter":           {"patient", "indication", "reason"},
	"DiagnosticReport":    {"codedDiagnosis", "request", "context", "image"},
	"DocumentReference":   {"indexed", "class", "created"},
	"Practitioner":        {"practitionerRole"},
	"Goal":                {"targetQuantity", "author"},
	"CarePlan":            {"relatedPlan", "context", "definition"},
	"Coverage":            {"bin", "group", "plan", "grouping"},
}

// Earlier reports that editions before R4 had an element, or the type itself if element is empty, and R4 has not.
func Earlier(typ, element string) bool {
	if element == "" {
		return slices.Contains(earlierTypes, typ)
	}
	return slices.Contains(earlierElements[typ], element)
}

// otherName is the end of a sentence about what R4 has not: that it had it before, else what else may be meant.
func otherName(typ, element, meant string) string {
	if Earlier(typ, element) {
		return wereBefore
	}
	return meant
}

const wereBefore = "; editions of FHIR before R4 had it"

// otherBefore is the end of a sentence about an element that had another form before R4: the family name of DSTU2 was a list, and clinical status was
// a code until STU3.
func otherBefore(element string, is byte) string {
	switch {
	case element == "family" && is == '[', (element == "clinicalStatus" || element == "verificationStatus") && is == '"':
		return wereBefore + " so"
	}
	return ""
}
