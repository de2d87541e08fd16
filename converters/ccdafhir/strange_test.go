package ccdafhir

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping/maptest"
)

// TestStrange holds documents against the laws that say things where or how the schema does not allow it.
func TestStrange(t *testing.T) {
	const head = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2.3"/><effectiveTime value="20200101"/>`
	section := func(entries string) string {
		return `<section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/><title>Results</title><text>Nothing</text>` + entries + `</section>`
	}
	body := func(entries string) string {
		return head + `<component><structuredBody><component>` + section(entries) + `</component></structuredBody></component></ClinicalDocument>`
	}
	observation := func(id, inner string) string {
		return `<observation classCode="OBS" moodCode="EVN"><id root="` + id + `"/><code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>` + inner + `</observation>`
	}
	author := func(unknown string) string {
		return `<author><time value="20200101"/><assignedAuthor><id root="1.2.3.9"/><telecom nullFlavor="` + unknown + `"/><assignedPerson><name><given>Ann</given></name></assignedPerson></assignedAuthor></author>`
	}
	for _, tt := range []struct {
		name, doc         string
		fhir, back        []string // each once
		folded, forgotten int
	}{
		{"two statements in an entry", body(`<entry>` + observation("1.2.3.1", "") + `<act classCode="ACT" moodCode="EVN"><id root="1.2.3.2"/><code code="1234-5" codeSystem="2.16.840.1.113883.6.1"/></act></entry>`),
			[]string{"urn:oid:1.2.3.1", "urn:oid:1.2.3.2"}, []string{`root="1.2.3.1"`, `root="1.2.3.2"`}, 5, 0},
		{"an observation and an organizer in an entry", body(`<entry>` + observation("1.2.3.1", "") + `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.108"/><id root="1.2.3.2"/>
<statusCode code="completed"/></organizer></entry>`), []string{"urn:oid:1.2.3.1", "urn:oid:1.2.3.2"}, []string{`root="1.2.3.1"`, `root="1.2.3.2"`}, 6, 0},
		{"two statements in one relation", body(`<entry>` + observation("1.2.3.1", `<entryRelationship typeCode="COMP">`+observation("1.2.3.2", "")+
			`<act classCode="ACT" moodCode="EVN"><id root="1.2.3.3"/><code code="1234-5" codeSystem="2.16.840.1.113883.6.1"/></act></entryRelationship>`) + `</entry>`),
			[]string{"urn:oid:1.2.3.1", "urn:oid:1.2.3.2", "urn:oid:1.2.3.3"}, []string{`root="1.2.3.1"`, `root="1.2.3.2"`}, 5, 0},
		{"one person whose number is unknown in two ways", body(`<entry>` + observation("1.2.3.1", author("UNK")) + `</entry><entry>` + observation("1.2.3.2", author("NI")) + `</entry>`),
			nil, []string{`<telecom nullFlavor="UNK"/>`, `<telecom nullFlavor="NI"/>`}, 0, 0},
		{"a section without a body", head + section(`<entry>`+observation("1.2.3.1", "")+`</entry>`) + `</ClinicalDocument>`,
			[]string{"urn:oid:1.2.3.1", `"title":"Results"`}, []string{`<structuredBody>`, `root="1.2.3.1"`, `<title>Results</title>`}, 10, 0},
		{"a section in a component without a body", head + `<component>` + section(`<entry>`+observation("1.2.3.1", "")+`</entry>`) + `</component></ClinicalDocument>`,
			[]string{"urn:oid:1.2.3.1", `"title":"Results"`}, []string{`<structuredBody>`, `root="1.2.3.1"`, `<title>Results</title>`}, 10, 0},
		{"a code system by its name", body(`<entry>` + observation("1.2.3.1", `<value xsi:type="CD" code="99213" codeSystem="CPT4"/>`) + `</entry>`),
			[]string{"http://www.ama-assn.org/go/cpt"}, []string{`code="99213" codeSystem="2.16.840.1.113883.6.12"`}, 1, 0},
		{"an interval of real numbers", body(`<entry>` + observation("1.2.3.1", `<value xsi:type="IVL_REAL"><low value="1.5"/><high value="2"/></value><referenceRange><observationRange>
<value xsi:type="IVL_REAL"><low value="1"/><high value="3"/></value></observationRange></referenceRange>`) + `</entry>`),
			[]string{`"valueRange":{`, `"value":1.5`, `"value":3`}, []string{`<low value="1.5"/>`, `<high value="3"/>`}, 0, 0},
		{"an entry with a concern that says nothing", body(`<entry typeCode="DRIV" nullFlavor="NI"><act classCode="ACT" moodCode="EVN" nullFlavor="NI"><templateId root="2.16.840.1.113883.10.20.22.4.3"/></act></entry>`),
			nil, []string{`<entry nullFlavor="NI" typeCode="DRIV">`}, 0, 0},
		{"a range of which nothing is known", body(`<entry>` + observation("1.2.3.1", `<referenceRange><observationRange nullFlavor="UNK"/></referenceRange>`) + `</entry>`),
			[]string{`"referenceRange":[{`}, []string{`<observationRange nullFlavor="UNK"/>`}, 0, 0},
		{"a report of another namespace in a value", body(`<entry>` + observation("1.2.3.1", `<value xsi:type="ED" mediaType="text/xml"><r:Report xmlns:r="urn:example:report"><r:line>one</r:line><r:none/></r:Report></value>`) + `</entry>`),
			nil, []string{`root="1.2.3.1"`}, 0, 1},
		{"a paragraph in a paragraph", head + `<component><structuredBody><component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/><title>Results</title><text><paragraph>One <content>two <paragraph ID="p3">three</paragraph></content></paragraph></text>
</section></component></structuredBody></component></ClinicalDocument>`,
			[]string{`two <span id=\"p3\">three</span>`}, []string{`<content ID="p3">three</content>`}, 0, 0},
		{"a dose every four to six hours", body(`<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><effectiveTime xsi:type="PIVL_TS" operator="A"><period>
<low value="4" unit="h"/><high value="6" unit="h"/></period></effectiveTime></substanceAdministration></entry>`), []string{`"period":4`, `"periodMax":6`, `"periodUnit":"h"`}, []string{`<low value="4" unit="h"/>`, `<high value="6" unit="h"/>`}, 0, 0},
		{"how often in words", body(`<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><effectiveTime xsi:type="PIVL_TS" operator="A"><period value="1" unit="BID"/></effectiveTime>
<consumable><manufacturedProduct><manufacturedMaterial><code code="308416" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration></entry>`),
			[]string{`"text":"BID"`, `"unit":"BID"`}, []string{`<period value="1" unit="BID"/>`}, 0, 0},
		{"a street in parts", head + `<recordTarget><patientRole><id root="1.2.3.4" extension="7"/><addr use="H"><streetName>Lindenweg</streetName><houseNumber>12</houseNumber><postalCode>9999</postalCode><city>Testwil</city>
<censusTract>077</censusTract></addr><patient><name><given>Ursa</given><family>Testperson</family><family qualifier="BR">Muster</family><family qualifier="SP">Beispiel</family></name></patient></patientRole></recordTarget></ClinicalDocument>`,
			[]string{`"line":["Lindenweg 12"]`, `iso21090-ADXP-streetName"`, `iso21090-ADXP-houseNumber"`, `"valueString":"Beispiel"`}, []string{`<streetName>Lindenweg</streetName>`, `<houseNumber>12</houseNumber>`, `<censusTract>077</censusTract>`,
				`<family qualifier="BR">Muster</family>`, `<family qualifier="SP">Beispiel</family>`}, 0, 0},
		{"templates of those who take part", head + `<recordTarget><templateId root="1.2.3.90"/><patientRole><id root="1.2.3.4" extension="7"/></patientRole></recordTarget>
<dataEnterer><templateId root="1.2.3.92"/><assignedEntity><id root="1.2.3.5"/></assignedEntity></dataEnterer>
<custodian><templateId root="1.2.3.91"/><assignedCustodian><representedCustodianOrganization><id root="1.2.3.6"/></representedCustodianOrganization></assignedCustodian></custodian>
<informationRecipient typeCode="PRCP"><templateId root="1.2.3.93"/><intendedRecipient><informationRecipient><name><family>Testdoctor</family></name></informationRecipient></intendedRecipient></informationRecipient>
<inFulfillmentOf><order><id root="1.2.3.7"/><priorityCode code="S" codeSystem="2.16.840.1.113883.5.7"/></order></inFulfillmentOf>
<documentationOf><templateId root="1.2.3.94"/><serviceEvent classCode="ACT"><id root="1.2.3.8"/></serviceEvent></documentationOf></ClinicalDocument>`,
			[]string{"urn:oid:1.2.3.90", "urn:oid:1.2.3.91", "urn:oid:1.2.3.92", "urn:oid:1.2.3.93", "urn:oid:1.2.3.94"},
			[]string{`<recordTarget>
    <templateId root="1.2.3.90"/>`, `<custodian>
    <templateId root="1.2.3.91"/>`, `root="1.2.3.92"`, `root="1.2.3.93"`, `root="1.2.3.94"`, `<priorityCode code="S" codeSystem="2.16.840.1.113883.5.7"/>`}, 0, 0},
		{"a dose in the middle and a rate between two", body(`<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><doseQuantity><center value="20" unit="mg"/></doseQuantity>
<rateQuantity><low value="1" unit="mL/h"/><high value="2" unit="mL/h"/></rateQuantity></substanceAdministration></entry>`),
			[]string{`"doseQuantity":{`, `"value":20`, `"rateRange":{`}, []string{`<center value="20" unit="mg"/>`, `<low value="1" unit="mL/h"/>`, `<high value="2" unit="mL/h"/>`}, 0, 0},
		{"a rate in the middle", body(`<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><rateQuantity><center value="3" unit="mL/h"/></rateQuantity></substanceAdministration></entry>`),
			[]string{`"rateQuantity":{`, `"value":3`}, []string{`<center value="3" unit="mL/h"/>`}, 0, 0},
		{"from midnight to the last second of a day", body(`<entry>` + observation("1.2.3.1", `<effectiveTime><low value="20200102000000"/><high value="20200102235959"/></effectiveTime>`) + `</entry>`),
			[]string{`"effectiveDateTime":"2020-01-02"`}, []string{`<low value="20200102"/>`, `<high value="20200102"/>`}, 2, 0},
		{"an id in the narrative without its #", strings.Replace(body(`<entry>`+observation("1.2.3.1", `<value xsi:type="CD"><originalText><reference value="r1"/></originalText></value>`)+`</entry>`), ">Nothing<", `><content ID="r1">Cloudy</content><`, 1),
			[]string{`"text":"Cloudy"`}, []string{`<reference value="r1"/>`}, 0, 0},
		{"a picture is all the text", strings.Replace(body(`<entry>`+observation("1.2.3.1", "")+`</entry>`), ">Nothing<", `><paragraph><renderMultiMedia referencedObject="pic"/></paragraph><`, 1),
			[]string{`class=\"cda-renderMultiMedia\">pic</span>`}, []string{`<renderMultiMedia referencedObject="pic"></renderMultiMedia>`}, 0, 0},
		{"a text between the rows of a table", strings.Replace(body(`<entry>`+observation("1.2.3.1", "")+`</entry>`), ">Nothing<", `><paragraph>One</paragraph><table>stray<tbody><tr><td>two</td></tr></tbody></table><`, 1),
			[]string{`<p>One</p><span>stray</span><table><tbody>`}, []string{`<content>stray</content><table>`}, 1, 0},
		{"an element that the narrative does not have", strings.Replace(body(`<entry>`+observation("1.2.3.1", "")+`</entry>`), ">Nothing<", `><title>Found</title><paragraph>One</paragraph><`, 1),
			[]string{`<span>Found</span>`}, []string{`<content>Found</content>`}, 1, 0},
		{"an entry that names another by its id", body(`<entry><observation classCode="OBS" moodCode="GOL"><templateId root="2.16.840.1.113883.10.20.22.4.121"/><id root="1.2.3.1"/><code code="29463-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="active"/>
<entryRelationship typeCode="REFR"><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.122"/><id root="1.2.3.2"/><code nullFlavor="NP"/><statusCode code="completed"/></act></entryRelationship></observation></entry>
<entry>` + observation("1.2.3.2", "") + `</entry>`), []string{`"addresses":[{`}, []string{`root="1.2.3.1"`, `<act classCode="ACT" moodCode="EVN">`}, 0, 0},
		{"an entry that names another by its id, where FHIR has no element for it", body(`<entry>` + observation("1.2.3.1", `<entryRelationship typeCode="RSON"><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.122"/><id root="1.2.3.2"/><code nullFlavor="NP"/>
<statusCode code="completed"/></act></entryRelationship>`) + `</entry><entry>` + observation("1.2.3.2", "") + `</entry>`), []string{`refers-to"`}, []string{`root="1.2.3.1"`, `<act classCode="ACT" moodCode="EVN">`}, 0, 0},
		{"when an author wrote, from when to when", body(`<entry>` + observation("1.2.3.1", strings.Replace(author("UNK"), `<time value="20200101"/>`, `<time><low value="20200103"/><high value="20200104"/></time>`, 1)) + `</entry>`),
			[]string{`time-start"`, `time-end"`}, []string{`<low value="20200103"/>`, `<high value="20200104"/>`}, 0, 0},
		{"a specimen of an act, and a picture within an organizer", body(`<entry><act classCode="ACT" moodCode="EVN"><templateId root="1.2.3.95"/><id root="1.2.3.1"/><code code="1-1" codeSystem="1.2.3.9"/><specimen><specimenRole><id root="1.2.3.2"/></specimenRole></specimen></act></entry>
<entry><organizer classCode="CLUSTER" moodCode="EVN"><templateId root="1.2.3.96"/><id root="1.2.3.3"/><statusCode code="completed"/><specimen><templateId root="1.2.3.97"/><specimenRole><id root="1.2.3.4"/></specimenRole></specimen><component>
<observationMedia classCode="OBS" moodCode="EVN" ID="pic"><value mediaType="image/png" representation="B64">iVBORw0K</value></observationMedia></component></organizer></entry>`),
			[]string{"urn:oid:1.2.3.2", "urn:oid:1.2.3.4", "iVBORw0K"}, []string{`root="1.2.3.2"`, `root="1.2.3.4"`, `root="1.2.3.97"`, `iVBORw0K`}, 0, 0},
		{"a medicine that was given with a panel", body(`<entry><organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.26"/><id root="1.2.3.3"/><code code="46680005" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><component>
<substanceAdministration classCode="SBADM" moodCode="EVN"><id root="1.2.3.5"/><statusCode code="completed"/><consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration></component></organizer></entry>`),
			[]string{`"resourceType":"MedicationRequest"`, "urn:oid:1.2.3.5"}, []string{`root="1.2.3.5"`, `code="1191"`}, 0, 0},
		{"a code that its system does not have", body(`<entry>` + observation("1.2.3.1", `<methodCode code="107" codeSystem="2.16.840.1.113883.5.84" displayName="By hand"/>`) + `</entry>`),
			[]string{`"system":"urn:oid:2.16.840.1.113883.5.84"`}, []string{`<methodCode code="107" codeSystem="2.16.840.1.113883.5.84" displayName="By hand"/>`}, 0, 0},
		{"a link within the narrative, and one that leads nowhere", strings.Replace(body(`<entry>`+observation("1.2.3.1", "")+`</entry>`), ">Nothing<", `><paragraph ID="p1">One <linkHtml href="#p1">there</linkHtml> <linkHtml href="#p2">nowhere</linkHtml></paragraph><`, 1),
			[]string{`<a href=\"#p1\">`, `<a title=\"#p2\">`}, []string{`<linkHtml href="#p1">`, `<linkHtml href="#p2">`}, 0, 0},
		{"a value that stands in the narrative", strings.Replace(body(`<entry>`+observation("1.2.3.1", `<value xsi:type="ED"><reference value="#t"/></value>`)+`</entry>`), ">Nothing<", `><content ID="t">Five of them</content><`, 1),
			[]string{`"valueString":"Five of them"`}, []string{`<reference value="#t"/>`}, 0, 0},
		{"a goal that has words of its own", strings.Replace(body(`<entry>`+strings.Replace(strings.Replace(observation("1.2.3.1", `<value xsi:type="ST"><reference value="#v"/></value>`), `moodCode="EVN"`, `moodCode="GOL"`, 1),
			`codeSystem="2.16.840.1.113883.6.1"/>`, `codeSystem="2.16.840.1.113883.6.1"><originalText><reference value="#t"/></originalText></code>`, 1)+`</entry>`), ">Nothing<", `><content ID="t">To walk</content> <content ID="v">a mile</content><`, 1),
			[]string{`"text":"To walk"`}, []string{`<reference value="#t"/>`, `<reference value="#v"/>`}, 0, 0},
		{"an author of which only is known that it is a device", body(`<entry>` + observation("1.2.3.1", `<author><time value="20200101"/><assignedAuthor><id root="1.2.3.9"/><assignedAuthoringDevice nullFlavor="NI"/></assignedAuthor></author>`) + `</entry>`),
			[]string{`"resourceType":"Device"`}, []string{`<assignedAuthoringDevice nullFlavor="NI"/>`}, 0, 0},
		{"values that are a name, an address and a number", body(`<entry>` + observation("1.2.3.1", `<value xsi:type="PN"><given>Ida</given><family>Testperson</family></value><value xsi:type="AD"><city>Testwil</city></value>
<value xsi:type="TEL" value="tel:+1-555-0100"/><value xsi:type="CD" code="8517006" codeSystem="2.16.840.1.113883.6.96"/>`) + `</entry>`),
			[]string{`"family":"Testperson"`, `"city":"Testwil"`, `"code":"8517006"`}, []string{`xsi:type="PN"`, `<city>Testwil</city>`, `value="tel:+1-555-0100"`, `code="8517006"`}, 0, 0},
		{"several methods, a criterion and a range of whole numbers", body(`<entry>` + observation("1.2.3.1", `<methodCode code="A" codeSystem="1.2.3.9"/><methodCode code="B" codeSystem="1.2.3.9"/><precondition typeCode="PRCN"><criterion classCode="OBS" moodCode="EVN.CRT">
<value xsi:type="IVL_INT"><low value="1"/><high value="6"/></value></criterion></precondition><referenceRange><observationRange><value xsi:type="IVL_INT"><low value="0"/><high value="24"/></value></observationRange></referenceRange>`) + `</entry>`),
			[]string{`"value":24`, `"code":"B"`}, []string{`code="B"`, `moodCode="EVN.CRT"`, `<high value="6"/>`, `<high value="24"/>`}, 0, 0},
		{"a labelled drug", body(`<entry><substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><consumable><templateId root="1.2.3.80"/><manufacturedProduct><manufacturedLabeledDrug>
<code code="02000000" codeSystem="1.2.3.9" displayName="Examplin"/><name>Examplin spray</name></manufacturedLabeledDrug></manufacturedProduct></consumable></substanceAdministration></entry>`),
			[]string{`"code":{"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/labeled","valueBoolean":true}],"coding":[{`}, []string{`code="02000000"`, `<name>Examplin spray</name>`, `root="1.2.3.80"`}, 0, 0},
		{"an observation without a mood is no plan", body(`<entry>` + strings.Replace(observation("1.2.3.1", `<value xsi:type="PQ" value="5" unit="mg"/>`), ` moodCode="EVN"`, "", 1) + `</entry>`),
			[]string{`"resourceType":"Observation"`, `"value":5`}, []string{`<observation classCode="OBS" moodCode="EVN">`}, 0, 0},
		{"but in a section of plans it is one", strings.Replace(body(`<entry>`+strings.Replace(observation("1.2.3.1", ""), ` moodCode="EVN"`, "", 1)+`</entry>`), "30954-2", "18776-5", 1),
			[]string{`"resourceType":"ServiceRequest"`}, []string{`<observation classCode="OBS" moodCode="INT">`}, 0, 0},
		{"in a section of goals it is one", strings.Replace(body(`<entry>`+strings.Replace(observation("1.2.3.1", ""), ` moodCode="EVN"`, "", 1)+`</entry>`), "30954-2", "61146-7", 1),
			[]string{`"resourceType":"Goal"`}, []string{`<observation classCode="OBS" moodCode="GOL">`}, 0, 0},
		{"and of the template of a plan everywhere", body(`<entry>` + strings.NewReplacer(` moodCode="EVN"`, "", `<id root`, `<templateId root="2.16.840.1.113883.10.20.22.4.44"/><id root`).Replace(observation("1.2.3.1", "")) + `</entry>`),
			[]string{`"resourceType":"ServiceRequest"`}, []string{`<observation classCode="OBS" moodCode="INT">`}, 0, 0},
		{"and in a part of one", strings.NewReplacer("30954-2", "18776-5", `<text>Nothing</text>`, `<text>Nothing</text><component><section><title>Tests</title>`, "</section>", "</section></component></section>").
			Replace(body(`<entry>` + strings.Replace(observation("1.2.3.1", ""), ` moodCode="EVN"`, "", 1) + `</entry>`)),
			[]string{`"resourceType":"ServiceRequest"`}, []string{`<observation classCode="OBS" moodCode="INT">`}, 0, 0},
		{"the middle of a time alone", body(`<entry>` + strings.Replace(observation("1.2.3.1", `<effectiveTime><center value="20120512"/></effectiveTime>`), "EVN", "RQO", 1) + `</entry>`),
			[]string{`"occurrenceDateTime":"2012-05-12"`}, []string{`<center value="20120512"/>`}, 0, 0},
		{"the encounter of a panel", body(`<entry><encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.8"/><code code="185349003" codeSystem="2.16.840.1.113883.6.96"/></encounter></entry><entry><organizer classCode="CLUSTER" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.26"/><id root="1.2.3.3"/><code code="46680005" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><component>` + observation("1.2.3.1", "") + `</component>
<component><encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.8"/></encounter></component></organizer></entry>`),
			[]string{`"resourceType":"Encounter"`, `"encounter":{`}, nil, 0, 0},
		{"an observation of XD-LAB", body(`<entry>` + strings.Replace(observation("1.2.3.2", ""), `<id `, `<templateId root="1.3.6.1.4.1.19376.1.3.1.6"/><id `, 1) + `</entry>`),
			[]string{`"code":"laboratory"`}, []string{`root="1.3.6.1.4.1.19376.1.3.1.6"`}, 0, 0},
		{"a text between the parts of an address", head + `<recordTarget><patientRole><id root="1.2.3.4" extension="7"/><addr>/&gt;<city>Testwil</city></addr></patientRole></recordTarget></ClinicalDocument>`,
			[]string{`"city":"Testwil"`, `StructureDefinition/beside-parts"`}, []string{`<city>Testwil</city>`}, 1, 0},
		{"an illness of the mother, without an organizer around it", strings.Replace(body(`<entry>`+strings.Replace(observation("1.2.3.1", `<subject><relatedSubject classCode="PRS"><code code="MTH" codeSystem="2.16.840.1.113883.5.111" displayName="mother"/></relatedSubject></subject>`),
			"<subject>", `<value xsi:type="CD" code="40930008" codeSystem="2.16.840.1.113883.6.96"/><subject>`, 1)+`</entry>`), "30954-2", "10157-6", 1),
			[]string{`"focus":[{`, `"type":"RelatedPerson","display":"mother"`}, []string{`code="MTH"`}, 0, 0},
		{"an encounter that is named, with a code that there is none of", body(`<entry><encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.8"/><code code="185349003" codeSystem="2.16.840.1.113883.6.96"/></encounter></entry><entry>` +
			observation("1.2.3.1", `<entryRelationship typeCode="REFR"><encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.8"/><code nullFlavor="NA"/></encounter></entryRelationship>`) + `</entry>`),
			[]string{`"resourceType":"Encounter"`, `"encounter":{`}, []string{`<code nullFlavor="NA"/>`}, 0, 0},
		{"vital signs without a code", body(`<entry><organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.26"/><id root="1.2.3.3"/><statusCode code="completed"/></organizer></entry>`),
			[]string{`"code":"85353-1"`}, nil, 0, 0},
		{"a dose that says its type", body(`<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><doseQuantity xsi:type="IVL_PQ"><low value="1"/>
<high value="2"/></doseQuantity></substanceAdministration></entry>`), []string{`"doseRange":{`}, []string{`<low value="1"/>`}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := kit(builtin(t))
			res, err := laws(k, []byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Faults {
				t.Errorf("%s\n%s", f, res.Back)
			}
			lines, err := maptest.Lines(res.Record)
			if err != nil {
				t.Fatal(err)
			}
			hold := func(what, text string, want []string) {
				for _, w := range want {
					if n := strings.Count(text, w); n != 1 {
						t.Errorf("%s: %s stands there %d times:\n%s", what, w, n, text)
					}
				}
			}
			hold("FHIR", strings.Join(lines, "\n"), tt.fhir)
			hold("back", string(res.Back), tt.back)
			if res.Tally.Folded != tt.folded || res.Tally.Unmapped != tt.forgotten || res.Tally.Invalid != 0 {
				t.Errorf("%d are folded and %d unmapped, not %d and %d; %d invalid", res.Tally.Folded, res.Tally.Unmapped, tt.folded, tt.forgotten, res.Tally.Invalid)
			}
		})
	}
}

// TestHeader holds what the header says of people against the laws: who is related to the patient is a RelatedPerson, and comes back.
func TestHeader(t *testing.T) {
	const doc = `<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><effectiveTime value="20200101"/><confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>
<recordTarget><patientRole><id root="1.2.3.4" extension="7"/><patient><name><given>Rowan</given><family>Testperson</family></name>
<guardian><code code="MTH" codeSystem="2.16.840.1.113883.5.111"/><guardianPerson><name><family>Testmother</family></name></guardianPerson></guardian>
<languageCommunication><languageCode code="en"/><modeCode code="ESP" codeSystem="2.16.840.1.113883.5.60"/><proficiencyLevelCode code="G" codeSystem="2.16.840.1.113883.5.61"/></languageCommunication></patient></patientRole></recordTarget>
<participant typeCode="IND"><associatedEntity classCode="NOK"><id root="1.2.3.5"/><code code="SIB" codeSystem="2.16.840.1.113883.5.111"/><telecom value="tel:+1-555-0100"/>
<associatedPerson><name><given>Robin</given><family>Testperson</family></name></associatedPerson></associatedEntity></participant>
<participant typeCode="CALLBCK"><associatedEntity classCode="ASSIGNED"><id root="1.2.3.6"/><associatedPerson><name><family>Testdoctor</family></name></associatedPerson></associatedEntity></participant></ClinicalDocument>`
	res, err := laws(kit(builtin(t)), []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Faults {
		t.Error(f)
	}
	lines, err := maptest.Lines(res.Record)
	if err != nil {
		t.Fatal(err)
	}
	fhir := strings.Join(lines, "\n")
	for _, want := range []string{`"resourceType":"RelatedPerson"`, `"code":"SIB"`, `"family":"Testdoctor"`, `"confidentiality":"R"`, `"code":"GUARD"`, "StructureDefinition/patient-proficiency"} {
		if n := strings.Count(fhir, want); n != 1 {
			t.Errorf("FHIR holds %s %d times, not once:\n%s", want, n, fhir)
		}
	}
	for _, want := range []string{`classCode="NOK"`, `code="SIB"`, `Testdoctor`, `code="MTH"`, `code="ESP"`} {
		if n := strings.Count(string(res.Back), want); n != 1 {
			t.Errorf("%s comes back %d times, not once:\n%s", want, n, res.Back)
		}
	}
	if strings.Contains(string(res.Back), "GUARD") {
		t.Errorf("what was derived is written:\n%s", res.Back)
	}
}
