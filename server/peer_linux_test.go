package server_test

import (
	"net"
	"strconv"
	"testing"

	"financial-command-center/server"
)

// pair connects to a listener and returns both ends.
func pair(t *testing.T, network, listen, dial string) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen(network, listen)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	there, err = net.Dial("tcp", net.JoinHostPort(dial, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = there.Close() })
	here, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = here.Close() })
	return here, there
}

func TestTheOwnerOfTheOtherEndIsFoundOnBothStacks(t *testing.T) {
	for name, at := range map[string][3]string{
		"IPv4":                 {"tcp4", "127.0.0.1:0", "127.0.0.1"},
		"IPv6":                 {"tcp6", "[::1]:0", "::1"},
		"all of 127/8":         {"tcp4", "127.1.2.3:0", "127.1.2.3"},
		"IPv4 on an IPv6 row":  {"tcp", "[::]:0", "127.0.0.1"},
		"IPv4 dialled as IPv6": {"tcp4", "127.0.0.1:0", "::ffff:127.0.0.1"},
	} {
		here, _ := pair(t, at[0], at[1], at[2])
		if got := server.PeerOf(here); got != "same" {
			t.Errorf("%s: %s, want same", name, got)
		}
	}
}

func TestAClosedOwnerProvesNothing(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		here, there := pair(t, "tcp", net.JoinHostPort(host, "0"), host)
		if _, err := there.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = there.Close() // its request is on the way; this machine lists it as root's, uid 0
		if got := server.PeerOf(here); got != "unknown" {
			t.Errorf("%s: %s, want unknown", host, got)
		}
	}
}

func TestASocketOfTheSameAddressesTheOtherWayRoundIsNotTaken(t *testing.T) {
	here, there := pair(t, "tcp4", "127.0.0.1:0", "127.0.0.1")
	// The other end of the client's end is the server's: both are this user's, but
	// a connection to a port that nobody has is nobody's.
	if got := server.PeerOf(there); got != "same" {
		t.Errorf("the server's end: %s", got)
	}
	port := here.RemoteAddr().(*net.TCPAddr).Port
	if got := server.PeerOf(fixed{here, port + 1}); got != "unknown" {
		t.Errorf("port %s: %s, want unknown", strconv.Itoa(port+1), got)
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
