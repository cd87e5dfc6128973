package cli

import (
	"bufio"
	"context"
	"net/url"
	"strings"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

type loginCmd struct{}

func (loginCmd) Help() string {
	return "Prints a link. Open it in any browser and sign in to Xero. When that browser is on another computer it ends at an error page: " +
		"paste here the address that it shows then (it begins with http://localhost)."
}

func (loginCmd) Run(c *call) error {
	running, _, err := c.running()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	var begun server.ControlLogin
	if err := running.call(ctx, "login-begin", nil, &begun); err != nil {
		return err
	}
	c.say("Open this link in any browser and sign in to Xero, until %s:", begun.Expires.Local().Format("15:04"))
	c.print("%s", begun.URL)
	c.say("If the browser then shows an error page, paste its address here (it begins with %s):", begun.RedirectURI)

	// Both outlive an interrupted command, and end with the process.
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(c.Stdin); in.Scan(); {
			if line := strings.TrimSpace(in.Text()); line != "" {
				lines <- line
			}
		}
	}()
	ended := make(chan server.Status, 1)
	go func() {
		if st, err := running.awaitSignIn(ctx); err == nil {
			ended <- st
		}
	}()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return failf(exitFailed, "No address was pasted. Nothing has changed; start again with fcc login.")
			}
			query, ok := callbackQuery(line, begun.RedirectURI)
			if !ok {
				c.say("That is not the address that the browser ends at. It begins with %s?code= - copy all of it:", begun.RedirectURI)
				continue
			}
			var done server.ControlSignedIn
			if err := running.call(ctx, "login-finish", server.ControlCallback{Query: query}, &done); err != nil {
				return err
			}
			c.signedIn(done.Organisations)
			return nil
		case st := <-ended:
			if st.Problem != nil || st.State != xero.Connected || time.Now().After(begun.Expires) {
				return failf(exitFailed, "The sign-in ended without success. See fcc status, then start again with fcc login.")
			}
			c.signedIn(st.Organisations())
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitSignIn waits until no sign-in is open: the browser came back to FCC by
// itself, or too late.
func (c *client) awaitSignIn(ctx context.Context) (st server.Status, err error) {
	for {
		if err := c.call(ctx, "login-wait", nil, &st); err != nil || !st.SigningIn {
			return st, err
		}
	}
}

func (c *call) signedIn(organisations []xero.Organisation) {
	if len(organisations) == 0 {
		c.say("Signed in. No organisation was chosen at Xero yet; sign in again to choose one.")
		return
	}
	c.say("Signed in. FCC reaches %s.", names(organisations))
}

// callbackQuery takes the query out of a pasted address.
func callbackQuery(line, redirect string) (string, bool) {
	u, err := url.Parse(strings.Trim(line, `"'<>`))
	if err != nil || !u.Query().Has("state") {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	query := u.RawQuery
	u.RawQuery = ""
	return query, strings.EqualFold(u.String(), redirect)
}

func names(organisations []xero.Organisation) string {
	var list []string
	for _, o := range organisations {
		list = append(list, o.Name)
	}
	return strings.Join(list, ", ")
}
