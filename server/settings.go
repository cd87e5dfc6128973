package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"financial-command-center/server/xero"
)

func (s *Server) settingsRoutes() []route {
	host := s.cfg.Host
	return []route{
		{pattern: "GET /settings", who: page, handle: s.settings},
		{pattern: "POST /settings/start-at-sign-in", who: session, handle: s.turn("FCC starts when you sign in to this computer.", "FCC does not start by itself any more.", host.StartAtSignIn)},
		{pattern: "POST /settings/notifications", who: session, handle: s.turn("Notifications are on.", "Notifications are off.", host.Notifications)},
		{pattern: "POST /settings/updates", who: session, handle: s.turn("FCC looks for newer versions.", "FCC does not look for newer versions any more.", host.Updates)},
		{pattern: "POST /settings/port", who: session, handle: s.savePort},
		{pattern: "POST /settings/restart", who: session, handle: s.restart},
	}
}

// settingsView is the page of settings. What is nil or empty cannot be done here.
type settingsView struct {
	SignIns  []settingsSignIn
	Calls    *spentView
	Programs int
	Switches []settingsSwitch
	Look     []choice
	Port     *settingsPort
	Keystore string // in words
	MoveTo   []choice
	Places   []Place
	Version  string
	Restart  bool
	ClientID string // its end
	Asks     []string
}

type settingsSignIn struct {
	xero.ConnectionStatus
	State         stateLine
	Again         bool     // only a person can mend it
	May           []string // what the person agreed to
	Organisations []settingsOrganisation
}

type settingsOrganisation struct {
	xero.Organisation
	Chosen bool
	IsDemo bool // Xero's demo company
}

type settingsSwitch struct {
	Name, Action, Says string
	On                 bool
}

type settingsPort struct {
	Now, Next    int    // Next 0: the first free one of Registered
	Fixed        string // see Host.PortFixed
	Registered   []int
	NextRedirect string // to be registered before the next start; "" when Now stays
}

func (s *Server) settings(w http.ResponseWriter, r *http.Request, c *call) error {
	host, app := s.cfg.Host, s.cfg.Connections.App()
	v := settingsView{
		SignIns: s.settingsSignIns(r.Context(), c), Places: host.Places, Version: s.versionWords(), Restart: host.Restart != nil,
		Keystore: keystoreWords(s.keystoreKind()), MoveTo: s.moveTargets(), Asks: scopeWords(app.Scopes),
	}
	v.Calls = s.spentToday(r.Context())
	if keys, err := s.listKeys(r.Context()); err == nil { // else the programs' own page says why
		v.Programs = len(keys)
	}
	for _, one := range []struct {
		it                 *Switch
		name, action, says string
	}{
		{host.StartAtSignIn, "Start at sign-in", "start-at-sign-in", "FCC starts when you sign in to this computer, so that programs find it."},
		{host.Notifications, "Notifications", "notifications", "FCC tells you when it needs you, as when Xero has ended the sign-in."},
		{host.Updates, "Look for updates", "updates", "Once a day FCC asks whether there is a newer version. Nothing is installed without you."},
	} {
		if one.it != nil {
			v.Switches = append(v.Switches, settingsSwitch{one.name, "/settings/" + one.action, one.says, one.it.Now()})
		}
	}
	look := lookOf(c)
	v.Look = []choice{{"light", "Light", look == "light"}, {"dark", "Dark", look == "dark"}, {"system", "As the system", look == ""}}
	if host.SavePort != nil {
		v.Port = &settingsPort{Now: s.cfg.Port, Next: host.NextPort(), Fixed: host.PortFixed, Registered: RegisteredPorts}
		if next := v.Port.Next; next != 0 && next != s.cfg.Port && host.PortFixed == "" {
			v.Port.NextRedirect = redirectAt(next)
		}
	}
	if n := len(app.ClientID); n > 4 {
		v.ClientID = app.ClientID[n-4:]
	}
	return s.render(w, r, c, http.StatusOK, "settings", "Settings", v)
}

// settingsSignIns are the connections. Whether an organisation is Xero's demo
// company is said where it is known already; Xero is not asked for it.
func (s *Server) settingsSignIns(ctx context.Context, c *call) (all []settingsSignIn) {
	st := s.cfg.Connections.Status()
	here := chosen(st.Organisations(), c)
	ctx, cancel := context.WithTimeout(ctx, keptPatience)
	defer cancel()
	for _, conn := range st.Connections {
		one := settingsSignIn{ConnectionStatus: conn, State: describe(xero.Status{State: conn.State, Since: conn.Since, Problem: conn.Problem}), Again: conn.State == xero.NeedsLogin, May: scopeWords(conn.Scopes)}
		for _, o := range conn.Organisations {
			one.Organisations = append(one.Organisations, settingsOrganisation{
				o, here != nil && strings.EqualFold(here.TenantID, o.TenantID), s.isDemoCompany(ctx, o.TenantID),
			})
		}
		all = append(all, one)
	}
	return all
}

func redirectAt(port int) string { return fmt.Sprintf("http://localhost:%d/callback", port) }

// turn makes the handler of a switch.
func (s *Server) turn(on, off string, it *Switch) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		if err := r.ParseForm(); err != nil {
			return formError(err)
		}
		if it == nil {
			return notHere()
		}
		said := map[string]string{"on": on, "off": off}[r.PostForm.Get("turn")]
		if said == "" {
			return fail(codeBadRequest).saying("A switch is turned on or off.", "Go back and use its button.").offering("Settings", "/settings")
		}
		if err := it.Set(said == on); err != nil {
			return fail(codeStateUnavailable).because(err).saying("The switch could not be turned: this computer did not keep the change.", "Try again. The log has the details.").offering("Settings", "/settings")
		}
		return s.settled(w, r, c, said, "/settings#computer")
	}
}

// notHere is for what this FCC has no button for.
func notHere() error {
	return fail(codeNotFound).saying("This FCC cannot do that.", "The settings show what it can.").offering("Settings", "/settings")
}

// settled says what was done, and goes to a page.
func (s *Server) settled(w http.ResponseWriter, r *http.Request, c *call, said, next string) error {
	if err := s.notice(w, r, c, said); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// Ports that a person may choose: those below are the system's.
const leastPort, mostPort = 1024, 65535

func (s *Server) savePort(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	if s.cfg.Host.SavePort == nil {
		return notHere()
	}
	text := strings.TrimSpace(r.PostForm.Get("port"))
	port, err := strconv.Atoi(text)
	if text == "" {
		port, err = 0, nil
	}
	if err != nil || port != 0 && (port < leastPort || port > mostPort) {
		return fail(codeBadRequest).saying(fmt.Sprintf("A port is a number from %d to %d.", leastPort, mostPort), "Choose another, or leave the field empty: FCC then takes the first free one that is registered.").
			offering("Settings", "/settings#port")
	}
	if err := s.cfg.Host.SavePort(port); err != nil {
		return fail(codeStateUnavailable).because(err).saying("The port could not be kept in the settings file.", "Make the data folder writable, then save again.").offering("Settings", "/settings#port")
	}
	said := "The port is kept for the next start."
	if port == 0 {
		said = "At its next start FCC takes the first free port of those that are registered."
	}
	return s.settled(w, r, c, said, "/settings#port")
}

// restart answers first: the page finds FCC again by itself.
func (s *Server) restart(w http.ResponseWriter, r *http.Request, c *call) error {
	if s.cfg.Host.Restart == nil {
		return notHere()
	}
	next := s.BaseURL() + "/settings"
	if port := s.cfg.Host.NextPort; port != nil && s.cfg.Host.PortFixed == "" && port() != 0 {
		next = fmt.Sprintf("http://localhost:%d/settings", port())
	}
	w.Header().Set("Refresh", fmt.Sprintf("%d; url=%s", int(restartTakes.Seconds()), next))
	err := s.render(w, r, c, http.StatusOK, "restart", "FCC starts again", struct{ Next string }{next})
	if err == nil {
		s.log.Info("start again, from the settings")
		s.cfg.Host.Restart()
	}
	return err
}

// restartTakes is how long a page waits before it looks for the new start.
const restartTakes = 4 * time.Second
