package cli

import (
	"encoding/base64"
	"fmt"
	"os/exec"
	"strings"
)

// systemKeyring is the keychain of macOS, by its program security. The secret goes in by standard input, because others can see the
// arguments of a program; as base64, so that nothing in it can be taken for a command.
type systemKeyring struct{}

const security = "/usr/bin/security"

func (systemKeyring) Get(account string) (string, error) {
	out, err := exec.Command(security, "find-generic-password", "-s", "chartpost", "-a", account, "-w").Output()
	if err != nil {
		return "", errNoKeyring
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(out)))
	return string(text), err
}

func (systemKeyring) Set(account, secret string) error {
	if strings.ContainsAny(account, "'\n") {
		return errNoKeyring // it cannot be written in one command
	}
	cmd := exec.Command(security, "-i")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("add-generic-password -U -s chartpost -a '%s' -w %s\n", account, base64.StdEncoding.EncodeToString([]byte(secret))))
	if cmd.Run() != nil {
		return errNoKeyring
	}
	return nil
}

func (systemKeyring) Delete(account string) error {
	if exec.Command(security, "delete-generic-password", "-s", "chartpost", "-a", account).Run() != nil {
		return errNoKeyring
	}
	return nil
}
