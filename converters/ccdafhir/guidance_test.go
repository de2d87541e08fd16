package ccdafhir_test

import (
	"strings"
	"testing"
)

const coded = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" codeSystem="2.16.840.1.113883.6.96" code=`

// TestGuidance holds rows of C-CDA on FHIR against small statements: what FHIR says of each, and that it comes back as it was.
func TestGuidance(t *testing.T) {
	problem := func(inner string) string {
		return `<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="1.2.3.5"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="20200101"/></effectiveTime><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.6"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>` +
			inner + `</observation></entryRelationship></act>`
	}
	asthma := `<value` + coded + `"195967001"/>`
	result := func(value string) string {
		return `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><effectiveTime value="20200101"/>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="IVL_PQ">` + value + `</value></observation>`
	}
	values := func(list ...string) string { // an observation with several values
		s := `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="600-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><effectiveTime value="20200101"/>`
		for _, v := range list {
			s += `<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` + v + `/>`
		}
		return s + `</observation>`
	}
	medicine := func(inner string) string {
		return `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><id root="1.2.3.5"/><statusCode code="active"/>` + inner +
			`<consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`
	}
	for _, tt := range []guidance{
		{"a problem that ended nobody knows when", "22.2.5.1", "11450-4", problem(`<effectiveTime><low value="20200101"/><high nullFlavor="UNK"/></effectiveTime>` + asthma),
			[]string{`"code":"resolved"`, `"_abatementDateTime":{`, `"category":[{`, `"code":"55607006"`}, `"code":"active"}`, []string{`<high nullFlavor="UNK"/>`}},
		{"a comment", "22.2.5.1", "11450-4", problem(`<effectiveTime><low value="20200101"/></effectiveTime>` + asthma + `<entryRelationship typeCode="SUBJ" inversionInd="true">
<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.64"/><code code="48767-8" codeSystem="2.16.840.1.113883.6.1"/><text>Mild in spring</text>
<author><time value="20200102"/><assignedAuthor><id root="1.2.3.7" extension="9"/><assignedPerson><name><given>Rowan</given><family>Testperson</family></name></assignedPerson></assignedAuthor></author>
</act></entryRelationship>`), []string{`"note":[{`, `"text":"Mild in spring"`, `"time":"2020-01-02"`, `"authorReference":{`}, "", []string{`Mild in spring`, `<time value="20200102"/>`}},
		{"when a reaction began", "22.2.6.1", "48765-2", `<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.30"/><id root="1.2.3.5"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.7"/><id root="1.2.3.6"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/><value` + coded + `"419199007"/>
<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code code="2670" codeSystem="2.16.840.1.113883.6.88"/></playingEntity></participantRole></participant>
<entryRelationship typeCode="MFST" inversionInd="true"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.9"/><id root="1.2.3.7"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<statusCode code="completed"/><effectiveTime><low value="20190504"/></effectiveTime><value` + coded + `"422587007"/></observation></entryRelationship></observation></entryRelationship></act>`,
			[]string{`"onset":"2019-05-04"`}, "", []string{`<low value="20190504"/>`}},
		{"a vaccine of which one or two were given", "22.2.2.1", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.52"/><statusCode code="completed"/><effectiveTime value="20200101"/>
<doseQuantity><low value="1"/><high value="2"/></doseQuantity><consumable><manufacturedProduct><manufacturedMaterial><code code="33" codeSystem="2.16.840.1.113883.12.292"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`dose-range","valueRange":{"low":{"value":1},"high":{"value":2}}`}, `"doseQuantity"`, []string{`<low value="1"/>`, `<high value="2"/>`}},
		{"at which meal and how often", "22.2.1.1", "10160-0", medicine(`<effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="SXPR_TS"><comp xsi:type="PIVL_TS"><period value="24" unit="h"/></comp>
<comp xsi:type="EIVL_TS" operator="A"><event code="ACM"/></comp></effectiveTime>`),
			[]string{`"when":["ACM"]`, `"period":24,"periodUnit":"h"`}, "", nil},
		{"before breakfast, in words too", "22.2.1.1", "10160-0", medicine(`<effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="EIVL_TS"><event code="ACM" codeSystem="2.16.840.1.113883.5.139" displayName="before breakfast"/></effectiveTime>`),
			[]string{`"when":["ACM"]`, `"valueString":"before breakfast"`}, "", []string{`<event code="ACM" displayName="before breakfast"/>`}},
		{"repeated so often", "22.2.1.1", "10160-0", medicine(`<repeatNumber><low value="1"/><high value="3"/></repeatNumber>`),
			[]string{`repeat-low","valueDecimal":1`, `repeat-high","valueDecimal":3`}, "", []string{`<low value="1"/>`, `<high value="3"/>`}},
		{"repeated who knows how often", "22.2.1.1", "10160-0", medicine(`<repeatNumber><low value="1"/><high nullFlavor="UNK"/></repeatNumber>`),
			[]string{`repeat-low","valueDecimal":1`}, "", []string{`<low value="1"/>`, `<high nullFlavor="UNK"/>`}},
		{"a condition in words, and one that is said", "22.2.1.1", "10160-0", medicine(`<precondition><criterion><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ST">when it hurts</value></criterion></precondition>
<precondition><criterion><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="BL" value="true"/></criterion></precondition>`),
			[]string{`"valueString":"when it hurts"`, `"url":"value-boolean","valueBoolean":true`}, "", []string{`when it hurts`, `xsi:type="BL" value="true"`}},
		{"a supply that stands alone", "22.2.10", "18776-5", `<supply classCode="SPLY" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.43"/><id root="1.2.3.6"/><statusCode code="active"/><independentInd value="false"/></supply>`,
			[]string{`independent","valueBoolean":false`}, "", []string{`<independentInd value="false"/>`}},
		{"a dispense that stands alone", "22.2.1.1", "10160-0", medicine(`<entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.18"/><id root="1.2.3.6"/><statusCode code="completed"/><independentInd value="true"/></supply></entryRelationship>`),
			[]string{`independent","valueBoolean":true`}, "", []string{`<independentInd value="true"/>`}},
		{"a device that stands alone", "22.2.23", "46264-8", `<supply classCode="SPLY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.50"/><id root="1.2.3.6"/><statusCode code="completed"/><independentInd value="true"/></supply>`,
			[]string{`independent","valueBoolean":true`}, "", []string{`<independentInd value="true"/>`}},
		{"a result done twice", "22.2.3.1", "30954-2", strings.Replace(values(`xsi:type="INT" value="2"`), "<value", `<repeatNumber value="2"/><value`, 1),
			[]string{`repeat","valueDecimal":2`}, "", []string{`<repeatNumber value="2"/>`}},
		{"a translation of a translation", "22.2.3.1", "30954-2", values(`xsi:type="CD" code="10828004" codeSystem="2.16.840.1.113883.6.96"><translation code="P" codeSystem="1.2.3.4.5"><translation code="POS" codeSystem="1.2.3.4.6"/></translation></value><value xsi:type="INT" nullFlavor="UNK"`),
			[]string{`translation-of","valueCoding":{"system":"urn:oid:1.2.3.4.6","code":"POS"}`}, "", []string{`<translation code="POS" codeSystem="1.2.3.4.6"/>`}},
		{"a time by its middle", "22.2.3.1", "30954-2", strings.Replace(values(`xsi:type="INT" value="2"`), `<effectiveTime value="20200101"/>`, `<effectiveTime><center value="20200101"/><width value="2" unit="wk"/></effectiveTime>`, 1),
			nil, "", []string{"<center value=\"20200101\"/>\n                <width value=\"2\" unit=\"wk\"/>"}},
		{"more than", "22.2.3.1", "30954-2", result(`<low value="200" unit="mg/dL" inclusive="false"/>`), []string{`"value":200`, `"comparator":">"`}, "valueRange",
			[]string{`<low value="200" unit="mg/dL" inclusive="false"/>`}},
		{"a time with two equal bounds", "22.2.3.1", "30954-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><effectiveTime><low value="20200102"/><high value="20200102"/></effectiveTime></observation>`,
			[]string{`"effectiveDateTime":"2020-01-02"`}, "effectivePeriod", []string{`<low value="20200102"/>`, `<high value="20200102"/>`}},
		{"two values", "22.2.3.1", "30954-2", values(`xsi:type="CD" code="3092008" codeSystem="2.16.840.1.113883.6.96"`, `xsi:type="CD" code="112283007" codeSystem="2.16.840.1.113883.6.96"`),
			[]string{`"code":"3092008"`, `further-value"`, `"code":"112283007"`}, "", []string{`code="3092008"`, `code="112283007"`}},
		{"values of several types", "22.2.3.1", "30954-2", values(`xsi:type="CD" code="10828004" codeSystem="2.16.840.1.113883.6.96"`, `xsi:type="PQ" value="7" unit="mm"`, `xsi:type="INT" value="2"`),
			[]string{`"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"10828004"`, `"unit":"mm"`, `"valueInteger":2`}, "", []string{`code="10828004"`, `value="7"`, `value="2"`}},
		{"a value that is not known and one that is", "22.2.3.1", "30954-2", values(`xsi:type="INT" nullFlavor="UNK"`, `xsi:type="INT" value="2"`),
			[]string{`"_valueInteger":{`, `"valueInteger":2`}, "", []string{`xsi:type="INT" nullFlavor="UNK"/>`, `value="2"`}},
		{"a real number", "22.2.3.1", "30954-2", strings.Replace(result(""), "xsi:type=\"IVL_PQ\">", "xsi:type=\"REAL\" value=\"1.5\">", 1), []string{`"valueQuantity":{`, `"value":1.5`}, `"unit"`,
			[]string{`xsi:type="REAL" value="1.5"`}},
		{"of what it was measured", "22.2.3.1", "30954-2", `<organizer classCode="BATTERY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.1"/><id root="1.2.3.5"/><code code="24357-6" codeSystem="2.16.840.1.113883.6.1"/>
<statusCode code="completed"/><specimen><specimenRole><id root="1.2.3.9" extension="S1"/><specimenPlayingEntity><code code="122575003" codeSystem="2.16.840.1.113883.6.96"/><desc>Cloudy</desc></specimenPlayingEntity></specimenRole></specimen>
<component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/><code code="5811-5" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/></observation></component></organizer>`,
			[]string{`"resourceType":"Specimen"`, `"specimen":[{`, `"note":[{"text":"Cloudy"`, `"display":"Laboratory"`}, "", []string{`code="122575003"`, `extension="S1"`, `Cloudy`}},
		{"a panel within a panel", "22.2.3.1", "30954-2", `<organizer classCode="BATTERY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.1"/><id root="1.2.3.5"/><code code="24357-6" codeSystem="2.16.840.1.113883.6.1"/>
<statusCode code="completed"/><component typeCode="COMP"><procedure classCode="PROC" moodCode="EVN"><code code="82078001" codeSystem="2.16.840.1.113883.6.96"/></procedure></component>
<component typeCode="COMP"><organizer classCode="BATTERY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.1"/><id root="1.2.3.7"/><code code="12235-8" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>
<component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/><code code="5787-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/></observation></component></organizer></component>
<component typeCode="COMP"><organizer classCode="CLUSTER" moodCode="EVN"><id root="1.2.3.8"/><statusCode code="completed"/></organizer></component></organizer>`,
			[]string{`"code":"24357-6"`, `"code":"12235-8"`, `"code":"5787-7"`}, "", []string{`code="12235-8"`, `code="5787-7"`, `code="82078001"`, `<organizer classCode="CLUSTER" moodCode="EVN">`}},
		{"saturation by pulse oximetry", "22.2.4.1", "8716-3", `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.26"/><id root="1.2.3.5"/><code code="46680005" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="completed"/><component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.27"/><id root="1.2.3.6"/><code code="59408-5" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>
<effectiveTime value="20200101"/><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="PQ" value="98" unit="%"/></observation></component></organizer>`,
			[]string{`"code":"59408-5"`, `"code":"2708-6"`, `"code":"85353-1"`, `"display":"Vital Signs"`}, "", []string{`code="59408-5"`, `code="46680005"`}},
		{"a pregnancy and when it will end", "22.2.17", "29762-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.15.3.8"/><id root="1.2.3.6"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime><value` + coded + `"77386006"/><entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.15.3.1"/><id root="1.2.3.7"/><code code="11778-8" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="TS" value="20200901"/></observation></entryRelationship></observation>`,
			[]string{`"code":"82810-3"`, `"component":[{`}, "", []string{`code="ASSERTION"`, `code="11778-8"`, `value="20200901"`}},
		{"a range in words", "22.2.3.1", "30954-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><referenceRange><observationRange><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="260385009"
 codeSystem="2.16.840.1.113883.6.96" displayName="Negative"/></observationRange></referenceRange></observation>`, []string{`"text":"Negative"`}, "unsupported", []string{`displayName="Negative"`}},
		{"a planned act", "22.2.10", "18776-5", `<act classCode="ACT" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.39" extension="2014-06-09"/><id root="1.2.3.6"/><code code="423171007" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="active"/><effectiveTime value="20300101"/></act>`, []string{`"resourceType":"ServiceRequest"`, `"intent":"plan"`, `"status":"active"`, `"occurrenceDateTime":"2030-01-01"`}, `"Basic"`, []string{`<act classCode="ACT" moodCode="INT">`}},
		{"a referral", "1.3.6.1.4.1.19376.1.5.3.1.3.1", "42349-1", `<act classCode="PCPR" moodCode="RQO"><templateId root="2.16.840.1.113883.10.20.22.4.140"/><id root="1.2.3.6"/><code code="44383000" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="active"/><effectiveTime value="20200101"/><priorityCode code="A" codeSystem="2.16.840.1.113883.5.7"/></act>`, []string{`"resourceType":"ServiceRequest"`, `"intent":"order"`}, `"Basic"`, []string{`<act classCode="PCPR" moodCode="RQO">`, `code="A"`}},
		{"a note of a visit", "22.2.65", "34109-9", `<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.202"/><code code="34109-9" codeSystem="2.16.840.1.113883.6.1"/><text>All well</text><statusCode code="completed"/>
<effectiveTime value="20200101"/><entryRelationship typeCode="COMP"><encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.8"/></encounter></entryRelationship></act>`,
			[]string{`"context":{"`, `"encounter":[{`, `"display":"Clinical Note"`}, "", []string{`root="1.2.3.8"`}},
		{"how somebody gets on", "22.2.14", "47420-5", `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.66"/><id root="1.2.3.5"/><code code="d5" codeSystem="2.16.840.1.113883.6.254" displayName="Self-care"/>
<statusCode code="completed"/><component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.67"/><id root="1.2.3.6"/><code code="54522-8" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>
<effectiveTime value="20200101"/></observation></component></organizer>`, []string{`"hasMember":[{`, `"code":"d5"`, `"code":"survey"`}, `"Basic"`, []string{`<organizer classCode="CLUSTER" moodCode="EVN">`, `code="d5"`, `code="54522-8"`}},
		{"a wheelchair", "22.2.23", "46264-8", `<supply classCode="SPLY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.50"/><id root="1.2.3.6"/><statusCode code="completed"/><effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="IVL_TS">
<high value="20200101"/></effectiveTime><quantity value="1"/><participant typeCode="PRD"><participantRole classCode="MANU"><templateId root="2.16.840.1.113883.10.20.22.4.37"/>
<id root="2.16.840.1.113883.3.3719" extension="(01)00000000000017(10)LOT7(17)301200(21)S9" assigningAuthorityName="FDA"/><playingDevice><code code="58938008" codeSystem="2.16.840.1.113883.6.96" displayName="Wheelchair"/></playingDevice>
<scopingEntity><desc>Test Devices</desc></scopingEntity></participantRole></participant></supply>`, []string{`"resourceType":"DeviceUseStatement"`, `"resourceType":"Device"`, `"deviceIdentifier":"00000000000017"`, `"expirationDate":"2030-12"`,
			`"lotNumber":"LOT7"`, `"serialNumber":"S9"`, `"manufacturer":"Test Devices"`, `"status":"completed"`}, `"Basic"`, []string{`<supply classCode="SPLY" moodCode="EVN">`, `code="58938008"`, `(21)S9`, `Test Devices`}},
		{"what was implanted", "22.2.7.1", "47519-4", `<procedure classCode="PROC" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.14"/><id root="1.2.3.6"/><code code="233174007" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<effectiveTime value="20200101"/><participant typeCode="DEV"><participantRole classCode="MANU"><templateId root="2.16.840.1.113883.10.20.22.4.37"/><id root="1.2.3.7"/><playingDevice><code code="14106009" codeSystem="2.16.840.1.113883.6.96"/></playingDevice>
<scopingEntity><id root="1.2.3.8"/></scopingEntity></participantRole></participant></procedure>`, []string{`"focalDevice":[{`, `"resourceType":"Device"`}, "", []string{`code="14106009"`, `typeCode="DEV"`}},
		{"at most", "22.2.3.1", "30954-2", result(`<high value="5" unit="mg/dL"/>`), []string{`"value":5`, `"comparator":"<="`}, "valueRange", []string{`<high value="5" unit="mg/dL"/>`}},
		{"at least, said so", "22.2.3.1", "30954-2", result(`<low value="5" unit="mg/dL" inclusive="true"/>`), []string{`"comparator":">="`}, "valueRange",
			[]string{`<low value="5" unit="mg/dL" inclusive="true"/>`}},
		{"from to", "22.2.3.1", "30954-2", result(`<low value="2" unit="mg/dL"/><high value="5" unit="mg/dL"/>`), []string{`"valueRange":{`}, "comparator", []string{`<low value="2"`}},
		{"a severity that is said of the allergy", "22.2.6.1", "48765-2", `<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.30"/><id root="1.2.3.5"/>
<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/><effectiveTime><low value="20200101"/></effectiveTime><entryRelationship typeCode="SUBJ">
<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.7"/><id root="1.2.3.6"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime><value` + coded + `"416098002"/>
<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></playingEntity></participantRole></participant>
<entryRelationship typeCode="MFST" inversionInd="true"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.9"/><id root="1.2.3.8"/>
<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/><value` + coded + `"247472004"/></observation></entryRelationship>
<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.8"/>
<code code="SEV" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/><value` + coded + `"24484000"/></observation></entryRelationship>
</observation></entryRelationship></act>`, []string{`"severity":"severe"`}, "", []string{`code="24484000"`, `code="247472004"`}},
		{"as needed, nobody says why", "22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><id root="1.2.3.6"/>
<statusCode code="active"/><consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable>
<precondition typeCode="PRCN"><criterion><templateId root="2.16.840.1.113883.10.20.22.4.25"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" nullFlavor="UNK"/></criterion></precondition></substanceAdministration>`,
			[]string{`"asNeededBoolean":true`}, "asNeededCodeableConcept", []string{`<precondition`}},
		{"an hour before meals", "22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><id root="1.2.3.6"/>
<statusCode code="active"/><effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="EIVL_TS" operator="A"><event code="AC"/><offset value="1" unit="h"/></effectiveTime>
<consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`"when":["AC"]`, `"offset":60`}, "", []string{`<event code="AC"/>`}},
		{"who gave a vaccination", "22.2.2.1", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="false"><templateId root="2.16.840.1.113883.10.20.22.4.52"/><id root="1.2.3.6"/>
<statusCode code="completed"/><effectiveTime value="20200101"/><consumable><manufacturedProduct><manufacturedMaterial><code code="88" codeSystem="2.16.840.1.113883.12.292"/></manufacturedMaterial>
</manufacturedProduct></consumable><performer><assignedEntity><id root="1.2.3.7" extension="9"/></assignedEntity></performer></substanceAdministration>`,
			[]string{`"code":"AP"`}, "", []string{`<performer`}},
		{"a visit by what was billed", "22.2.22.1", "46240-8", `<encounter classCode="ENC" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.49"/><id root="1.2.3.6"/>
<code code="99213" codeSystem="2.16.840.1.113883.6.12"/><effectiveTime value="20200101"/></encounter>`, []string{`"code":"AMB"`, `"code":"99213"`}, "", []string{`code="99213"`}},
		{"birth sex", "22.2.17", "29762-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.200" extension="2016-06-01"/>
<code code="76689-9" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><effectiveTime value="20200101"/>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="F" codeSystem="2.16.840.1.113883.5.1"/></observation>`,
			[]string{`us-core-birthsex"`, `"valueCode":"F"`}, "", []string{`code="76689-9"`}},
	} {
		tt.hold(t)
	}
}

// guidance is a statement, what FHIR says of it, and what of it the document holds that comes back.
type guidance struct {
	name, template, section, entry string
	want                           []string // in FHIR
	wantNot                        string
	back                           []string // in the document that comes back, each once
}

func (tt guidance) hold(t *testing.T) {
	t.Helper()
	doc := oneSection("2.16.840.1.113883.10.20."+tt.template, tt.section, tt.entry)
	bundle := through(t, "ccda", "fhir", "", []byte(doc))[0]
	text := string(bundle)
	for _, want := range tt.want {
		if !strings.Contains(text, want) {
			t.Errorf("%s: FHIR does not hold %s:\n%s", tt.name, want, text)
		}
	}
	if tt.wantNot != "" && strings.Contains(text, tt.wantNot) {
		t.Errorf("%s: FHIR holds %s:\n%s", tt.name, tt.wantNot, text)
	}
	r := results(t, "fhir", "ccda", "", bundle)[0]
	for _, back := range tt.back {
		if n := strings.Count(string(r.Parts[0].Data), back); n != 1 {
			t.Errorf("%s: %s stands there %d times:\n%s", tt.name, back, n, r.Parts[0].Data)
		}
	}
	for _, l := range append(r.Entry.Unmapped, r.Entry.Declined...) {
		t.Errorf("%s: %s did not come back: %s", tt.name, l.At, l.Why)
	}
}
