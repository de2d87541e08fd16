package main

import (
	"fmt"
	"log"
	"regexp"
	"slices"
	"strings"
)

// A message as the dictionary has it.
type message struct {
	Name     string
	Segments struct{ Segments []*child }
}

type child struct {
	Name      string
	Min, Max  int
	Children  []*child
	Compounds []*child
}

// A part is a segment, a group or a choice of a message structure. Max 0 is without limit.
type part struct {
	Name     string
	Min, Max int
	Choice   bool
	Parts    []*part
}

// renamed gives groups one name in all versions: the latest, or the guide's where it maps the message.
var renamed = map[string]string{
	// The orders below problems have the groups of general orders.
	"PPR_PC1.ORDER_OBSERVATION": "OBSERVATION",
	"TIIMING":                   "TIMING", "LOCATIONL_RESOURCE": "LOCATION_RESOURCE", "RSPONSE": "RESPONSE", "DEFINTION": "DEFINITION",
	"OBXNTE": "OBSERVATION", "GROUP": "OBSERVATION", "Observation/Result_Group": "OBSERVATION_GROUP",
	"SUBJECT_PERSON/ANIMAL_IDENTIFICATION":       "SUBJECT_PERSON_ANIMAL_IDENTIFICATION",
	"SUBJECT_POPULATION/LOCATION_IDENTIFICATION": "SUBJECT_POPULATION_LOCATION_IDENTIFICATION",
	"ORU_R01.RESPONSE":                           "PATIENT_RESULT",
	"VXU_V04.PATIENT":                            "PATIENT_VISIT",
	"ADT_A39.PATIENT_ID":                         "PATIENT",
	"PPR_PC1.PATHWAY_OBSERVATION":                "PROBLEM_OBSERVATION",
	"REF_I12.RESULTS":                            "OBSERVATION", "REF_I12.VISIT": "PATIENT_VISIT", "REF_I12.AUTHORIZATION": "AUTHORIZATION_CONTACT",
	"REF_I12.PROVIDER": "PROVIDER_CONTACT",
}

// aliases are structures that were absorbed by another, or that senders name after the event.
var aliases = map[string]string{
	"ADT_A11": "ADT_A09", "ORU": "ORU_R01",
	"RDE_O01": "RDE_O11", "RDS_O01": "RDS_O13", "RGV_O01": "RGV_O15", "RAS_O01": "RAS_O17", "RAS_O02": "RAS_O17",
	"RRE_O01": "RRE_O12", "RRE_O02": "RRE_O12", "RRD_O02": "RRD_O14", "RRG_O02": "RRG_O16", "RRA_O02": "RRA_O18",
	"OMD_O01": "OMD_O03", "OMN_O01": "OMN_O07", "OMS_O01": "OMS_O05", "ORD_O02": "ORD_O04", "ORN_O02": "ORN_O08",
	"RDE_O25": "RDE_O11", "RRE_O26": "RRE_O12",
	"OMG_019": "OMG_O19", "OML_021": "OML_O21", "OML_033": "OML_O33", "OML_035": "OML_O35", "REF_T12": "REF_I12", "RRI_T12": "RRI_I12", "PPP_PCC": "PPP_PCB", // zeros for O
}

// events that the sources do not give, or give wrongly.
var events = map[string]string{
	"ADT_A29": "ADT_A21", "QBP_Q22": "QBP_Q21", "QBP_Z34": "QBP_Q11", "QBP_Z44": "QBP_Q11", "QBP_Q34": "QBP_Q11", "ORU_R03": "ORU_R01",
	"RSP_K22": "RSP_K22", "RSP_K24": "RSP_K23", "QBP_Q24": "QBP_Q21", "VXU_V01": "VXU_V04",
	"ORU_R40": "ORU_R01", "ORU_R42": "ORU_R01", "ORU_R43": "ORU_R01",
}

// byHand are canonical structures that a merge does not get right.
var byHand = map[string]string{
	"ADT_A30": "MSH ARV* SFT* UAC? EVN PID PD1? ARV* MRG PV1? PV2? " + besideVisit,
	"ADT_A06": "MSH ARV* SFT* UAC? EVN PID PD1? OH1* OH2* OH3? OH4* ARV* ROL* PRT* MRG? NEXT_OF_KIN(NK1 OH2* OH3?)* PV1 PV2? " +
		"ARV* ROL* PRT* DB1* OBSERVATION(OBX PRT*)* AL1* IAM* DG1* DRG? PROCEDURE(PR1 ROL* PRT*)* GT1* " +
		"INSURANCE(IN1 IN2? IN3* ROL* PRT* AUTHORIZATION(AUT PRT*)* REFERRAL(RF1 PRT*)*)* ACC? UB1? UB2?",
	// QUIRK: senders put into every message of a visit what they put into that of an admission, whatever has happened.
	"ADT_A02": admission, "ADT_A09": admission, "ADT_A12": admission, "ADT_A15": admission, "ADT_A21": admission, "ADT_A38": admission,
	"ADT_A52": admission, "ADT_A54": admission,
	"ADT_A61": admitted + "PV1 ROL* PRT* PV2? " + besideVisit,
	// The standard has the two patients side by side; a group keeps each one's visit with him.
	"ADT_A17": "MSH ARV* SFT* UAC? EVN PATIENT(PID PD1? PV1 PV2? " + besideVisit + ")+",
	"ADT_A24": "MSH SFT* UAC? EVN PATIENT(PID PD1? PV1? PV2? " + besideVisit + ")+",
	"ADT_A37": "MSH SFT* UAC? EVN PATIENT(PID PD1? PV1? PV2? " + besideVisit + ")+",
	"ADT_A18": "MSH SFT* EVN PID PD1? MRG? PV1? PV2? " + besideVisit,
	"ADT_A39": "MSH SFT* UAC? EVN PATIENT(PID PD1? MRG PV1? PV2? " + besideVisit + ")+",
	"ADT_A43": "MSH SFT* UAC? EVN PATIENT(PID PD1? ARV* MRG PV1? PV2? " + besideVisit + ")+",
	"ADT_A50": "MSH SFT* UAC? EVN PID PD1? MRG PV1 PV2? " + besideVisit,
	// What was dispensed has participants, notes and routes of its own beside those of the order.
	"RDE_O11": "MSH SFT* UAC? NTE* PATIENT(PID PD1? PRT* NTE* PATIENT_VISIT(PV1 PV2? PRT*)? INSURANCE(IN1 IN2? IN3?)* GT1? AL1*)? " +
		"ORDER(ORC PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL(RXO PRT* NTE* RXR+ COMPONENT(RXC+ NTE*)*)? " +
		"RXE PRT* NTE* TIMING_ENCODED(TQ1 TQ2*)+ RXR+ RXC* OBSERVATION(OBX PRT* NTE*)* FT1* BLG? CTI*)+",
	"RDS_O13": "MSH SFT* UAC? NTE* PATIENT(PID ADDITIONAL_DEMOGRAPHICS(PD1 PRT*)? NTE* AL1* PATIENT_VISIT(PV1 PV2? PRT*)?)? " +
		"ORDER(ORC PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL(RXO PRT* ORDER_DETAIL_SUPPLEMENT(NTE* RXR+ COMPONENT(RXC+ NTE*)*)?)? " +
		"ENCODING(RXE PRT* NTE* TIMING_ENCODED(TQ1 TQ2*)+ RXR+ RXC*)? DISPENSE(RXD PRT* NTE* RXR+ RXC* OBSERVATION(OBX PRT* NTE*)*) FT1*)+",
	// Senders name the next of kin in orders, and write notes below ORC, as later structures let them.
	"ORM_O01": orders + "ORDER(" + generalOrder + ")+",
	// Orders of one kind and what is answered to them have the groups of a general order: supplies, diets and trays, images.
	"ORR_O02": orders + "ORDER(" + generalOrder + ")*",
	"OMS_O05": orders + "ORDER(" + generalOrder + ")+", "ORS_O06": orders + "ORDER(" + generalOrder + ")*",
	"OMN_O07": orders + "ORDER(" + generalOrder + ")+", "ORN_O08": orders + "ORDER(" + generalOrder + ")*",
	"OMD_O03": orders + "ORDER(" + generalOrder + ")+", "ORD_O04": orders + "ORDER(" + generalOrder + ")*",
	"OMI_O23": orders + "ORDER(" + generalOrder + ")+", "ORI_O24": orders + "ORDER(" + generalOrder + ")*",
	// Blood: what is ordered, what is ready of it, and what was transfused.
	"OMB_O27": orders + "ORDER(" + bloodOrder + ")+", "ORB_O28": orders + "ORDER(" + bloodOrder + ")*",
	"BPS_O29": orders + "ORDER(" + bloodOrder + ")+", "BRP_O30": orders + "ORDER(" + bloodOrder + ")*",
	"BTS_O31": orders + "ORDER(" + bloodOrder + ")+", "BRT_O32": orders + "ORDER(" + bloodOrder + ")*",
	// Orders by specimen, and the answers to orders of laboratories: a specimen that stands first stands with the first order of it, a container
	// with the first order for it.
	"OML_O33": orders + "ORDER(" + specimenFirst + ")+", "ORL_O34": orders + "ORDER(" + specimenFirst + ")*",
	"OML_O35": orders + "ORDER(" + containerFirst + ")+", "ORL_O36": orders + "ORDER(" + containerFirst + ")*",
	"OML_O39": orders + "ORDER(" + shipped + ")+", "ORL_O40": orders + "ORDER(" + shipped + ")*",
	"ORL_O22": orders + "ORDER(CONTAINER(SAC OBX*)? ORC PRT* TIMING(TQ1 TQ2*)* OBSERVATION_REQUEST(OBR PRT* NTE* ROL* SPECIMEN(SPM NTE* CONTAINER(SAC)*)*)?)*",
	"ORG_O20": orders + "ORDER(ORC PRT* TIMING(TQ1 TQ2*)* OBR? ROL* NTE* CTI* SPECIMEN(SPM NTE* CONTAINER(SAC)*)*)*",
	// The answers to orders of medicines, and what is to be given.
	"ORP_O10": orders + "ORDER(ORC PRT* TIMING(TQ1 TQ2*)* RXO? PRT* NTE* RXR* COMPONENT(RXC NTE*)*)*",
	"RRE_O12": orders + "ORDER(ORC PRT* TIMING(TQ1 TQ2*)* RXE? PRT* NTE* TIMING_ENCODED(TQ1 TQ2*)* RXR* RXC*)*",
	"RRD_O14": orders + "ORDER(" + rxOrder + " DISPENSE(RXD PRT* NTE* RXR* RXC*)?)*",
	"RRG_O16": orders + "ORDER(" + rxOrder + " GIVE(RXG TIMING_GIVE(TQ1 TQ2*)* RXR* RXC*)*)*",
	"RGV_O15": orders + "ORDER(" + rxOrder + " GIVE(RXG TIMING_GIVE(TQ1 TQ2*)* RXR* RXC*)* OBSERVATION(OBX PRT* NTE*)*)+",
	"RRA_O18": orders + "ORDER(" + rxOrder + " ADMINISTRATION(" + rxGiven + ")* CTI*)*",
	// Senders say with an appointment what they say with an admission, and OBX begins a group as it does there.
	"SIU_S12": siu,
	"SIU_S27": siu,
	"SRM_S01": "MSH SFT* UAC? ARQ APR? " + scheduled,
	"SRR_S01": "MSH SFT* UAC? MSA? ERR* SFT* UAC? SCH? TQ1* " + scheduled,
	"DOC_T12": answer + "RESULT(EVN? PID PD1? PV1? PV2? TXA CON* OBSERVATION(OBX PRT* NTE*)*)* DSC?",
	"MDM_T01": mdm + "*",
	"MDM_T02": mdm + "+",
	// In results by specimen ORC stands behind OBR, and a group of its own there as it has in front; what is a result has one name, and a
	// specimen stands with the first order of it.
	"OUL_R21": "MSH SFT* UAC? NTE? PATIENT(PID PD1? PRT* NTE* NK1* VISIT(PV1 PV2?)?)? ORDER(CONTAINER(SAC SID? OBX*)? COMMON_ORDER(ORC PRT*)? " +
		"OBR PRT* NTE* TIMING_QTY(TQ1 TQ2*)* OBSERVATION(OBX PRT* TCD? SID* NTE*)* CTI*)+ DSC?",
	"OUL_R22": oul + oulOrder,
	"OUL_R23": oul + oulOrder,
	// QUIRK: the standard lets results stand behind what was observed of the specimen, and nothing tells them apart: all are results.
	"OUL_R24": oul + "ORDER(OBR PRT* COMMON_ORDER(ORC PRT*)? NTE* ROL* TIMING_QTY(TQ1 TQ2*)* SPECIMEN(SPM NTE* CONTAINER(SAC INV?)*)* " +
		"OBSERVATION(OBX PRT* TCD? SID* NTE*)* CTI*)+ DSC?",
	// A result at the point of care is a message of results with one order, and may have no groups for it.
	"ORU_R30": poct, "ORU_R31": poct, "ORU_R32": poct,
	// Answers that hold persons: of registries of vaccinations, old and new; of master indexes; of pharmacies and laboratories. Each
	// person stands in a group of his own, and what is told of him has the groups of the message that tells it unasked.
	"VXR_V03": vaccinations, "VXX_V02": vaccinations, "RSP_K11": vaccinations,
	"RSP_K21": persons, "RSP_K22": persons, "RSP_K23": persons, "RSP_K32": persons,
	"RSP_K31": medicines, "RSP_Z82": medicines, "RSP_Z86": medicines, "RSP_Z88": medicines,
	// QUIRK: a specimen stands behind all orders of a person there, and is read with the last.
	"RSP_Z90": answer + "QUERY_RESPONSE(PATIENT(PID PD1? PRT* NTE* NK1* NTE* ARV* VISIT(PV1 PV2? PRT*)?)? " +
		"ORDER_OBSERVATION(COMMON_ORDER(ORC PRT*)? TIMING_QTY(TQ1 TQ2*)* OBR PRT* NTE* CTD? OBSERVATION(OBX PRT* NTE*)* " +
		"SPECIMEN(SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)*)*)+)* DSC?",
	// QUIRK: in the standard several RXA may share the RXR behind the last; each begins a group, for each is an administration.
	"RAS_O17": "MSH SFT* UAC? NTE* " + rxPatient + "? ORDER(" + rxOrder + " ADMINISTRATION(" + rxGiven + ")+ CTI*)+",
	// A request for an authorization and the answer to it say what a referral says, in the same groups.
	"REF_I12": "MSH SFT* UAC? " + referral,
	"RRI_I12": "MSH SFT* UAC? MSA? ERR* " + referral,
	"RQA_I08": "MSH SFT* UAC? " + referral,
	"RPA_I08": "MSH SFT* UAC? MSA? ERR* " + referral,
	// Questions between providers about a patient, and the answers to them.
	"RQI_I01": information, "RPI_I01": information, "RQP_I04": information, "RPI_I04": information, "RQC_I05": information,
	"RCI_I05": information, "RCL_I06": information,
	"RPR_I03": asked + "PATIENT(PID PD1? NK1* PATIENT_VISIT(PV1 PV2?)?)* NTE*",
	// Problems, goals and pathways: each may stand first, with the others below it, told unasked or as an answer. Below what is below
	// another, a pathway would take the next message's part for its own: it has none.
	"PPR_PC1": care + problemsOfCare, "PRR_PC5": answer + "PATIENT(" + cared + problemsOfCare + ")*",
	"PGL_PC6": care + goalsOfCare, "PPV_PCA": answer + "PATIENT(" + cared + goalsOfCare + ")*",
	"PPP_PCB": care + pathwaysByProblem, "PTR_PCF": answer + "PATIENT(" + cared + pathwaysByProblem + ")*",
	"PPG_PCG": care + pathwaysByGoal, "PPT_PCL": answer + "PATIENT(" + cared + pathwaysByGoal + ")*",
	// What a message of a structure that no table reads is grouped by: the patient, and what belongs to him in the usual order.
	"ANY": "MSH ARV* SFT* UAC? MSA? ERR* QAK? QPD? QRD? QRF? RCP? EVN? NTE* " +
		"PATIENT(PID PD1? ARV* PRT* ROL* NK1* NTE* MRG? PV1? PV2? DB1* OBSERVATION(OBX PRT* NTE*)* AL1* IAM* DG1* DRG? " +
		"PROCEDURE(PR1 ROL* PRT*)* GT1* INSURANCE(IN1 IN2? IN3*)* ACC? UB1? UB2? PDA? " + problems + " ORDER(" + generalOrder + ")* FINANCIAL(FT1 FINANCIAL_PROCEDURE(PR1 ROL* PRT*)*)*)+",
}

const (
	// Who made the software stands before or behind what is acknowledged, by the version; so in an answer.
	orders = "MSH SFT* UAC? MSA? ERR* SFT* UAC? NTE* PATIENT(PID PD1? PRT* NTE* NK1* ARV* PATIENT_VISIT(PV1 PV2? PRT*)? " +
		"INSURANCE(IN1 IN2? IN3*)* GT1? AL1*)? "
	// QUIRK: senders write TQ1 and SPM into general orders, which are older than they.
	generalOrder = "ORC NTE* PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL((OBR|RQD|RQ1|RXO|ODS|ODT|ORO|RX1) RQ1? ODS* ODT* RXR* COMPONENT(RXC NTE*)* PRT* NTE* " +
		"ROL* CTD? DG1* OBSERVATION(OBX PRT* NTE*)* IPC* SPECIMEN(SPM NTE*)*)? FT1* CTI* BLG?"
	// Problems have messages of their own; senders put them behind what a message of a visit has.
	problems = "PROBLEM(PRB NTE* VAR* PROBLEM_OBSERVATION(OBX PRT* NTE*)*)*"
	admitted = "MSH ARV* SFT* UAC? EVN PID PD1? OH1* OH2* OH3? OH4* ARV* ROL* PRT* NEXT_OF_KIN(NK1 OH2* OH3?)* "
	// What ADT_A01 has behind the visit.
	besideVisit = "ARV* ROL* PRT* DB1* OBSERVATION(OBX PRT*)* AL1* IAM* DG1* DRG? PROCEDURE(PR1 ROL* PRT*)* GT1* " +
		"INSURANCE(IN1 IN2? IN3* ROL* PRT* AUTHORIZATION(AUT PRT*)* REFERRAL(RF1 PRT*)*)* ACC? UB1? UB2? PDA? " + problems
	admission = admitted + "PV1 PV2? " + besideVisit
	// The orders beside charges have the groups of general orders. QUIRK: senders put observations of no order there, as 2.3 had it.
	chargedOrders = " OBSERVATION(OBX PRT* NTE*)* " + chargedOrder
	chargedOrder  = "ORDER(ORC? NTE* PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL(OBR PRT* NTE* OBSERVATION(OBX PRT* NTE*)*)?)*"
	care          = "MSH SFT* UAC? MSA? ERR* " + cared
	cared         = "PID PD1? ARV* PATIENT_VISIT(PV1 PV2?)? "
	// QUIRK: senders write TQ1, routes and components with the orders, as in general orders.
	careOrders        = "ORDER(ORC PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL((OBR|RXO|RXE) RXR* COMPONENT(RXC)* PRT* NTE* VAR* OBSERVATION(OBX PRT* NTE* VAR*)*)?)*"
	careProblem       = "PRB NTE* VAR* PROBLEM_ROLE(ROL PRT* VAR*)* PRT* "
	careGoal          = "GOL NTE* VAR* GOAL_ROLE(ROL PRT* VAR*)* PRT* "
	carePathway       = "PTH NTE* VAR* PATHWAY_ROLE(ROL PRT* VAR*)* PRT* "
	pathwayOf         = "PATHWAY(PTH VAR*)* "
	problemSeen       = "PROBLEM_OBSERVATION(OBX PRT* NTE*)*"
	goalSeen          = "GOAL_OBSERVATION(OBX PRT* NTE*)*"
	problemsOfCare    = "PROBLEM(" + careProblem + pathwayOf + problemSeen + " GOAL(" + careGoal + goalSeen + ")* " + careOrders + ")+"
	goalsOfCare       = "GOAL(" + careGoal + pathwayOf + goalSeen + " PROBLEM(" + careProblem + problemSeen + ")* " + careOrders + ")+"
	pathwaysByProblem = "PATHWAY(" + carePathway + "PROBLEM(" + careProblem + problemSeen + " GOAL(" + careGoal + goalSeen + ")* " + careOrders + ")*)+"
	pathwaysByGoal    = "PATHWAY(" + carePathway + "GOAL(" + careGoal + goalSeen + " PROBLEM(" + careProblem + problemSeen + ")* " + careOrders + ")*)+"
	bloodOrder        = "ORC PRT* TIMING(TQ1 TQ2*)* BPO? SPECIMEN(SPM NTE*)? NTE* DG1* OBSERVATION(OBX PRT* NTE*)* PRODUCT(BPX NTE*)* " +
		"PRODUCT_STATUS(BTX NTE*)* FT1* BLG?"
	specimenFirst  = "SPECIMEN(SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)* CONTAINER(SAC)*)? " + requestOnly
	containerFirst = "SPECIMEN(SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)*)? CONTAINER(SAC)? " + requestOnly
	requestOnly    = "ORC PRT* TIMING(TQ1 TQ2*)* OBSERVATION_REQUEST(OBR PRT* TCD? NTE* ROL* PRT* CTD? DG1* OBSERVATION(OBX PRT* TCD? NTE*)* PRIOR_RESULT(PATIENT_PRIOR(PID PD1? PRT* ARV*)? " +
		"PATIENT_VISIT_PRIOR(PV1 PV2? PRT*)? AL1* ORDER_PRIOR(ORC? PRT* OBR PRT* NTE* ROL* PRT* TIMING_PRIOR(TQ1 TQ2*)* OBSERVATION_PRIOR(OBX PRT* NTE*)+)+)*)? FT1* CTI* BLG?"
	shipped = "ORC PRT* TIMING(TQ1 TQ2*)* OBSERVATION_REQUEST(OBR PRT* TCD? NTE* ROL* PRT* CTD? DG1* " +
		"OBSERVATION(OBX PRT* TCD? NTE*)* SPECIMEN(SHP? SHIPMENT_OBSERVATION(OBX PRT*)* PAC? SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)* " +
		"CONTAINER(SAC CONTAINER_OBSERVATION(OBX PRT*)*)*)*)? FT1* CTI* BLG?"

	oul      = "MSH SFT* UAC? NTE? PATIENT(PID PD1? PRT* NTE* NK1* PATIENT_OBSERVATION(OBX PRT*)* VISIT(PV1 PV2? PRT*)?)? NK1* "
	oulOrder = "ORDER(SPECIMEN(SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)* CONTAINER(SAC INV?)*)* OBR PRT* COMMON_ORDER(ORC PRT*)? NTE* ROL* " +
		"TIMING_QTY(TQ1 TQ2*)* OBSERVATION(OBX PRT* TCD? SID* NTE*)* CTI*)+ DSC?"
	poct = "MSH SFT* UAC? PATIENT(PID PD1? PRT* NTE* NK1* PATIENT_OBSERVATION(OBX PRT*)* VISIT(PV1 PV2? PRT*)?) " +
		"ORDER_OBSERVATION(COMMON_ORDER(ORC PRT*)? OBR PRT* NTE* ROL* PRT* TIMING_QTY(TQ1 TQ2*)* OBSERVATION(OBX PRT* NTE*)*)+"
	// Who made the software stands before or behind what is acknowledged, by the version.
	answer    = "MSH SFT* UAC? MSA? ERR* SFT* UAC? QAK? QPD? QRD? QRF? RCP? "
	persons   = answer + "QUERY_RESPONSE(PID PD1? ARV* NK1* PATIENT_VISIT(PV1 PV2?)? QRI?)* DSC?"
	rxPatient = "PATIENT(PID PD1? PRT* NTE* AL1* PATIENT_VISIT(PV1 PV2? PRT*)?)"
	rxOrder   = "ORC PRT* TIMING(TQ1 TQ2*)* ORDER_DETAIL(RXO PRT* ORDER_DETAIL_SUPPLEMENT(NTE* RXR+ COMPONENT(RXC+ NTE*)*)?)? " +
		"ENCODING(RXE PRT* NTE* TIMING_ENCODED(TQ1 TQ2*)* RXR+ RXC*)?"
	// QUIRK: senders write notes about what was given behind its route.
	rxGiven   = "RXA PRT* RXR? RXC* NTE* OBSERVATION(OBX PRT* NTE*)*"
	medicines = answer + "QUERY_RESPONSE(" + rxPatient + "? ORDER(" + rxOrder + " DISPENSE(RXD PRT* NTE* RXR* RXC* OBSERVATION(OBX PRT* NTE*)*)? " +
		"GIVE(RXG RXR* RXC*)? ADMINISTRATION(" + rxGiven + ")*)+)* DSC?"
	// The results of a referral have the groups of results.
	referral = "RF1? AUTHORIZATION_CONTACT(AUT CTD?)? PROVIDER_CONTACT(PRD CTD*)* PID PD1? NK1* GT1* INSURANCE(IN1 IN2? IN3?)* ACC? DG1* DRG* AL1* " +
		"PROCEDURE(PR1 AUTHORIZATION_CONTACT(AUT CTD?)?)* ORDER_OBSERVATION(OBR PRT* NTE* OBSERVATION(OBX PRT* NTE*)*)* PATIENT_VISIT(PV1 PV2?)? NTE*"
	asked       = "MSH SFT* UAC? MSA? ERR* QRD? QRF? PROVIDER_CONTACT(PRD CTD*)* "
	information = asked + "PID PD1? NK1* GT1* INSURANCE(IN1 IN2? IN3?)* ACC? DG1* DRG* AL1* " +
		"ORDER_OBSERVATION(OBR PRT* NTE* OBSERVATION(OBX PRT* NTE*)*)* PATIENT_VISIT(PV1 PV2?)? NTE* DSP* DSC?"
	vaccinations = answer + "PATIENT(PID PD1? PRT* NK1* ARV* PATIENT_VISIT(PV1 PV2?)? GT1* " +
		"INSURANCE(IN1 IN2? IN3?)* ORDER(ORC? PRT* TIMING(TQ1 TQ2*)* RXA PRT* RXR? OBSERVATION(OBX PRT* NTE*)*)* QRI?)* ROW_DEFINITION(RDF RDT*)? DSC?"
	siu       = "MSH SFT* UAC? EVN? SCH TQ1* " + scheduled
	scheduled = "NTE* PATIENT(PID PD1? ARV* PRT* ROL* NK1* NTE* PV1? PV2? DB1* OBSERVATION(OBX PRT* NTE*)* AL1* DG1* GT1* " +
		"INSURANCE(IN1 IN2? IN3*)*)* RESOURCES(RGS SERVICE(AIS APR? NTE*)* GENERAL_RESOURCE(AIG APR? NTE*)* LOCATION_RESOURCE(AIL APR? NTE*)* " +
		"PERSONNEL_RESOURCE(AIP APR? NTE*)*)+"
	mdm = "MSH ARV* SFT* UAC? EVN PID PD1? PRT* NK1* PV1 PV2? PRT* COMMON_ORDER(ORC PRT* TIMING(TQ1 TQ2*)* OBR PRT* NTE*)* TXA CON* " +
		"OBSERVATION(OBX PRT* NTE*)"
)

// dropped are groups of one old version that would take what belongs elsewhere in all others.
var dropped = map[string]bool{"OML_O21.CONTAINER_1": true, "OML_O21.CONTAINER_2": true}

// lenient is added to the canonical structures: what later versions or common practice put there.
// Each is "PARENT: SEGMENT after SEGMENT".
var lenient = map[string][][2]string{
	// SPM may have notes from 2.8 on.
	"*.SPECIMEN": {{"SPM", "NTE"}},
}

func convert(id string, list []*child) []*part {
	var out []*part
	for _, c := range list {
		if dropped[id+"."+c.Name] {
			continue
		}
		p := &part{Name: c.Name, Min: min(c.Min, 1), Max: c.Max}
		if c.Max > 1 {
			p.Max = 0
		}
		switch {
		case len(c.Children) > 0:
			if n, ok := renamed[id+"."+c.Name]; ok {
				p.Name = n
			} else if n, ok := renamed[c.Name]; ok {
				p.Name = n
			}
			p.Parts = convert(id, c.Children)
		case len(c.Compounds) > 0 || strings.Contains(c.Name, ","):
			p.Name, p.Choice = "", true
			p.Parts = convert(id, c.Compounds)
			if len(p.Parts) == 0 {
				for _, n := range strings.Split(strings.Trim(c.Name, ","), ",") {
					if n != "" {
						p.Parts = append(p.Parts, &part{Name: n, Min: 1, Max: 1})
					}
				}
			}
			if len(p.Parts) == 0 || p.Parts[0].Name == "" {
				continue
			}
			p.Min, p.Max = 1, 1 // QUIRK: the dictionary has every choice repeat without limit
			for _, k := range p.Parts {
				k.Min, k.Max = 1, 1
			}
		case c.Name == "GenericSegment":
			p.Name = "Hxx"
		}
		out = append(out, p)
	}
	return out
}

func (p *part) String() string {
	s := p.Name
	if p.Parts != nil {
		sep := " "
		if p.Choice {
			sep = "|"
		}
		var in []string
		for _, k := range p.Parts {
			in = append(in, k.String())
		}
		s += "(" + strings.Join(in, sep) + ")"
	}
	switch {
	case p.Min == 0 && p.Max == 1:
		s += "?"
	case p.Min == 0:
		s += "*"
	case p.Max != 1:
		s += "+"
	}
	return s
}

func grammar(list []*part) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, " ")
}

// first lists the segments that may begin a part.
func first(p *part) map[string]bool {
	m := map[string]bool{}
	if p.Parts == nil {
		m[p.Name] = true
		return m
	}
	for _, k := range p.Parts {
		for n := range first(k) {
			m[n] = true
		}
		if k.Min > 0 && !p.Choice && !allOptional(k) {
			break
		}
	}
	return m
}

func allOptional(p *part) bool {
	if p.Parts == nil || p.Choice {
		return false
	}
	for _, k := range p.Parts {
		if k.Min > 0 && !allOptional(k) {
			return false
		}
	}
	return true
}

func contains(p *part, seg string) bool {
	if p.Parts == nil {
		return p.Name == seg
	}
	return slices.ContainsFunc(p.Parts, func(k *part) bool { return contains(k, seg) })
}

func clone(p *part) *part {
	q := *p
	if p.Parts != nil {
		q.Parts = make([]*part, len(p.Parts))
		for i, k := range p.Parts {
			q.Parts[i] = clone(k)
		}
	}
	return &q
}

func loosen(p *part, min, max int) {
	if min == 0 {
		p.Min = 0
	}
	if max == 0 {
		p.Max = 0
	}
}

// merge extends base by what old had, so that every message of the old version is one of the new: what base lacks is
// inserted where it stood, what stands in a group of base is taken as that group, what was a group is taken as the
// group of base that begins with the same segment.
func merge(base, old []*part) []*part {
	at := 0        // where the next one is looked for
	var into *part // the group or choice that took the one before
	for _, o := range old {
		i := find(base, at, o)
		if i < 0 && into != nil && slices.ContainsFunc(into.Parts, func(p *part) bool { return p.Name == o.Name }) {
			continue // what follows it has gone into the group with it
		}
		if i < 0 && o.Parts != nil && !o.Choice {
			// The group is no longer one: its parts stand here.
			if head := headOf(o); head != "" && slices.ContainsFunc(base[min(at, len(base)):], func(p *part) bool { return p.Parts == nil && p.Name == head }) {
				rest := merge(base[min(at, len(base)):], o.Parts)
				base = append(base[:min(at, len(base)):min(at, len(base))], rest...)
				continue
			}
		}
		if i < 0 {
			n := clone(o)
			n.Min = 0
			base = slices.Insert(base, at, n)
			at++
			continue
		}
		b := base[i]
		if into = nil; b.Parts != nil {
			into = b
		}
		optional := allOptional(b)
		switch {
		case b.Choice && o.Choice:
			for _, k := range o.Parts {
				if !contains(b, k.Name) {
					b.Parts = append(b.Parts, clone(k))
				}
			}
		case b.Parts != nil && o.Parts != nil:
			b.Parts = merge(b.Parts, o.Parts)
			loosen(b, o.Min, o.Max)
		case b.Parts != nil: // a segment that has become a group
			loosen(b, o.Min, o.Max)
		case o.Parts != nil: // a choice that has become a segment, or the other way round
			n := clone(o)
			n.Parts = append([]*part{{Name: b.Name, Min: 1, Max: 1}}, slices.DeleteFunc(n.Parts, func(p *part) bool { return p.Name == b.Name })...)
			base[i] = n
		default:
			loosen(b, o.Min, o.Max)
		}
		if !optional && allOptional(b) {
			b.Parts[0].Min = 1 // a group begins with something
		}
		at = i + 1
		if b.Parts != nil && o.Parts == nil && !b.Choice && headOf(b) != o.Name {
			at = i // more of the group's segments may follow
		}
	}
	return base
}

func headOf(p *part) string {
	for len(p.Parts) > 0 {
		p = p.Parts[0]
	}
	return p.Name
}

func find(base []*part, at int, o *part) int {
	by := func(f func(*part) bool) int {
		for i := at; i < len(base); i++ {
			if f(base[i]) {
				return i
			}
		}
		return -1
	}
	if o.Name != "" {
		if i := by(func(b *part) bool { return b.Name == o.Name && (b.Parts == nil) == (o.Parts == nil) }); i >= 0 {
			return i
		}
	}
	switch {
	case o.Choice:
		if i := by(func(b *part) bool {
			return b.Choice && slices.ContainsFunc(o.Parts, func(k *part) bool { return contains(b, k.Name) })
		}); i >= 0 {
			return i
		}
		return by(func(b *part) bool {
			return b.Parts == nil && slices.ContainsFunc(o.Parts, func(k *part) bool { return b.Name == k.Name })
		})
	case o.Parts == nil:
		// the segment has become a group, or a choice
		return by(func(b *part) bool {
			return b.Parts != nil && (headOf(b) == o.Name || b.Choice && contains(b, o.Name) || first(b)[o.Name])
		})
	default:
		fo := first(o)
		return by(func(b *part) bool {
			if b.Parts == nil {
				return false
			}
			for n := range first(b) {
				if fo[n] && b.Name != o.Name {
					return true
				}
			}
			return false
		})
	}
}

// patientNotes is what a patient's notes stand behind in messages of a visit. QUIRK: the standard has none there; senders write them. They are a
// group, so that a note that stands elsewhere is not taken for one of the patient's.
var patientNotes = regexp.MustCompile(`\bPID (?:PD1\? )?`)

var validID = regexp.MustCompile(`^[A-Z]{3}(_[A-Z0-9]{3})?$`)

// structureText writes a line per structure: its id, "*" and the grammar in which all versions are read; a line per
// version (from) where it differs from the one before, with the grammar of that version; and a line "=" per event or
// other name that has the structure of another.
func structureText(byVersion map[string]map[string]message, guide map[string]*part, table354 map[string]string) string {
	same := map[string]string{} // type_event -> structure id
	for id, list := range table354 {
		for _, e := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '.' || r == ' ' }) {
			if t, _, ok := strings.Cut(id, "_"); ok && len(e) == 3 && t+"_"+e != id {
				if _, own := table354[t+"_"+e]; !own {
					same[t+"_"+e] = id
				}
			}
		}
	}
	for k, v := range aliases {
		same[k] = v
	}
	for k, v := range events {
		if k != v {
			same[k] = v
		}
	}
	// ids of the dictionary that name an event and have the structure of another in some version
	ids := map[string]bool{}
	for _, m := range byVersion {
		for id := range m {
			if validID.MatchString(id) {
				ids[id] = true
			}
		}
	}
	for id := range guide {
		ids[id] = true
	}
	for id := range byHand {
		ids[id] = true
	}
	canonical := map[string][]*part{}
	perVersion := map[string]map[string]string{}
	resolve := func(id string) string {
		for range 5 {
			to, ok := same[id]
			if !ok {
				return id
			}
			id = to
		}
		log.Fatalf("aliases of %s go round", id)
		return ""
	}
	for id := range ids {
		to := resolve(id)
		if perVersion[to] == nil {
			perVersion[to] = map[string]string{}
		}
	}
	targets := make([]string, 0, len(perVersion))
	for id := range perVersion {
		targets = append(targets, id)
	}
	slices.Sort(targets)
	for _, id := range targets {
		members := []string{id}
		for m := range ids {
			if m != id && resolve(m) == id {
				members = append(members, m)
			}
		}
		slices.Sort(members[1:])
		var base []*part
		if g := guide[id]; g != nil {
			base = clone(g).Parts
		}
		// the newest version first, in each the structure's own entry before those of its events
		for i := len(versions) - 1; i >= 0; i-- {
			v := versions[i]
			for _, m := range members {
				x, ok := byVersion[v][m]
				if !ok {
					continue
				}
				list := convert(id, x.Segments.Segments)
				if _, ok := perVersion[id][v]; !ok {
					perVersion[id][v] = grammar(list)
				}
				if base == nil {
					base = list
				} else {
					base = merge(base, list)
				}
			}
		}
		canonical[id] = base
		for _, m := range members[1:] {
			if g := guide[m]; g != nil {
				canonical[id] = merge(canonical[id], clone(g).Parts)
			}
		}
	}
	var b strings.Builder
	for _, id := range targets {
		addLenient(canonical[id])
		canonical[id] = participations(canonical[id])
		if strings.HasPrefix(id, "ADT_") || strings.HasPrefix(id, "BAR_") {
			likeTheGuide(canonical[id])
		}
		text := grammar(canonical[id])
		if h, ok := byHand[id]; ok {
			text = h
		}
		if strings.HasPrefix(id, "ADT_") || strings.HasPrefix(id, "BAR_") || strings.HasPrefix(id, "DFT_") {
			text = patientNotes.ReplaceAllString(text, "${0}PATIENT_NOTES(NTE+)? ")
		}
		if strings.HasPrefix(id, "ADT_") && strings.Contains(text, " DG1* DRG?") && !strings.Contains(text, problems) {
			text += " " + problems
		}
		if id == "RDE_O11" { // who takes part in the encoding is not who takes part in the order, and both are PRT of one group
			text = strings.Replace(text, " RXE PRT* NTE*", " RXE ENCODED_PARTICIPANTS(PRT+)? NTE*", 1)
		}
		if id == "VXU_V04" { // senders put an event there, as in a message of a visit
			text = strings.Replace(text, "UAC? PID", "UAC? EVN? PID", 1)
		}
		text = strings.Replace(text, " COMMON_ORDER(ORC? PRT* TIMING_QUANTITY(TQ1 TQ2*)* ORDER(OBR PRT* NTE*)? OBSERVATION(OBX PRT* NTE*)*)*", chargedOrders, 1)
		text = strings.ReplaceAll(text, "FINANCIAL_COMMON_ORDER(ORC? PRT* FINANCIAL_TIMING_QUANTITY(TQ1 TQ2*)* FINANCIAL_ORDER(OBR PRT* NTE*)? "+
			"FINANCIAL_OBSERVATION(OBX PRT* NTE*)*)*", chargedOrder)
		fmt.Fprintf(&b, "%s\t*\t%s\n", id, text)
		was := ""
		for _, v := range versions {
			if id == "RSP_K11" {
				break // what stands in it is the affair of the query's profile, and the dictionary has none
			}
			if g, ok := perVersion[id][v]; ok && g != was {
				fmt.Fprintf(&b, "%s\t%s\t%s\n", id, v, g)
				was = g
			}
		}
	}
	names := make([]string, 0, len(same))
	for k := range same {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		if to := resolve(k); canonical[to] != nil {
			fmt.Fprintf(&b, "%s\t=\t%s\n", k, to)
		}
	}
	return b.String()
}

func addLenient(list []*part) {
	for _, p := range list {
		for _, add := range lenient["*."+p.Name] {
			if i := slices.IndexFunc(p.Parts, func(k *part) bool { return k.Name == add[0] }); i >= 0 &&
				!slices.ContainsFunc(p.Parts, func(k *part) bool { return k.Name == add[1] }) {
				p.Parts = slices.Insert(p.Parts, i+1, &part{Name: add[1], Min: 0, Max: 0})
			}
		}
		addLenient(p.Parts)
	}
}

// likeTheGuide gives the structures of chapters 3 and 6 that the guide does not map the shape of those it does (2.9), so that
// one table serves them all: OBX and NK1 begin groups, and PRT may stand wherever ROL may.
func likeTheGuide(list []*part) {
	for i, p := range list {
		switch {
		case p.Parts == nil && p.Name == "OBX":
			list[i] = &part{Name: "OBSERVATION", Min: p.Min, Max: 0, Parts: []*part{{Name: "OBX", Min: 1, Max: 1}, {Name: "PRT", Min: 0, Max: 0}}}
		case p.Parts == nil && p.Name == "NK1":
			list[i] = &part{Name: "NEXT_OF_KIN", Min: p.Min, Max: 0, Parts: []*part{{Name: "NK1", Min: 1, Max: 1}, {Name: "OH2", Min: 0, Max: 0},
				{Name: "OH3", Min: 0, Max: 1}}}
		case p.Name == "PROCEDURE" && len(p.Parts) == 2:
			p.Parts = append(p.Parts, &part{Name: "PRT", Min: 0, Max: 0})
		case p.Name == "INSURANCE" && len(p.Parts) == 5:
			prt := &part{Name: "PRT", Min: 0, Max: 0}
			p.Parts = append(p.Parts,
				&part{Name: "AUTHORIZATION", Min: 0, Max: 0, Parts: []*part{{Name: "AUT", Min: 1, Max: 1}, prt}},
				&part{Name: "REFERRAL", Min: 0, Max: 0, Parts: []*part{{Name: "RF1", Min: 1, Max: 1}, prt}})
		case p.Name != "OBSERVATION" && p.Name != "NEXT_OF_KIN":
			likeTheGuide(p.Parts)
		}
	}
}

// participations allows PRT where 2.8 and later do: after ROL, and after the segments whose persons it took over. After OBX
// only where OBX begins a group: else OBX, PRT, OBX would be out of order.
func participations(list []*part) []*part {
	for i := 0; i < len(list); i++ {
		p := list[i]
		if p.Parts != nil {
			if !p.Choice {
				p.Parts = participations(p.Parts)
			}
			continue
		}
		after := false
		switch p.Name {
		case "ROL", "ORC", "OBR", "RXO", "RXE", "RXD", "RXA":
			after = true
		case "OBX":
			after = i == 0
		}
		follows := i+1 < len(list) && (list[i+1].Name == "PRT" || list[i+1].Name == "ROL")
		if after && !follows {
			list = slices.Insert(list, i+1, &part{Name: "PRT", Min: 0, Max: 0})
		}
	}
	return list
}
