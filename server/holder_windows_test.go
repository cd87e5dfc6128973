package server_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"financial-command-center/server"
)

func TestWhoListensOnAPortIsNamed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := server.Holder{Program: filepath.Base(self), PID: os.Getpid()}
	if onWine { // which names no process of a listener
		want = server.Holder{}
	}
	for listen, asked := range map[string]string{
		"127.0.0.1:0": "127.0.0.1", "[::1]:0": "::1", "0.0.0.0:0": "127.0.0.1", "[::]:0": "::1",
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
