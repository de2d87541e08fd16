package packtest

import (
	"errors"
	"os"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// FakePlugin runs as age-plugin-fake: a plugin of age that holds X25519 keys and wants the PIN 1234 before it opens anything: from the
// variable PIN, else by asking. With --make FILE it makes a key.
func FakePlugin() int {
	p, err := plugin.New("fake")
	if err != nil {
		return 1
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return age.ParseX25519Recipient(string(data)) })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		pin := os.Getenv("PIN")
		if pin == "" {
			if pin, err = p.RequestValue("PIN", true); err != nil {
				return nil, err
			}
		}
		if pin != "1234" {
			return nil, errors.New("the PIN is wrong")
		}
		return age.ParseX25519Identity(string(data))
	})
	switch {
	case len(os.Args) == 3 && os.Args[1] == "--make":
		_, file, err := fakePluginKey()
		if err != nil || os.WriteFile(os.Args[2], []byte(file), 0o600) != nil {
			return 1
		}
		return 0
	case len(os.Args) > 1 && os.Args[1] == "--age-plugin=recipient-v1":
		return p.RecipientV1()
	case len(os.Args) > 1 && os.Args[1] == "--age-plugin=identity-v1":
		return p.IdentityV1()
	}
	return 1
}

func fakePluginKey() (recipient, file string, err error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	recipient = plugin.EncodeRecipient("fake", []byte(key.Recipient().String()))
	return recipient, "#       Serial: 1\n#    Recipient: " + recipient + "\n" + plugin.EncodeIdentity("fake", []byte(key.String())) + "\n", nil
}

// FakePluginKey is a key of that plugin: its recipient, and the identity file as such plugins write it.
func FakePluginKey(t testing.TB) (recipient, file string) {
	t.Helper()
	recipient, file, err := fakePluginKey()
	if err != nil {
		t.Fatal(err)
	}
	return recipient, file
}
