package cli

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

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
	listeners, err := c.listenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	if portOf(listeners) != ports[2] || len(listeners) != 2 {
		t.Errorf("listens on %v, wants %d on both stacks", listeners, ports[2])
	}
	for _, part := range []string{strconv.Itoa(ports[0]), "[::1]: another program has it", strconv.Itoa(ports[1]), "127.0.0.1: another program has it", strconv.Itoa(ports[2])} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("%q is not said in %q", part, &said)
		}
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
	_, err := c.listenLive(0)
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
