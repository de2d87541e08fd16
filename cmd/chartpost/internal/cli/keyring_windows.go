package cli

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func systemKeyring() Keyring { return credentialManager{} }

// credentialManager is the Windows Credential Manager (wincred.h: CredReadW, CredWriteW, CredDeleteW).
type credentialManager struct{}

const (
	credTypeGeneric         = 1
	credPersistLocalMachine = 2
	credMaxBlob             = 5 * 512 // CRED_MAX_CREDENTIAL_BLOB_SIZE
)

// credential is CREDENTIALW.
type credential struct {
	Flags, Type           uint32
	TargetName, Comment   *uint16
	LastWritten           windows.Filetime
	BlobSize              uint32
	Blob                  *byte
	Persist, Count        uint32
	Attributes            uintptr
	TargetAlias, UserName *uint16
}

func advapi(name string) *windows.LazyProc {
	return windows.NewLazySystemDLL("advapi32.dll").NewProc(name)
}

func target(account string) (*uint16, error) {
	return syscall.UTF16PtrFromString("chartpost:" + account)
}

func (credentialManager) Get(account string) (string, error) {
	name, err := target(account)
	if err != nil {
		return "", err
	}
	var c *credential
	if ok, _, _ := advapi("CredReadW").Call(uintptr(unsafe.Pointer(name)), credTypeGeneric, 0, uintptr(unsafe.Pointer(&c))); ok == 0 {
		return "", errNoKeyring
	}
	defer advapi("CredFree").Call(uintptr(unsafe.Pointer(c)))
	return string(unsafe.Slice(c.Blob, c.BlobSize)), nil
}

func (credentialManager) Set(account, secret string) error {
	name, err := target(account)
	if err != nil || secret == "" || len(secret) > credMaxBlob {
		return errNoKeyring
	}
	user, err := syscall.UTF16PtrFromString("chartpost")
	if err != nil {
		return err
	}
	blob := []byte(secret)
	c := credential{Type: credTypeGeneric, TargetName: name, UserName: user, BlobSize: uint32(len(blob)), Blob: &blob[0], Persist: credPersistLocalMachine}
	if ok, _, _ := advapi("CredWriteW").Call(uintptr(unsafe.Pointer(&c)), 0); ok == 0 {
		return errNoKeyring
	}
	return nil
}

func (credentialManager) Delete(account string) error {
	name, err := target(account)
	if err != nil {
		return err
	}
	if ok, _, _ := advapi("CredDeleteW").Call(uintptr(unsafe.Pointer(name)), credTypeGeneric, 0); ok == 0 {
		return errNoKeyring
	}
	return nil
}
