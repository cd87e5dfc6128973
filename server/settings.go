package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) settingsRoutes() []route {
	host := s.cfg.Host
	return []route{
		{pattern: "GET /settings", who: page, handle: s.settings},
		{pattern: "POST /settings/start-at-sign-in", who: session, handle: s.turn(words.Say("settings.computer.start-on"), words.Say("settings.computer.start-off"), host.StartAtSignIn)},
		{pattern: "POST /settings/notifications", who: session, handle: s.turn(words.Say("settings.computer.notifications-on"), words.Say("settings.computer.notifications-off"), host.Notifications)},
		{pattern: "POST /settings/updates", who: session, handle: s.turn(words.Say("settings.computer.updates-on"), words.Say("settings.computer.updates-off"), host.Updates)},
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
	Asks     string // in words
}

type settingsSignIn struct {
	xero.ConnectionStatus
	State         stateLine
	Again         bool   // only a person can mend it
	May           string // what the person agreed to
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
	Registered   string // joined
	NextRedirect string // to be registered before the next start; "" when Now stays
}

func (s *Server) settings(w http.ResponseWriter, r *http.Request, c *call) error {
	host, app := s.cfg.Host, s.cfg.Connections.App()
	v := settingsView{
		SignIns: s.settingsSignIns(r.Context(), c), Places: host.Places, Version: s.versionWords(), Restart: host.Restart != nil,
		Keystore: keystoreWords(s.keystoreKind()), MoveTo: s.moveTargets(), Asks: strings.Join(scopeWords(app.Scopes), ", "),
	}
	v.Calls = s.spentToday(r.Context())
	if keys, err := s.listKeys(r.Context()); err == nil { // else the programs' own page says why
		v.Programs = len(keys)
	}
	for _, one := range []struct {
		it                 *Switch
		name, action, says string
	}{
		{host.StartAtSignIn, words.Say("settings.computer.start"), "start-at-sign-in", words.Say("settings.computer.start-text")},
		{host.Notifications, words.Say("settings.computer.notifications"), "notifications", words.Say("settings.computer.notifications-text")},
		{host.Updates, words.Say("settings.computer.updates"), "updates", words.Say("settings.computer.updates-text")},
	} {
		if one.it != nil {
			v.Switches = append(v.Switches, settingsSwitch{one.name, "/settings/" + one.action, one.says, one.it.Now()})
		}
	}
	look := lookOf(c)
	v.Look = []choice{{"light", words.Say("settings.look.light"), look == "light"}, {"dark", words.Say("settings.look.dark"), look == "dark"}, {"system", words.Say("settings.look.system"), look == ""}}
	if host.SavePort != nil {
		var registered []string
		for _, port := range RegisteredPorts {
			registered = append(registered, strconv.Itoa(port))
		}
		v.Port = &settingsPort{Now: s.cfg.Port, Next: host.NextPort(), Fixed: host.PortFixed, Registered: strings.Join(registered, ", ")}
		if next := v.Port.Next; next != 0 && next != s.cfg.Port && host.PortFixed == "" {
			v.Port.NextRedirect = redirectAt(next)
		}
	}
	if n := len(app.ClientID); n > 4 {
		v.ClientID = app.ClientID[n-4:]
	}
	return s.render(w, r, c, http.StatusOK, "settings", words.Say("settings.title"), v)
}

// settingsSignIns are the connections. Whether an organisation is Xero's demo
// company is said where it is known already; Xero is not asked for it.
func (s *Server) settingsSignIns(ctx context.Context, c *call) (all []settingsSignIn) {
	st := s.cfg.Connections.Status()
	here := chosen(st.Organisations(), c)
	ctx, cancel := context.WithTimeout(ctx, keptPatience)
	defer cancel()
	for _, conn := range st.Connections {
		one := settingsSignIn{ConnectionStatus: conn, State: describe(xero.Status{State: conn.State, Since: conn.Since, Problem: conn.Problem}), Again: conn.State == xero.NeedsLogin, May: strings.Join(scopeWords(conn.Scopes), ", ")}
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
			return fail(codeBadRequest).saying(words.Say("settings.computer.neither"), words.Say("settings.computer.neither-do")).offering(words.Say("settings.title"), "/settings")
		}
		if err := it.Set(said == on); err != nil {
			return fail(codeStateUnavailable).because(err).saying(words.Say("settings.computer.failed"), words.Say("settings.computer.failed-do")).offering(words.Say("settings.title"), "/settings")
		}
		return s.settled(w, r, c, said, "/settings#computer")
	}
}

// notHere is for what this FCC has no button for.
func notHere() error {
	return fail(codeNotFound).saying(words.Say("settings.not-here"), words.Say("settings.not-here-do")).offering(words.Say("settings.title"), "/settings")
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
		return fail(codeBadRequest).saying(words.Say("settings.port.wrong", "Least", leastPort, "Most", mostPort), words.Say("settings.port.wrong-do")).
			offering(words.Say("settings.title"), "/settings#port")
	}
	if err := s.cfg.Host.SavePort(port); err != nil {
		return notKept(words.Say("settings.port.not-kept"), err).offering(words.Say("settings.title"), "/settings#port")
	}
	said := words.Say("settings.port.kept")
	if port == 0 {
		said = words.Say("settings.port.kept-free")
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
	err := s.render(w, r, c, http.StatusOK, "restart", words.Say("settings.starts-again"), struct{ Next string }{next})
	if err == nil {
		s.log.Info("start again, from the settings")
		s.cfg.Host.Restart()
	}
	return err
}

// restartTakes is how long a page waits before it looks for the new start.
const restartTakes = 4 * time.Second
