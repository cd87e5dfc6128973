package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// The way back from Xero: the browser is sent to http://localhost:PORT/callback, so
// that port must be FCC's on both addresses, no proxy may swallow it, and the
// address must be among those of the Xero app.

func (c *client) port() int {
	_, text, _ := strings.Cut(c.run.Address, ":")
	port, _ := strconv.Atoi(text)
	return port
}

// portsToTry are the ports that FCC would listen on, in order.
func (s settings) portsToTry() []int {
	if s.port != 0 {
		return []int{s.port}
	}
	return server.RegisteredPorts
}

// portsOfXero are those of the redirect URIs that the Xero app should have.
func (s settings) portsOfXero() []int {
	if slices.Contains(server.RegisteredPorts, s.port) {
		return server.RegisteredPorts
	}
	return s.portsToTry()
}

func portName(port int) string { return fmt.Sprintf("Port %d", port) }

// checkFreePorts looks whether FCC could listen.
func (c *call) checkFreePorts(s settings) (checks []server.Check) {
	ports := s.portsToTry()
	for i, port := range ports {
		listeners, err := listenOn(c.ctx, port)
		closeAll(listeners)
		switch {
		case err == nil:
			checks = append(checks, well(portName(port), "free on "+both(len(listeners))))
		case i < len(ports)-1:
			checks = append(checks, warn(portName(port), err.Error(), freeing(err)+fmt.Sprintf(" Until then FCC takes %d, or the next that is free.", ports[i+1])))
		default:
			checks = append(checks, bad(portName(port), err.Error(), freeing(err)+" Or give another --port and register its redirect URI with Xero."))
		}
	}
	return checks
}

// freeing is what to do for a port that cannot be had.
func freeing(err error) string {
	var taken *portTaken
	if errors.As(err, &taken) && taken.why == portReserved {
		return "See the reserved ports below."
	}
	return "End that program if you can do without it."
}

func both(stacks int) string {
	if stacks == 2 {
		return "127.0.0.1 and [::1]"
	}
	return "127.0.0.1; this computer has no [::1]"
}

// checkPorts looks at the running FCC's port, and at the registered ones that it
// would rather have.
func (c *call) checkPorts(running *client) (checks []server.Check) {
	own := running.port()
	checks = append(checks, checkOwnPort(c.ctx, running))
	at := slices.Index(server.RegisteredPorts, own)
	for _, port := range server.RegisteredPorts[:max(0, at)] {
		listeners, err := listenOn(c.ctx, port)
		closeAll(listeners)
		if err == nil {
			checks = append(checks, warn(portName(port), fmt.Sprintf("free again, and FCC listens on %d", own), "Nothing must be done: Xero knows both. A restart of FCC takes it back."))
		} else {
			checks = append(checks, warn(portName(port), err.Error(), freeing(err)+fmt.Sprintf(" FCC listens on %d instead.", own)))
		}
	}
	return checks
}

// checkOwnPort asks the running FCC for its proof on both addresses.
func checkOwnPort(ctx context.Context, running *client) server.Check {
	name := portName(running.port())
	for _, stack := range stacks {
		run := running.run
		run.Address = net.JoinHostPort(stack.host, strconv.Itoa(running.port()))
		_, err := newClient(run).hello(ctx)
		switch {
		case err == nil:
		case stack.network == "tcp6" && !hasIPv6():
			return well(name, "FCC answers on "+both(1))
		default:
			found := fmt.Sprintf("FCC does not answer at %s: %v", run.Address, err)
			if holder, ok := server.PortHolder(netip.AddrPortFrom(netip.MustParseAddr(stack.host), uint16(running.port()))); ok {
				found += fmt.Sprintf("; %v listens there", holder)
			}
			return bad(name, found, "End the program that has it, and start FCC again.")
		}
	}
	return well(name, "FCC answers on "+both(2))
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// checkLoopbackProxy looks whether a browser or another program would send what is
// for FCC through a proxy. FCC itself never does.
func checkLoopbackProxy(found xero.LoopbackProxy) server.Check {
	const name = "Proxy and localhost"
	const tick = "In Windows' proxy settings (Settings, Network & internet, Proxy) tick \"Don't use the proxy server for local (intranet) addresses\"."
	switch {
	case found.Forced:
		return bad(name, fmt.Sprintf("Windows' setting sends http://localhost through the proxy %s: <-loopback> is among the exceptions", found.Browsers), "Take <-loopback> out of the exceptions. "+tick)
	case found.Browsers != "":
		return warn(name, fmt.Sprintf("Windows' setting has http://localhost go through the proxy %s; today's browsers leave it out of that by themselves", found.Browsers), tick)
	case found.Programs != "":
		return warn(name, fmt.Sprintf("the environment has curl and other programs send http://localhost through the proxy %s", found.Programs), "Set NO_PROXY=localhost,127.0.0.1,::1 beside HTTP_PROXY.")
	}
	return well(name, "no proxy is set for http://localhost")
}

func (s settings) checkRedirect() server.Check {
	var uris []string
	for _, port := range s.portsOfXero() {
		uris = append(uris, fmt.Sprintf("http://localhost:%d/callback", port))
	}
	found := "this must be among those of your Xero app, letter by letter: " + strings.Join(uris, " ")
	return well("Redirect URI", found)
}
