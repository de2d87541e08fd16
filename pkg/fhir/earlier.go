package fhir

import "slices"

// Records of DSTU2 (FHIR 1.0.2) and STU3 (3.0.2) come from servers and portals to this day, and those of R5 have begun to. They are not R4, and what is
// said of them is clearer if it says so.

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

// laterTypes are types of resources that came with R4B or R5 (5.0.0).
var laterTypes = []string{"ActorDefinition", "AdministrableProductDefinition", "ArtifactAssessment", "BiologicallyDerivedProductDispense", "Citation", "ClinicalUseDefinition",
	"ConditionDefinition", "DeviceAssociation", "DeviceDispense", "DeviceUsage", "EncounterHistory", "EvidenceReport", "FormularyItem", "GenomicStudy", "ImagingSelection", "Ingredient",
	"InventoryItem", "InventoryReport", "ManufacturedItemDefinition", "MedicinalProductDefinition", "NutritionIntake", "NutritionProduct", "PackagedProductDefinition", "Permission",
	"RegulatedAuthorization", "Requirements", "SubscriptionStatus", "SubscriptionTopic", "SubstanceDefinition", "TestPlan", "Transport"}

// laterElements are elements by type that came with R5. A CodeableReference, which it has in many places, has concept and reference.
var laterElements = map[string][]string{
	"CodeableConcept":          {"concept", "reference"},
	"Reference":                {"concept"},
	"AllergyIntolerance":       {"participant"},
	"Appointment":              {"class", "cancellationDate", "subject", "recurrenceTemplate", "virtualService", "replaces", "note", "reason"},
	"Condition":                {"participant"},
	"Coverage":                 {"kind", "paymentBy", "insurancePlan"},
	"DiagnosticReport":         {"note", "study", "procedure", "supportingInfo", "composition"},
	"DocumentReference":        {"version", "modality", "attester", "bodySite", "basedOn", "event", "facilityType", "practiceSetting", "period"},
	"Encounter":                {"subjectStatus", "careTeam", "actualPeriod", "plannedStartDate", "plannedEndDate", "virtualService", "admission"},
	"Immunization":             {"administeredProduct", "informationSource", "supportingInformation", "basedOn"},
	"Location":                 {"form", "virtualService", "characteristic", "contact"},
	"MedicationAdministration": {"medication", "isSubPotent", "occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"},
	"MedicationDispense":       {"medication", "recorded", "notPerformedReason"},
	"MedicationRequest":        {"medication", "informationSource", "device", "renderedDosageInstruction", "effectiveDosePeriod", "statusChanged"},
	"MedicationStatement":      {"medication", "adherence", "relatedClinicalInformation", "renderedDosageInstruction"},
	"Observation":              {"triggeredBy", "bodyStructure", "instantiatesCanonical", "instantiatesReference"},
	"Organization":             {"description", "qualification"},
	"Practitioner":             {"deceasedBoolean", "deceasedDateTime"},
	"PractitionerRole":         {"contact", "availability", "characteristic", "communication"},
	"Procedure":                {"occurrenceDateTime", "occurrencePeriod", "occurrenceString", "recorded", "reportedBoolean", "supportingInfo"},
	"ServiceRequest":           {"focus", "bodyStructure"},
	"Specimen":                 {"combined", "role", "feature"},
}

// later reports that R5 has an element, or the type itself if element is empty, and R4 has not.
func later(typ, element string) bool {
	if element == "" {
		return slices.Contains(laterTypes, typ)
	}
	return slices.Contains(laterElements[typ], element)
}

// Earlier reports that editions before R4 had an element, or the type itself if element is empty, and R4 has not.
func Earlier(typ, element string) bool {
	if element == "" {
		return slices.Contains(earlierTypes, typ)
	}
	return slices.Contains(earlierElements[typ], element)
}

// otherName is the end of a sentence about what R4 has not: that an edition before or after has it, else what else may be meant.
func otherName(typ, element, meant string) string {
	switch {
	case Earlier(typ, element):
		return wereBefore
	case later(typ, element):
		return comeAfter
	}
	return meant
}

const (
	wereBefore = "; editions of FHIR before R4 had it"
	comeAfter  = "; editions of FHIR after R4 have it"
)

// otherBefore is the end of a sentence about an element that has another form in other editions: the family name of DSTU2 was a list, clinical status
// was a code and an interpretation no list until STU3; R5's size of an attachment is a text.
func otherBefore(element string, is byte) string {
	switch {
	case element == "family" && is == '[', (element == "clinicalStatus" || element == "verificationStatus") && is == '"':
		return wereBefore + " so"
	case element == "interpretation" && is == '{':
		return wereBefore + " so"
	case element == "size" && is == '"':
		return comeAfter + " so"
	}
	return ""
}
