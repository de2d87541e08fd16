//go:build !windows

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeSecurity does what security(1) does for the commands that are used: it parses a line of standard input as a shell does, keeps secrets
// in files, and finds none with status 44. One whose line is too long, or that is locked, fails and says so with status 0.
const fakeSecurity = `#!/bin/sh
echo "$@" >> "$STORE/arguments"
if [ "$1" = -i ]; then
  read -r line
  [ ! -e "$STORE/locked" ] || { echo "SecKeychainItemCreateFromContent: User interaction is not allowed." >&2; exit 0; }
  eval "set -- $line"
fi
command=$1; shift
while [ $# -gt 0 ]; do
  case $1 in
  -s) service=$2; shift ;;
  -a) account=$2; shift ;;
  -w) [ "$command" != add-generic-password ] || { secret=$2; shift; } ;;
  esac
  shift
done
file="$STORE/$service-$(echo "$account" | cksum | cut -d' ' -f1)"
case $command in
add-generic-password) echo "$secret" > "$file" ;;
find-generic-password) [ -e "$file" ] || exit 44; cat "$file" ;;
delete-generic-password) rm "$file" 2>/dev/null || exit 44 ;;
*) exit 2 ;;
esac
`

// fakeSecretTool does what secret-tool(1) of libsecret does: the secret comes and goes without a line feed at its end.
const fakeSecretTool = `#!/bin/sh
echo "$@" >> "$STORE/arguments"
command=$1; shift
[ "$1" != --label ] || shift 2
file="$STORE/$(echo "$@" | cksum | cut -d' ' -f1)"
case $command in
store) [ ! -e "$STORE/locked" ] || exit 1; cat > "$file" ;;
lookup) [ -e "$file" ] || exit 1; cat "$file" ;;
clear) rm "$file" 2>/dev/null || exit 1 ;;
*) exit 2 ;;
esac
`

// TestKeyringTools: each keyring keeps a secret and gives it back, whatever is in it, by the tool of its system; the secret is never among the
// arguments, which others can see; and one that keeps nothing says so.
func TestKeyringTools(t *testing.T) {
	for _, c := range []struct {
		name, script string
		ring         func(tool string) Keyring
	}{
		{"security", fakeSecurity, func(tool string) Keyring { return keychain{tool} }},
		{"secret-tool", fakeSecretTool, func(tool string) Keyring {
			t.Setenv("PATH", filepath.Dir(tool)+":"+os.Getenv("PATH"))
			return systemSecretService()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, store := t.TempDir(), t.TempDir()
			tool := filepath.Join(dir, c.name)
			if err := os.WriteFile(tool, []byte(c.script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("STORE", store)
			ring := c.ring(tool)
			if ring == nil {
				t.Skip("this system has another keyring")
			}
			account := "/home/Ann Example/.config/chartpost"
			if _, err := ring.Get(account); err == nil {
				t.Error("a secret before there is one")
			}
			for _, secret := range []string{"one", "correct horse battery staple", `quo"te's $HOME \ ; rm -rf x`, "Grüße", "ends with a blank "} {
				if err := ring.Set(account, secret); err != nil {
					t.Fatalf("%q: %v", secret, err)
				}
				if got, err := ring.Get(account); err != nil || got != secret {
					t.Errorf("%q comes back as %q, %v", secret, got, err)
				}
			}
			if _, err := ring.Get("/another"); err == nil {
				t.Error("the secret of another folder")
			}
			if err := os.WriteFile(filepath.Join(store, "locked"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := ring.Set(account, "other"); err == nil {
				t.Error("a keyring that is locked keeps something")
			}
			if err := ring.Delete(account); err != nil {
				t.Error(err)
			}
			if err := ring.Delete(account); err == nil {
				t.Error("deleted twice")
			}
			if _, err := ring.Get(account); err == nil {
				t.Error("the secret is still there")
			}
			arguments, err := os.ReadFile(filepath.Join(store, "arguments"))
			if err != nil || strings.Contains(string(arguments), "horse") || strings.Contains(string(arguments), "Y29ycmVjdC") {
				t.Errorf("others can see the secret: %s %v", arguments, err)
			}
		})
	}
	// What cannot stand in one command of security is not tried.
	for account, secret := range map[string]string{"/it's": "one", `/back\slash`: "one", "/line\nfeed": "one", "/empty": "", "/long": strings.Repeat("x", 3000)} {
		if err := (keychain{"/nowhere"}).Set(account, secret); err != errNoKeyring {
			t.Errorf("%q: %v", account, err)
		}
	}
}
