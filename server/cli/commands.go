package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

type versionCmd struct{}

func (versionCmd) Run(c *call) error {
	c.print("fcc %s", c.Version)
	return nil
}

func (v Version) String() string {
	return fmt.Sprintf("%s, commit %s, built %s", v.Version, v.Commit, v.Built)
}

type statusCmd struct {
	JSON bool `name:"json" help:"Print what GET /api/status says."`
}

func (statusCmd) Help() string {
	return "Exit code: 0 connected and no problem, 1 degraded, 2 needs a sign-in, 3 not running."
}

func (cmd statusCmd) Run(c *call) error {
	var raw json.RawMessage
	if err := c.ask("status", nil, &raw); err != nil {
		return err
	}
	var st server.Status
	if err := json.Unmarshal(raw, &st); err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	if cmd.JSON {
		if err := c.printJSON(raw); err != nil {
			return err
		}
	} else {
		c.print("%s", describe(st))
	}
	switch {
	case st.State == xero.Connected && st.Problem == nil:
		return nil
	case st.State == xero.Disconnected || st.State == xero.NeedsLogin:
		return &failure{code: 2}
	}
	return &failure{code: exitFailed}
}

func describe(st server.Status) string {
	var b strings.Builder
	if st.Mode == server.Demo {
		b.WriteString("Demo: the books are invented.\n")
	}
	fmt.Fprintf(&b, "%s since %s", inWords(st.State), moment(st.Since))
	if st.SigningIn {
		b.WriteString("; a sign-in is under way")
	}
	tell := func(indent string, p *xero.Problem) {
		if p != nil {
			fmt.Fprintf(&b, "\n%s%s %s", indent, p.Message, p.Action)
		}
	}
	tell("", st.Problem)
	for _, conn := range st.Connections {
		who := "Somebody"
		if conn.Person != nil {
			who = fmt.Sprintf("%s <%s>", conn.Person.Name, conn.Person.Email)
		}
		fmt.Fprintf(&b, "\n%s  %s, %s since %s", conn.ID, who, inWords(conn.State), moment(conn.Since))
		for _, org := range conn.Organisations {
			fmt.Fprintf(&b, "\n    %s  %s", org.TenantID, org.Name)
		}
		if conn.Problem != nil && (st.Problem == nil || *conn.Problem != *st.Problem) {
			tell("    ", conn.Problem)
		}
	}
	return b.String()
}

func inWords(s xero.State) string {
	switch s {
	case xero.Connected:
		return "connected"
	case xero.Retrying:
		return "cannot reach Xero, tries again"
	case xero.NeedsLogin:
		return "needs a new sign-in"
	case xero.Disconnected:
		return "not signed in"
	case xero.Starting:
		return "starting"
	}
	return string(s)
}

func moment(t time.Time) string { return t.Local().Format("2 Jan 2006 15:04:05") }

type openCmd struct {
	Print bool `help:"Print a one-time link instead. It is good for ten minutes."`
}

func (cmd openCmd) Run(c *call) error {
	running, s, err := c.running()
	if err != nil {
		return err
	}
	link, err := c.wayIn(c.ctx, running, s.dataDir, "/", !cmd.Print)
	if link != "" {
		c.print("%s", link)
	}
	return err
}

// wayIn shows a page of the running FCC in the browser. Where there is none, or
// none is wanted, it returns a one-time link to that page.
func (c *call) wayIn(ctx context.Context, running *client, dir, path string, browser bool) (link string, err error) {
	var to server.ControlLink
	if err := running.call(ctx, "open", server.ControlOpen{Next: path}, &to); err != nil {
		return "", err
	}
	if browser {
		err := openBrowser(c.Env, running.run, dir, to)
		if err == nil {
			return "", nil
		}
		c.say("No browser opens here (%v). Open the link yourself; it is good once, for ten minutes.", err)
	}
	return to.Link, nil
}

type tokenCmd struct {
	Tenant string `placeholder:"ID" help:"An organisation that the token must reach. Needed when there are several sign-ins."`
}

func (cmd tokenCmd) Run(c *call) error {
	var token server.ControlToken
	if err := c.ask("token", server.ControlTenant{Tenant: cmd.Tenant}, &token); err != nil {
		return err
	}
	c.print("%s", token.AccessToken)
	return nil
}

type disconnectCmd struct {
	Connection   string `placeholder:"ID" help:"Which sign-in; fcc status lists them. Not needed when there is one."`
	Organisation string `placeholder:"ID" help:"End only this organisation's connection; the sign-in stays."`
}

func (cmd disconnectCmd) Run(c *call) error {
	var done server.ControlDisconnected
	if err := c.ask("disconnect", server.ControlDisconnect(cmd), &done); err != nil {
		return err
	}
	if len(done.Organisations) == 0 {
		c.say("Disconnected from Xero.")
	} else {
		c.say("Disconnected from Xero: %s.", names(done.Organisations))
	}
	for _, sentence := range done.Untold {
		c.say("%s", sentence)
	}
	return nil
}

type secretCmd struct {
	Rotate secretRotateCmd `cmd:"" help:"Make a new secret. The old one goes on reading what it signed for 7 days, so nobody is signed out."`
}

type secretRotateCmd struct{}

func (secretRotateCmd) Run(c *call) error {
	if err := c.ask("secret-rotate", nil, nil); err != nil {
		return err
	}
	c.say("FCC signs browser sessions with a new secret now. Sessions that are open go on.")
	return nil
}

type stopCmd struct{}

func (stopCmd) Help() string { return "Exit code: 0 it ended, 1 it runs and does not end, 3 none ran." }

// stopTimeout is longer than FCC takes at most: ten seconds for the last save.
const stopTimeout = 20 * time.Second

func (stopCmd) Run(c *call) error {
	running, s, err := c.running()
	if err != nil {
		return err
	}
	err = running.call(c.ctx, "stop", nil, nil)
	if errors.Is(err, errSilent) { // the installer must know it from none
		_, words := explain(err)
		return failf(exitFailed, "%s", words)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, stopTimeout)
	defer cancel()
	err = awaitEnd(ctx, s.dataDir)
	if errors.Is(err, context.DeadlineExceeded) {
		return failf(exitFailed, "FCC (process %d) was told to stop and has not ended yet. Look into %s.", running.run.PID, s.logFile())
	}
	return err
}
