package cli

// systemSecretService: macOS has none.
func systemSecretService() Keyring { return nil }
