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
	"syscall"
	"time"

	"financial-command-center/server"
)

// Both loopback addresses of one port belong to FCC: browsers and curl try ::1
// first for localhost, so whoever held that alone would get FCC's cookies.
var stacks = []struct{ network, host, shown string }{{"tcp4", "127.0.0.1", "127.0.0.1"}, {"tcp6", "::1", "[::1]"}}

// listenOn takes port on both. Where the computer has no IPv6 it takes one. It
// fails with a *portTaken.
func listenOn(ctx context.Context, port int) ([]net.Listener, error) {
	var config net.ListenConfig
	config.Control = exclusive
	var listeners []net.Listener
	taken := &portTaken{port: port}
	for _, stack := range stacks {
		l, err := config.Listen(ctx, stack.network, net.JoinHostPort(stack.host, strconv.Itoa(port)))
		switch {
		case err == nil:
			listeners = append(listeners, l)
			port = portOf(listeners)
		case stack.network == "tcp6" && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)):
		default:
			holder, held := server.PortHolder(netip.AddrPortFrom(netip.MustParseAddr(stack.host), uint16(port)))
			taken.add(stack.shown, refusalOf(err, held), holder, err)
		}
	}
	if len(taken.whys) > 0 {
		closeAll(listeners)
		return nil, taken
	}
	return listeners, nil
}

// A portTaken is a port that cannot be had.
type portTaken struct {
	port   int
	whys   []string    // for each address
	why    portRefusal // the first of them
	holder server.Holder
}

func (e *portTaken) Error() string {
	return fmt.Sprintf("port %d cannot be had (%s)", e.port, strings.Join(e.whys, "; "))
}

func (e *portTaken) add(address string, why portRefusal, holder server.Holder, err error) {
	if len(e.whys) == 0 {
		e.why, e.holder = why, holder
	}
	e.whys = append(e.whys, address+": "+why.words(holder, err))
}

// A portRefusal is a kind of reason why a port cannot be had.
type portRefusal int

const (
	portHeld     portRefusal = iota // somebody listens there
	portReserved                    // the system gives it to nobody
	portBusy                        // in use, though nobody is seen to listen there
	portOther
)

// refusalOf tells the reasons apart. Windows says WSAEACCES (10013) for a range
// that is reserved, and for a port that another program has taken for itself alone
// (learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse):
// in the second case somebody is seen to listen there.
func refusalOf(err error, held bool) portRefusal {
	inUse := errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048)) // WSAEADDRINUSE
	denied := errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.Errno(10013))
	switch {
	case held && (inUse || denied):
		return portHeld
	case denied:
		return portReserved
	case inUse:
		return portBusy
	}
	return portOther
}

func (r portRefusal) words(holder server.Holder, err error) string {
	switch r {
	case portHeld:
		return holder.String() + " has it"
	case portReserved:
		return "the system has reserved it"
	case portBusy:
		return "another program has it"
	}
	var call *net.OpError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// endingTimeout is how long a port is waited for that is in use though nobody
// listens there: on Windows one that was taken exclusively is free only when the
// last connection to it has ended, after a restart of FCC as well.
const endingTimeout = 2 * time.Second

func listenPatiently(ctx context.Context, port int) ([]net.Listener, error) {
	for until := time.Now().Add(endingTimeout); ; {
		listeners, err := listenOn(ctx, port)
		var taken *portTaken
		if err == nil || !server.SeesHolders || !errors.As(err, &taken) || taken.why != portBusy || time.Now().After(until) {
			return listeners, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// listenLive takes the port given by hand, or the first of the registered ones
// that is free, and tells why it passed over others: at length, and as the note
// that the tray shows.
func (c *call) listenLive(port int) (listeners []net.Listener, note string, err error) {
	if port != 0 {
		listeners, err := listenPatiently(c.ctx, port)
		if err != nil {
			return nil, "", failf(exitFailed, "FCC cannot start: %v. It was given by hand, so no other is tried. %s, or give another --port and register http://localhost:PORT/callback with Xero.", err, freed(err, "End that program"))
		}
		return listeners, "", nil
	}
	var passed []string
	var first *portTaken
	for _, port := range server.RegisteredPorts {
		listeners, err := listenPatiently(c.ctx, port)
		if err == nil {
			for _, why := range passed {
				c.say("Note: %s. FCC takes %d instead.", why, port)
			}
			return listeners, first.note(port), nil
		}
		passed = append(passed, err.Error())
		if first == nil {
			errors.As(err, &first)
		}
	}
	return nil, "", failf(exitFailed, "FCC cannot start: %s. %s, or give another --port and register http://localhost:PORT/callback with Xero.",
		strings.Join(passed, ", "), freed(first, "End one of those programs"))
}

// freed says how a port is had: end is for one that a program has.
func freed(err error, end string) string {
	var taken *portTaken
	if errors.As(err, &taken) && taken != nil && taken.why == portReserved {
		return "Run fcc doctor, which shows how to free it"
	}
	return end
}

// noteLength is what a line of the menu holds.
const noteLength = 48

// note says in a line of the menu that FCC listens on port instead.
func (e *portTaken) note(port int) string {
	if e == nil {
		return ""
	}
	begin, end := fmt.Sprintf("Port %d · ", port), fmt.Sprintf(" has %d", e.port)
	switch e.why {
	case portHeld:
		who := []rune(e.holder.Short())
		if room := noteLength - len([]rune(begin+end)); len(who) > room {
			who = append(who[:room-1], '…')
		}
		return begin + string(who) + end
	case portReserved:
		return begin + fmt.Sprintf("the system has reserved %d", e.port)
	}
	return begin + fmt.Sprintf("%d cannot be had", e.port)
}

const demoPort = 8787

// listenDemo takes a port that no sign-in of the user's is bound to.
func (c *call) listenDemo(port int) ([]net.Listener, error) {
	if slices.Contains(server.RegisteredPorts, port) {
		return nil, failf(exitUsage, "Port %d belongs to your own sign-in to Xero; the demo takes another.", port)
	}
	if port != 0 {
		listeners, _, err := c.listenLive(port)
		return listeners, err
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
