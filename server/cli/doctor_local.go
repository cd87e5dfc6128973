package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// The checks that need no running FCC.

func (s settings) checkSettings() server.Check {
	const name = "Settings"
	switch {
	case s.damaged:
		return warn(name, s.settingsFile()+" is damaged", "At its next start FCC keeps it aside and goes on with the defaults. Mend or remove it.")
	case s.clientID == "":
		return warn(name, "there is no client id of a Xero app yet", "Open FCC and follow its set-up page, or give --client-id.")
	}
	return well(name, fmt.Sprintf("client id %s, issuer %s", s.clientID, s.issuer))
}

func (s settings) checkFolder() server.Check {
	const name = "Data folder and disk"
	info, err := os.Stat(s.dataDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return well(name, s.dataDir+" is not there yet; FCC makes it at its first start")
	case err != nil:
		return bad(name, err.Error(), "Name another folder with --data-dir.")
	case !info.IsDir():
		return bad(name, s.dataDir+" is no folder", "Name another with --data-dir.")
	case !isPrivate(info):
		return bad(name, s.dataDir+" is open to other users", fmt.Sprintf("Close it: chmod 700 %q", s.dataDir))
	}
	trial, err := os.CreateTemp(s.dataDir, ".trial-")
	if err != nil {
		return bad(name, s.dataDir+" cannot be written: "+err.Error(), "Make room or give yourself the right to write there; or name another folder with --data-dir.")
	}
	defer os.Remove(trial.Name())
	_, err = trial.Write(make([]byte, 1<<20))
	if err = errors.Join(err, trial.Sync(), trial.Close()); err != nil {
		return bad(name, s.dataDir+" takes no file of 1 MB: "+err.Error(), "Make room on the disk.")
	}
	return well(name, s.dataDir+" takes files, and is this user's alone")
}

func (c *call) checkKeystore(s settings) server.Check {
	const name = "Keychain"
	var passphrase keystore.Secret
	if s.keystore == "file" {
		var err error
		if passphrase, err = readPassphrase(c.Env); err != nil {
			return bad(name, err.Error(), "FCC cannot start without it.")
		}
	}
	store, err := s.openKeystore(passphrase)
	switch {
	case errors.Is(err, keystore.ErrDamaged) && passphrase.IsZero():
		return bad(name, err.Error(), "FCC puts that file aside when it starts, and you sign in to Xero again.")
	case err != nil:
		return bad(name, s.keystoreFailure(err).Error(), "FCC cannot start before that is mended.")
	}
	ctx, cancel := bounded(c.ctx)
	defer cancel()
	switch _, err = store.Get(ctx, "session-secret"); {
	case err == nil:
		return well(name, s.keystore+": opens, and holds the session secret")
	case errors.Is(err, keystore.ErrNotFound):
		return well(name, s.keystore+": opens, and holds nothing of FCC's yet")
	}
	p := xero.KeystoreProblem(err)
	return bad(name, fmt.Sprintf("%s: %s (%v)", s.keystore, p.Message, err), p.Action)
}

// checkFreePorts looks whether FCC could listen.
func (c *call) checkFreePorts(s settings) (checks []server.Check) {
	ports := server.RegisteredPorts
	if s.port != 0 {
		ports = []int{s.port}
	}
	for i, port := range ports {
		name := fmt.Sprintf("Port %d", port)
		listeners, err := listenOn(c.ctx, port)
		closeAll(listeners)
		switch {
		case err == nil && len(listeners) == 2:
			checks = append(checks, well(name, "free on 127.0.0.1 and [::1]"))
		case err == nil:
			checks = append(checks, well(name, "free on 127.0.0.1; this computer has no [::1]"))
		case i < len(ports)-1:
			checks = append(checks, warn(name, err.Error(), fmt.Sprintf("FCC takes %d then.", ports[i+1])))
		default:
			checks = append(checks, bad(name, err.Error(), "End that program, or give another --port and register its redirect URI with Xero."))
		}
	}
	return checks
}

func (c *client) port() int {
	_, text, _ := strings.Cut(c.run.Address, ":")
	port, _ := strconv.Atoi(text)
	return port
}

// checkOwnPort asks the running FCC for its proof on both addresses.
func checkOwnPort(ctx context.Context, running *client) server.Check {
	name := fmt.Sprintf("Port %d", running.port())
	for _, host := range []string{"127.0.0.1", "::1"} {
		run := running.run
		run.Address = net.JoinHostPort(host, strconv.Itoa(running.port()))
		if _, err := newClient(run).hello(ctx); err != nil {
			if host == "::1" && !hasIPv6() {
				return well(name, "FCC answers on 127.0.0.1; this computer has no [::1]")
			}
			return bad(name, fmt.Sprintf("FCC does not answer at %s: %v", run.Address, err), "End the program that has it, and start FCC again.")
		}
	}
	return well(name, "FCC answers on 127.0.0.1 and [::1]")
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// The clock: id tokens bear it wrong by a minute or so, cookies by more.
const (
	skewWarning = time.Minute
	skewBad     = 5 * time.Minute
)

// checkXero asks issuer and API for anything: what they say does not matter, that
// they answer does, and what time it is there.
func checkXero(ctx context.Context, s settings) []server.Check {
	clock := bad("Clock", "could not be compared with Xero's", "Mend the way to Xero first.")
	var checks []server.Check
	for _, far := range []struct{ name, address string }{{"Xero's sign-in", s.issuer}, {"Xero's API", s.api}} {
		date, took, err := ask(ctx, far.address)
		if err != nil {
			checks = append(checks, bad(far.name, far.address+" cannot be reached: "+err.Error(), "Check the internet connection, and whether a firewall or proxy is in the way."))
			continue
		}
		checks = append(checks, well(far.name, fmt.Sprintf("%s answers in %v", far.address, took.Round(time.Millisecond))))
		if !date.IsZero() {
			clock = checkClock(time.Since(date))
		}
	}
	return append(checks, clock)
}

func checkClock(ahead time.Duration) server.Check {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	found := fmt.Sprintf("%v %s Xero's", ahead.Abs().Round(time.Second), direction)
	switch {
	case ahead.Abs() >= skewBad:
		return bad("Clock", found, "Set the computer's clock, best by turning on its automatic time.")
	case ahead.Abs() >= skewWarning:
		return warn("Clock", found, "Set the computer's clock before it drifts further.")
	}
	return well("Clock", "agrees with Xero's")
}

func ask(ctx context.Context, address string) (date time.Time, took time.Duration, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return date, 0, err
	}
	start := time.Now()
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects
	if err != nil {
		return date, 0, err
	}
	_ = resp.Body.Close()
	date, _ = http.ParseTime(resp.Header.Get("Date"))
	return date, time.Since(start), nil
}

func checkRedirect(port int) server.Check {
	ports := server.RegisteredPorts
	if port != 0 {
		ports = []int{port}
	}
	var uris []string
	for _, port := range ports {
		uris = append(uris, fmt.Sprintf("http://localhost:%d/callback", port))
	}
	found := "this must be among those of your Xero app, letter by letter: " + strings.Join(uris, " ")
	return well("Redirect URI", found)
}
