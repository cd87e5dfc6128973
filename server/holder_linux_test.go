package server_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"financial-command-center/server"
)

func TestWhoListensOnAPortIsNamed(t *testing.T) {
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	want := server.Holder{Program: strings.TrimSpace(string(own)), PID: os.Getpid()}
	for listen, asked := range map[string]string{
		"127.0.0.1:0": "127.0.0.1", "[::1]:0": "::1", "0.0.0.0:0": "127.0.0.1", "[::]:0": "127.0.0.1",
	} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).AddrPort().Port()
		at := netip.AddrPortFrom(netip.MustParseAddr(asked), port)
		if got, ok := server.PortHolder(at); !ok || got != want {
			t.Errorf("%s: %v, %v; want %v", listen, got, ok, want)
		}
		l.Close()
		if got, ok := server.PortHolder(at); ok {
			t.Errorf("%s, closed: %v", listen, got)
		}
	}
}

func TestAnotherProgramThatListensIsNamed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), "sleep", "60")
	program.ExtraFiles = []*os.File{socket} // and from now on nobody else's
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	socket.Close()
	l.Close()
	got, ok := server.PortHolder(l.Addr().(*net.TCPAddr).AddrPort())
	if want := (server.Holder{Program: "sleep", PID: program.Process.Pid}); !ok || got != want {
		t.Errorf("%v, %v; want %v", got, ok, want)
	}
}
