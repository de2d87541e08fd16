package v2fhir

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/appointment_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/diagnostic_report_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	mapb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/medication_administration_go_proto"
	spb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/specimen_go_proto"

	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The segments of invented people that most messages begin with.
const (
	wholePID  = "PID|1||4711^^^MAPLE^MR||Sample^Ann^B||19700203|F|||1 Oak St^^Maple^IL^60000||^PRN^PH^^1^555^5550100\n"
	wholePV1  = "PV1|1|O|^^^MAPLE||||21^Doe^Dan\n"
	wholeHead = "MSH|^~\\&|EHR|MAPLE|||20240301101500-0500||" // its type stands behind it
	wholeEVN  = "EVN||20240301101500-0500\n"
	// What senders put beside any visit.
	wholeBeside = "ROL|1|AD|AT|21^Doe^Dan\nPRT|P1|AD||AT|22^Low^Lou\nPRT|P2|AD||PP|31^Roe^Rita\nOBX|1|NM|3^Weight^L||70|kg|||||F\nAL1|1|DA|PEN^Penicillin^L|SV\nDG1|1||J06.9^Cold^I10\n" +
		"PR1|1||1^Biopsy^L||20240301\nGT1|1||Sample^Bob\nIN1|1|PLAN7|CO1|Maple Health\nUB1|1|2\nUB2|1|3\n"
)

// wholeMessages are a message of each structure that has a table, its events' sake aside: type, event and structure, and the
// segments behind MSH.
var wholeMessages = []struct{ kind, body string }{
	{"ADT^A08^ADT_A01", wholeEVN + wholePID + "NK1|1|Sample^Bob|SPO\n" + wholePV1 + "AL1|1|DA|PEN^Penicillin^L|SV\nDG1|1||J06.9^Cold^I10\n"},
	{"ADT^A31^ADT_A05", wholeEVN + wholePID + "NTE|1||speaks slowly\nNTE|2||hears well\n" + wholePV1},
	{"ADT^A47^ADT_A30", wholeEVN + wholePID + "NTE|1||speaks slowly\nMRG|4713^^^MAPLE^MR\n"},
	{"ADT^A40^ADT_A39", wholeEVN + wholePID + "NTE|1||speaks slowly\nMRG|4713^^^MAPLE^MR\n"},
	{"ADT^A02^ADT_A02", wholeEVN + wholePID + wholePV1},
	{"ADT^A02^ADT_A02", wholeEVN + wholePID + "NK1|1|Sample^Bob|SPO\n" + wholePV1 + wholeBeside},
	{"ADT^A11^ADT_A09", wholeEVN + wholePID + wholePV1 + wholeBeside},
	{"ADT^A40^ADT_A39", wholeEVN + wholePID + "MRG|4713^^^MAPLE^MR\n" + wholePV1 + wholeBeside},
	{"ADT^A44^ADT_A43", wholeEVN + wholePID + "MRG|4713^^^MAPLE^MR\n" + "OBX|1|NM|3^Weight^L||70|kg|||||F\nDG1|1||J06.9^Cold^I10\n"},
	{"ADT^A47^ADT_A30", wholeEVN + wholePID + "MRG|4713^^^MAPLE^MR\n" + wholePV1 + wholeBeside},
	{"ADT^A24^ADT_A24", wholeEVN + wholePID + wholePV1 + wholeBeside + strings.Replace(wholePID, "4711", "4712", 1)},
	{"ADT^A03^ADT_A03", wholeEVN + wholePID + wholePV1 + "DG1|1||J06.9^Cold^I10\nPR1|1||1^Biopsy^L||20240301\nOBX|1|NM|3^Weight^L||70|kg|||||F\n"},
	{"ADT^A17^ADT_A17", wholeEVN + wholePID + wholePV1 + strings.NewReplacer("4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "PV1|1|I|^^^ELM\n"},
	{"ADT^A20^ADT_A20", wholeEVN + "NPU|W^410^C^MAPLE^^N|H\n"},
	{"ADT^A24^ADT_A24", wholeEVN + wholePID + wholePV1 + strings.Replace(wholePID, "4711", "4712", 1)},
	{"ADT^A40^ADT_A39", wholeEVN + wholePID + "MRG|4713^^^MAPLE^MR\n" + wholePV1},
	{"ORU^R01^ORU_R01", wholePID + wholePV1 + "ORC|RE|P1\nOBR|1|P1|F1|1^Panel^L|||20240301\nNTE|1||fasting\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nSPM|1|||BLD\n"},
	{"ORU^R01^ORU_R01", wholePID + "OBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|DT|30979-9&30980-7^Date due^LN|1&2|20250301||||||F\n"},
	{"ORU^R01^ORU_R01", wholePID + "OBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|TXT|2^Look^L||clear|||N|||F\nOBX|2|NUM|3^pH^L||6.9|1|||||F\nOBX|3|STR|4^Smell^L||none~faint||||||F\nOBX|4|TEXT|5^Note^L||A^Turbid^L||||||F\n"},
	{"ORU^R30^ORU_R30", wholePID + wholePV1 + "ORC|NW\nOBR|1||F1|1^Glucose^L|||20240301\nOBX|1|NM|2^Glucose^L||5|mmol/L|||||F\n"},
	{"ORU^R31^ORU_R31", wholePID + wholePV1 + "OBR|1||F1|1^Glucose^L|||20240301\nOBX|1|NM|2^Glucose^L||5|mmol/L|||||F\n"},
	{"OUL^R22^OUL_R22", wholePID + wholePV1 + "SPM|1|S1||BLD\nOBX|1|ST|V^Volume^L||low||||||F\nSAC|||S1\nOBR|1|P1|F1|1^Panel^L\nORC|SC|P1\nTQ1|1||||||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nNTE|1||checked\n"},
	{"OUL^R22^OUL_R22", wholePID + "SPM|1|S1||BLD\nOBR|1|P1|F1|1^Panel^L\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nOBR|2|P2|F2|3^Culture^L|||20240301\nORC|SC|P2\nOBX|1|NM|4^Growth^L||0||||||F\n" +
		"SPM|2|||UR\nOBR|3|P3|F3|5^Urine^L\nOBX|1|NM|6^Glucose^L||5|mmol/L|||||F\nOBR|4|P4|F4|7^Sediment^L\n"},
	{"OUL^R23^OUL_R23", wholePID + "SPM|1|S1||BLD\nSAC|||S1\nOBR|1|P1|F1|1^Panel^L\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nOBR|2|P2|F2|3^Culture^L\nOBX|1|NM|4^Growth^L||0||||||F\n"},
	{"OUL^R21^OUL_R21", wholePID + "SAC|||S1\nORC|SC|P1\nOBR|1|P1|F1|1^Panel^L\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\n"},
	{"OUL^R24^OUL_R24", wholePID + "OBR|1|P1|F1|1^Panel^L\nORC|SC|P1\nSPM|1|S1||BLD\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\n"},
	{"VXU^V04^VXU_V04", wholePID + "NK1|1|Sample^Ben|||||EMC\nORC|RE||V1\nRXA|0|1|20240301||08^Hep B^CVX|1|mL||01^Historical^NIP001~77^Register^IMM\n"},
	{"VXU^V04^VXU_V04", wholePID + "ORC|RE||V1\nRXA|0|1|20240301||08^Hep B^CVX|1|mL||00^New^NIP001|21^Doe^Dan\nRXR|IM^Intramuscular^HL70162\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P1|||||1^BID^D4^20240301^^R\nOBR|1|P1||1^Panel^L|||||||||||||||||||||||^^^20240302^^S\nORC|NW|P2|||||^TID\nTQ1|1||BID\nOBR|2|P2||2^Culture^L|||||||||||||||||||||||^^^20240303\n"},
	{"ORU^R01^ORU_R01", wholePID + "ORC|RE|P1|||||1^BID^D4^20240301^^R\nOBR|1|P1||1^Panel^L|||||||||||||||||||||F||^^^20240302^^S\nORC|RE|P2|||||^TID\nOBR|2|P2||2^Culture^L|||||||||||||||||||||F||^^^20240303\nTQ1|1||BID\n"},
	{"ORM^O01^ORM_O01", wholePID + wholePV1 + "ORC|NW|P1\nOBR|1|P1||1^Chest film^L\nDG1|1||R05^Cough^I10\nORC|NW|P2\nOBR|2|P2||2^Knee film^L\n"},
	{"OML^O21^OML_O21", wholePID + wholePV1 + "ORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Panel^L\nOBX|1|ST|Q^Fasting^L||yes||||||F\nSPM|1|S1||BLD\n"},
	{"OML^O33^OML_O33", wholePID + wholePV1 + "SPM|1|S1||BLD\nNTE|1||cloudy\nOBX|1|NM|V^Volume^L||4|mL|||||F\nSAC|||B1\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Panel^L|||20240301\nOBX|1|ST|Q^Fasting^L||yes||||||F\n" +
		"ORC|NW|P2\nOBR|2|P2||2^Culture^L\nSPM|2|S2||UR\nORC|NW|P3\nOBR|3|P3||3^Urine^L\nORC|NW|P4\n"},
	{"OML^O35^OML_O35", wholePID + "SPM|1|S1||BLD\nSAC|||B1\nORC|NW|P1\nOBR|1|P1||1^Panel^L\nSAC|||B2\nORC|NW|P2\nOBR|2|P2||2^Culture^L\nORC|NW|P3\nOBR|3|P3||3^Growth^L\nSPM|2|S2||UR\nSAC|||B3\nORC|NW|P4\nOBR|4|P4||4^Urine^L\n"},
	{"OML^O39^OML_O39", wholePID + wholePV1 + "ORC|NW|P1\nOBR|1|P1||1^Panel^L\nSHP|H1^MAPLE|H2^ELM|INV^Inventoried^HL70905|20240301|all there|R^Routine^HL70907|N^Normal^HL70908|1|G^Good^L|C37^Body temperature^HL70376|BIO^Biological^HL70489\n" +
		"OBX|1|NM|T^Temperature^L||4|Cel|||||F\nPAC|1|K1^MAPLE|||BOX^Box^HL70908|G^Good^L|C37^Body temperature^HL70376|BIO^Biological^HL70489\nSPM|1|S1||BLD\nSAC|||B1\nOBX|1|ST|L^Lid^L||tight||||||F\nSPM|2|S2||UR\nORC|NW|P2\nOBR|2|P2||2^Culture^L\n"},
	{"ORL^O22^ORL_O22", "MSA|AA|9\nERR||PID^1^3|0^Message accepted^HL70357|I\n" + wholePID + "ORC|OK|P1\nORC|UA|P2||||||||||||||R1^No reagent^L\nORC|OK|P3\nOBR|3|P3|F3|1^Panel^L\nSPM|1|S1||BLD\nSAC|||B1\n"},
	{"ORL^O34^ORL_O34", "MSA|AA|9\n" + wholePID + "SPM|1|S1||BLD\nORC|OK|P1\nOBR|1|P1|F1|1^Panel^L\nORC|OK|P2\n"},
	{"ORL^O36^ORL_O36", "MSA|AA|9\n" + wholePID + "SPM|1|S1||BLD\nSAC|||B1\nORC|OK|P1\nSAC|||B2\nORC|OK|P2\nOBR|2|P2|F2|2^Culture^L\n"},
	{"ORL^O40^ORL_O40", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nOBR|1|P1|F1|1^Panel^L\nPAC|1|K1^MAPLE|||BOX^Box^HL70908\nSPM|1|S1||BLD\n"},
	{"ORG^O20^ORG_O20", "MSA|AA|9\nNTE|1||soon\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nOBR|2|P2|F2|1^ECG^L\nNTE|1||at ten\nSPM|1|S1||BLD\n"},
	{"ORR^O02^ORR_O02", "MSA|AA|9\n" + wholePID + "ORC|OK|P1|F1\nORC|OK|P2|F2\nOBR|2|P2|F2|1^Chest film^L\n"},
	{"OMS^O05^OMS_O05", wholePID + wholePV1 + "ORC|NW|P1\nTQ1|1||||||20240301\nRQD|1|7^Gauze^L|8^Gauze^L|9^Gauze^L|20|BX^Box^L|D1|W1^Ward^L|E^Elm^L|20240302\nRQ1|5.00|M1^Maple Works^L|C1|V1^Vendor^L|C2|N|Y\nNTE|1||sterile\nBLG||CH|A1\n"},
	{"ORS^O06^ORS_O06", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nRQD|1|7^Gauze^L||9^Gauze^L|20\n"},
	{"OMN^O07^OMN_O07", wholePID + "ORC|NW|P1\nRQD|1|7^Gauze^L||9^Gauze^L|20\nOBX|1|ST|C^Colour^L||white||||||F\n"},
	{"ORN^O08^ORN_O08", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\n"},
	{"OMD^O03^OMD_O03", wholePID + wholePV1 + "ORC|NW|P1\nTQ1|1||||||20240301\nODS|D|1^Breakfast^L|D1^Light^L|no salt\nODS|P||P1^Tea^L\nNTE|1||warm\nORC|NW|P2\nODT|EARLY^Early tray^HL70160|1^Breakfast^L|soon\n"},
	{"ORD^O04^ORD_O04", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nODS|D||D1^Light^L\nORC|OK|P2\n"},
	{"OMI^O23^OMI_O23", wholePID + "ORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Chest film^L\nNTE|1||both sides\nOBX|1|NM|W^Weight^L||65|kg|||||F\nIPC|A1^MAPLE|R1^MAPLE|1.2.3.4|S1^MAPLE|CR^Radiography^DCM|1^Chest^L|ST1|L1^Room^L|AE1~AE2\nIPC|A1^MAPLE|R1^MAPLE|1.2.3.4|S2^MAPLE\n"},
	{"ORI^O24^ORI_O24", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nOBR|1|P1||1^Chest film^L\nIPC|A1^MAPLE|R1^MAPLE|1.2.3.4|S1^MAPLE\n"},
	{"OMB^O27^OMB_O27", wholePID + wholePV1 + "ORC|NW|P1\nTQ1|1||||||20240301\nBPO|1|E0277^Red cells^L|IR^Irradiated^L~WA^Washed^L|2|300|mL^^UCUM|20240302|BANK^^^MAPLE|4 Elm St^^Maple^IL|20240302|OR1^^^MAPLE|1 Oak St^^Maple^IL|AN^Anemia^L|Y\n" +
		"SPM|1|S1||BLD\nNTE|1||two tubes\nDG1|1||D64.9^Anemia^I10\nOBX|1|NM|HB^Hemoglobin^L||70|g/L|||||F\nORC|NW|P2\nBPO|2|E0300^Platelets^L||1|||20240303\n"},
	{"ORB^O28^ORB_O28", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nBPO|1|E0277^Red cells^L||2\n"},
	{"BPS^O29^BPS_O29", wholePID + "ORC|NW|P1\nBPO|1|E0277^Red cells^L||2\nNTE|1||soon\nBPX|1|RA^Ready^HL70510|P|20240302|W1|E0277^Red cells^L|V^Volunteer^L||||O^O pos^L|N1^CMV negative^L|20240401|1|300|mL^^UCUM|U1|OR1^^^MAPLE|1 Oak St^^Maple^IL|22^Roe^Rita|23^Poe^Pam\n" +
		"NTE|1||thawed\nBPX|2|RD^Reserved^HL70510|P|20240302|W2|E0277^Red cells^L||7^Factor^L|Maple Works|L1|||||1\n"},
	{"BRP^O30^BRP_O30", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\n"},
	{"BTS^O31^BTS_O31", wholePID + "ORC|RE|P1\nBPO|1|E0277^Red cells^L||2\nBTX|1|W1|E0277^Red cells^L|O^O pos^L||||1|300|mL^^UCUM|TX^Transfused^HL70513|P|20240302|22^Roe^Rita|23^Poe^Pam|20240302|20240302|CHILL^Chills^HL70514|R1^Reaction^HL70515\nNTE|1||slowly\n"},
	{"BRT^O32^BRT_O32", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\n"},
	{"RGV^O15^RGV_O15", wholePID + wholePV1 + "ORC|RE||F1\nRXO|1^Aspirin^L|100||mg\nRXR|PO\nRXG|1|1||1^Aspirin^L|100||mg|TAB^Tablet^L|F^With food^L|N|^^^MAPLE|N|S^Slowly^L|H|5|mL/h|100|mg\nTQ1|1||||||20240301\nRXR|PO^Oral^HL70162\n" +
		"RXG|2|1||1^Aspirin^L|50||mg\nTQ1|1||||||20240302\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|10|mL\nOBX|1|NM|W^Weight^L||65|kg|||||F\nORC|RE||F2\nRXG|1||^once|2^Ibuprofen^L|1||CAP^Capsule^L\nRXR|PO^Oral^HL70162\n"},
	{"RRG^O16^RRG_O16", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nRXG|1|1||1^Aspirin^L|100||mg\nRXR|PO^Oral^HL70162\n"},
	{"RRA^O18^RRA_O18", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nRXA|0|1|20240301||1^Aspirin^L|100|mg\nRXR|PO^Oral^HL70162\n"},
	{"RRD^O14^RRD_O14", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nRXD|1|1^Aspirin^L|20240301|20|TAB\nRXR|PO\n"},
	{"RRE^O12^RRE_O12", "MSA|AA|9\n" + wholePID + "ORC|OK|P1\nORC|OK|P2\nRXE||1^Aspirin^L|100||mg\nTQ1|1||||||20240301\nRXR|PO\n"},
	{"ORP^O10^ORP_O10", "MSA|AA|9\n" + wholePID + "NTE|1||soon\nORC|OK|P1\nORC|OK|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P1||||||||||21^Doe^Dan~22^Roe^Rita~23^Poe^Pam|||||||||Maple Clinic~Elm Clinic~Oak Clinic\nOBR|1|P1||1^Chest film^L||||||24^Low^Lou~25^Fro^Flo~26^Gro^Gus\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Chest film^L\nORC|CA|P2\nOBR|2|P2||1^Chest film^L\nORC|OK|P3\nOBR|3|P3||1^Chest film^L\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P2\nTQ1|1|1^TAB|BID\nRXO|1^Aspirin^L|100||mg\nRXR|PO\nRXC|B|2^Water^L|10|mL\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P1\nOBR|1|P1||1^Chest film^L\nORC|NW|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO\nORC|NW|P3\nOBR|2|P3||2^Knee film^L\nORC|NW|P4\nRXO|2^Ibuprofen^L|200||mg\nRXR|PO\nORC|NW|P5\n"},
	{"ORM^O01^ORM_O01", wholePID + "ORC|NW|P1\nOBR|1|P1||1^Panel^L|||||||||||BLD\nOBX|1|ST|Q^Fasting^L||yes||||||F\nSPM|1|S1||BLD\nNTE|1||cloudy\nSPM|2|S2||UR\nORC|NW|P2\nOBR|2|P2||2^Culture^L|||||||||||BLD\n"},
	{"OMG^O19^OMG_O19", wholePID + wholePV1 + "ORC|NW|P1\nOBR|1|P1||1^ECG^L\nNTE|1||urgent\n"},
	{"OMG^O19^OMG_O19", wholePID + "ORC|NW|P1\nTQ1|1||||||20240301\nTQ1|2||||||20240302||||again\nOBR|1|P1||1^ECG^L\n"},
	{"ORU^R01^ORU_R01", wholePID + "ORC|RE|P1\nOBR|1|P1|F1|1^Panel^L\nTQ1|1||||||20240301\nTQ1|2||||||20240302\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\n"},
	{"OMP^O09^OMP_O09", wholePID + wholePV1 + "ORC|NW|P1\nRXO|1^Aspirin^L|100||mg\nRXR|PO\n"},
	{"RDE^O11^RDE_O11", wholePID + wholePV1 + "ORC|NW|P1\nRXE||1^Aspirin^L|100||mg\nRXR|PO\n"},
	{"RDE^O11^RDE_O11", wholePID + "ORC|NW|P1\nPRT||AD||AT|21^Doe^Dan\nRXO|1^Aspirin^L|100||mg\nPRT||CO||CP|22^Low^Lou\nRXR|PO\nRXE||1^Aspirin^L|100||mg\nPRT||AD||VP|31^Roe^Rita\nTQ1|1||||||20240301\nRXR|PO\n"},
	{"RDS^O13^RDS_O13", wholePID + wholePV1 + "ORC|RE|P1\nRXD|1|1^Aspirin^L|20240301|20|TAB\nRXR|PO\n"},
	{"RAS^O17^RAS_O17", wholePID + "ORC|RE|P1\nRXA|0|1|20240301080000-0500||1^Aspirin^L|100|mg|||||||||||||CP\nRXR|PO^Oral^HL70162\nNTE|1||half was spilt\nNTE|2||and wiped up\n"},
	{"RGV^O15^RGV_O15", wholePID + "ORC|RE||F1\nRXG|1|1||1^Aspirin^L|100|200|mg\nTQ1|1||||||20240301\nRXR|PO^Oral^HL70162\n"},
	{"RAS^O17^RAS_O17", wholePID + wholePV1 + "ORC|RE|P1\nRXO|1^Aspirin^L|100||mg\nRXA|0|1|20240301080000-0500|20240301080500-0500|1^Aspirin^L|100|mg|TAB^Tablet^L|with food^Note^L|21^Doe^Dan|^^^MAPLE||||LOT7|20250101|MPL^Maple Works^MVX|||CP\n" +
		"RXR|PO^Oral^HL70162\nOBX|1|NM|5^Pain^L||3||||||F\nNTE|1||after an hour\nRXA|0|2|20240301200000-0500||1^Aspirin^L|0|mg||||||||||||00^Refused^L||RE\n" +
		"ORC|RE|P2\nRXA|0|1|20240301||2^Ibuprofen^L|999||||||||||||||PA|A|20240302\nRXR|PO\n"},
	{"RSP^K11^RSP_K11", "MSA|AA|9\nQAK|Q1|OK|Z34^Request history^HL70471|2\nQPD|Z34^Request history^HL70471|Q1|4711^^^MAPLE^MR|Sample^Ann~Sample^Annie&von|a\\T\\b\n" +
		wholePID + "PD1|||||||||||02^Reminder^HL70215\nNK1|1|Sample^Bob|SPO\nPV1|1|R\nORC|RE||V1\nRXA|0|1|20240301||08^Hep B^CVX|1|mL||00^New^NIP001|21^Doe^Dan\n" +
		"RXR|IM^Intramuscular^HL70162\nOBX|1|CE|64994-7^Eligibility^LN|1|V02^Medicaid^HL70064||||||F|||20240301\nORC|RE||V2\nRXA|0|1|20240401||03^MMR^CVX|999\n" +
		strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "ORC|RE||V3\nRXA|0|1|20240501||03^MMR^CVX|0.5|mL\n"},
	{"RSP^K11^RSP_K11", "MSA|AE|9\nERR||QPD^1^3^1^2^1|101^Required field missing^HL70357|E|1^Unknown^HL70533|one~two|detail|words|PAT~NPAT|O^Override^L|R1^Why^L|^PRN^PH^^1^555^5550100\nQAK|Q1|TM|||1|2\n" +
		"QPD|Z44^Request forecast^HL70471|Q1\n" + wholePID + "QRI|95|SS~NA|ALG^Algorithm^L\n"},
	{"VXR^V03^VXR_V03", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|VXI^Vaccines^HL70048|^||\nQRF|REG1|20240101|20240301|||REC|ALL|1ST|^^^20240101|90\n" +
		wholePID + "ORC|RE||V1\nRXA|0|1|20240301||08^Hep B^CVX|1|mL\n"},
	{"VXX^V02^VXX_V02", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|VXI^Vaccines^HL70048|^\n" + wholePID + "NK1|1|Sample^Bob|SPO\n" +
		strings.Replace(wholePID, "4711", "4712", 1)},
	{"RSP^K22^RSP_K22", "MSA|AA|9\nQAK|Q1|OK\nQPD|Q22^Find candidates^HL70471|Q1|@PID.5.1^Sample~@PID.8^F\nRCP|I|10^RD|R^Real time^HL70394|||PID.5^A|PID\n" + wholePID + "QRI|80\n" +
		strings.NewReplacer("4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "QRI|60\nDSC|next|I\n"},
	{"RSP^K31^RSP_K31", "MSA|AA|9\nQAK|Q1|OK\nQPD|Q31^Dispense history^HL70471|Q1|4711\nRCP|I\n" + wholePID + "AL1|1|DA|PEN^Penicillin^L|SV\n" + wholePV1 +
		"ORC|RE|P1\nRXO|1^Aspirin^L|100||mg\nRXE||1^Aspirin^L|100||mg\nRXR|PO\nRXD|1|1^Aspirin^L|20240301|20|TAB\nRXR|PO\n"},
	{"RSP^Z86^RSP_Z86", "MSA|AA|9\nQAK|Q1|OK\nQPD|Z85^Pharmacy history^HL70471|Q1|4711\n" + wholePID +
		"ORC|RE|P1\nRXG|1||^BID|1^Aspirin^L|100||mg\nRXR|PO\nRXA|0|1|20240301||1^Aspirin^L|100|mg\nRXR|PO\n"},
	{"RSP^Z90^RSP_Z90", "MSA|AA|9\nQAK|Q1|OK\nQPD|Z89^Lab results^HL70471|Q1|4711\nRCP|I\n" + wholePID + wholePV1 +
		"ORC|RE|P1\nOBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nSPM|1|||BLD\nDSC|next\n"},
	{"REF^I12^REF_I12", "RF1|P^Pending^HL70283|R^Routine^HL70280|MED^Medical^HL70281|WR^Report^HL70282~AM|A^Ambulatory^HL70284|R77^MAPLE|20240301|20240601|20240228|O^Second opinion^HL70336|X88^ELM\n" +
		"AUT|PLAN7|CO1^Maple Health|Maple Health|20240301|20240601|AU55^MAPLE|500.00|4|4\nCTD|IC^Information^HL70131|Sample^Cara|2 Elm St^^Maple^IL|||PH\n" +
		"PRD|RP^Referring^HL70286|Doe^Dan|1 Oak St^^Maple^IL|^^^MAPLE|^PRN^PH^^1^555^5550101|PH|21^NPI|20200101||Maple Clinic^L|3 Oak St^^Maple^IL||^PRN^PH^^1^555^5550102\n" +
		"CTD|OC^Office^HL70131|Desk^Dora\nPRD|RT^Referred to^HL70286|Roe^Rita|||||22^NPI\nPRD|PP^Primary care^HL70286|Poe^Pam|||||23^NPI\n" +
		wholePID + "NK1|1|Sample^Bob|SPO\nDG1|1||R05^Cough^I10\nAL1|1|DA|PEN^Penicillin^L|SV\nPR1|1||1^Biopsy^L||20240201\nAUT|PLAN7|CO1^Maple Health||||AU56\n" +
		"OBR|1|P1|F1|1^Panel^L|||20240301\nNTE|1||fasting\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nNTE|1||checked\n" + wholePV1 + "NTE|1||please see soon\n"},
	{"REF^I14^REF_I12", "RF1|R||||||||||X88\nPRD|RP|Doe^Dan|||||21^NPI\n" + wholePID},
	{"RRI^I12^RRI_I12", "MSA|AA|9\nRF1|A|S^STAT^HL70280||||R77^MAPLE\nPRD|RT|Roe^Rita|||||22^NPI\n" + wholePID + "DG1|1||R05^Cough^I10\n"},
	{"RQA^I08^RQA_I08", "RF1|P^Pending^HL70283|R^Routine^HL70280|MED^Medical^HL70281|||R77^MAPLE|||20240228|||R^Required^HL70865|20240801|a cough since May|6^1|2^1|1^1|400.00^USD|Maple Health|21^Doe^Dan|told by Dora|20240227|^PRN^PH^^1^555^5550103|soon|A\n" +
		"AUT|PLAN7|CO1^Maple Health|Maple Health|20240301|20240601|AU55^MAPLE|500.00|4|4\nCTD|IC^Information^HL70131|Sample^Cara\nPRD|RP^Referring^HL70286|Doe^Dan|||||21^NPI\nCTD|OC^Office^HL70131|Desk^Dora\nPRD|RT^Referred to^HL70286|Roe^Rita|||||22^NPI\n" +
		wholePID + "NK1|1|Sample^Bob|SPO\nGT1|1||Sample^Bob\nIN1|1|PLAN7|CO1|Maple Health\nDG1|1||R05^Cough^I10\nPR1|1||1^Biopsy^L||20240301\nAUT|PLAN7|CO1^Maple Health||||AU56\nOBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\n" + wholePV1 + "NTE|1||please say soon\n"},
	{"RPA^I08^RPA_I08", "MSA|AA|9\nRF1|A\nAUT|PLAN7|CO1^Maple Health|Maple Health|20240301|20240601|AU55^MAPLE\nPRD|RT^Referred to^HL70286|Roe^Rita|||||22^NPI\n" + wholePID + "IN1|1|PLAN7|CO1|Maple Health\nPR1|1||1^Biopsy^L||20240301\nAUT|PLAN7|CO1^Maple Health||||AU56\n"},
	{"RQI^I01^RQI_I01", "PRD|RP^Referring^HL70286|Doe^Dan|||||21^NPI\nCTD|OC^Office^HL70131|Desk^Dora\nPRD|RT^Payer^HL70286||||||77^NPI|||Maple Health\n" + wholePID + "NK1|1|Sample^Bob|SPO\nGT1|1||Sample^Bob\nIN1|1|PLAN7|CO1|Maple Health\nNTE|1||is she insured?\n"},
	{"RPI^I01^RPI_I01", "MSA|AA|9\nPRD|RP|Doe^Dan|||||21^NPI\n" + wholePID + "IN1|1|PLAN7|CO1|Maple Health\n"},
	{"RQP^I04^RQP_I04", "PRD|RP|Doe^Dan|||||21^NPI\n" + wholePID + "GT1|1||Sample^Bob\n"},
	{"RPI^I04^RPI_I04", "MSA|AA|9\nPRD|RP|Doe^Dan|||||21^NPI\n" + wholePID},
	{"RQC^I05^RQC_I05", "QRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|RES^Results^HL70048|^\nQRF|REG1|20240101|20240301\nPRD|RP|Doe^Dan|||||21^NPI\n" + wholePID},
	{"RCI^I05^RCI_I05", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|RES^Results^HL70048|^\nPRD|RT|Roe^Rita|||||22^NPI\n" + wholePID + "DG1|1||R05^Cough^I10\nAL1|1|DA|PEN^Penicillin^L|SV\nOBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nNTE|1||checked\nOBR|2|P2|F2|3^Culture^L|||20240302\n"},
	{"RCL^I06^RCL_I06", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|RES^Results^HL70048|^\nPRD|RT|Roe^Rita|||||22^NPI\n" + wholePID + "DG1|1||R05^Cough^I10\nDSP|1|1|Ann has a cough.|END|R7\nDSP|2||And a cold.\nDSC|next\n"},
	{"RPR^I03^RPR_I03", "MSA|AA|9\nPRD|RT|Roe^Rita|||||22^NPI\n" + wholePID + strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "NTE|1||all of them\n"},
	{"ADT^A03^ADT_A03", wholeEVN + wholePID + wholePV1 + "IN1|1|PLAN7|CO1|Maple Health\nAUT|PLAN7|CO1^Maple Health||||AU56\nRF1|A||||||||||X88^ELM||||6^1\n"},
	{"DFT^P03^DFT_P03", wholeEVN + wholePID + wholePV1 + "FT1|1|||20240301||CG|99213^Visit^C4\nDG1|1||J06.9^Cold^I10\n"},
	{"DFT^P11^DFT_P11", wholeEVN + wholePID + wholePV1 + "DG1|1||J06.9^Cold^I10\nGT1|1||Sample^Bob\nIN1|1|PLAN7|CO1|Maple Health\nFT1|1|||20240301||CG|99213^Visit^C4\n"},
	{"BAR^P02^BAR_P02", wholeEVN + wholePID + wholePV1},
	{"PPR^PC1^PPR_PC1", wholePID + "PRB|AD|20240301|J45^Asthma^I10|PB1\nVAR|V1^MAPLE|20240302|20240301|21^Doe^Dan|L^Late^L|came late~by a day\nPTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302\nVAR|V2^MAPLE|20240303\n" +
		"ORC|NW|P1\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nOBX|1|NM|3^Height^L||180|cm|||||F\nPRB|AD|20240301|E11^Diabetes^I10|PB2\nORC|NW|P2|||||^^^20240305\nOBR|2|P2||2^HbA1c^L||20240301\nORC|NW|P3\nOBR|3|P3||3^Lipids^L|||||||||||||||||||||||^^^20240306\n"},
	{"PPR^PC1^PPR_PC1", wholePID + wholePV1 + "PRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nPTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nVAR|V2^MAPLE|20240303\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nNTE|1||slowly\nVAR|V2^MAPLE|20240303\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nGOL|UP|20240301|8^Sleep well^L|G2||||||||||||||A^Agreed^L\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L||20240301\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nORC|NW|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|10|mL\nNTE|1||with food\nVAR|V5^MAPLE|20240303\nOBX|1|NM|W^Weight^L||65|kg|||||F\nORC|NW|P3\nRXE||4^Ibuprofen^L|200||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|5|mL\nNTE|1||no food\nPRB|AD|20240301|E11^Diabetes^I10|PB2\nPTH|AD|9^Weight pathway^L|PT3|20240301|completed\nGOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\nORC|NW|P9\n"},
	{"PGL^PC6^PGL_PC6", wholePID + wholePV1 + "GOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nNTE|1||slowly\nVAR|V2^MAPLE|20240303\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nPTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nVAR|V2^MAPLE|20240303\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nPRB|AD|20240301|E11^Diabetes^I10|PB2\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nORC|NW|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|10|mL\nNTE|1||with food\nVAR|V5^MAPLE|20240303\nOBX|1|NM|W^Weight^L||65|kg|||||F\nORC|NW|P3\nRXE||4^Ibuprofen^L|200||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|5|mL\nNTE|1||no food\nGOL|UP|20240301|8^Sleep well^L|G2||||||||||||||A^Agreed^L\nPTH|DE|8^Sleep pathway^L|PT2|20240301|active|20240302\nPTH|AD|9^Weight pathway^L|PT3|20240301|completed\nPRB|AD|20240301|I10^Hypertension^I10|PB3\nGOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\nORC|NW|P9\n"},
	{"PPP^PCB^PPP_PCB", wholePID + wholePV1 + "PTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nNTE|1||as agreed\nVAR|V2^MAPLE|20240303\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nGOL|UP|20240301|8^Sleep well^L|G2||||||||||||||A^Agreed^L\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nORC|NW|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|10|mL\nNTE|1||with food\nVAR|V5^MAPLE|20240303\nOBX|1|NM|W^Weight^L||65|kg|||||F\nORC|NW|P3\nRXE||4^Ibuprofen^L|200||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|5|mL\nNTE|1||no food\nPRB|AD|20240301|E11^Diabetes^I10|PB2\nPTH|DE|8^Sleep pathway^L|PT2|20240301|active|20240302\nPRB|AD|20240301|I10^Hypertension^I10|PB3\nGOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\nORC|NW|P9\n"},
	{"PPP^PCC^PPP_PCB", wholePID + wholePV1 + "PTH|AD|9^Weight pathway^L|PT3|20240301|completed\n"},
	{"PPG^PCG^PPG_PCG", wholePID + wholePV1 + "PTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nVAR|V2^MAPLE|20240303\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nROL|R1^MAPLE|AD|PP^Primary^HL70443|21^Doe^Dan\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\nNTE|1||twice\nPRB|AD|20240301|E11^Diabetes^I10|PB2\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nORC|NW|P2\nRXO|1^Aspirin^L|100||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|10|mL\nNTE|1||with food\nVAR|V5^MAPLE|20240303\nOBX|1|NM|W^Weight^L||65|kg|||||F\nORC|NW|P3\nRXE||4^Ibuprofen^L|200||mg\nRXR|PO^Oral^HL70162\nRXC|B|2^Water^L|5|mL\nNTE|1||no food\nGOL|UP|20240301|8^Sleep well^L|G2||||||||||||||A^Agreed^L\nPTH|DE|8^Sleep pathway^L|PT2|20240301|active|20240302\nGOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\nPRB|AD|20240301|I10^Hypertension^I10|PB3\nORC|NW|P9\n"},
	{"PRR^PC5^PRR_PC5", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|PRB^Problems^HL70048|^\n" + wholePID + wholePV1 + "PRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nPTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nPRB|AD|20240301|E11^Diabetes^I10|PB2\n" + strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "PRB|AD|20240301|I10^Hypertension^I10|PB3\n"},
	{"PPV^PCA^PPV_PCA", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|PRB^Problems^HL70048|^\n" + wholePID + wholePV1 + "GOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nPTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nGOL|UP|20240301|8^Sleep well^L|G2||||||||||||||A^Agreed^L\n" + strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "GOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\n"},
	{"PTR^PCF^PTR_PCF", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|PRB^Problems^HL70048|^\n" + wholePID + wholePV1 + "PTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nPTH|DE|8^Sleep pathway^L|PT2|20240301|active|20240302\n" + strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "PTH|AD|9^Weight pathway^L|PT3|20240301|completed\nPRB|AD|20240301|I10^Hypertension^I10|PB3\n"},
	{"PPT^PCL^PPT_PCL", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|PRB^Problems^HL70048|^\n" + wholePID + wholePV1 + "PTH|AD|7^Asthma pathway^L|PT1|20240301|A^Active^L|20240302|INT^Intent^L\nGOL|AD|20240301101500-0500|7^Walk a mile^L|G1|E1^MAPLE|1|20240228|20240901|PT^Physio^L|NU^Nursing^L|IMP^Improving^L|20240315|20240415|20240215|1^^Q2W|EV^Evaluation^L|walks well~sleeps well|active|20240302|PAT^Patient^L|Sample^Ann|INT^Intent^L\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nORC|NW|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Spirometry^L\nNTE|1||sitting\nVAR|V3^MAPLE|20240303\nOBX|1|NM|3^Height^L||180|cm|||||F\nNTE|1||in shoes\nVAR|V4^MAPLE|20240303\nPTH|DE|8^Sleep pathway^L|PT2|20240301|active|20240302\n" + strings.NewReplacer("PID|1|", "PID|2|", "4711", "4712", "Ann^B", "Amy").Replace(wholePID) + "PTH|AD|9^Weight pathway^L|PT3|20240301|completed\nGOL|DE|20240301|9^Lose weight^L|G3||||||||||||||cancelled\n"},
	{"ADT^A08^ADT_A01", wholeEVN + wholePID + wholePV1 + "DG1|1||J06.9^Cold^I10\nPRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nVAR|V1^MAPLE|20240302\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\n"},
	{"ADT^A31^ADT_A05", wholeEVN + wholePID + "PV1|1|N\nPRB|AD|20240301|J45^Asthma^I10|PB1\n"},
	{"DFT^P03^DFT_P03", wholeEVN + wholePID + wholePV1 + "OBX|1|NM|3^Weight^L||70|kg|||||F\nORC|RE|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Chest film^L\nNTE|1||both sides\nOBX|1|ST|Q^Pregnant^L||no||||||F\nFT1|1|||20240301||CG|99213^Visit^C4\n"},
	{"DFT^P03^DFT_P03", wholeEVN + wholePID + wholePV1 + "ORC|RE|P0\nOBR|1|P0||9^ECG^L\nFT1|1|||20240301||CG|99213^Visit^C4\nNTE|1||by agreement\nPR1|1||1^Biopsy^L||20240301\nORC|RE|P1\nTQ1|1||||||20240301\nOBR|1|P1||1^Chest film^L\nNTE|1||both sides\nOBX|1|ST|Q^Pregnant^L||no||||||F\n" +
		"ORC|RE|P2\nFT1|2|||20240302||CG|99214^Visit^C4\nOBR|2|P3||2^Knee film^L\nNTE|1||left\n"},
	{"DFT^P11^DFT_P11", wholeEVN + wholePID + wholePV1 + "IN1|1|PLAN6|CO1|Elm Health\nFT1|1|||20240301||CG|99213^Visit^C4\nORC|RE|P1\nOBR|1|P1||1^Chest film^L\nIN1|1|PLAN7|CO1|Maple Health\nIN1|2|PLAN8|CO2|Oak Health\nFT1|2|||20240302||CG|99214^Visit^C4\n"},
	{"SIU^S14^SIU_S12", "SCH|A1^MAPLE|B1^MAPLE|||||CHECKUP^^HL70276|Normal^^HL70277|30^min||^^^20240401090000-0500|||||31^Desk^Dora||||31^Desk^Dora|||||checked in\n" + wholePID + "RGS|1\nAIP|1||21^Doe^Dan|GP\n"},
	{"OUL^R22^OUL_R22", wholePID + "SPM|1|S1||BLD\nSAC|||S1\nINV|R1^Reagent^L|OK^OK status^HL70383~NE^New^L|SR^Single test reagent^HL70384|B1^Bottle^L|C1^Carrier^L|3^Third^L|10|9|8|2|mL^^UCUM|20250101|20240301|1^^D30|T1^Test^L|LOT7|MPL^Maple Works^L|ELM^Elm Supply^L|30^d|5^mL\n" +
		"OBR|1|P1|F1|1^Panel^L\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\n"},
	{"PPR^PC1^PPR_PC1", wholePID + "PRB|AD|20240301|J45^Asthma^I10|PB1|||||20240401|D^Diagnosis^L|||provisional^Provisional|resolved^Resolved\n" +
		"PRB|AD|20240301|M10^Gout^I10|PB2|||||20240401|||||A^Active^L\nPRB|AD|20240301|J20^Bronchitis^I10|PB4|||||20240401||||confirmed^Confirmed^L|resolved^Resolved^L\nPRB|DE|20240301|E11^Diabetes^I10|PB3|||||20240401||||confirmed|resolved\n"},
	{"PPR^PC1^PPR_PC1", wholePID + wholePV1 + "PRB|AD|20240301|J45^Asthma^I10|PB1\nNTE|1||since childhood\nOBX|1|NM|3^Peak flow^L||400|L/min|||||F\n"},
	{"SIU^S12^SIU_S12", "SCH|A1^MAPLE|B1^MAPLE|||||CHECKUP^^HL70276|Normal^^HL70277|30|min|^^^20240401090000-0500^20240401093000-0500|||||31^Desk^Dora||||31^Desk^Dora|||||Booked\n" +
		"NTE|1||bring your card\n" + wholePID + wholePV1 + "RGS|1\nAIS|1||99213^Visit^C4|20240401090000-0500|||30|min||Booked\nNTE|1||fasting\nAIL|1||ROOM1^^^MAPLE|||||||||Booked\n" +
		"AIP|1||21^Doe^Dan|GP^General practitioner^L||||||||Booked\nRGS|2\nAIG|1||DEV1^Scanner^L|E^Equipment^L\n"},
	{"SIU^S15^SIU_S12", "SCH|A1^MAPLE|B1^MAPLE||||PATIENT^asked for it^L|||||^^^20240401090000-0500|||||31^Desk^Dora\n" + wholePID + "RGS|1\nAIP|1||21^Doe^Dan|GP\n"},
	{"SIU^S26^SIU_S12", "SCH|A1^MAPLE||||||||||^^^20240401090000-0500|||||31^Desk^Dora\n" + wholePID + "RGS|1\nAIL|1||ROOM1^^^MAPLE\n"},
	{"SRM^S01^SRM_S01", "ARQ|A1^MAPLE||1|G1^MAPLE|C1^Calendar^L|W^Wish^L|CHECKUP^Checkup^HL70276|NORMAL^Normal^HL70277|30|min|20240401090000-0500^20240401120000-0500|2|Q1D^0900|D3|21^Doe^Dan|^PRN^PH^^1^555^5550100|1 Oak St^^Maple^IL|^^^MAPLE|31^Desk^Dora|^PRN^PH^^1^555^5550101|^^^ELM|PA1^MAPLE|FA1^ELM|P1|F1\n" +
		"APR|PREFSTART&Start&HL70294^0900||PREFLOC&Place&L^ELM|15|MON&Monday&L^OK\nNTE|1||in the morning\n" + wholePID + wholePV1 + "RGS|1|A\nAIS|1|A|99213^Visit^C4\nAPR|PREFEND&End&L^1200\nAIP|1|A|22^Roe^Rita\n"},
	{"SRM^S04^SRM_S01", "ARQ|A1^MAPLE|B1^ELM||||||||||||||||21^Doe^Dan||||31^Desk^Dora\n" + wholePID + "RGS|1\n"},
	{"SRR^S01^SRR_S01", "MSA|AA|9\nSCH|A1^MAPLE|B1^MAPLE||||R^Room is free^L|||||^^^20240401090000-0500^20240401093000-0500|||||31^Desk^Dora||||31^Desk^Dora|||||Booked\n" + wholePID + "RGS|1\nAIP|1||21^Doe^Dan|GP\n"},
	{"DOC^T12^DOC_T12", "MSA|AA|9\nQRD|20240301|R|I|Q1|||10^RD|4711^Sample^Ann|DOC^Documents^L|^\nEVN|T12|20240301101500-0500\n" + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||20240301090000-0500|||21^Doe^Dan|||D1^MAPLE|||||AU||AV\nOBX|1|TX|T^Text^L||Ann was well.||||||F\n" +
		wholePID + wholePV1 + "TXA|1|HP^History^L|TX|||20240201090000-0500||||||D2^MAPLE|||||AU||OB\nOBX|1|TX|T^Text^L||She had a cold.||||||F\n"},
	{"MDM^T01^MDM_T01", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||20240301090000-0500|||21^Doe^Dan|||D1^MAPLE|||||AU||AV\n"},
	{"MDM^T02^MDM_T02", wholeEVN + wholePID + wholePV1 + "ORC|RE|P1\nOBR|1|P1|F1|1^Visit^L\nTXA|1|DS^Discharge summary^L|TX|||20240301090000-0500||20240301100000-0500|21^Doe^Dan|||D1^MAPLE|||||AU||AV\n" +
		"OBX|1|TX|T^Text^L||Ann was well.||||||F\nOBX|2|TX|T^Text^L||||||||F\nOBX|3|FT|T^Text^L||Two lines\\.br\\here.~And a repetition.||||||F\nNTE|1||dictated\n" +
		"OBX|4|ED|P^Print^L||^application^pdf^Base64^JVBERi0=||||||F\nOBX|5|TX|T^Text^L||An afterword.||||||F|||||||||||DONE^Done^L||||B1^Box^L|V1^Vial^L|C1^Cause^L~C2|RSLT|N|N||7\nOBX|6|RP|S^Scan^L||\\E\\\\E\\maple\\E\\scan.tif^^image^tiff||||||F\n"},
	{"MDM^T02^MDM_T02", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||20240301090000-0500|||21^Doe^Dan|||D6^MAPLE|||||AU||AV\nOBX|1|ED|P^Print^L||^application^pdf^Base64^JVBERi0=||||||F\n" +
		"OBX|2|CWE|HIDE^Hidden from staff^L||N^No^HL70532||||||F\nNTE|1||asked\nOBX|3|CE|SEE^Seen by^L||P^Patient^L~G^General practitioner^L||||||F\nOBX|4|TX|T^Text^L||An afterword.||||||F\nOBX|5|TX|T^Text^L||In two lines.||||||F\nOBX|6|CWE|HIDE^Hidden from staff^L||Y^Yes^HL70532||||||F\n"},
	{"MDM^T06^MDM_T02", wholeEVN + wholePID + wholePV1 + "TXA|1|AD^Addendum^L|TX|||||||||D2^MAPLE|D1^MAPLE||||IP||AV\nOBX|1|TX|T^Text^L||And more.||||||F\n"},
	{"MDM^T10^MDM_T02", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||||||||D3^MAPLE|D1^MAPLE||||LA||AV\nOBX|1|TX|T^Text^L||Anew.||||||F\n"},
	{"MDM^T11^MDM_T01", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||||||||D4^MAPLE|||||AU||AV\n"},
	{"MDM^T11^MDM_T01", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||||||||D5^MAPLE|||||AU\n"},
	{"MDM^T11^MDM_T01", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||||||||D3^MAPLE|||||AU||CA\n"},
}

// TestWholeMessages holds a message of every structure against the laws, there, back and there, and its groups against the structure:
// each is as the standard has it, so nothing is out of its place, and no value of it is unknown.
func TestWholeMessages(t *testing.T) {
	m := builtin(t)
	for _, tt := range wholeMessages {
		t.Run(tt.kind, func(t *testing.T) {
			text := strings.ReplaceAll(wholeHead+tt.kind+"|1|P|2.8\n"+tt.body, "\n", "\r")
			msg, err := hl7v2.Parse(text, hl7v2.Options{})
			if err != nil {
				t.Fatal(err)
			}
			structure := msg.Group()
			if want := tt.kind[strings.LastIndexByte(tt.kind, '^')+1:]; structure != want || !m.Set().Has(structure, "Bundle") {
				t.Fatalf("is read as %s", structure)
			}
			for _, f := range msg.Findings {
				t.Errorf("%s at %s", f.ID, f.Place.Path)
			}
			res, err := kit(m, structure).Run([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Faults {
				t.Error(f)
			}
			res.Doc.Leaves(func(n tree.Node, s tree.State, why string) {
				if s == tree.Unmapped || s == tree.Invalid {
					t.Errorf("%s is %s: %s", res.Doc.PlaceOf(n), s, why)
				}
			})
		})
	}
}

// TestWriteMessages writes every message of the tests to a folder, for scripts/conformance.sh to convert and the official validator to judge:
// `CHARTPOST_MESSAGES=DIR go test -run WriteMessages`.
func TestWriteMessages(t *testing.T) {
	dir := os.Getenv("CHARTPOST_MESSAGES")
	if dir == "" {
		t.Skip("CHARTPOST_MESSAGES names no folder")
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name+".hl7"), []byte(strings.ReplaceAll(text, "\n", "\r")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, tt := range wholeMessages {
		write(fmt.Sprintf("%s-%d", strings.ReplaceAll(tt.kind, "^", "-"), i), wholeHead+tt.kind+"|1|P|2.8\n"+tt.body)
	}
	for i, tt := range oddMessages {
		write(fmt.Sprintf("odd-%d", i), wholeHead+tt.kind+"|1|P|2.7\n"+tt.body)
	}
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cases {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name == "in.hl7" {
				write(strings.TrimSuffix(filepath.Base(name), ".txtar"), string(f.Data))
			}
		}
	}
}

// wholeRecord is what a message of wholeMessages becomes.
func wholeRecord(t *testing.T, m *mapping.Map, kind, body string) *mapping.Record {
	t.Helper()
	return readMessage(t, m, strings.ReplaceAll(wholeHead+kind+"|1|P|2.8\n"+body, "\n", "\r"))
}

// readMessage is what a message becomes.
func readMessage(t *testing.T, m *mapping.Map, text string) *mapping.Record {
	t.Helper()
	msg, err := hl7v2.Parse(text, hl7v2.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := m.ToFHIR(msg.Group(), "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestAboutThePatient: whatever a message with a patient tells of somebody, it tells of him.
func TestAboutThePatient(t *testing.T) {
	m := builtin(t)
	about := map[string]protoreflect.Name{"ServiceRequest": "subject", "DiagnosticReport": "subject", "Observation": "subject", "Encounter": "subject",
		"Condition": "subject", "Procedure": "subject", "Specimen": "subject", "ChargeItem": "subject", "MedicationRequest": "subject",
		"MedicationDispense": "subject", "MedicationAdministration": "subject", "Immunization": "patient", "AllergyIntolerance": "patient",
		"RelatedPerson": "patient", "Coverage": "beneficiary", "Account": "subject", "DocumentReference": "subject", "Goal": "subject", "CarePlan": "subject"}
	for _, tt := range wholeMessages {
		if !strings.Contains(tt.body, "PID|") {
			continue
		}
		rec := wholeRecord(t, m, tt.kind, tt.body)
		for _, r := range rec.Resources {
			name := about[r.Type()]
			if x, ok := r.Msg.(*spb.Specimen); name == "" || ok && x.Type == nil { // a number alone, as OBX-33 has it
				continue
			}
			pr := r.Msg.ProtoReflect()
			v := pr.Get(pr.Descriptor().Fields().ByName(name))
			ref, ok := v.Interface().(protoreflect.Message)
			if !ok { // Account.subject is a list
				if v.List().Len() == 0 {
					t.Errorf("%s: %s is about nobody", tt.kind, r.Type())
					continue
				}
				ref = v.List().Get(0).Message()
			}
			if to, ok := ref.Interface().(*dpb.Reference); !ok || to.GetReference() == nil {
				t.Errorf("%s: %s is about nobody", tt.kind, r.Type())
			}
		}
	}
}

// TestSameSpecimen: several orders below one specimen have it all, and it stands in the bundle once.
func TestSameSpecimen(t *testing.T) {
	m := builtin(t)
	for _, tt := range wholeMessages {
		if !strings.HasPrefix(tt.body[strings.IndexByte(tt.body, '\n')+1:], "SPM|1|S1||BLD\n") || strings.Count(tt.body, "OBR|") < 2 {
			continue
		}
		rec := wholeRecord(t, m, tt.kind, tt.body)
		specimens := 0
		for _, r := range rec.Resources {
			switch x := r.Msg.(type) {
			case *spb.Specimen:
				if !fromField(x) {
					specimens++
				}
			case *rpb.DiagnosticReport:
				if len(x.Specimen) == 0 {
					t.Errorf("%s: a report without its specimen", tt.kind)
				}
			}
		}
		if want := strings.Count(tt.body, "SPM|"); specimens != want {
			t.Errorf("%s: %d specimens, want %d", tt.kind, specimens, want)
		}
	}
}

// oddMessages are such as senders write against the standard or at its edges; each broke a law once.
var oddMessages = []struct{ name, kind, body string }{
	{"a note below an observation of nothing", "ORU^R01^ORU_R01", wholePID + "OBR|1|||1^Panel^L|||||||||||||||||||||F\nOBX|1\nNTE|1|L|seen by Dora|RE^Remark^HL70364\nSPM|1|^S1\n"},
	{"a participant below an observation of nothing", "ORU^R01^ORU_R01", "PID|1\nOBX|1\nPRT||AD||PB^Performed by^HL70912|21^Doe^Dan||CLINIC^Clinic^L|Maple Clinic|^^^MAPLE|DEV1^MAPLE|20240301101500-0500||||^^^^^^^^^DEV1|UDI7|||LOT7|S7\n"},
	{"a note below a patient of nothing", "ORU^R01^ORU_R01", "PID|1\nNTE|1|L|asked twice|RE^Remark^HL70364|31^Desk^Dora\nOBR|1|P1|F1|1^Panel^L||||||||||||31^Front^Flora|||||||||F\n"},
	{"a time of collection with an end that is none", "ORU^R01^ORU_R01", wholePID + "OBR|1|||1^Panel^L|||||||||||||||||||||F\nSPM|1|S1||BLD|||||||||||||20240301101500-0500^later\n"},
	{"a site's segment behind a note of a patient", "ERP^Z99^ERP_R09", "MSA|AA|9\nQAK|7|OK\nERQ||R09|@PID.3.1^4711\n" + wholePID + "NTE|1|P|all of it\nZNT|1^MAPLE\n"},
	{"a note without a text", "ORU^R01^ORU_R01", wholePID + "OBR|1|||1^Panel^L|||||||||||||||||||||F\nNTE||fasting\nOBX|1|NM|2^Sodium^L||140||||||F\nNTE|3|#1\n"},
	{"a route that administrations share", "RAS^O17^RAS_O17", wholePID + "ORC|RE|P1\nRXA|0|1|20240301||1^Aspirin^L|100|mg\nRXA|0|2|20240302||1^Aspirin^L|100|mg\nRXR|PO^Oral^HL70162\nORC|RE|P2\nRXA|0|1|20240303||2^Ibuprofen^L|100|mg\n"},
	{"an organization at home", "ADT^A08^ADT_A01", wholeEVN + wholePID + wholePV1 + "IN1|1|PLAN7|CO1|Maple Health|1 Oak St^^Maple^IL^60000^^H~2 Elm St^^Maple^^^^O|Roe^Rita|^PRN^PH^^1^555^5550100~^WPN^PH^^1^555^5550101\n"},
	{"times that end before they begin", "ORU^R01^ORU_R01", wholePID + "PV1|1|O||||||||||||||||||||||||||||||||||||||||||20240302|20240301\nOBR|1|P1|F1|1^Panel^L|||20240302|20240301||||||||||||||||||F\n" +
		"TQ1|1||||||20240302|20240301\nOBX|1|DR|1^Stay^L||20240302^20240301||||||F\nSPM|1|S1||BLD|||||||||||||20240302^20240301\n"},
	{"fields of blanks", "ADT^A08^ADT_A01", "EVN||20240301101500-0500| \nPID|1||4711^^^MAPLE^MR||Sample^ ^ || |F||2106-3^White^L|1 Oak St^ ^Maple^IL^60000||5550100^ \nNK1|1|Sample^Bob| \nPV1|1|O| ^ ||||21^ ^Dan\nOBX|1|ST|1^A^L|| ||||||F\n"},
	{"a discharge at no time", "ADT^A03^ADT_A03", wholeEVN + wholePID + "PV1|1|I|^^^MAPLE||||21^Doe^Dan|||||||||||||||||||||||||||||||||||||20240301101500-0500|tomorrow\n"},
	{"next of kin of whom nothing is said", "ADT^A08^ADT_A01", wholeEVN + wholePID + "NK1|1\nNK1|2|Sample^Bob|SPO\n" + wholePV1},
	{"an order between the specimen and its request", "OUL^R22^OUL_R22", wholePID + "SPM|1|S1||BLD\nORC|SC|P1\nOBR|1|P1|F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F\nSPM|2|S2||UR\nORC|SC|P2\nOBR|2|P2|F2|3^Urine^L\n"},
	{"data that are a text by their type alone", "MDM^T02^MDM_T02", wholeEVN + wholePID + wholePV1 + "TXA|1|DS^Discharge summary^L|TX|||20240301090000-0500||||||D1^MAPLE|||||AU\nOBX|1|ED|T^Text^L||^text^^Base64^QW5uIHdhcyB3ZWxsLg==||||||F\n"},
	{"an answer to what has no id of FHIR", "ORR^O02^ORR_O02", "MSA|AA|Q_1@maple.example\n" + wholePID + "ORC|OK|P1|F1\n"},
	{"two who entered a prescription", "RDE^O11^RDE_O11", wholePID + "ORC|NW|P1||||||||21^Doe^Dan~^Do^Dani||31^Roe^Rita~32^Poe^Pam~33^Low^Lou\nRXE||1^Aspirin^L|100||mg\nRXR|PO\n"},
	{"an event in a message of vaccinations", "VXU^V04^VXU_V04", wholeEVN + wholePID + "ORC|RE||V1\nRXA|0|1|20240301||08^Hep B^CVX|1|mL\n"},
	{"no mother's maiden name", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann|\"\"\n" + wholePV1},
	{"a mother's maiden name, and none", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann|Jones^Eve^^^^^M~\"\"\n" + wholePV1},
	{"a mother's name without a family name", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann|\"\"^Eve\n" + wholePV1},
	{"mothers' names without a family name, with one, and none", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann|\"\"^Eve~Jones^Ida~\"\"~\"\"^^B\n" + wholePV1},
	{"a note of a diagnosis", "ADT^A08^ADT_A01", wholeEVN + wholePID + wholePV1 + "DG1|1||J06.9^Cold^I10\nNTE|1||for a week\n"},
	{"an appointment without SCH and RGS", "SIU^S12^SIU_S12", wholePID + "NTE|1||comes alone\n" + wholePV1 + "AIS|1|A|1^Checkup^L|20240401090000-0500|||30|min\nAIL|1|A|ROOM1^^^MAPLE\nAIP|1|A|21^Doe^Dan|GP\n"},
	{"an appointment of nobody in particular", "SIU^S17^SIU_S12", wholePID + wholePV1},
	{"codes that are explicitly nothing", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann^^^^^\"\"||19700203|\"\"|||1 Oak St^^Maple^IL^60000^^\"\"||5550100^\"\"^\"\"\nPV1|1|\"\"||\"\"\nAL1|1|\"\"|PEN^Penicillin^L|\"\"\n"},
	{"a result whose status is explicitly nothing", "ORU^R01^ORU_R01", wholePID + "ORC|\"\"|P1|||\"\"\nOBR|1|P1|F1|1^Panel^L|\"\"||||||||||||||||||\"\"||\"\"|\"\"\nOBX|1|NM|1^A^L||5|\"\"|\"\"|\"\"|||\"\"\nSPM|1|||BLD\n"},
	{"a visit of which PV1 says nothing", "ORU^R01^ORU_R01", wholePID + "PV1|1\nPV2|||||||||||4\nOBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F\nOBX|1|NM|1^A^L||5||||||F\n"},
	{"the address of an order's facility alone", "ORU^R01^ORU_R01", wholePID + "ORC|RE|P1||||||||||22^Roe^Rita||||||||||^^Maple^IL\nOBR|1|P1|F1|1^Panel^L\nOBX|1|NM|1^A^L||5||||||F\n"},
	{"a general practitioner behind who took part in the visit", "ADT^A08^ADT_A01", wholeEVN + wholePID + wholePV1 + "ROL|1|AD|AT|21^Doe^Dan\nROL|2|AD|CP|22^Low^Lou\nROL|3|AD|PP|31^Roe^Rita\n"},
	{"an update by an organization at no time (PID-33, PID-34)", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann||||||||||||||||||||||||||||later|MAPLE^1.2.36.4^ISO\n" + wholePV1},
	{"a name whose end is no time", "ORU^R01^ORU_R01", wholePID + "ORC|RE|P1||||||||21^Doe^Dan^^^^^^^L^^^^^^^20240129^^later\nOBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F\n"},
	{"a name with a range of time and an end", "ADT^A08^ADT_A01", wholeEVN + "PID|1||4711^^^MAPLE^MR||Sample^Ann^^^^^L^^^20200101&20210101^^^20220101||||||1 Oak St^^Maple^IL^60000^^H^^^^^20200101&20210101^^20220101\n" + wholePV1},
	{"a method that is nothing in its second code", "ORU^R01^ORU_R01", wholePID + "OBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F\nOBX|1|NM|2^Sodium^L||140||||||F||||||^^^\"\"\n"},
	{"a site's segment behind the allergies", "RDE^O11^RDE_O11", wholePID + wholePV1 + "PV2||1\nZVI|a\nAL1|1|DA|1^Nuts^L\nZAL|b\nORC|NW|P1\nRXE||1^Aspirin^L|100||mg\nRXR|PO\n"},
	{"an order that says nothing but its number", "ORU^R01^ORU_R01", wholePID + "OBR|1\nOBX|1|NM|2^Sodium^L||140||||||F\n"},
	{"a role of several persons", "ADT^A08^ADT_A01", wholeEVN + wholePID + wholePV1 + "ROL|1|AD|AT|21^Doe^Dan~9921^Doe^Dan^^^^^^MAPLE^L^^^NPI\n"},
	{"several timings of an order", "ORU^R01^ORU_R01", wholePID + "OBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F||1^^^20240301^^R~^^^20240302^^S\n"},
	{"a medicine without ORC between two orders", "ORM^O01^ORM_O01", wholePID + "ORC|NW|P1\nRXO|1^Aspirin^L|100||mg\nRXO|2^Ibuprofen^L|200||mg\nORC|NW|P2\nRXO|3^Codeine^L|30||mg\n"},
	{"an encoded order without ORC between two orders", "RDE^O11^RDE_O11", wholePID + "ORC|NW|P1\nRXE||1^Aspirin^L|100||mg\nRXR|PO\nRXE||2^Ibuprofen^L|200||mg\nRXR|PO\nORC|NW|P2\nRXE||3^Codeine^L|30||mg\nRXR|PO\n"},
	{"a unit in the place of the largest dose", "ORM^O01^ORM_O01", wholePID + "ORC|NW|P1\nRXO|1^Aspirin^L|1|TAB|PO\nORC|NW|P2\nRXO|2^Ibuprofen^L|200|400|mg\n"},
	{"a range without its text", "ORU^R01^ORU_R01", wholePID + "OBR|1|||1^Panel^L|||||||||||||||||||||F\nOBX|1|NM|2^Sodium^L||140|mmol/L|^135^145||||F\nOBX|2|NM|3^Potassium^L||4|mmol/L|3-5^3^5||||F\n"},
	{"an ORC behind its OBR", "ORU^R01^ORU_R01", wholePID + "OBR|1|||1^Panel^L|||||||||||||||||||||F\nORC|RE||F1\nOBX|1|NM|2^Sodium^L||140||||||F\nOBX|2|NM|3^Potassium^L||4.1||||||F\n"},
	{"an acknowledgement with results", "ORU^R01^ORU_R01", "MSA|AA|77\n" + wholePID + "OBR|1|P1|F1|1^Panel^L||||||||||||||||||||CT^Tomography|F|||||AMB^Walking\n"},
	{"a text in parts beside separators of its own", "ORU^R01^ORU_R01", wholePID + "OBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F\nOBX|1|TXT|2^Film^L||A & B^ and C||||||F\nNTE|1||^^only ^ this\n"},
	{"numbers of an order by many (OBR-53)", "ORU^R01^ORU_R01", wholePID + "ORC|RE|P1|F1||||||||||||||||||||||||||||||||||||X9\nOBR|1|P1|F1|1^Panel^L|||||||||||||||||||||F||||||||||||||||||||||||||||X1^^^MAPLE^PI~X2^^^ELM\n"},
	{"places of one visit", "ADT^A08^ADT_A01", wholeEVN + wholePID + "PV1|1|I|4W^1^A^MAPLE~4W^2^B^MAPLE~ICU^^^MAPLE\n"},
	{"a visit and its diagnoses where no table reads the structure", "BAR^P05", wholeEVN + wholePID + wholePV1 + "DG1|1||J06.9^Cold^I10|||A\nDG1|2||R05^Cough^I10|||F\n"},
	{"a diagnosis without a visit there", "BAR^P05", wholeEVN + wholePID + "DG1|1||J06.9^Cold^I10|||A\n"},
	{"a problem and a diagnosis there", "BAR^P05", wholeEVN + wholePID + "PRB|AD|20240301|J45^Asthma^I10|PB1\nDG1|1||J06.9^Cold^I10|||A\n"},
	{"an end that is no time", "ORM^O01", wholePID + "ORC|NW|P1\nOBR|1|P1||1^Panel^L|R||202403011015|0\n"},
	{"a time that is none, and another in its stead", "ORU^R01", wholePID + "OBR|1||F1|1^Panel^L|||soon|||||||202403011015|BLOOD\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F|||202403011015\n"},
	{"a timing that is none, and a time in its stead", "ORU^R01", wholePID + "OBR|1||F1|1^Panel^L||20240301|20240301|||||||||||||||20240302|||||F\n"},
	{"an event of which only a time is said, that is none", "ADT^A60^ADT_A60", "EVN||then\n" + wholePID + "PV1|1|O\n"},
	{"an explicit null of who is named, and one beside it", "ORU^R01", wholePID + "OBR|1||F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F|||20240301||\"\"\nOBX|2|NM|3^Potassium^L||4|mmol/L|||||F|||20240301|\"\"|\"\"\n"},
	{"an explicit null in front of who is named", "ORU^R01", wholePID + "OBR|1||F1|1^Panel^L|||20240301\nOBX|1|NM|2^Sodium^L||140|mmol/L|||||F|||20240301|\"\"|22^Roe^Rita\n"},
}

// TestOddMessages holds them against the laws.
func TestOddMessages(t *testing.T) {
	m := builtin(t)
	for _, tt := range oddMessages {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(wholeHead+tt.kind+"|1|P|2.7\n"+tt.body, "\n", "\r")
			raw := &hl7v2.Raw{Data: text, Line: 1, Column: 1, Record: 1}
			msg, err := (&hl7v2.Parser{}).Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			res, err := kit(m, arranged(m, raw, msg)).Run([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Faults {
				t.Error(f)
			}
			if tt.name == "fields of blanks" {
				res.Doc.Leaves(func(n tree.Node, s tree.State, why string) {
					if blank := strings.Trim(res.Doc.Text(n), " ") == ""; blank && s != tree.Declined {
						t.Errorf("%s, of blanks, is %s", res.Doc.PlaceOf(n), s)
					}
				})
			}
			if tt.name == "places of one visit" || strings.HasPrefix(tt.name, "a mother's") || strings.HasPrefix(tt.name, "mothers'") {
				res.Doc.Leaves(func(n tree.Node, s tree.State, why string) {
					if s == tree.Unmapped {
						t.Errorf("%s is %s", res.Doc.PlaceOf(n), s)
					}
				})
			}
			if tt.name == "a note of a diagnosis" {
				res.Doc.Leaves(func(n tree.Node, s tree.State, why string) {
					if res.Doc.Text(n) == "for a week" && s != tree.Unmapped {
						t.Errorf("the note of a diagnosis is %s: nothing says whose it is", s)
					}
				})
			}
			if res.Tally.Carried < 15 {
				t.Errorf("only %d values are carried", res.Tally.Carried)
			}
		})
	}
}

// TestSharedRoute: each of several RXA that share an RXR has its route, and no other has.
func TestSharedRoute(t *testing.T) {
	m := builtin(t)
	for _, tt := range oddMessages {
		if tt.name != "a route that administrations share" {
			continue
		}
		msg, err := hl7v2.Parse(strings.ReplaceAll(wholeHead+tt.kind+"|1|P|2.7\n"+tt.body, "\n", "\r"), hl7v2.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := m.ToFHIR(msg.Group(), "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
		if err != nil {
			t.Fatal(err)
		}
		var routes []bool
		for _, r := range rec.Resources {
			if x, ok := r.Msg.(*mapb.MedicationAdministration); ok {
				routes = append(routes, x.GetDosage().GetRoute() != nil)
			}
		}
		if want := []bool{true, true, false}; !slices.Equal(routes, want) {
			t.Errorf("routes %v, want %v", routes, want)
		}
		return
	}
	t.Error("no such message")
}

// TestAnyMessage reads a message whose structure has no table, and one whose event nobody knows.
func TestAnyMessage(t *testing.T) {
	m := builtin(t)
	for _, kind := range []string{"OMD^O03^OMD_O03", "ADT^Z09"} {
		text := strings.ReplaceAll(wholeHead+kind+"|1|P|2.5\n"+wholePID+wholePV1+
			"AL1|1|DA|PEN^Penicillin^L|SV\nORC|NW|P1\nODS|D||1^Light^L\nOBX|1|NM|2^Weight^L||70|kg|||||F\n", "\n", "\r")
		res, err := kit(m, AnyStructure).Run([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Faults {
			t.Errorf("%s: %s", kind, f)
		}
		types := map[string]int{}
		for _, r := range res.Record.Resources {
			types[r.Type()]++
		}
		for _, want := range []string{"Patient", "Encounter", "AllergyIntolerance", "ServiceRequest", "Observation"} {
			if types[want] != 1 {
				t.Errorf("%s: %d of %s", kind, types[want], want)
			}
		}
	}
}

// TestAppointmentsAndDocuments says of whole messages what they come to, where several places of them say it together.
func TestAppointmentsAndDocuments(t *testing.T) {
	m := builtin(t)
	status := map[string]cpb.AppointmentStatusCode_Value{"SIU^S12^SIU_S12": cpb.AppointmentStatusCode_BOOKED,
		"SIU^S15^SIU_S12": cpb.AppointmentStatusCode_CANCELLED, "SIU^S26^SIU_S12": cpb.AppointmentStatusCode_NOSHOW,
		"SRM^S01^SRM_S01": cpb.AppointmentStatusCode_PROPOSED, "SRM^S04^SRM_S01": cpb.AppointmentStatusCode_PENDING,
		"SRR^S01^SRR_S01": cpb.AppointmentStatusCode_BOOKED, "SIU^S14^SIU_S12": cpb.AppointmentStatusCode_CHECKED_IN}
	seen := 0
	for _, tt := range wholeMessages {
		text := strings.ReplaceAll(wholeHead+tt.kind+"|1|P|2.8\n"+tt.body, "\n", "\r")
		msg, err := hl7v2.Parse(text, hl7v2.Options{})
		if err != nil {
			t.Fatal(err)
		}
		structure := msg.Group()
		rec, err := m.ToFHIR(structure, "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rec.Resources {
			switch x := r.Msg.(type) {
			case *apb.Appointment:
				seen++
				if want := status[tt.kind]; x.Status.Value != want {
					t.Errorf("%s: status %s, want %s", tt.kind, x.Status.Value, want)
				}
				if !strings.HasPrefix(tt.kind, "SRM") && (x.Start.GetValueUs() == 0 || x.End == nil) {
					t.Errorf("%s: no start or no end", tt.kind)
				}
				if tt.kind == "SIU^S12^SIU_S12" && (x.End.ValueUs-x.Start.ValueUs != 30*60e6 || len(x.Participant) != 7 || len(x.ServiceType) != 1 ||
					x.Comment.GetValue() != "bring your card\nfasting") {
					t.Errorf("%s: %d participants, %d services, comment %q", tt.kind, len(x.Participant), len(x.ServiceType), x.Comment.GetValue())
				}
			case *drpb.DocumentReference:
				seen++
				if tt.kind != "MDM^T02^MDM_T02" {
					continue
				}
				var texts []string
				for _, c := range x.Content {
					texts = append(texts, c.Attachment.ContentType.GetValue()+": "+string(c.Attachment.Data.GetValue()))
				}
				want := []string{"text/plain: Ann was well.\n\nTwo lines\nhere.\nAnd a repetition.", "application/pdf: %PDF-", "text/plain: An afterword.", "image/tiff: "}
				if strings.Contains(tt.body, "OBX|2|CWE") { // a code about the document is no text of it
					want = []string{"application/pdf: %PDF-", "text/plain: An afterword.\nIn two lines."}
				}
				if !slices.Equal(texts, want) {
					t.Errorf("%s: content %q", tt.kind, texts)
				}
			}
		}
	}
	if seen < 9 {
		t.Errorf("only %d appointments and documents", seen)
	}
}
