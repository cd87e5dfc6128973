package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) setupRoutes() []route {
	return []route{
		{pattern: "GET /setup", who: page, handle: s.setup},
		{pattern: "POST /setup", who: session, handle: s.saveSetup},
	}
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
