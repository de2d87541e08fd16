package cli

import (
	"encoding/base64"
	"fmt"
	"os/exec"
	"strings"
)

// keychain is the keychain of macOS, by its program security(1). The secret goes in by standard input, because others can see the arguments of a
// program; as base64, so that nothing in it can be taken for a command, and because what is not ASCII comes out in hexadecimal.
type keychain struct{ security string }

// maxSecurityLine is below the longest line that security takes from standard input, 4096 bytes.
const maxSecurityLine = 4000

func (k keychain) Get(account string) (string, error) {
	out, err := exec.Command(k.security, "find-generic-password", "-s", "chartpost", "-a", account, "-w").Output()
	if err != nil {
		return "", errNoKeyring
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(out)))
	if err != nil {
		return "", errNoKeyring
	}
	return string(text), nil
}

func (k keychain) Set(account, secret string) error {
	line := fmt.Sprintf("add-generic-password -U -s chartpost -a '%s' -w %s\n", account, base64.StdEncoding.EncodeToString([]byte(secret)))
	if secret == "" || strings.ContainsAny(account, "'\\\n\r") || len(line) > maxSecurityLine {
		return errNoKeyring // it cannot be written in one command
	}
	cmd := exec.Command(k.security, "-i")
	cmd.Stdin = strings.NewReader(line)
	if cmd.Run() != nil {
		return errNoKeyring
	}
	// Its exit status is not always that of the command it was told: only what comes back is kept.
	if got, err := k.Get(account); err != nil || got != secret {
		return errNoKeyring
	}
	return nil
}

func (k keychain) Delete(account string) error {
	if exec.Command(k.security, "delete-generic-password", "-s", "chartpost", "-a", account).Run() != nil {
		return errNoKeyring
	}
	return nil
}
