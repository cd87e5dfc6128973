package cli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

func defaultDataDir(env environ) (string, error) {
	local := env("LOCALAPPDATA")
	if local == "" {
		return "", errors.New("LOCALAPPDATA is not set")
	}
	return filepath.Join(local, "Financial-Command-Center-AI"), nil
}

// isPrivate: Go shows no access list as mode bits; what lies in the user's
// profile inherits that folder's, which names nobody else but administrators.
func isPrivate(fs.FileInfo) bool { return true }

func hasDisplay(environ) bool { return true }

const soExclusiveAddrUse = ^windows.SO_REUSEADDR // winsock2.h

// exclusive keeps other programs from binding the same port with SO_REUSEADDR,
// which on Windows shares it. It is called before bind.
func exclusive(_, _ string, conn syscall.RawConn) error {
	var err error
	controlErr := conn.Control(func(fd uintptr) {
		err = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soExclusiveAddrUse, 1)
	})
	return errors.Join(controlErr, err)
}

// apart gives a process a console of its own, which no window shows.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}

// onOwnDrive reports whether a folder is on a drive of this computer, without a look
// at it. Windows knows a network drive by its letter, also while it is away
// (learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getdrivetypew).
func onOwnDrive(dir string) bool {
	volume := filepath.VolumeName(dir)
	if len(volume) != len("C:") { // a share, or a path of the system's own
		return false
	}
	root, err := windows.UTF16PtrFromString(volume + `\`)
	return err == nil && windows.GetDriveType(root) == windows.DRIVE_FIXED
}

// syncFolder: NTFS keeps the order of changes to names, and that is what counts.
func syncFolder(string) error { return nil }
