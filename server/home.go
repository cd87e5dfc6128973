package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"financial-command-center/server/xero"
)

func (s *Server) pageRoutes() []route {
	return []route{
		{pattern: "GET /{$}", who: page, handle: s.home},
		{pattern: "GET /profile", who: page, handle: s.profile},
		{pattern: "POST /profile", who: session, handle: s.chooseOrganisation},
		{pattern: "GET /setup", who: page, handle: s.setup},
		{pattern: "POST /setup", who: session, handle: s.saveSetup},
	}
}

// homeView is the start page: who is signed in, which organisation, how things
// stand, and what to do next if there is something.
type homeView struct {
	Lead         string
	Next         *nextStep
	Icon         *iconHint
	Organisation *xero.Organisation
	Viewing      bool // by ?tenant=, and not chosen
	Choose       []xero.Organisation
	Connections  []homeConnection
	Old          *oldView
	BaseURL      string
	DataDir      string // where the demo's commands have to look; "" when not in demo
}

// nextStep is the one thing that wants doing.
type nextStep struct {
	Title, Text string
	Late        bool
	Button      button
}

type homeConnection struct {
	xero.ConnectionStatus
	State    stateLine
	Again    bool       // only a person can mend it
	RenewsBy *time.Time // nil when nothing renews
}

func (s *Server) home(w http.ResponseWriter, r *http.Request, c *call) error {
	st := s.cfg.Connections.Status()
	all := st.Organisations()
	data := homeView{BaseURL: s.BaseURL(), Next: s.nextStep(st), Icon: s.iconHint(), Organisation: chosen(all, c), Old: s.oldView()}
	if viewed := r.URL.Query().Get("tenant"); viewed != "" {
		i := slices.IndexFunc(all, func(o xero.Organisation) bool { return strings.EqualFold(o.TenantID, viewed) })
		if i < 0 {
			_, _, err := s.organisation(r, c)
			return err
		}
		data.Viewing = data.Organisation == nil || data.Organisation.TenantID != all[i].TenantID
		data.Organisation = &all[i]
	}
	if data.Organisation == nil {
		data.Choose = all
	}
	if s.cfg.Mode == Demo {
		data.DataDir = s.cfg.DataDir
	}
	for _, conn := range st.Connections {
		line := describe(xero.Status{State: conn.State, Since: conn.Since, Problem: conn.Problem})
		h := homeConnection{ConnectionStatus: conn, State: line, Again: conn.State == xero.NeedsLogin}
		if !h.Again && !conn.RenewBy.IsZero() {
			h.RenewsBy = &conn.RenewBy
		}
		data.Connections = append(data.Connections, h)
	}
	title := describe(st).Line
	if st.State == xero.Connected {
		data.Lead = "It stays that way by itself, over restarts and sleep."
		if data.Organisation != nil {
			title = data.Organisation.Name
			data.Lead = "Signed in to Xero. It stays that way by itself, over restarts and sleep."
		}
	}
	return s.render(w, r, c, http.StatusOK, "home", title, data)
}

// nextStep is nil when nothing wants doing.
func (s *Server) nextStep(st xero.Status) *nextStep {
	said := func(title string) *nextStep {
		n := &nextStep{Title: title, Late: true}
		if st.Problem != nil {
			n.Title, n.Text = st.Problem.Message, st.Problem.Action
		}
		return n
	}
	switch {
	case st.State == xero.Starting && st.Problem != nil:
		return said("The keychain cannot be read.")
	case st.State == xero.Starting:
		return nil
	case st.State == xero.Disconnected && s.cfg.Connections.App().ClientID == "":
		return &nextStep{Title: "First, set up the way to Xero", Text: "It takes about five minutes, once: you make an app at Xero and tell FCC its client id.", Button: button{"Set up", "/setup"}}
	case st.State == xero.Disconnected:
		n := &nextStep{Title: "Sign in to Xero", Text: "Once. FCC renews the sign-in by itself from then on, and every page and program on this computer uses it.", Button: button{"Sign in to Xero", "/login"}}
		if st.Problem != nil {
			n.Title, n.Text, n.Late = st.Problem.Message, st.Problem.Action, true
		}
		return n
	case st.State == xero.NeedsLogin:
		n := said("Sign in to Xero again.")
		n.Button = button{"Sign in again", "/login"}
		return n
	case st.Problem != nil:
		return said("")
	case len(st.Organisations()) == 0:
		return &nextStep{Title: "No organisation is connected", Text: "The sign-in stands, but no organisation was ticked at Xero, or all were disconnected there.", Button: button{"Sign in and tick one", "/login"}}
	}
	return nil
}

// profile offers the organisations to choose from.
func (s *Server) profile(w http.ResponseWriter, r *http.Request, c *call) error {
	data := struct{ Next string }{localPath(r.URL.Query().Get("next"))}
	return s.render(w, r, c, http.StatusOK, "profile", "Organisations", data)
}

// chooseOrganisation keeps the choice with the session.
func (s *Server) chooseOrganisation(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	wanted := r.PostForm.Get("tenant")
	all := s.cfg.Connections.Status().Organisations()
	for _, o := range all {
		if strings.EqualFold(o.TenantID, wanted) {
			c.session.Values[sessionTenant] = o.TenantID
			if err := s.notice(w, r, c, fmt.Sprintf("You work in %s now.", o.Name)); err != nil {
				return err
			}
			http.Redirect(w, r, localPath(r.PostForm.Get("next")), http.StatusSeeOther)
			return nil
		}
	}
	f := fail(xero.CodeTenantRequired).saying("That organisation is not connected.", "Choose one that is.").offering("Choose an organisation", "/profile")
	f.organisations = all
	return f
}

// setupView is the wizard.
type setupView struct {
	ClientID, Wrong string
	Saved           bool
	Redirect        string // the one in use
	Redirects       []string
}

// RegisteredPorts are those of the redirect URIs that people register with Xero, in
// the order that FCC tries them.
var RegisteredPorts = []int{8000, 18000, 28000}

func (s *Server) setupView() setupView {
	v := setupView{ClientID: s.cfg.Connections.App().ClientID, Redirect: s.cfg.Connections.RedirectURI()}
	v.Saved = v.ClientID != ""
	if !slices.Contains(RegisteredPorts, s.cfg.Port) {
		v.Redirects = []string{v.Redirect}
		return v
	}
	for _, port := range RegisteredPorts {
		v.Redirects = append(v.Redirects, fmt.Sprintf("http://localhost:%d/callback", port))
	}
	return v
}

func (s *Server) setup(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.render(w, r, c, http.StatusOK, "setup", "Set-up", s.setupView())
}

func (s *Server) saveSetup(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	app := s.cfg.Connections.App()
	app.ClientID = strings.TrimSpace(r.PostForm.Get("client_id"))
	if wrong := s.wrongClientID(app.ClientID); wrong != "" {
		if !wantsPage(r) {
			return fail(codeBadRequest).saying(wrong, "Copy the client id from the app at Xero.")
		}
		v := s.setupView()
		v.ClientID, v.Wrong = app.ClientID, wrong
		return s.render(w, r, c, http.StatusBadRequest, "setup", "Set-up", v)
	}
	if err := s.cfg.Connections.SetApp(r.Context(), app); err != nil {
		return err
	}
	if err := s.cfg.SaveClientID(app.ClientID); err != nil {
		return fail(codeStateUnavailable).because(err).saying("The client id could not be kept in the settings file.", "Make the data folder writable, then save again.")
	}
	if err := s.notice(w, r, c, "The client id is kept. Sign in next."); err != nil {
		return err
	}
	http.Redirect(w, r, "/setup", http.StatusSeeOther)
	return nil
}

// wrongClientID says what is wrong with id, or "". Xero's are 32 hex digits; with
// another issuer they may look like anything.
func (s *Server) wrongClientID(id string) string {
	switch {
	case id == "":
		return "The client id is missing."
	case len(id) > 100 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "This is no client id: it holds characters that none has."
	case s.cfg.Connections.LoginHost() != "https://login.xero.com":
		return ""
	case len(id) != 32:
		return fmt.Sprintf("A client id of Xero has 32 letters and digits; this has %d.", len(id))
	case strings.Trim(id, "0123456789abcdefABCDEF") != "":
		return "A client id of Xero has only the digits 0 to 9 and the letters A to F."
	}
	return ""
}

// formError is what became of a form that could not be read.
func formError(err error) error {
	if f := asFailure(err); f.Code != codeInternal {
		return f
	}
	return fail(codeBadRequest).because(err)
}
