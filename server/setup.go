package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

func (s *Server) setupRoutes() []route {
	return []route{
		{pattern: "GET /setup", who: page, handle: s.setupStep(1)},
		{pattern: "GET /setup/app", who: page, handle: s.setupStep(2)},
		{pattern: "GET /setup/client", who: page, handle: s.setupStep(3)},
		{pattern: "GET /setup/sign-in", who: page, handle: s.setupStep(4)},
		{pattern: "POST /setup/demo", who: session, handle: s.openDemo},
		{pattern: "POST /setup/app", who: session, handle: s.saveAccess},
		{pattern: "POST /setup", who: session, handle: s.saveSetup},
		{pattern: "POST /setup/cancel", who: session, handle: s.cancelLogin},
	}
}

// A setupStep is one of the wizard's four pages.
type setupStep struct {
	Number      int
	Path, Title string
	Here, Done  bool
}

// setupView is the wizard. Every step can be gone to at any time: what an earlier one
// was told is kept in the settings.
type setupView struct {
	Steps []setupStep
	Here  setupStep
	Demo  bool // the demo can be started

	Redirect  string // the one in use
	Redirects []string
	Accesses  []access
	Access    string // the key of the one in use, "" for scopes that are none of them
	Scopes    []string
	OldNames  bool
	Fixed     bool     // by a flag or the environment
	Asks      []string // in words

	ClientID, Wrong string
	WrongSecret     string
	Saved           bool

	Waiting   *time.Time // since when this browser's sign-in waits for Xero
	SignedIn  []xero.Organisation
	Connected bool
	OldApp    bool // Xero gave a scope that only old apps have
	Problem   *xero.Problem
}

// RegisteredPorts are those of the redirect URIs that people register with Xero, in
// the order that FCC tries them.
var RegisteredPorts = []int{8000, 18000, 28000}

func (s *Server) setupView(c *call, step int) setupView {
	app, st := s.cfg.Connections.App(), s.cfg.Connections.Status()
	v := setupView{
		Demo: s.cfg.Host.StartDemo != nil, ClientID: app.ClientID, Saved: app.ClientID != "", Redirect: s.cfg.Connections.RedirectURI(),
		Accesses: accesses, Access: accessOf(app.Scopes), Scopes: app.Scopes, OldNames: hasOldNames(app.Scopes), Fixed: s.cfg.Host.SaveScopes == nil,
		SignedIn: st.Organisations(), Connected: st.State == xero.Connected || st.State == xero.Retrying, Problem: st.Problem,
	}
	v.Asks = scopeWords(app.Scopes)
	for _, connection := range st.Connections {
		v.OldApp = v.OldApp || hasOldNames(connection.Scopes)
	}
	if since := s.cfg.Connections.Waiting(c.session.ID); !since.IsZero() {
		v.Waiting = &since
	}
	v.Steps = []setupStep{
		{1, "/setup", words.Say("setup.steps.what"), false, v.Saved || step > 1},
		{2, "/setup/app", words.Say("setup.steps.app"), false, v.Saved},
		{3, "/setup/client", words.Say("setup.steps.client"), false, v.Saved},
		{4, "/setup/sign-in", words.Say("setup.steps.sign-in"), false, v.Connected},
	}
	v.Steps[step-1].Here = true
	v.Here = v.Steps[step-1]
	if !slices.Contains(RegisteredPorts, s.cfg.Port) {
		v.Redirects = []string{v.Redirect}
		return v
	}
	for _, port := range RegisteredPorts {
		v.Redirects = append(v.Redirects, fmt.Sprintf("http://localhost:%d/callback", port))
	}
	return v
}

func (s *Server) setupStep(step int) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		v := s.setupView(c, step)
		return s.render(w, r, c, http.StatusOK, "setup", words.Say("setup.page-title", "Step", v.Here.Title), v)
	}
}

// demoTimeout is how long the demo may take to start.
const demoTimeout = 20 * time.Second

// openDemo starts the demo and shows the way into it. It redirects nobody there: the
// demo is another origin, to which our forms may not lead (protect).
func (s *Server) openDemo(w http.ResponseWriter, r *http.Request, c *call) error {
	if s.cfg.Host.StartDemo == nil {
		return fail(codeNotFound).saying(words.Say("setup.demo.none"), words.Say("setup.demo.none-do"))
	}
	ctx, cancel := context.WithTimeout(r.Context(), demoTimeout)
	defer cancel()
	link, err := s.cfg.Host.StartDemo(ctx)
	if err != nil {
		return fail(codeInternal).because(err).saying(words.Say("setup.demo.failed"), words.Say("setup.demo.failed-do")).offering(words.Say("setup.back-to-setup"), "/setup")
	}
	return s.render(w, r, c, http.StatusOK, "setup-demo", words.Say("setup.demo.title"), struct{ Link string }{link})
}

// saveAccess keeps what sign-ins ask for: one of the accesses, or with names=other
// what is asked for now in the words of the other generation of Xero apps.
func (s *Server) saveAccess(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	if s.cfg.Host.SaveScopes == nil {
		return fail(codeBadRequest).saying(words.Say("setup.access.fixed"), words.Say("setup.access.fixed-do")).offering(words.Say("setup.back-to-setup"), "/setup/app")
	}
	app := s.cfg.Connections.App()
	next := "/setup/client"
	switch i := slices.IndexFunc(accesses, func(a access) bool { return a.Key == r.PostForm.Get("access") }); {
	case r.PostForm.Get("names") == "other":
		app.Scopes, next = otherNames(app.Scopes), "/setup/sign-in"
	case i >= 0 && accessOf(app.Scopes) != accesses[i].Key:
		app.Scopes = accesses[i].Scopes
	case i < 0 && (r.PostForm.Get("access") != "own" || accessOf(app.Scopes) != ""):
		return fail(codeBadRequest).saying(words.Say("setup.access.no-choice"), words.Say("setup.access.no-choice-do")).offering(words.Say("setup.back-to-setup"), "/setup/app")
	}
	if !sameScopes(app.Scopes, s.cfg.Connections.App().Scopes) {
		if err := s.cfg.Connections.SetApp(r.Context(), app); err != nil {
			return err
		}
		if err := s.cfg.Host.SaveScopes(app.Scopes); err != nil {
			return notKept(words.Say("setup.access.not-kept"), err)
		}
		said := words.Say("setup.access.saved")
		if next == "/setup/sign-in" {
			said = words.Say("setup.access.names")
		}
		if err := s.notice(w, r, c, said); err != nil {
			return err
		}
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// notKept is for what could not be written into the settings file, as message says.
func notKept(message string, err error) *failure {
	return fail(codeStateUnavailable).because(err).saying(message, words.Say("settings.make-writable"))
}

func (s *Server) saveSetup(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	app := s.cfg.Connections.App()
	app.ClientID = strings.TrimSpace(r.PostForm.Get("client_id"))
	app.Secret = keystore.NewSecret(strings.TrimSpace(r.PostForm.Get("client_secret")))
	wrong, wrongSecret := s.wrongClientID(app.ClientID), wrongSecret(app.Secret)
	if wrong != "" || wrongSecret != "" {
		if !wantsPage(r) {
			return fail(codeBadRequest).saying(strings.TrimSpace(wrong+" "+wrongSecret), words.Say("setup.client.do"))
		}
		v := s.setupView(c, 3)
		v.ClientID, v.Wrong, v.WrongSecret = app.ClientID, wrong, wrongSecret
		return s.render(w, r, c, http.StatusBadRequest, "setup", words.Say("setup.page-title", "Step", v.Here.Title), v)
	}
	if err := s.cfg.Connections.SetApp(r.Context(), app); err != nil {
		return err
	}
	if err := s.cfg.SaveClientID(app.ClientID); err != nil {
		return notKept(words.Say("setup.client.not-kept"), err)
	}
	if err := s.notice(w, r, c, words.Say("setup.client.saved")); err != nil {
		return err
	}
	http.Redirect(w, r, "/setup/sign-in", http.StatusSeeOther)
	return nil
}

// wrongClientID says what is wrong with id, or "". Xero's are 32 hex digits; with
// another issuer they may look like anything.
func (s *Server) wrongClientID(id string) string {
	switch {
	case id == "":
		return words.Say("setup.client.missing")
	case len(id) > 100 || strings.ContainsFunc(id, notInIDs):
		return words.Say("setup.client.characters")
	case s.cfg.Connections.LoginHost() != "https://login.xero.com":
		return ""
	case len(id) != 32:
		return words.Say("setup.client.length", "Length", len(id))
	case strings.Trim(id, "0123456789abcdefABCDEF") != "":
		return words.Say("setup.client.hex")
	}
	return ""
}

// wrongSecret says what is wrong with a client secret, or "".
func wrongSecret(secret keystore.Secret) string {
	if secret.Len() > 200 || strings.ContainsFunc(secret.Reveal(), notInIDs) {
		return words.Say("setup.client.no-secret")
	}
	return ""
}

func notInIDs(c rune) bool { return c <= ' ' || c > '~' }

// cancelLogin ends the sign-ins that this browser waits for.
func (s *Server) cancelLogin(w http.ResponseWriter, r *http.Request, c *call) error {
	s.cfg.Connections.Abandon(c.session.ID)
	if err := s.notice(w, r, c, words.Say("setup.sign-in.cancelled")); err != nil {
		return err
	}
	http.Redirect(w, r, "/setup/sign-in", http.StatusSeeOther)
	return nil
}

// formError is what became of a form that could not be read.
func formError(err error) error {
	if f := asFailure(err); f.Code != codeInternal {
		return f
	}
	return fail(codeBadRequest).because(err)
}
