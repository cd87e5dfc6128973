package server_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
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

// A shut-down end is still its owner's: who has said that they will send no more
// can still read the answer.
func TestAnotherUserStaysAnotherUserWithTheirSendingSideShut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("playing a second OS user needs root. Run: go run ./build test")
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		for uid, want := range map[int][2]string{nobodyUID: {"other", "other"}, 0: {"same", "unknown"}} {
			var got [2]string
			for i := range got {
				here, there := pairAs(t, uid, host)
				if i == 1 {
					if err := there.(*net.TCPConn).CloseWrite(); err != nil {
						t.Fatal(err)
					}
					if _, err := here.Read(make([]byte, 1)); err != io.EOF {
						t.Fatal("the other end is not shut:", err)
					}
				}
				got[i] = server.PeerOf(here)
			}
			if got != want {
				t.Errorf("%s: user %d is %v before and after, want %v", host, uid, got, want)
			}
		}
	}
}

// pairAs is pair with the client's end made by uid: a socket belongs to the file
// system uid of the thread that makes it (setfsuid(2)).
func pairAs(t *testing.T, uid int, host string) (here, there net.Conn) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, so that the thread is not used again
		if err := syscall.Setfsuid(uid); err != nil {
			t.Error(err)
			return
		}
		here, there = pair(t, "tcp", net.JoinHostPort(host, "0"), host)
	}()
	<-done
	if here == nil {
		t.FailNow()
	}
	return here, there
}
