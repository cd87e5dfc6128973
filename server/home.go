package server

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"financial-command-center/server/xero"
)

func (s *Server) homeRoutes() []route {
	return []route{
		{pattern: "GET /{$}", who: page, handle: s.home},
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
