//go:build !windows

package cli

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

func isPrivate(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// exclusive: a port that somebody listens on cannot be had twice anyway.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

// apart gives a process a session of its own, without this one's terminal.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// onOwnDrive matters on Windows, where drives are let in without the person.
func onOwnDrive(string) bool { return true }

// syncFolder waits until the disk has the names in a folder. Some network mounts
// cannot be told to (EINVAL, ENOTSUP): there a name is as safe as it gets.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = folder.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, folder.Close())
}
