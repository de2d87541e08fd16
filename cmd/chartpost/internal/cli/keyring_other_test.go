//go:build !windows && !darwin

package cli

func systemSecretService() Keyring { return systemKeyring() }
