package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) homeRoutes() []route {
	return []route{
		{pattern: "GET /{$}", who: page, handle: s.home},
		{pattern: "POST /refresh", who: session, handle: s.refresh},
	}
}

// homeView is the start page: the figures of the organisation, above them what to do
// next if there is something, and below them how the sign-ins stand.
type homeView struct {
	Lead        string
	Next        *nextStep
	First       bool // nothing is set up yet
	Icon        *iconHint
	Choose      []xero.Organisation
	Figures     *dashboardView // nil without an organisation
	Connections []homeConnection
	Old         *oldView
}

func (v homeView) loading() bool { return v.Figures != nil && v.Figures.Missing }

// nextStep is the one thing that wants doing.
type nextStep struct {
	Title, Text string
	Tone        string // late when a person is needed, warn when it mends itself, "" without trouble
	Button      button
	Demo        bool // offers the demo as well
}

type homeConnection struct {
	xero.ConnectionStatus
	State    stateLine
	Again    bool       // only a person can mend it
	RenewsBy *time.Time // nil when nothing renews
}

// Reached are the names of the organisations that it reaches.
func (c homeConnection) Reached() string { return names(c.Organisations) }

// homePatience is how long the start page waits for figures. What is not there by
// then comes by itself.
const homePatience = 1200 * time.Millisecond

func (s *Server) home(w http.ResponseWriter, r *http.Request, c *call) error {
	st := s.cfg.Connections.Status()
	all := st.Organisations()
	data := homeView{Next: s.nextStep(st), Icon: s.iconHint(), Old: s.oldView()}
	shown := chosen(all, c)
	if r.URL.Query().Get("tenant") != "" {
		named, _, err := s.organisation(r, c)
		if err != nil {
			return err
		}
		shown = &named
	}
	title := describe(st).Line
	if data.First = data.Next != nil && data.Next.Button.Link == "/setup"; data.First {
		title = words.Say("home.welcome")
	}
	if shown == nil {
		data.Choose = all
	} else {
		title = words.Say("layout.nav.dashboard")
		ctx, cancel := context.WithTimeout(r.Context(), homePatience)
		defer cancel()
		data.Figures = dashboardOf(s.books.Of(shown.TenantID).Dashboard(ctx, figuresAge), r.URL.RequestURI(), time.Now())
		data.Figures.Name = shown.Name
		if t := data.Figures.Trouble; t != nil && data.Next != nil && (t.code == xero.CodeNeedsLogin || t.Message == data.Next.Title) {
			data.Figures.Trouble = nil // the step says it
		}
		if data.Next != nil {
			data.Figures.said(data.Next.Title)
		}
		data.Lead = data.Figures.Lead
	}
	for _, conn := range st.Connections {
		line := describe(xero.Status{State: conn.State, Since: conn.Since, Problem: conn.Problem})
		h := homeConnection{ConnectionStatus: conn, State: line, Again: conn.State == xero.NeedsLogin}
		if !h.Again && !conn.RenewBy.IsZero() {
			h.RenewsBy = &conn.RenewBy
		}
		data.Connections = append(data.Connections, h)
	}
	return s.render(w, r, c, http.StatusOK, "dashboard", title, data)
}

// refresh reads the figures anew, and shows the page that it was asked from.
func (s *Server) refresh(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), homePatience)
	defer cancel()
	ledger.Refresh(ctx)
	http.Redirect(w, r, localPath(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// nextStep is nil when nothing wants doing.
func (s *Server) nextStep(st xero.Status) *nextStep {
	said := func(title, tone string, b button) *nextStep {
		n := &nextStep{Title: title, Tone: tone, Button: b}
		if st.Problem != nil {
			n.Title, n.Text = st.Problem.Message, unlessSaid(st.Problem.Action, b)
		}
		return n
	}
	switch {
	case st.State == xero.Starting && st.Problem != nil:
		return said(words.Say("home.next.keychain"), "late", button{})
	case st.State == xero.Starting:
		return nil
	case st.State == xero.Disconnected && s.cfg.Connections.App().ClientID == "":
		return &nextStep{Title: words.Say("home.next.set-up.title"), Text: words.Say("home.next.set-up.text"), Button: button{words.Say("home.next.set-up.button"), "/setup"}, Demo: s.cfg.Host.StartDemo != nil}
	case st.State == xero.Disconnected:
		n := &nextStep{Title: words.Say("home.next.sign-in.title"), Text: words.Say("home.next.sign-in.text"), Button: button{words.Say("home.next.sign-in.button"), "/login"}}
		if st.Problem != nil {
			n.Title, n.Text, n.Tone = st.Problem.Message, unlessSaid(st.Problem.Action, n.Button), "late"
		}
		return n
	case st.State == xero.NeedsLogin:
		return said(words.Say("home.next.sign-in-again"), "late", button{words.Say("home.next.again"), "/login"})
	case st.State == xero.Retrying && st.Problem != nil:
		return said("", "warn", button{})
	case len(st.Organisations()) == 0 && (st.Problem == nil || st.Problem.Code == xero.CodeTenantRequired):
		return &nextStep{Title: words.Say("home.next.tick.title"), Text: words.Say("home.next.tick.text"), Tone: "late", Button: button{words.Say("home.next.tick.button"), "/login"}}
	case st.Problem != nil && st.Problem.Code == xero.CodeTenantRequired: // of one sign-in beside others
		return said("", "warn", button{words.Say("home.next.again"), "/login"})
	case st.Problem != nil:
		return said("", "late", button{})
	}
	return nil
}

// unlessSaid is action, or nothing where all that it comes to is the button beside it.
func unlessSaid(action string, b button) string {
	if b.Label != "" && strings.HasSuffix(strings.TrimSuffix(action, "."), b.Label) {
		return ""
	}
	return action
}
