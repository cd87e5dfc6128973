package server_test

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"financial-command-center/server"
)

// onWine tells Wine from Windows. Wine names no owner of an IPv6 connection, nor of
// one that nothing was sent over yet.
var onWine = windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil

// talk connects to a listener, sends something, and returns both ends.
func talk(t *testing.T, host string) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = there.Close() })
	here, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = here.Close() })
	if _, err := there.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(here, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	return here, there
}

func TestTheOwnerOfTheOtherEndIsFound(t *testing.T) {
	want := map[string]string{"127.0.0.1": "same", "::1": "same"}
	if onWine {
		want["::1"] = "unknown"
	}
	for host, want := range want {
		here, _ := talk(t, host)
		if got := server.PeerOf(here); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestAClosedOwnerProvesNothing(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		here, there := talk(t, host)
		_ = there.Close()
		_ = here.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := here.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("the other end is not closed: %v", err)
		}
		if got := server.PeerOf(here); got != "unknown" {
			t.Errorf("%s: %s, want unknown", host, got)
		}
	}
}

func TestAPortThatNobodyHasIsNobodys(t *testing.T) {
	here, _ := talk(t, "127.0.0.1")
	port := here.RemoteAddr().(*net.TCPAddr).Port
	if got := server.PeerOf(fixed{here, port + 1}); got != "unknown" {
		t.Errorf("port %d: %s, want unknown", port+1, got)
	}
}

// fixed claims to come from another port.
type fixed struct {
	net.Conn
	port int
}

func (f fixed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: f.port}
}
