package cli

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
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
	return func() { _ = syscall.Closesocket(fd) }
}

func TestNobodySharesFCCsPort(t *testing.T) {
	listeners, err := listenOn(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	if len(listeners) != 2 {
		t.Fatalf("%d listeners", len(listeners))
	}
	thief := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) (err error) {
		controlErr := conn.Control(func(fd uintptr) {
			err = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_REUSEADDR, 1)
		})
		return errors.Join(controlErr, err)
	}}
	for i, l := range listeners {
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var exclusively int
		controlErr := raw.Control(func(fd uintptr) {
			exclusively, err = windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soExclusiveAddrUse)
		})
		if err = errors.Join(controlErr, err); err != nil || exclusively == 0 {
			t.Errorf("%v is not bound exclusively: %d, %v", l.Addr(), exclusively, err)
		}
		if stolen, err := thief.Listen(context.Background(), stacks[i].network, l.Addr().String()); err == nil {
			stolen.Close()
			t.Errorf("%s was had a second time", l.Addr())
		}
	}
}
