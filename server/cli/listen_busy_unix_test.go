//go:build !windows

package cli

import (
	"syscall"
	"testing"
)

// bindOnly takes a port without listening on it, until the function is called.
func bindOnly(t *testing.T, port int) (free func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = syscall.Close(fd) }
}
