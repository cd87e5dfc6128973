package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"financial-command-center/server"
)

// registerPorts makes n ports that are free on both stacks the registered ones.
func registerPorts(t *testing.T, n int) []int {
	t.Helper()
	var held []net.Listener
	var ports []int
	for range n {
		listeners, err := listenOn(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, listeners...)
		ports = append(ports, portOf(listeners))
	}
	for _, l := range held {
		l.Close()
	}
	before := server.RegisteredPorts
	server.RegisteredPorts = ports
	t.Cleanup(func() { server.RegisteredPorts = before })
	return ports
}

func take(t *testing.T, address string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

func TestTheNextRegisteredPortIsTakenAndTheReasonSaid(t *testing.T) {
	ports := registerPorts(t, 3)
	take(t, "::1", ports[0])
	take(t, "127.0.0.1", ports[1])
	var said strings.Builder
	c := &call{Program: Program{Stderr: &said}, ctx: t.Context()}
	listeners, note, err := c.listenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	if portOf(listeners) != ports[2] || len(listeners) != 2 {
		t.Errorf("listens on %v, wants %d on both stacks", listeners, ports[2])
	}
	self, ok := server.PortHolder(netip.AddrPortFrom(netip.IPv6Loopback(), uint16(ports[0])))
	if ok != server.SeesHolders {
		t.Fatal("who listens is seen:", ok)
	}
	for _, part := range []string{strconv.Itoa(ports[0]), "[::1]: " + self.String() + " has it", strconv.Itoa(ports[1]), "127.0.0.1: " + self.String() + " has it", strconv.Itoa(ports[2])} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("%q is not said in %q", part, &said)
		}
	}
	want := fmt.Sprintf("Port %d · %s has %d", ports[2], self.Short(), ports[0])
	if !server.SeesHolders {
		want = fmt.Sprintf("Port %d · %d cannot be had", ports[2], ports[0])
	}
	if note != want {
		t.Errorf("the tray would say %q, not %q", note, want)
	}
	// What was passed over is let go of on the other stack too.
	take(t, "127.0.0.1", ports[0])
	take(t, "::1", ports[1])
}

func TestWithEveryRegisteredPortTakenTheStartFailsWithASentence(t *testing.T) {
	ports := registerPorts(t, 3)
	for _, port := range ports {
		take(t, "127.0.0.1", port)
	}
	var said strings.Builder
	c := &call{Program: Program{Stderr: &said}, ctx: t.Context()}
	_, _, err := c.listenLive(0)
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(ports[2])) || !strings.Contains(err.Error(), "--port") || said.Len() > 0 {
		t.Errorf("%v, said %q", err, &said)
	}
}

func TestTheDemoNeverTakesARegisteredPort(t *testing.T) {
	var said strings.Builder
	c := &call{Program: Program{Stderr: &said}, ctx: t.Context()}
	for range 5 {
		listeners, err := c.listenDemo(0)
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(listeners)
		if slices.Contains(server.RegisteredPorts, portOf(listeners)) {
			t.Errorf("port %d", portOf(listeners))
		}
	}
	for _, port := range server.RegisteredPorts {
		if _, err := c.listenDemo(port); err == nil {
			t.Errorf("port %d by hand was taken", port)
		}
	}
}

func TestReservedIsToldFromHeldByWhoListensThere(t *testing.T) {
	python := server.Holder{Program: "python.exe", PID: 4242}
	for _, c := range []struct {
		err  error
		held bool
		want portRefusal
		says string
	}{
		{syscall.Errno(10048), true, portHeld, "python.exe (process 4242) has it"},
		{syscall.Errno(10013), true, portHeld, "python.exe (process 4242) has it"},
		{syscall.EADDRINUSE, true, portHeld, "python.exe (process 4242) has it"},
		{syscall.Errno(10013), false, portReserved, "the system has reserved it"},
		{syscall.EACCES, false, portReserved, "the system has reserved it"},
		{syscall.Errno(10048), false, portBusy, "another program has it"},
		{syscall.EADDRINUSE, false, portBusy, "another program has it"},
		{errors.New("no socket left"), true, portOther, "no socket left"},
	} {
		err := &net.OpError{Op: "listen", Net: "tcp4", Err: c.err}
		got := refusalOf(err, c.held)
		if says := got.words(python, err); got != c.want || says != c.says {
			t.Errorf("%v, held %v: %d, %q; want %d, %q", c.err, c.held, got, says, c.want, c.says)
		}
	}
}

func TestAReservedPortIsNoProgramsToEnd(t *testing.T) {
	if said := freed(&portTaken{why: portReserved}, "End it"); !strings.Contains(said, "fcc doctor") {
		t.Errorf("%q", said)
	}
	var none *portTaken
	for _, err := range []error{&portTaken{why: portHeld}, none, errors.New("x")} {
		if said := freed(err, "End it"); said != "End it" {
			t.Errorf("%q", said)
		}
	}
}

func TestTheNoteOfAnotherPortFitsALineOfTheMenu(t *testing.T) {
	for want, taken := range map[string]*portTaken{
		"":                                                 nil,
		"Port 18000 · python.exe has 8000":                 {port: 8000, holder: server.Holder{Program: "python.exe", PID: 4242}},
		"Port 18000 · process 4242 has 8000":               {port: 8000, holder: server.Holder{PID: 4242}},
		"Port 18000 · another program has 8000":            {port: 8000},
		"Port 18000 · the system has reserved 8000":        {port: 8000, why: portReserved},
		"Port 18000 · 8000 cannot be had":                  {port: 8000, why: portBusy},
		"Port 18000 · Buchhaltung-für-Kanzlei-S… has 8000": {port: 8000, holder: server.Holder{Program: "Buchhaltung-für-Kanzlei-Server-2026.exe"}},
	} {
		if got := taken.note(18000); got != want || len([]rune(got)) > noteLength {
			t.Errorf("%q has %d characters; want %q", got, len([]rune(got)), want)
		}
	}
}

func TestAPortWhoseLastUserIsAboutToLetGoIsWaitedFor(t *testing.T) {
	port := registerPorts(t, 1)[0]
	busy := bindOnly(t, port)
	go func() {
		time.Sleep(300 * time.Millisecond)
		busy()
	}()
	c := &call{ctx: t.Context()}
	listeners, note, err := c.listenLive(0)
	if !server.SeesHolders {
		if err == nil {
			t.Fatal("a port in use was had")
		}
		return
	}
	if err != nil || note != "" {
		t.Fatalf("%q, %v", note, err)
	}
	closeAll(listeners)
}
