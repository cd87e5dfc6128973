package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

type doctorCmd struct {
	JSON bool `name:"json" help:"Print the checks as JSON."`
}

func (doctorCmd) Help() string {
	return "Checks settings, data folder, keychain, ports, clock, the way to Xero, the redirect URI and browser sessions, of the running FCC or without " +
		"one, and says for each what was found, since when, and what to do. Exit code: 0 all is well, 1 something is not."
}

// diagnosis is what fcc doctor says.
type diagnosis struct {
	Healthy bool           `json:"healthy"`
	Running bool           `json:"running"`
	Checks  []server.Check `json:"checks"`
	Log     string         `json:"log"`
}

func (cmd doctorCmd) Run(c *call) error {
	d := c.diagnose()
	if cmd.JSON {
		if err := c.printJSON(d); err != nil {
			return err
		}
	} else {
		for _, check := range d.Checks {
			c.print("%s", line(check))
		}
		c.print("The log: %s", d.Log)
	}
	if !d.Healthy {
		return &failure{code: exitFailed}
	}
	return nil
}

func line(check server.Check) string {
	word := map[server.Finding]string{server.FoundWell: "ok  ", server.FoundWarning: "warn", server.FoundBad: "BAD "}[check.Status]
	text := fmt.Sprintf("%s  %s: %s", word, check.Name, check.Found)
	if check.Since != nil {
		text += fmt.Sprintf(" (since %s)", moment(*check.Since))
	}
	if check.Action != "" {
		text += "\n      " + check.Action
	}
	return text
}

// diagnose runs all checks. What the running FCC can say itself it is asked for;
// the rest is looked at from here.
func (c *call) diagnose() (d diagnosis) {
	d.Healthy = true
	add := func(checks ...server.Check) {
		for _, check := range checks {
			d.Healthy = d.Healthy && check.Status != server.FoundBad
			d.Checks = append(d.Checks, check)
		}
	}
	s, err := readSettings(c.flags, c.Env)
	if s.dataDir != "" {
		d.Log = s.logFile()
	}
	if err != nil {
		add(bad("Settings", err.Error(), "Correct it, then run fcc doctor again."))
		return d
	}
	running, err := dial(s.dataDir)
	var own server.ControlHealth
	if err == nil {
		err = running.call(c.ctx, "health", nil, &own)
	}
	if d.Running = err == nil; d.Running {
		s.clientID, s.issuer, s.api, s.port = own.ClientID, running.run.Issuer, running.run.API, running.port()
	}
	add(s.checkSettings(), s.checkFolder(), c.checkUpdates(s))
	if d.Running {
		add(own.Checks...)
		add(c.checkPorts(running)...)
	} else {
		add(notRunning(err), c.checkKeystore(s))
		old, _ := server.FindOldSignIn(s.oldFolders(c.Env))
		add(server.CheckOld(old, s.oldStartup())...)
		if !errors.Is(err, errSilent) { // which holds its port
			add(c.checkFreePorts(s)...)
		}
	}
	add(c.checkSystemPorts(s)...)
	add(checkXero(c.ctx, xero.DefaultTransport(), s)...)
	add(checkLoopbackProxy(xero.FindLoopbackProxy(c.Env)), s.checkRedirect())
	if d.Running {
		add(checkSessions(c.ctx, running, own)...)
	} else {
		for _, name := range sessionChecks {
			add(bad(name, "not tried, because FCC is not running", "Start it with fcc, then run fcc doctor again."))
		}
	}
	return d
}

func notRunning(err error) server.Check {
	const name = "FCC" // as the running one calls it
	switch {
	case errors.Is(err, errSilent):
		return bad(name, err.Error(), "Look into the log, or end that process and start fcc again.")
	case errors.Is(err, errNotRunning):
		return bad(name, err.Error(), "Start it: fcc")
	}
	return bad(name, "FCC could not be asked: "+err.Error(), "Stop it with fcc stop, and start it again.")
}

func well(name, found string) server.Check {
	return server.Check{Name: name, Status: server.FoundWell, Found: found}
}

func warn(name, found, action string) server.Check {
	return server.Check{Name: name, Status: server.FoundWarning, Found: found, Action: action}
}

func bad(name, found, action string) server.Check {
	return server.Check{Name: name, Status: server.FoundBad, Found: found, Action: action}
}

// checkTimeout bounds each look over the network.
const checkTimeout = 10 * time.Second

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, checkTimeout)
}
