package terminology

import (
	"strings"
)

// Checked says how far a code was checked without a terminology server.
type Checked uint8

const (
	NotChecked Checked = iota // nothing is known of the system here
	ByForm                    // by its form or check digit: whether the system has the code, only a server could tell
	ByList                    // against all codes of the system, or its whole grammar
)

// URIs of the systems that are checked by form.
const (
	loincURI   = "http://loinc.org"
	snomedURI  = "http://snomed.info/sct"
	npiURI     = "http://hl7.org/fhir/sid/us-npi"
	ucumURI    = "http://unitsofmeasure.org"
	icd10cmURI = "http://hl7.org/fhir/sid/icd-10-cm"
	icd10URI   = "http://hl7.org/fhir/sid/icd-10"
	cvxURI     = "http://hl7.org/fhir/sid/cvx"
	rxnormURI  = "http://www.nlm.nih.gov/research/umls/rxnorm"
	ndcURI     = "http://hl7.org/fhir/sid/ndc"
	mediaURI   = "urn:ietf:bcp:13"
	langURI    = "urn:ietf:bcp:47"
	moneyURI   = "urn:iso:std:iso:4217"
	regionURI  = "urn:iso:std:iso:3166:-2"
)

var byForm = map[string]func(string) string{loincURI: LOINC, snomedURI: SNOMED, npiURI: NPI, icd10cmURI: ICD10CM, icd10URI: ICD10, cvxURI: CVX,
	rxnormURI: RxNorm, ndcURI: NDC, mediaURI: MediaType, langURI: Language, regionURI: Region}

// Check says what is wrong with a code of a system, by its URI, as far as that can be told offline. An empty problem means that
// nothing was found, by what was checked. A problem never quotes the code.
func Check(uri, code string) (how Checked, problem string) {
	switch f := byForm[uri]; {
	case f != nil:
		return ByForm, f(code)
	case uri == ucumURI:
		if !IsUCUM(code) {
			return ByList, "not a unit of UCUM in its case-sensitive form"
		}
		return ByList, ""
	case uri == moneyURI:
		return ByList, Currency(code)
	}
	holds, ok := Holds(uri, code)
	switch {
	case !ok:
		return NotChecked, ""
	case !holds:
		return ByList, "the code system has no such code"
	}
	return ByList, ""
}

// LOINC checks a LOINC number: up to seven digits, a hyphen and the check digit, which is mod 10 (LOINC Users' Guide, appendix C).
// Parts, answers, lists and groups (LP, LA, LL, LG) are looked at by their form alone.
func LOINC(code string) string {
	number, check, ok := strings.Cut(code, "-")
	body := number
	for _, p := range []string{"LP", "LA", "LL", "LG"} {
		if rest, found := strings.CutPrefix(number, p); found {
			body = rest
		}
	}
	switch {
	case !ok || len(check) != 1 || !digits(check) || !digits(body) || len(body) > 7:
		return "a LOINC number is up to seven digits, a hyphen and a check digit"
	case body == number && luhn(number) != check[0]:
		return "the check digit of the LOINC number does not fit"
	}
	return ""
}

// luhn is the check digit mod 10 of a number (ISO/IEC 7812-1, annex B).
func luhn(number string) byte {
	sum := 0
	for i := len(number) - 1; i >= 0; i-- {
		d := int(number[i] - '0')
		if (len(number)-1-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// NPI checks a US National Provider Identifier: ten digits that begin with 1 or 2, the last being mod 10 over the others behind
// 80840 (45 CFR 162.406; CMS, Requirements for National Provider Identifier and NPI Check Digit).
func NPI(code string) string {
	switch {
	case len(code) != 10 || !digits(code) || code[0] != '1' && code[0] != '2':
		return "an NPI is ten digits and begins with 1 or 2"
	case luhn("80840"+code[:9]) != code[9]:
		return "the check digit of the NPI does not fit"
	}
	return ""
}

// Verhoeff's tables (SNOMED CT Technical Implementation Guide, Check-digit): multiplication in the dihedral group D5, and the
// permutation applied once for each place.
var (
	dihedral = [10]string{"0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"}
	permuted = [8]string{"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258"}
)

func verhoeff(number string) bool {
	c := 0
	for i := range len(number) {
		d := permuted[i%8][number[len(number)-1-i]-'0'] - '0'
		c = int(dihedral[c][d] - '0')
	}
	return c == 0
}

// SNOMED checks an identifier of a SNOMED CT concept: 6 to 18 digits, a partition that is a concept's (00, or 10 with a namespace)
// and the check digit of Verhoeff; and in an expression (Compositional Grammar) every identifier.
func SNOMED(code string) string {
	if digits(code) {
		return sctid(code)
	}
	ids := 0
	for i := 0; i < len(code); {
		switch c := code[i]; {
		case c == '|' || c == '"': // a term or a text
			n := strings.IndexByte(code[i+1:], c)
			if n < 0 {
				return "a term of the SNOMED CT expression does not end"
			}
			i += n + 2
		case c == '#': // a number
			for i++; i < len(code) && (code[i] >= '0' && code[i] <= '9' || code[i] == '.' || code[i] == '-' || code[i] == '+'); {
				i++
			}
		case c >= '0' && c <= '9':
			from := i
			for i < len(code) && code[i] >= '0' && code[i] <= '9' {
				i++
			}
			if why := sctid(code[from:i]); why != "" {
				return why
			}
			ids++
		case strings.IndexByte(" \t\r\n+:=,(){}<", c) >= 0:
			i++
		default:
			return "a SNOMED CT code is an identifier of digits, or an expression of such"
		}
	}
	if ids == 0 {
		return "a SNOMED CT code is an identifier of digits, or an expression of such"
	}
	return ""
}

func sctid(s string) string {
	switch {
	case len(s) < 6 || len(s) > 18 || s[0] == '0':
		return "a SNOMED CT identifier has 6 to 18 digits and does not begin with 0"
	case !verhoeff(s):
		return "the check digit of the SNOMED CT identifier does not fit"
	}
	switch s[len(s)-3 : len(s)-1] {
	case "00":
		return ""
	case "10":
		if len(s) < 11 {
			return "a SNOMED CT identifier with a namespace has at least 11 digits"
		}
		return ""
	case "01", "11":
		return "the SNOMED CT identifier is that of a description, not of a concept"
	case "02", "12":
		return "the SNOMED CT identifier is that of a relationship, not of a concept"
	}
	return "the SNOMED CT identifier has a partition that is not used"
}

// ICD10CM checks the form of a code of ICD-10-CM (Official Guidelines for Coding and Reporting, I.A): a letter, a digit, a digit or
// letter, and behind a point up to four more; or of a block, A00-A09.
func ICD10CM(code string) string {
	if from, to, ok := strings.Cut(code, "-"); ok && icd(from, 0, true) && icd(to, 0, true) {
		return ""
	}
	return icdProblem(code, 4, true)
}

// ICD10 checks the form of a code of the international ICD-10 (WHO, volume 2, 2.4.1): a letter, two digits, and behind a point one
// or two more, perhaps with the mark of a dagger or asterisk; or of a block.
func ICD10(code string) string {
	if from, to, ok := strings.Cut(code, "-"); ok && icd(from, 0, false) && icd(to, 0, false) {
		return ""
	}
	for _, mark := range []string{"†", "*", "+", "!"} {
		code = strings.TrimSuffix(code, mark)
	}
	return icdProblem(code, 2, false)
}

func icdProblem(code string, more int, letters bool) string {
	switch {
	case icd(code, more, letters):
		return ""
	case len(code) > 3 && icd(code[:3]+"."+code[3:], more, letters):
		return "the point behind the third character is missing"
	}
	return "not the form of an ICD-10 code: a letter, two characters, and behind a point the rest"
}

func icd(s string, more int, letters bool) bool {
	if len(s) < 3 || s[0] < 'A' || s[0] > 'Z' || s[1] < '0' || s[1] > '9' || !(s[2] >= '0' && s[2] <= '9' || letters && s[2] >= 'A' && s[2] <= 'Z') {
		return false
	}
	rest := s[3:]
	if rest == "" {
		return true
	}
	if rest[0] != '.' || len(rest) == 1 || len(rest) > more+1 {
		return false
	}
	for _, c := range []byte(rest[1:]) {
		if !(c >= '0' && c <= '9' || letters && c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// CVX checks the form of a CDC vaccine code: two or three digits.
func CVX(code string) string {
	if !digits(code) || len(code) < 2 || len(code) > 3 {
		return "a CVX code is two or three digits"
	}
	return ""
}

// RxNorm checks the form of an RxNorm concept unique identifier: up to eight digits, not beginning with 0.
func RxNorm(code string) string {
	if !digits(code) || len(code) > 8 || code[0] == '0' {
		return "an RxNorm code is a number of up to eight digits"
	}
	return ""
}

// NDC checks the form of a US National Drug Code (21 CFR 207.33): labeler, product and package, 4-4-2, 5-3-2 or 5-4-1 digits, or
// 5-4-2 as payers want it, with hyphens; without them eleven digits. A product without its package is one too.
func NDC(code string) string {
	parts := strings.Split(code, "-")
	form := ""
	for _, p := range parts {
		if !digits(p) {
			form = "-"
			break
		}
		form += string(rune('0' + min(len(p), 15)))
	}
	switch form {
	case "442", "532", "541", "542", "642", "44", "53", "54", "64":
		return ""
	}
	switch {
	case len(parts) == 1 && digits(code) && len(code) == 11:
		return ""
	case len(parts) == 1 && digits(code) && len(code) == 10:
		return "ten digits without hyphens can be several drugs: write labeler, product and package apart"
	}
	return "an NDC is labeler, product and package, as in 5-4-2 digits"
}

// MediaType checks the form of a media type (RFC 6838 section 4.2, RFC 2045 section 5.1): type/subtype with parameters.
func MediaType(code string) string {
	const bad = "a media type is type/subtype, as in text/plain"
	main, params, more := strings.Cut(code, ";")
	typ, sub, ok := strings.Cut(strings.TrimRight(main, " "), "/")
	if !ok || !restricted(typ) || !restricted(sub) {
		return bad
	}
	for more {
		var p string
		if p, params, more = cutParameter(params); !token(p) {
			return "a parameter of the media type is name=value"
		}
	}
	return ""
}

// restricted is a restricted-name of RFC 6838.
func restricted(s string) bool {
	for i, c := range []byte(s) {
		if !(alnum(c) || i > 0 && strings.IndexByte("!#$&-^_.+", c) >= 0) {
			return false
		}
	}
	return s != "" && len(s) <= 127
}

// cutParameter cuts at the next ; outside quotes.
func cutParameter(s string) (p, rest string, more bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++ // the character behind it ends no quote
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func token(p string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
	if !ok || name == "" || value == "" {
		return false
	}
	isToken := func(s string) bool {
		for _, c := range []byte(s) {
			if c <= ' ' || c >= 0x7F || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
				return false
			}
		}
		return true
	}
	return isToken(name) && (isToken(value) || len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"')
}

func alnum(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

func alphas(s string) bool {
	for _, c := range []byte(s) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return s != ""
}

// Language checks the form of a language tag (BCP 47, RFC 5646 section 2.1): language, script, region, variants, extensions and
// private use in their order. Whether the subtags are registered, only the registry says.
func Language(code string) string {
	const bad = "not the form of a BCP 47 language tag, as in en-US"
	if grandfathered[strings.ToLower(code)] {
		return ""
	}
	parts := strings.Split(code, "-")
	for _, p := range parts {
		if p == "" || len(p) > 8 || strings.IndexFunc(p, func(r rune) bool { return r >= 0x80 || !alnum(byte(r)) }) >= 0 {
			return bad
		}
	}
	i := 0
	private := func() bool { // x-...
		if i < len(parts) && strings.EqualFold(parts[i], "x") {
			return i+1 < len(parts)
		}
		return false
	}
	if private() {
		return ""
	}
	if n := len(parts[0]); !alphas(parts[0]) || n < 2 {
		return bad
	}
	i = 1
	for n := 0; len(parts[0]) <= 3 && n < 3 && i < len(parts) && len(parts[i]) == 3 && alphas(parts[i]); n++ { // extended language
		i++
	}
	if i < len(parts) && len(parts[i]) == 4 && alphas(parts[i]) { // script
		i++
	}
	if i < len(parts) && (len(parts[i]) == 2 && alphas(parts[i]) || len(parts[i]) == 3 && digits(parts[i])) { // region
		i++
	}
	seen := map[string]bool{}
	for ; i < len(parts); i++ { // variants
		p := strings.ToLower(parts[i])
		if !(len(p) >= 5 || len(p) == 4 && p[0] >= '0' && p[0] <= '9') {
			break
		}
		if seen[p] {
			return "the language tag has a variant twice"
		}
		seen[p] = true
	}
	for i < len(parts) && len(parts[i]) == 1 && !strings.EqualFold(parts[i], "x") { // extensions
		p := strings.ToLower(parts[i])
		if seen[p] {
			return "the language tag has an extension twice"
		}
		seen[p] = true
		from := i + 1
		for i = from; i < len(parts) && len(parts[i]) > 1; {
			i++
		}
		if i == from {
			return bad
		}
	}
	if i == len(parts) || private() {
		return ""
	}
	return bad
}

// The tags that RFC 5646 keeps although they have another form (section 2.2.8; those of regular form need no list).
var grandfathered = map[string]bool{"en-gb-oed": true, "i-ami": true, "i-bnn": true, "i-default": true, "i-enochian": true, "i-hak": true, "i-klingon": true,
	"i-lux": true, "i-mingo": true, "i-navajo": true, "i-pwn": true, "i-tao": true, "i-tay": true, "i-tsu": true, "sgn-be-fr": true, "sgn-be-nl": true,
	"sgn-ch-de": true}

// Region checks the form of a code of ISO 3166-2: a country of ISO 3166-1, a hyphen, and up to three letters or digits.
func Region(code string) string {
	country, rest, ok := strings.Cut(code, "-")
	if holds, _ := Holds("urn:iso:std:iso:3166", country); !ok || !holds || len(country) != 2 || rest == "" || len(rest) > 3 {
		return "a region of ISO 3166-2 is a country, a hyphen and up to three characters"
	}
	for _, c := range []byte(rest) {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return "a region of ISO 3166-2 is a country, a hyphen and up to three characters"
		}
	}
	return ""
}

// Currency checks a code of ISO 4217: the letters of its list one, with those that were in use since 2000.
func Currency(code string) string {
	if len(code) == 3 && strings.Contains(" "+currencies+" ", " "+code+" ") {
		return ""
	}
	return "not a currency of ISO 4217"
}

const currencies = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BYR BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD " +
	"EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP " +
	"MRO MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TND TOP " +
	"TRY TTD TWD TZS UAH UGX USD USN USS UYI UYU UYW UZS VED VEF VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL"
