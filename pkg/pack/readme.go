package pack

import (
	"fmt"
	"strings"
	"time"
)

// Readme is README.txt: how to open and check the package without Chartpost. It is for whoever has unzipped it already, or reads it
// over somebody's shoulder, so it begins with what the folder is.
func Readme(m *Manifest) []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	to := make([]string, len(m.To))
	classic := true
	for i, t := range m.To {
		to[i] = t.Name
		classic = classic && !strings.HasPrefix(t.Age, "age1pq1")
	}
	name := m.BaseName()
	p("A package of health records")
	p("")
	p("From:     %s", m.From.Name)
	p("To:       %s", strings.Join(to, ", "))
	p("Sealed:   %s", m.Created.Format(time.RFC3339))
	p("Purpose:  %s", m.Purpose)
	p("Package:  %s", m.ID)
	if m.Part2 {
		p("")
		p("%s", m.Notice)
		p("A copy of the patient's consent is inside: %s", strings.Join(m.Consent, ", "))
	}
	p("")
	if m.has(PagePath) {
		p("To read the record, open %s in a browser. All files are in the folder files.", PagePath)
		p("The rest of this page is for checking them.")
	} else {
		p("The records are in the folder files. The rest of this page is for checking them.")
	}
	p("")
	p("With Chartpost")
	p("")
	p("    chartpost open %s.zip.age", name)
	p("")
	if m.ForPassphrase() {
		p("asks for the passphrase and does all of what follows.")
	} else {
		p("does all of what follows, and more: it also checks that the package was meant for you.")
	}
	p("")
	p("With common tools")
	p("")
	if m.ForPassphrase() {
		p("1. Decrypt. You need age (age-encryption.org) and the passphrase: its words in lower case, with a hyphen between each two.")
	} else {
		p("1. Decrypt. You need age (age-encryption.org) and the recipient's identity file.")
	}
	p("")
	if m.ForPassphrase() {
		p("       age -d -o %s.zip %s.zip.age", name, name)
	} else if classic {
		p("       age -d -i identity-compat.txt -o %s.zip %s.zip.age", name, name)
	} else {
		p("       age -d -i identity.txt -o %s.zip %s.zip.age", name, name)
		p("")
		p("   This package is protected against quantum computers: age 1.3 or newer is needed.")
	}
	p("")
	p("2. Unpack.")
	p("")
	p("       unzip %s.zip", name)
	p("")
	p("3. Check who signed it. You need OpenSSH 8.1 or newer and a file allowed_signers with one line: the sender's name without")
	p("   blanks, one blank, and the line after \"sign:\" on the sender's card. Take the card from where you got it when you checked it")
	p("   with the sender, never from inside a package. For a sender whom you call sender:")
	p("")
	p("       ssh-keygen -Y verify -f allowed_signers -I sender -n %s -s %s < %s", Format, SignatureName, SumsName)
	p("")
	p("   It must answer: Good \"%s\" signature. On Windows, PowerShell changes what it passes on and the signature seems wrong;", Format)
	p("   write instead")
	p("")
	p("       cmd /c \"ssh-keygen -Y verify -f allowed_signers -I sender -n %s -s %s < %s\"", Format, SignatureName, SumsName)
	p("")
	p("4. Check that no file was changed.")
	p("")
	p("       sha256sum -c %s", SumsName)
	p("")
	p("   (macOS: shasum -a 256 -c %s.) Every line must end with OK.", SumsName)
	p("")
	p("5. Look into manifest.json whether \"to\" names you. If it names somebody else, the package was passed on to you by a person who is")
	p("   not its sender.")
	return []byte(b.String())
}
