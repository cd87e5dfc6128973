package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// PassphraseOptional: OpenFile makes a passphrase itself when it is given none,
// and has DPAPI keep it, beside the secrets file with the ending .dpapi. Only
// this user of this machine can then open the file.
const PassphraseOptional = true

// ownPassphrase reads the passphrase that DPAPI keeps for the secrets file at
// path, or makes one if there is neither. DPAPI no longer opens it after an
// administrator has reset the user's password: ErrDamaged. In a domain it does
// again once a domain controller is reached, which keeps a key of its own for that
// (learn.microsoft.com/troubleshoot/windows-server/identity/dpapi-masterkey-backup-failures):
// ErrFailed.
func ownPassphrase(path string) (Secret, error) {
	kept := path + ".dpapi"
	data, err := readFile(kept)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return Secret{}, fmt.Errorf("%w: it is empty, and the file was made with one", ErrPassphrase)
		}
		if err := keepPassphrase(kept, rand.Text()); err != nil {
			return Secret{}, fmt.Errorf("%w: %w", ErrFailed, err)
		}
		data, err = readFile(kept)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	plain, err := dpapi(data, windows.CryptUnprotectData)
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", kept, unopened(err, inDomain()))
	}
	return NewSecret(string(plain)), nil
}

func inDomain() bool {
	var name *uint16
	var status uint32
	if windows.NetGetJoinInformation(nil, &name, &status) != nil {
		return false
	}
	_ = windows.NetApiBufferFree((*byte)(unsafe.Pointer(name)))
	return status == windows.NetSetupDomainName
}

// unopened tells what will never open again from what may: bytes that are no
// DPAPI blob, or one of which the key is gone, as after an administrator's reset of
// the password, from a service that does not answer.
func unopened(err error, inDomain bool) error {
	if errors.Is(err, windows.Errno(windows.NTE_BAD_KEY_STATE)) && inDomain {
		return fmt.Errorf("%w: Windows does not open it before the network of your organisation is reached, as after a new password (%w). Connect to that network, sign in to Windows there, and start FCC again", ErrFailed, err)
	}
	for _, final := range []error{errEmpty, windows.ERROR_INVALID_DATA, windows.ERROR_INVALID_PARAMETER,
		windows.Errno(windows.NTE_BAD_DATA), windows.Errno(windows.NTE_BAD_KEY), windows.Errno(windows.NTE_BAD_KEY_STATE)} {
		if errors.Is(err, final) {
			return fmt.Errorf("%w: Windows does not open it: %w", ErrDamaged, err)
		}
	}
	return fmt.Errorf("%w: Windows does not open it: %w", ErrFailed, err)
}

var errEmpty = errors.New("it is empty")

func keepPassphrase(path, text string) error {
	data, err := dpapi([]byte(text), func(in *windows.DataBlob, _ **uint16, entropy *windows.DataBlob, reserved uintptr, prompt *windows.CryptProtectPromptStruct, flags uint32, out *windows.DataBlob) error {
		return windows.CryptProtectData(in, nil, entropy, reserved, prompt, flags, out)
	})
	if err != nil {
		return err
	}
	if err := writeFile(path+".new", data); err != nil {
		return errors.Join(err, removeIfThere(path+".new"))
	}
	return replaceFile(path+".new", path)
}

// dpapi passes data through one of DPAPI's two calls, which must not ask the user.
func dpapi(data []byte, call func(*windows.DataBlob, **uint16, *windows.DataBlob, uintptr, *windows.CryptProtectPromptStruct, uint32, *windows.DataBlob) error) ([]byte, error) {
	if len(data) == 0 {
		return nil, errEmpty
	}
	in := windows.DataBlob{Size: uint32(len(data)), Data: &data[0]}
	var out windows.DataBlob
	if err := call(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, err
	}
	defer windows.LocalFree(windows.Handle(unsafe.Pointer(out.Data)))
	return append([]byte(nil), unsafe.Slice(out.Data, out.Size)...), nil
}
