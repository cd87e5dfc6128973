package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"financial-command-center/server"
)

// Both loopback addresses of one port belong to FCC: browsers and curl try ::1
// first for localhost, so whoever held that alone would get FCC's cookies.

// listenOn takes port on both. Where the computer has no IPv6 it takes one.
func listenOn(ctx context.Context, port int) ([]net.Listener, error) {
	at := strconv.Itoa(port)
	var config net.ListenConfig
	config.Control = exclusive
	v4, err4 := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", at))
	if port == 0 && err4 == nil {
		at = strconv.Itoa(v4.Addr().(*net.TCPAddr).Port)
	}
	v6, err6 := config.Listen(ctx, "tcp6", net.JoinHostPort("::1", at))
	if errors.Is(err6, syscall.EADDRNOTAVAIL) || errors.Is(err6, syscall.EAFNOSUPPORT) {
		v6, err6 = nil, nil
	}
	var taken []string
	if err4 != nil {
		taken = append(taken, "127.0.0.1: "+whyNot(err4))
	}
	if err6 != nil {
		taken = append(taken, "[::1]: "+whyNot(err6))
	}
	listeners := slices.DeleteFunc([]net.Listener{v4, v6}, func(l net.Listener) bool { return l == nil })
	if len(taken) > 0 {
		closeAll(listeners)
		return nil, fmt.Errorf("port %s cannot be had (%s)", at, strings.Join(taken, "; "))
	}
	return listeners, nil
}

func whyNot(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.Errno(10048)): // WSAEADDRINUSE
		return "another program has it"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.Errno(10013)): // WSAEACCES
		return "the system has reserved it"
	}
	var call *net.OpError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// listenLive takes the port given by hand, or the first of the registered ones
// that is free, and tells why it passed over others.
func (c *call) listenLive(port int) ([]net.Listener, error) {
	if port != 0 {
		listeners, err := listenOn(c.ctx, port)
		if err != nil {
			return nil, failf(exitFailed, "FCC cannot start: %v. It was given by hand, so no other is tried. End that program, or give another --port and register http://localhost:PORT/callback with Xero.", err)
		}
		return listeners, nil
	}
	var passed []string
	for _, port := range server.RegisteredPorts {
		listeners, err := listenOn(c.ctx, port)
		if err == nil {
			for _, why := range passed {
				c.say("Note: %s. FCC takes %d instead.", why, port)
			}
			return listeners, nil
		}
		passed = append(passed, err.Error())
	}
	return nil, failf(exitFailed, "FCC cannot start: %s. End one of those programs, or give another --port and register http://localhost:PORT/callback with Xero.", strings.Join(passed, ", "))
}

const demoPort = 8787

// listenDemo takes a port that no sign-in of the user's is bound to.
func (c *call) listenDemo(port int) ([]net.Listener, error) {
	if slices.Contains(server.RegisteredPorts, port) {
		return nil, failf(exitUsage, "Port %d belongs to your own sign-in to Xero; the demo takes another.", port)
	}
	if port != 0 {
		return c.listenLive(port)
	}
	listeners, err := listenOn(c.ctx, demoPort)
	for range 20 {
		if err == nil {
			break
		}
		if listeners, err = listenOn(c.ctx, 0); err == nil && slices.Contains(server.RegisteredPorts, portOf(listeners)) {
			err = errors.New("a registered port")
			closeAll(listeners)
		}
	}
	if err != nil {
		return nil, failf(exitFailed, "The demo finds no free port: %v.", err)
	}
	return listeners, nil
}

func portOf(listeners []net.Listener) int { return listeners[0].Addr().(*net.TCPAddr).Port }

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
