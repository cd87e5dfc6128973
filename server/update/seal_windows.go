package update

import (
	"os"

	"golang.org/x/sys/windows"
)

// openSealed opens a file for reading such that nobody can write, rename or delete
// it until it is closed (learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew,
// dwShareMode). Programs can be started from it.
func openSealed(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}
