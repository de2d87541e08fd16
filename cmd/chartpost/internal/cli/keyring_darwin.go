package cli

func systemKeyring() Keyring { return keychain{"/usr/bin/security"} }
