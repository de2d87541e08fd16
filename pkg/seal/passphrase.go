package seal

import "filippo.io/age"

// PassphraseWork is the work factor of a package for a passphrase: scrypt with N = 2^18 (C2SP age.md, scrypt recipient stanza).
const PassphraseWork = 18

// maxPassphraseWork is as far as opening goes: a package that asks for more would keep the computer busy for a minute and 2 GiB.
const maxPassphraseWork = 20

// byPassphrase is the Recipient of a Key that is a passphrase.
const byPassphrase = "scrypt"

// PassphraseRecipient is what a package is sealed for that whoever has a passphrase can open. age allows no other beside it.
func PassphraseRecipient(passphrase string) (age.Recipient, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(PassphraseWork)
	return r, nil
}

// PassphraseKey opens such a package. A package that it does not open gives ErrPassphrase.
func PassphraseKey(passphrase string) (Key, error) {
	k, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Key{}, ErrPassphrase // it is empty
	}
	k.SetMaxWorkFactor(maxPassphraseWork)
	return Key{k, byPassphrase}, nil
}
