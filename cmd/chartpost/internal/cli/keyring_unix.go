//go:build !windows && !darwin

package cli

import (
	"os/exec"
	"strings"
)

func systemKeyring() Keyring { return secretService{} }

// secretService is the Secret Service of the desktop (GNOME Keyring, KWallet), by the program secret-tool of libsecret. A library would
// cost 400 KB of the binary, and speaks the same protocol.
type secretService struct{}

const secretTool = "secret-tool"

func attributes(account string) []string { return []string{"service", "chartpost", "account", account} }

func (secretService) Get(account string) (string, error) {
	out, err := exec.Command(secretTool, append([]string{"lookup"}, attributes(account)...)...).Output()
	if err != nil {
		return "", errNoKeyring
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

func (secretService) Set(account, secret string) error {
	cmd := exec.Command(secretTool, append([]string{"store", "--label", "Chartpost"}, attributes(account)...)...)
	cmd.Stdin = strings.NewReader(secret)
	if cmd.Run() != nil {
		return errNoKeyring
	}
	return nil
}

func (secretService) Delete(account string) error {
	if exec.Command(secretTool, append([]string{"clear"}, attributes(account)...)...).Run() != nil {
		return errNoKeyring
	}
	return nil
}
