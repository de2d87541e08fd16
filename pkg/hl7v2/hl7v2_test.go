package hl7v2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

const msh = `MSH|^~\&|LAB|NORTH|EHR|SOUTH|20260102030405||ORU^R01^ORU_R01|42|P|2.5.1`

// leaves writes the leaves of a tree with their places, one a line.
func leaves(d *tree.Doc) string {
	var b strings.Builder
	d.Leaves(func(n tree.Node, _ tree.State, _ string) { fmt.Fprintf(&b, "%s=%s\n", d.PlaceOf(n), d.Text(n)) })
	return b.String()
}

// below is leaves without those of MSH.
func below(d *tree.Doc) string {
	var b strings.Builder
	for line := range strings.Lines(leaves(d)) {
		if !strings.HasPrefix(line, "MSH") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func ids(list []*diag.Finding) string {
	var s []string
	for _, f := range list {
		s = append(s, strings.TrimPrefix(string(f.ID), "CP-V2-"))
	}
	return strings.Join(s, " ")
}

func parse(t *testing.T, text string) *Message {
	t.Helper()
	m, err := Parse(text, Options{})
	if err != nil {
		t.Fatalf("%v\n%q", err, text)
	}
	return m
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, in, want, ids string }{
		{"fields", "PID|1||X", "PID-1=1\nPID-3=X\n", ""},
		{"components", "PID|1||A^B^^D", "PID-1=1\nPID-3.1=A\nPID-3.2=B\nPID-3.4=D\n", ""},
		{"subcomponents", "PID|||A^B^^D&1.2&ISO", "PID-3.1=A\nPID-3.2=B\nPID-3.4.1=D\nPID-3.4.2=1.2\nPID-3.4.3=ISO\n", ""},
		{"subcomponents of the only component", "PID|||A&B", "PID-3.1.1=A\nPID-3.1.2=B\n", ""},
		{"repetitions", "PID|||A~B^C~D", "PID-3=A\nPID-3[2].1=B\nPID-3[2].2=C\nPID-3[3]=D\n", ""},
		{"nothing beside the first component", "PID|||A^~A&^|A^B&", "PID-3=A\nPID-3[2]=A\nPID-4.1=A\nPID-4.2=B\n", ""},
		{"an empty repetition counts", "PID|||A~~D", "PID-3=A\nPID-3[3]=D\n", ""},
		{"segments are counted over the message", "OBX|1\rNTE|1\rOBX|2\rNTE|1", "OBX-1=1\nNTE-1=1\nOBX[2]-1=2\nNTE[2]-1=1\n", ""},
		{"explicit null is a leaf", `PID|1|""|A^""^B`, "PID-1=1\nPID-2=\"\"\nPID-3.1=A\nPID-3.2=\"\"\nPID-3.3=B\n", ""},
		{"nothing but separators", "PID|||^~&|~|^^", "", ""},
		{"a segment without fields", "PID", "", ""},
		{"Z segment", "PID|||A\rZPI|x^y", "PID-3=A\nZPI-1.1=x\nZPI-1.2=y\n", ""},
		{"blank lines", "PID|||A\r\r\n\n  \rPV1||I", "PID-3=A\nPV1-2=I\n", ""},
		{"LF", "PID|||A\nPV1||I\n", "PID-3=A\nPV1-2=I\n", ""},
		{"CRLF", "PID|||A\r\nPV1||I\r\n", "PID-3=A\nPV1-2=I\n", ""},
		{"blanks before a segment", "  PID|||A\r", "PID-3=A\n", "012"},
		{"a line of prose", "PID|||A\rHello there\rPV1||I\r", "PID-3=A\nline=Hello there\nPV1-2=I\n", "005"},
		{"two lines of prose", "PID|||A\rHello there\rPV1||I\rand so on\r\rOBR|1\r", "PID-3=A\nline=Hello there\nPV1-2=I\nline[2]=and so on\nOBR-1=1\n", "005 005"},
		{"a line end within a field", "OBR|1||2|54089-8^Newborn\rpanel^LN|||2026\rPV1||I\r",
			"OBR-1=1\nOBR-3=2\nOBR-4.1=54089-8\nOBR-4.2=Newborn panel\nOBR-4.3=LN\nOBR-7=2026\nPV1-2=I\n", "006"},
		{"within a type without blanks", "OBX|1|NM|GLU||9\n5|mg/\r\ndL|||||F|||2026010\n2030405|X\n", "OBX-1=1\nOBX-2=NM\nOBX-3=GLU\nOBX-5=95\nOBX-6=mg/ dL\nOBX-11=F\nOBX-14=20260102030405\nOBX-15=X\n", "006"},
		{"beside a blank", "PID|1||7||Reed^Ann \nLee|||F\nPV1||I\n", "PID-1=1\nPID-3=7\nPID-5.1=Reed\nPID-5.2=Ann Lee\nPID-8=F\nPV1-2=I\n", "006"},
		{"a last line without fields", "PID|1||7||Reed^Ann||||||12 Elm St^^Spring\nfield^IL^62701\nPV1||I\n", "PID-1=1\nPID-3=7\nPID-5.1=Reed\nPID-5.2=Ann\nPID-11.1=12 Elm St\nPID-11.3=Spring field\nPID-11.4=IL\nPID-11.5=62701\nPV1-2=I\n", "006"},
		{"lines of one length", "PID|1||7||Reed^Annelie\nse|||||||12 Elm Street\n^^Springfield^IL\nPV1||I\n", "PID-1=1\nPID-3=7\nPID-5.1=Reed\nPID-5.2=Anneliese\nPID-12.1=12 Elm Street\nPID-12.3=Springfield\nPID-12.4=IL\nPV1-2=I\n", "006"},
		{"in a segment that nobody knows", "ZZZ|1|a\nb|2\n", "ZZZ-1=1\nZZZ-2=a\nb\nZZZ-3=2\n", "006"},
		{"a string of a result", "OBX|1|ST|R||one\ntwo||||||F\n", "OBX-1=1\nOBX-2=ST\nOBX-3=R\nOBX-5=one\ntwo\nOBX-11=F\n", "006"},
		{"a note in several lines", "NTE|1|L|one\ntwo\nthree\nNTE|2|L|x\n", "NTE-1=1\nNTE-2=L\nNTE-3=one\ntwo\nthree\nNTE[2]-1=2\nNTE[2]-2=L\nNTE[2]-3=x\n", "006"},
		{"a result in several lines", "OBX|1|TX|R||one\n\ntwo||||||F\nNTE|2\n", "OBX-1=1\nOBX-2=TX\nOBX-3=R\nOBX-5=one\n\ntwo\nOBX-11=F\nNTE-1=2\n", "006"},
		{"a field beyond 999", "ZZZ" + strings.Repeat("|", 1000) + "x", "ZZZ-1000=x\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := parse(t, msh+"\r"+tt.in+"\r")
			if got := below(m.Doc); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if got := ids(m.Findings); got != tt.ids {
				t.Errorf("findings %q, want %q: %v", got, tt.ids, m.Findings)
			}
			if got, want := normal(string(m.Append(nil))), normal(strings.ReplaceAll(msh+"\r"+tt.in, "  PID", "PID")); got != want {
				t.Errorf("printed\n%q want\n%q", got, want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	m := parse(t, msh)
	if m.Type != "ORU" || m.Event != "R01" || m.Structure != "ORU_R01" || m.ControlID != "42" || m.Version != "2.5.1" || m.Charset != "ASCII" {
		t.Errorf("%+v", m)
	}
	if got := leaves(m.Doc); !strings.HasPrefix(got, "MSH-3=LAB\n") {
		t.Errorf("MSH-1 and MSH-2 are leaves:\n%s", got)
	}
	n := m.Child(m.First(tree.Root), "2")
	if m.Text(n) != `^~\&` || !m.IsSyntax(n) {
		t.Errorf("MSH-2 = %q", m.Text(n))
	}
	if m := parse(t, "MSH|^~\\&|A|B|C|D|2026||ADT|1|P|2.2\rEVN|A08|2026\r"); m.Event != "A08" {
		t.Errorf("the event of 2.2 is in EVN-1: %q", m.Event)
	}
}

func TestDelimiters(t *testing.T) {
	for _, tt := range []struct{ in, want, ids string }{
		{`MSH|^~\&|A|B`, "MSH-3=A\nMSH-4=B\n", "019 022"},
		{`MSH$%*!?$A%B?C*D$E!F!G`, "MSH-3.1=A\nMSH-3.2.1=B\nMSH-3.2.2=C\nMSH-3[2]=D\nMSH-4=E$G\n", "019 022"},
		{`MSH$%*!?$A!S!B$E!F!G!E!$\.br\`, "MSH-3=A%B\nMSH-4=E$G!\nMSH-5=\\.br\\\n", "019 022"},
		{`MSH|^~\&#|A#|B\P\C`, "MSH-3=A#\nMSH-4=B#C\n", "019 022"},
		{`MSH|^~\|A&B^C|x`, "MSH-3.1=A&B\nMSH-3.2=C\nMSH-4=x\n", "019 022"},
		{`MSH|^|A^B~C\F\`, "MSH-3.1=A\nMSH-3.2=B~C\\F\\\n", "019 022"},
		{`MSH|^~\\&|A&B^C|\E\`, "MSH-3.1.1=A\nMSH-3.1.2=B\nMSH-3.2=C\nMSH-4=\\\n", "011 019 022"},
		{`MSH||A^B&C`, "MSH-3.1=A\nMSH-3.2.1=B\nMSH-3.2.2=C\n", "010 019 022"},
		{`MSH|&&&&|A^B&C`, "MSH-3.1=A\nMSH-3.2.1=B\nMSH-3.2.2=C\n", "010 019 022"},
		{`MSH|ABCD|A^B&C`, "MSH-3.1=A\nMSH-3.2.1=B\nMSH-3.2.2=C\n", "010 019 022"},
		{`MSH|`, "", "010 019 022 027"},
	} {
		m := parse(t, tt.in)
		if got := leaves(m.Doc); got != tt.want {
			t.Errorf("%s:\n%swant\n%s", tt.in, got, tt.want)
		}
		if got := strings.TrimSuffix(ids(m.Findings), " 027"); got != strings.TrimSuffix(tt.ids, " 027") {
			t.Errorf("%s: findings %q, want %q", tt.in, got, tt.ids)
		}
		if got := string(m.Append(nil)); got != tt.in+"\r" {
			t.Errorf("printed %q, want %q", got, tt.in)
		}
	}
}

func TestEscapes(t *testing.T) {
	for _, tt := range []struct{ in, want, back string }{
		{`a\F\b\S\c\T\d\R\e\E\f`, `a|b^c&d~e\f`, ``},
		{`\F\`, `|`, ``},
		{`\X41\`, `A`, `A`},
		{`\X4142\C`, `ABC`, `ABC`},
		{`\XC3A9\`, "\u00e9", "\u00e9"},
		{`\XC3\\XA9\`, "\u00e9", "\u00e9"}, // the bytes of one character in two escapes
		{`\XE38182\\XE38184\`, "\u3042\u3044", "\u3042\u3044"},
		{`\X0D\\X0A\x`, "\r\nx", `\X0D\\X0A\x`},
		{`\X0D0A\x`, "\r\nx", `\X0D\\X0A\x`},
		{`\X7C\`, `|`, `\F\`},
		{`\X5C\`, `\`, `\E\`},
		{`one\.br\two`, `one\.br\two`, ``},
		{`\H\bold\N\`, `\H\bold\N\`, ``},
		{`\.sp3\\.in+2\\.ti-4\\.fi\\.nf\\.ce\\.sk5\`, `\.sp3\\.in+2\\.ti-4\\.fi\\.nf\\.ce\\.sk5\`, ``},
		{`\Z01\x`, `\Z01\x`, ``},
		{`\E\.br\E\`, `\E.br\`, ``}, // text that reads as a command
		{`\E\E.br\E\`, `\EE.br\`, ``},
		{`C:\E\H\E\x`, `C:\EH\x`, ``},
		{`\E\.br\E\.br\E\`, `\E.br\.br\`, ``},
		{`C:\Temp\New`, `C:\Temp\New`, `C:\E\Temp\E\New`},
		{`\Q\`, `\Q\`, `\E\Q\E\`},
		{`100\`, `100\`, `100\E\`},
		{`\`, `\`, `\E\`},
		{`\\`, `\\`, `\E\\E\`},
		{`\X\`, `\X\`, `\E\X\E\`},
		{`\XZZ\`, `\XZZ\`, `\E\XZZ\E\`},
		{`\X4\`, `\X4\`, `\E\X4\E\`},
		{`\.xx\`, `\.xx\`, `\E\.xx\E\`},
		{`\C2842\abc`, `abc`, `abc`},
		{`\M2442\$"\C2842\x`, "\u3042x", "\u3042x"},
		{`\C9999\abc`, `\C9999\abc`, `\E\C9999\E\abc`},
		{`\P\`, `\P\`, `\E\P\E\`}, // there is no truncation character
	} {
		m := parse(t, msh+"\rNTE|1||"+tt.in+"|z\r")
		n := m.Child(m.Child(tree.Root, "NTE"), "3")
		if got := m.Text(n); got != tt.want {
			t.Errorf("%s reads %q, want %q", tt.in, got, tt.want)
		}
		if got := string(m.Append(nil)); !strings.Contains(got, "|"+tt.in+"|z\r") {
			t.Errorf("%s is printed in %q", tt.in, got)
		}
		if tt.back == "" {
			tt.back = tt.in
		}
		if got := string(appendEscaped(nil, tt.want, &Recommended)); got != tt.back {
			t.Errorf("%q is written %s, want %s", tt.want, got, tt.back)
		}
		// A leaf that was changed is written anew.
		m.SetText(n, "new "+tt.want)
		if got, want := string(m.Append(nil)), "|new "+strings.TrimPrefix(string(appendEscaped(nil, "new "+tt.want, &Recommended)), "new ")+"|z\r"; !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestRenderText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain", "plain"},
		{`one\.br\two`, "one\ntwo"},
		{`one\.sp2\two`, "one\n\ntwo"},
		{`one\.sp\two`, "one\ntwo"},
		{`\H\Alarm\N\ over`, "Alarm over"},
		{`\.in+2\a\.br\b`, "a\n  b"},
		{`\.in+2\\.ti-1\a\.br\b\.br\c`, "a\n b\n  c"},
		{`a\.sk3\b`, "a   b"},
		{`a\.ce\b`, "a\nb"},
		{`a\Z01\b`, "ab"},
		{`a\E.br\b`, `a\.br\b`},
		{`C:\Temp`, `C:\Temp`},
	} {
		if got := RenderText(tt.in); got != tt.want {
			t.Errorf("%s is shown as %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, s := range []string{"a", "a\nb", "\n", `a\.br\b`, "a\\H\\\nb", `\E.br\`, "x\n\ny"} {
		if got := RenderText(FormatText(s)); got != s {
			t.Errorf("%q became %q and then %q", s, FormatText(s), got)
		}
	}
}

func TestCharsets(t *testing.T) {
	in := func(set, name string) string {
		return "MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|1|P|2.5.1||||||" + set + "\rPID|||1||" + name + "\r"
	}
	for _, tt := range []struct {
		name, text, option, want, charset, ids string
	}{
		{"ASCII", in("", "DOE"), "", "DOE", "ASCII", ""},
		{"UTF-8 undeclared", in("", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", ""},
		{"UTF-8", in("UNICODE UTF-8", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", ""},
		{"UTF-8 by another name", in("UTF-8", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", ""},
		{"8859/1", in("8859/1", "JOS\xc9"), "", "JOS\u00c9", "8859/1", ""},
		{"8859/1 with the quotes of Windows", in("8859/1", "O\x92HARA"), "", "O\u2019HARA", "8859/1", ""},
		{"8859/2", in("8859/2", "\xa3"), "", "\u0141", "8859/2", ""},
		{"8859/5", in("8859/5", "\xb8\xd2\xd0\xdd"), "", "\u0418\u0432\u0430\u043d", "8859/5", ""},
		{"8859/7", in("8859/7", "\xc1"), "", "\u0391", "8859/7", ""},
		{"8859/9", in("8859/9", "\xdd"), "", "\u0130", "8859/9", ""},
		{"8859/15", in("8859/15", "\xa4"), "", "\u20ac", "8859/15", ""},
		{"Japanese", in("ISO IR87", "\x1b$B;3ED\x1b(B"), "", "\u5c71\u7530", "ISO IR87", ""},
		{"Japanese as second set", in("ASCII~ISO IR87", "YAMADA^\x1b$B;3ED\x1b(B"), "", "YAMADA \u5c71\u7530", "ISO IR87", ""},
		{"Japanese whose bytes look like separators", in("ISO IR87", "\x1b$B!Z!|!^\x1b(B"), "", "\u3010\u25cf\u00b1", "ISO IR87", ""},
		{"Shift_JIS", in("Shift_JIS", "\x8eR\x93c"), "", "\u5c71\u7530", "Shift_JIS", ""},
		{"half-width katakana", in("ISO IR14~ISO IR87", "\xd4\xcf\xc0\xde"), "", "\uff94\uff8f\uff80\uff9e", "Shift_JIS", ""},
		{"declared Japanese and is UTF-8", in("ISO IR87", "\u5c71"), "", "\u5c71", "UNICODE UTF-8", "016"},
		{"declared UTF-16 and is UTF-8", in("UNICODE UTF-16", "\u5c71"), "", "\u5c71", "UNICODE UTF-8", "016"},
		{"declared UTF-16 and is ASCII", in("UNICODE UTF-16", `\XC389\`), "", "\u00c9", "UNICODE UTF-8", ""},
		{"undeclared bytes", in("", "JOS\xc9"), "", "JOS\u00c9", "windows-1252", "014"},
		{"declared ASCII and is not", in("ASCII", "JOS\xc9"), "", "JOS\u00c9", "windows-1252", "014"},
		{"declared UTF-8 and is not", in("UNICODE UTF-8", "JOS\xc9"), "", "JOS\u00c9", "windows-1252", "014"},
		{"declared 8859/1 and is UTF-8", in("8859/1", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", "016"},
		{"declared 8859/1, UTF-8, and the option says 8859/1", in("8859/1", "JOS\u00c9"), "8859/1", "JOS\u00c3\u2030", "8859/1", ""},
		{"declared ASCII and is UTF-8", in("ASCII", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", "016"},
		{"unknown", in("KLINGON", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", "013"},
		{"unknown and not UTF-8", in("KLINGON", "JOS\xc9"), "", "JOS\u00c9", "windows-1252", "013 014"},
		{"option over MSH-18", in("8859/1", "\xa3"), "8859/2", "\u0141", "8859/2", ""},
		{"unknown option", in("", "DOE"), "KLINGON", "DOE", "UNICODE UTF-8", "013"},
		{"bytes that the set lacks", in("8859/7", "A\xae"), "", "A\ufffd", "8859/7", "015"},
		{"mark", "\ufeff" + in("", "JOS\u00c9"), "", "JOS\u00c9", "UNICODE UTF-8", ""},
		{"escaped bytes of the set", in("8859/1", `JOS\XC9\`), "", "JOS\u00c9", "8859/1", ""},
		{"escaped bytes that are not UTF-8", in("", `JOS\XC9\`), "", "JOS\u00c9", "ASCII", "015"},
		{"switch to 8859/2", in("8859/1", "A\\C2D42\\\xa3\\C2842\\B"), "", "A\u0141B", "8859/1", ""},
		{"switch that nobody knows", in("", `A\C7777\B`), "", `A\C7777\B`, "ASCII", "017 031"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse(tt.text, Options{Charset: tt.option})
			if err != nil {
				t.Fatal(err)
			}
			var parts []string
			m.LeavesBelow(m.Child(m.Child(tree.Root, "PID"), "5"), func(n tree.Node, _ tree.State, _ string) { parts = append(parts, m.Text(n)) })
			if got := strings.Join(parts, " "); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			if m.Charset != tt.charset {
				t.Errorf("character set %s, want %s", m.Charset, tt.charset)
			}
			if got := ids(m.Findings); got != tt.ids {
				t.Errorf("findings %q, want %q", got, tt.ids)
			}
			if got := string(m.Append(nil)); got != strings.TrimPrefix(tt.text, "\ufeff") && tt.want != "A\ufffd" {
				t.Errorf("printed %q, want %q", got, tt.text)
			}
		})
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	text, ok := windows1252.decode(string(all))
	back, ok2 := windows1252.encode([]byte(text), 0)
	if !ok || !ok2 || !bytes.Equal(back, all) {
		t.Error("Windows-1252 does not give every byte back")
	}
}

// shape writes the groups of a tree.
func shape(d *tree.Doc, n tree.Node) string {
	var parts []string
	for k := d.First(n); k != 0; k = d.Next(k) {
		if IsSegment(d, k) || d.Name(k) == StrayName {
			parts = append(parts, d.Name(k))
		} else {
			parts = append(parts, d.Name(k)+"("+shape(d, k)+")")
		}
	}
	return strings.Join(parts, " ")
}

func TestGroup(t *testing.T) {
	for _, tt := range []struct{ name, typ, in, want, ids string }{
		{"a result", "ORU^R01^ORU_R01", "PID PV1 ORC OBR NTE OBX NTE OBX SPM",
			"PATIENT_RESULT(PATIENT(PID VISIT(PV1)) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR NTE OBSERVATION(OBX NTE) OBSERVATION(OBX) SPECIMEN(SPM)))", ""},
		{"inferred", "ORU^R01", "PID OBR OBX", "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", ""},
		{"two orders", "ORU^R01", "PID OBR OBX OBR OBX OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX) OBSERVATION(OBX)))", ""},
		{"two orders with ORC", "ORU^R01", "PID ORC OBR OBX ORC OBR OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX)) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX)))", ""},
		{"results of an order without OBR", "ORU^R01", "PID ORC OBX OBX ORC OBR OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBSERVATION(OBX) OBSERVATION(OBX)) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX)))", ""},
		{"ORC behind its OBR", "ORU^R01", "PID OBR ORC OBX OBR ORC OBX OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR COMMON_ORDER(ORC) OBSERVATION(OBX)) ORDER_OBSERVATION(OBR COMMON_ORDER(ORC) OBSERVATION(OBX) OBSERVATION(OBX)))", "024 024"},
		{"an order without results before another", "ORU^R01", "PID ORC OBR ORC OBR OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX)))", ""},
		{"the document of an order", "ORU^R01", "PID ORC OBX PRT TXA OBR OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(COMMON_ORDER(ORC ORDER_DOCUMENT(OBX PRT TXA)) OBR OBSERVATION(OBX)))", ""},
		{"two patients", "ORU^R01", "PID OBR OBX PID OBR OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX))) PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", ""},
		{"without a patient", "ORU^R01", "OBR OBX", "PATIENT_RESULT(ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", ""},
		{"results of the specimen", "ORU^R01", "PID OBR OBX SPM OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX) SPECIMEN(SPM SPECIMEN_OBSERVATION(OBX))))", ""},
		{"results of the patient", "ORU^R01", "PID OBX PV1 OBR", "PATIENT_RESULT(PATIENT(PID PATIENT_OBSERVATION(OBX) VISIT(PV1)) ORDER_OBSERVATION(OBR))", ""},
		{"Z segments stay", "ORU^R01", "ZAA PID ZPI OBR ZOB OBX ZZZ OBX", "ZAA PATIENT_RESULT(PATIENT(PID ZPI) ORDER_OBSERVATION(OBR ZOB OBSERVATION(OBX ZZZ) OBSERVATION(OBX)))", ""},
		{"next of kin after the visit", "ORU^R01", "PID PV1 NK1 OBR", "PATIENT_RESULT(PATIENT(PID VISIT(PV1) NK1) ORDER_OBSERVATION(OBR))", "024"},
		{"next of kin after the results", "ORU^R01", "PID OBR OBX NK1 OBX",
			"PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX NK1) OBSERVATION(OBX)))", "023"},
		{"a note that nobody can hold", "ORU^R01", "NTE PID OBR", "NTE PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR))", "023"},
		{"PV1 before PID", "ORU^R01", "PV1 PID OBR", "PATIENT_RESULT(PATIENT(VISIT(PV1) PID) ORDER_OBSERVATION(OBR))", "025 024"},
		{"an earlier group, and its head again", "ORU^R01", "PV1 OBX OBX", "PATIENT_RESULT(PATIENT(VISIT(PV1) PATIENT_OBSERVATION(OBX) PATIENT_OBSERVATION(OBX)))", "025 024 024"},
		{"a segment of another structure", "ORU^R01", "EVN PID OBR SCH OBX", "EVN PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR SCH OBSERVATION(OBX)))", "023 023"},
		{"an admission", "ADT^A01^ADT_A01", "EVN PID PD1 NK1 NK1 PV1 PV2 OBX AL1 DG1 PR1 ROL GT1 IN1 IN2 IN1 ACC",
			"EVN PID PD1 NEXT_OF_KIN(NK1) NEXT_OF_KIN(NK1) PV1 PV2 OBSERVATION(OBX) AL1 DG1 PROCEDURE(PR1 ROL) GT1 INSURANCE(IN1 IN2) INSURANCE(IN1) ACC", ""},
		{"an update in disorder", "ADT^A08^ADT_A01", "EVN PID PV1 AL1 NK1 OBX IN1 GT1 DG1",
			"EVN PID PV1 AL1 NEXT_OF_KIN(NK1) OBSERVATION(OBX) INSURANCE(IN1) GT1 DG1", "024 024 024 024"},
		{"IN2 without IN1", "ADT^A01", "PID PV1 IN2", "PID PV1 INSURANCE(IN2)", "025"},
		{"roles by place", "ADT^A01", "PID ROL PV1 ROL", "PID ROL PV1 ROL", ""},
		{"an immunisation", "VXU^V04^VXU_V04", "PID PD1 NK1 PV1 OBX ORC RXA RXR OBX NTE OBX ORC RXA",
			"PID PD1 NK1 PATIENT_VISIT(PV1) PERSON_OBSERVATION(OBX) ORDER(ORC RXA RXR OBSERVATION(OBX NTE) OBSERVATION(OBX)) ORDER(ORC RXA)", ""},
		{"an immunisation without ORC", "VXU^V04", "PID RXA RXA", "PID ORDER(RXA) ORDER(RXA)", ""},
		{"an order with a choice", "ORM^O01", "PID PV1 ORC RXO NTE ORC OBR DG1 OBX",
			"PATIENT(PID PATIENT_VISIT(PV1)) ORDER(ORC ORDER_DETAIL(RXO NTE)) ORDER(ORC ORDER_DETAIL(OBR DG1 OBSERVATION(OBX)))", ""},
		{"an order without ORC between others", "ORM^O01", "PID ORC RXO RXR RXO RXR ORC RXO RXR",
			"PATIENT(PID) ORDER(ORC ORDER_DETAIL(RXO RXR)) ORDER(ORDER_DETAIL(RXO RXR)) ORDER(ORC ORDER_DETAIL(RXO RXR))", "024"},
		{"orders of which one has ORC", "RDE^O11", "PID ORC RXE RXR RXE RXR ORC RXE RXR",
			"PATIENT(PID) ORDER(ORC RXE RXR) ORDER(RXE RXR) ORDER(ORC RXE RXR)", "024"},
		{"orders whose ORC comes behind", "ORM^O01", "PID OBR ORC", "PATIENT(PID) ORDER(ORDER_DETAIL(OBR) ORC)", "025 024"},
		{"several OBR for an ORC", "ORM^O01", "PID ORC OBR OBX OBR OBX", "PATIENT(PID) ORDER(ORC ORDER_DETAIL(OBR OBSERVATION(OBX))) ORDER(ORDER_DETAIL(OBR OBSERVATION(OBX)))", "024"},
		{"a laboratory order", "OML^O21", "PID ORC OBR OBX SPM SAC ORC OBR", "PATIENT(PID) ORDER(ORC OBSERVATION_REQUEST(OBR OBSERVATION(OBX) SPECIMEN(SPM CONTAINER(SAC)))) ORDER(ORC OBSERVATION_REQUEST(OBR))", ""},
		{"prior results", "OML^O21", "PID ORC OBR PID PV1 OBR OBX ORC OBR",
			"PATIENT(PID) ORDER(ORC OBSERVATION_REQUEST(OBR PRIOR_RESULT(PATIENT_PRIOR(PID) PATIENT_VISIT_PRIOR(PV1) ORDER_PRIOR(OBR OBSERVATION_PRIOR(OBX)) ORDER_PRIOR(ORC OBR))))", ""},
		{"a merge", "ADT^A40^ADT_A39", "EVN PID MRG PID MRG", "EVN PATIENT(PID MRG) PATIENT(PID MRG)", ""},
		{"a swap", "ADT^A17^ADT_A17", "EVN PID PV1 OBX PID PV1", "EVN PATIENT(PID PV1 OBSERVATION(OBX)) PATIENT(PID PV1)", ""},
		{"an appointment", "SIU^S12", "SCH NTE PID PV1 RGS AIS NTE AIL AIP RGS AIG",
			"SCH NTE PATIENT(PID PV1) RESOURCES(RGS SERVICE(AIS NTE) LOCATION_RESOURCE(AIL) PERSONNEL_RESOURCE(AIP)) RESOURCES(RGS GENERAL_RESOURCE(AIG))", ""},
		{"an appointment without RGS", "SIU^S12", "SCH PID AIS AIL", "SCH PATIENT(PID) RESOURCES(SERVICE(AIS) LOCATION_RESOURCE(AIL))", "025"},
		{"a document", "MDM^T02^MDM_T02", "EVN PID PV1 TXA OBX OBX", "EVN PID PV1 TXA OBSERVATION(OBX) OBSERVATION(OBX)", ""},
		{"unknown type", "XYZ^Q99", "PID OBX", "PID OBX", "020"},
		{"named after the event", "ADT^A08^ADT_A08", "PID PV1", "PID PV1", "021"},
		{"names no structure", "ORU^R01^NONSENSE", "PID OBR", "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR))", "021"},
		{"names another structure", "ORU^R01^ADT_A01", "PID PV1", "PID PV1", "021"},
		{"a type without event", "ORU", "PID OBR", "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR))", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "MSH|^~\\&|A|B|C|D|2026||" + tt.typ + "|1|P|2.5.1\r"
			for s := range strings.FieldsSeq(tt.in) {
				text += s + "|1|x\r"
			}
			m := parse(t, text)
			before := leaves(m.Doc)
			m.Group()
			if got := shape(m.Doc, tree.Root); got != "MSH "+tt.want {
				t.Errorf("got\n%s\nwant\nMSH %s", got, tt.want)
			}
			if got := ids(m.Findings); got != tt.ids {
				t.Errorf("findings %q, want %q", got, tt.ids)
			}
			if got := string(m.Append(nil)); got != text {
				t.Errorf("printed %q", got)
			}
			if leaves(m.Doc) != before {
				t.Error("places have changed")
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	m := parse(t, msh+"\rPID|||A~B^C&D\rOBR|1\rOBX|1\rOBX|2\rOBR|2\rOBX|1||||x~y\r")
	m.Group()
	path, err := Format.ParsePath("PATIENT_RESULT.ORDER_OBSERVATION[2].OBSERVATION.OBX-5[2]")
	if err != nil {
		t.Fatal(err)
	}
	n := m.At(tree.Root, path)
	if got := m.Place(n); got.String() != ":7:12, OBX[3]-5[2]" {
		t.Errorf("place %s", got)
	}
	obs := m.Parent(m.Parent(m.Parent(n)))
	if got := m.PlaceOf(obs); got != "PATIENT_RESULT.ORDER_OBSERVATION[2]" {
		t.Errorf("place of a group: %s", got)
	}
	pid := m.Child(m.Child(m.Child(tree.Root, "PATIENT_RESULT"), "PATIENT"), "PID")
	for path, column := range map[string]int{"3": 7, "3[2]": 9, "3[2].2": 11, "3[2].2.2": 13} {
		p, err := Format.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Place(m.At(pid, p)); got.Line != 2 || got.Column != column {
			t.Errorf("PID-%s stands at %s, want column %d", path, got, column)
		}
	}
	if got := m.PlaceOf(tree.Root); got != "" {
		t.Errorf("place of the root: %s", got)
	}
	if path, _ = Format.ParsePath("PATIENT_RESULT.PATIENT.PID-3[2].2.2"); m.PlaceOf(m.At(tree.Root, path)) != "PID-3[2].2.2" {
		t.Error(m.PlaceOf(m.At(tree.Root, path)))
	}
}

func TestValid(t *testing.T) {
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"PID", true}, {"PID-5", true}, {"PID-5.1", true}, {"PID-5.1.1", true}, {"PID-41", false}, {"PID-5.99", false}, {"PID-8.1", true},
		{"OBX-5.9.9", true}, {"OBX-5.1.1.1", false}, {"QQQ", false}, {"ZPI-99.9", true}, {"5.1", true}, {"5.x", false}, {"XPN.1.1", true}, {"XPN.77", false},
		{"PATIENT_RESULT.PATIENT.PID-3.4.2", true}, {"PATIENT_RESULTS", false}, {"PID.PV1", false}, {"ORDER_OBSERVATION.OBX", true}, {"line", true}, {"Z*", true},
		{"PID-4.1", true}, {"PRT-4", true}, {"PID-0", false},
	} {
		p, err := Format.ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range p {
			names = append(names, s.Name)
		}
		if got := Format.Valid(names); got != tt.want {
			t.Errorf("%s: %v", tt.path, got)
		}
	}
}

// build makes a tree from places and texts, in their order.
func build(t *testing.T, lines ...string) *tree.Doc {
	t.Helper()
	d := tree.New(Format, 32)
	for _, line := range lines {
		at, text, _ := strings.Cut(line, "=")
		fresh := strings.HasPrefix(at, "+")
		p, err := Format.ParsePath(strings.TrimPrefix(at, "+"))
		if err != nil {
			t.Fatal(err)
		}
		n := d.Make(tree.Root, p, fresh)
		if text != "" {
			d.SetText(n, text)
		}
	}
	return d
}

func TestAppendMessage(t *testing.T) {
	head := []string{"MSH-9.1=ORU", "MSH-9.2=R01", "MSH-9.3=ORU_R01", "MSH-10=7", "MSH-12=2.5.1"}
	const first = `MSH|^~\&|||||||ORU^R01^ORU_R01|7||2.5.1`
	for _, tt := range []struct {
		name  string
		lines []string
		o     PrintOptions
		want  string
		ids   string
	}{
		{"fields by number", []string{"PID-8=F", "PID-5.2=JAMIE", "PID-5.1=DOE", "PID-3=1"}, PrintOptions{}, first + "\rPID|||1||DOE^JAMIE|||F\r", ""},
		{"escapes", []string{"PID-5=A|B^C&D~E\\F\rG"}, PrintOptions{}, first + "\rPID|||||A\\F\\B\\S\\C\\T\\D\\R\\E\\E\\F\\X0D\\G\r", ""},
		{"repetitions and subcomponents", []string{"PID-3.1=1", "PID-3.4.2=1.2", "PID-3.4.1=N", "+PID-3=2"}, PrintOptions{}, first + "\rPID|||1^^^N&1.2~2\r", ""},
		{"an empty repetition keeps the place of those behind it", []string{"PID-3", "+PID-3=2", "+PID-3"}, PrintOptions{}, first + "\rPID|||~2\r", ""},
		{"repetitions made apart", []string{"PID-3=1", "PID-8=F", "+PID-3=2"}, PrintOptions{}, first + "\rPID|||1~2|||||F\r", ""},
		{"order of the structure", []string{"PATIENT_RESULT.ORDER_OBSERVATION.OBSERVATION.OBX-1=1", "PATIENT_RESULT.ORDER_OBSERVATION.OBR-1=1",
			"PATIENT_RESULT.ORDER_OBSERVATION.COMMON_ORDER.ORC-1=RE", "PATIENT_RESULT.PATIENT.VISIT.PV1-2=I", "PATIENT_RESULT.PATIENT.PID-3=1"},
			PrintOptions{}, first + "\rPID|||1\rPV1||I\rORC|RE\rOBR|1\rOBX|1\r", ""},
		{"Z segments behind what they follow", []string{"PATIENT_RESULT.ORDER_OBSERVATION.OBR-1=1", "PATIENT_RESULT.ORDER_OBSERVATION.ZOB-1=z",
			"PATIENT_RESULT.ORDER_OBSERVATION.OBSERVATION.OBX-1=1", "PATIENT_RESULT.PATIENT.PID-3=1"}, PrintOptions{},
			first + "\rPID|||1\rOBR|1\rZOB|z\rOBX|1\r", ""},
		{"Z segments of a group behind the groups in it", []string{"PATIENT_RESULT.PATIENT.PID-3=1", "PATIENT_RESULT.PATIENT.VISIT.PV1-2=I",
			"PATIENT_RESULT.PATIENT.VISIT.ZVI-1=v", "PATIENT_RESULT.PATIENT.ZPI-1=p"}, PrintOptions{},
			first + "\rPID|||1\rZPI|p\rPV1||I\rZVI|v\r", ""},
		{"empty segments are left out", []string{"PID-3=1", "PV1"}, PrintOptions{}, first + "\rPID|||1\r", ""},
		{"letters beyond ASCII", []string{"PID-5=JOS\u00c9"}, PrintOptions{}, first + "||||||UNICODE UTF-8\rPID|||||JOS\u00c9\r", ""},
		{"in the set of MSH-18", []string{"MSH-18=8859/1", "PID-5=JOS\u00c9"}, PrintOptions{}, first + "||||||8859/1\rPID|||||JOS\xc9\r", ""},
		{"not in the set of MSH-18", []string{"MSH-18=8859/1", "MSH-21=P", "PID-5=\u5c71"}, PrintOptions{}, first + "||||||UNICODE UTF-8|||P\rPID|||||\u5c71\r", "030"},
		{"the set of the options", []string{"PID-5=\u0141"}, PrintOptions{Charset: "8859/2"}, first + "||||||8859/2\rPID|||||\xa3\r", ""},
		{"an unknown set", []string{"PID-5=A"}, PrintOptions{Charset: "KLINGON"}, first + "\rPID|||||A\r", "013"},
		{"too deep", []string{"PID-3.4.1.1=a", "PID-3.4.1.2=b"}, PrintOptions{}, first + "\rPID|||^^^\r", "029"},
		{"deep but one", []string{"PID-3.4.1.1=a"}, PrintOptions{}, first + "\rPID|||^^^a\r", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, findings := AppendMessage([]byte("before"), build(t, append(slices.Clone(head), tt.lines...)...), tt.o)
			if got := strings.TrimPrefix(string(b), "before"); got != tt.want {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
			if got := ids(findings); got != tt.ids {
				t.Errorf("findings %q, want %q: %v", got, tt.ids, findings)
			}
		})
	}
	if b, f := AppendMessage(nil, tree.New(Format, 1), PrintOptions{}); len(b) != 0 || ids(f) != "001" {
		t.Errorf("%q %v", b, f)
	}
}

func TestRenumber(t *testing.T) {
	d := build(t, "MSH-9=ORU", "PATIENT_RESULT.ORDER_OBSERVATION.OBSERVATION.OBX-1=1", "PATIENT_RESULT.PATIENT.PATIENT_OBSERVATION.OBX-1=0", "PATIENT_RESULT.PATIENT.PID-1=1")
	Renumber(d)
	if got := below(d); got != "OBX[2]-1=1\nOBX-1=0\nPID-1=1\n" {
		t.Error(got)
	}
}

var emptyRepetition = regexp.MustCompile(`[|~]~|~[|~\r\n]|\|[&^]*~|~[&^]*[|~\r\n]`)

// TestReparse: parse(print(tree)) is the tree, for the corpus as if it had been built.
func TestReparse(t *testing.T) {
	list, _ := messages(t)
	p := &Parser{}
	n := 0
	for _, raw := range list {
		m, err := Parse(raw.Data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := below(m.Doc)
		if emptyRepetition.MatchString(raw.Data[min(9, len(raw.Data)):]) {
			continue // a tree that was built has none
		}
		if m.Child(tree.Root, StrayName) != 0 || strings.Contains(ids(m.Findings), "006") {
			continue // lines that are no segments are not reproduced in order
		}
		id := m.Group()
		if strings.Contains(ids(m.Findings), "024") || strings.Contains(ids(m.Findings), "023") || strings.Contains(ids(m.Findings), "026") {
			continue // the structure's order is another
		}
		b, findings := AppendMessage(nil, m.Doc, PrintOptions{})
		if len(findings) > 0 && ids(findings) != "030" {
			t.Errorf("%s: %v", raw.Data[:40], findings)
		}
		again, err := p.Parse(&Raw{Data: string(b)})
		if err != nil {
			t.Fatal(err)
		}
		if got := below(again.Doc); got != want {
			t.Errorf("%.60s: read differently\n%s", raw.Data, firstDifference(got, want))
		}
		if again.Group() != id {
			t.Errorf("%.60s: grouped differently", raw.Data)
		}
		n++
	}
	if n < 430 {
		t.Errorf("only %d messages", n)
	}
}

func TestPrintAfterReset(t *testing.T) {
	p := &Parser{}
	a, _ := p.Parse(&Raw{Data: msh + "\rPID|||A\\F\\B\r"})
	text := a.Text(a.Child(a.Child(tree.Root, "PID"), "3"))
	b, _ := p.Parse(&Raw{Data: "MSH$%*!?$A%B\rPID$$$!F!\r"})
	if text != "A|B" {
		t.Errorf("a text changed with the next message: %q", text)
	}
	if got := below(b.Doc); got != "PID-3=$\n" {
		t.Error(got)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, in, id, place string }{
		{"empty", "", "CP-V2-002", ":1:1"},
		{"blank", " \r\n\r\n ", "CP-V2-002", ""},
		{"prose", "Dear colleague", "CP-V2-001", ":1:1"},
		{"a binary file", "\x7fELF\x02\x01\x01\x00\x00", "CP-V2-001", ":1:1"},
		{"no separator", "MSH", "CP-V2-001", ":1:1"},
		{"a batch header", `FHS|^~\&|A`, "CP-V2-001", ":1:1"},
		{"an absurd separator", "MSHA^~\\&A", "CP-V2-001", ":1:1"},
	} {
		_, err := Parse(tt.in, Options{})
		var f *diag.Finding
		if !errors.As(err, &f) || f.ID != diag.ID(tt.id) || tt.place != "" && f.Place.String() != tt.place {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "colleague") {
			t.Errorf("%s: the error shows the text", tt.name)
		}
	}
	for _, tt := range []struct{ name, in, want string }{
		{"no type", "MSH|^~\\&|A|B|C|D|2026|||1|P|2.5.1\rPID|||1\r", ":1:1, MSH-9 CP-V2-019"},
		{"unknown version", "MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|3.1\rPID|||1\r", ":1:1, MSH-12 CP-V2-022"},
		{"cut in a segment", msh + "\rPID|||1||D\rOBX|1|NM|GLU^Gluc", ":3:1, OBX CP-V2-027"},
		{"cut in a name", msh + "\rPID|||1||D\rOB", ":3:1, line CP-V2-005"},
		{"another separator in a segment", msh + "\rPID^^^1^^D\r", ":2:1, line CP-V2-005"},
		{"two MSH", msh + "\rPID|||1||D\r" + msh + "\r", ":3:5, MSH[2] CP-V2-026"},
		{"blanks before", "\r\n\r\n  " + msh + "\rZZZ|\\Q\\\r", ":4:5, ZZZ CP-V2-017"},
	} {
		m, err := Parse(tt.in, Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []string
		for _, f := range m.Findings {
			got = append(got, f.Place.String()+" "+string(f.ID))
		}
		if !slices.Contains(got, tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

// TestNotCut: a last segment without a line end is whole if the sender leaves the field out of the others too, or if no later version asks for it.
func TestNotCut(t *testing.T) {
	for _, in := range []string{
		msh + "\rPID|||1||D\rOBX|1|NM|GLU^Gluc||5\rOBX|2|NM|NA^Sodium||140",
		strings.Replace(msh, "2.5.1", "2.3", 1) + "\rPID|||1||D\rOBR|1|P1||1^Panel",
	} {
		m := parse(t, in)
		for _, f := range m.Findings {
			if f.ID == "CP-V2-027" {
				t.Errorf("%s at %s: %s", f.ID, f.Place.Path, f.What)
			}
		}
	}
}

func TestManyFindings(t *testing.T) {
	m := parse(t, msh+"\r"+strings.Repeat("ZZZ|\\Q\\\r", 5000))
	if len(m.Findings) != most {
		t.Errorf("%d findings", len(m.Findings))
	}
	if last := m.Findings[most-1].Message(); !strings.Contains(last, "4980 more") {
		t.Error(last)
	}
}

// TestBig reads a field of 50 MB and a message of 100,000 OBX.
func TestBig(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 50 MB")
	}
	text := msh + "\rOBX|1|ED|PDF||^application^pdf^Base64^" + strings.Repeat("QUJD", 50<<20/4) + "||||||F\r"
	raw, err := NewReader(iotest.HalfReader(strings.NewReader(text)), Options{}).Next()
	if err != nil || raw.Reject != nil {
		t.Fatal(err, raw.Reject)
	}
	m := parse(t, raw.Data)
	if got := string(m.Append(nil)); got != text {
		t.Error("the field of 50 MB is printed differently")
	}
	text = msh + "\rOBX|1|ED|PDF||^application^pdf^Base64^" + strings.Repeat(strings.Repeat("QUJD", 19)+"\r", 100_000) + "||||||F\r"
	if m = parse(t, text); m.Len() > 100 || ids(m.Findings) != "006" || string(m.Append(nil)) != text {
		t.Errorf("a document in lines: %d nodes, %v", m.Len(), m.Findings)
	}
	m = parse(t, manyOBX(100_000))
	if m.Group() != "ORU_R01" || m.Len() < 1_000_000 || len(m.Findings) > 0 {
		t.Errorf("%d nodes, %v", m.Len(), m.Findings)
	}
}

func TestWrap(t *testing.T) {
	var b bytes.Buffer
	w := NewBatchWriter(&b, BatchHeader{SendingApplication: "A|B", Time: "20260101", ControlID: "9"})
	for _, s := range []string{msh + "\r", msh} {
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := `FHS|^~\&|A\F\B||||20260101||||9` + "\r" + `BHS|^~\&|A\F\B||||20260101||||9` + "\r" + msh + "\r" + msh + "\rBTS|2\rFTS|1\r"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
	r := NewReader(&b, Options{})
	n := 0
	for raw, err := range r.All() {
		if n++; err != nil || raw.Reject != nil || len(raw.Findings) > 0 || raw.Batch.Field(11) != "9" || raw.Batch.Parent.Field(1) != "|" {
			t.Errorf("%+v %v", raw, err)
		}
	}
	if n != 2 || len(r.Findings()) > 0 {
		t.Error(n, r.Findings())
	}
	if err := NewBatchWriter(iotestWriter{}, BatchHeader{}).Close(); err == nil {
		t.Error("a write error is lost")
	}
	framed := AppendFrame(AppendFrame(nil, []byte(msh+"\r")), []byte(msh+"\r"))
	r = NewReader(bytes.NewReader(framed), Options{})
	for n = 0; ; n++ {
		raw, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil || !raw.Framed || raw.Data != msh+"\r" || len(raw.Findings) > 0 {
			t.Errorf("%+v %v", raw, err)
		}
	}
	if n != 2 {
		t.Errorf("%d frames", n)
	}
}

type iotestWriter struct{}

func (iotestWriter) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestSniff(t *testing.T) {
	wide16, _ := wide("UTF-16LE").encode([]byte(msh+"\r"), 0)
	for _, tt := range []struct {
		in   string
		want bool
	}{
		{msh, true}, {"\ufeff" + msh, true}, {"\x0b" + msh, true}, {"\r\n  " + msh, true}, {`FHS|^~\&|A`, true}, {`BHS|^~\&|A`, true},
		{"Dear colleague,\r\nplease find\r\n\r\n" + msh, true}, {"2026-01-02 sent: " + msh, true}, {string(wide16), true}, {`MSH|^~\&#|A`, true},
		{"MSH||A", true}, {"MSH$%*!?$A", true},
		{"", false}, {"MSH", false}, {"MSH is a prefix", false}, {"MSH,PID,OBX\n1,2,3\n", false}, {`<?xml version="1.0"?><MSH>`, false}, {"{\"MSH\":1}", false},
		{"PK\x03\x04\x00\x00", false}, {"name,date\nA,B\n", false}, {"MSH-Klinik Nord, 2026", false}, {"FHS", false}, {"notes\nBHS\nnone", false}, {"FHS\r" + msh, true},
	} {
		if got := Sniff([]byte(tt.in)); got != tt.want {
			t.Errorf("Sniff(%.30q) = %v", tt.in, got)
		}
	}
}

// TestParserReuse: the order of messages changes nothing (law 4).
func TestParserReuse(t *testing.T) {
	list, _ := messages(t)
	p := &Parser{}
	show := func(m *Message) string {
		m.Group()
		return m.Doc.String() + fmt.Sprint(m.Findings) + string(m.Append(nil))
	}
	want := map[*Raw]string{}
	for _, raw := range list {
		m, err := (&Parser{}).Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		want[raw] = show(m)
	}
	slices.Reverse(list)
	for _, raw := range list {
		m, err := p.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(m); got != want[raw] {
			t.Fatalf("%.60s: another result after other messages\n%s", raw.Data, firstDifference(got, want[raw]))
		}
	}
}

func TestParseAllocations(t *testing.T) {
	p := &Parser{}
	raw := &Raw{Data: msh + "\rPID|1||123^^^A&1.2.3&ISO||DOE^JAMIE||19700101|F\r" + strings.Repeat("OBX|1|NM|1^Analyte^L||5|mg/dL|1-9|N|||F\r", 50)}
	n := testing.AllocsPerRun(100, func() {
		m, err := p.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		m.Group()
	})
	if n > 8 {
		t.Errorf("%v allocations", n)
	}
	runtime.KeepAlive(p)
}
