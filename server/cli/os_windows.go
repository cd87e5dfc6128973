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
