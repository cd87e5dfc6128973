package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) loginRoutes() []route {
	return []route{
		{pattern: "GET /open", who: ticket, handle: s.open, once: true},
		{pattern: "GET /login", who: page, handle: s.login, once: true},
		{pattern: "GET /callback", who: callback, handle: s.callback, once: true},
		{pattern: "POST /logout", who: session, handle: s.logout},
		{pattern: "GET /disconnect", who: page, handle: s.disconnectPage},
		{pattern: "POST /disconnect", who: session, handle: s.disconnect},
	}
}

// login begins a sign-in for this browser and sends it to Xero. With ?scope=, once or
// more, it asks for those too. A link on another site cannot: it gets a page with a
// button.
func (s *Server) login(w http.ResponseWriter, r *http.Request, c *call) error {
	if crossSite(r) {
		return fail(codeCrossSite).saying(words.Say("login.foreign.message"), words.Say("login.foreign.action")).
			offering(words.Say("login.foreign.button"), r.URL.RequestURI())
	}
	if s.cfg.Connections.App().ClientID == "" {
		if wantsPage(r) {
			http.Redirect(w, r, "/setup", http.StatusSeeOther)
			return nil
		}
		writeJSON(w, http.StatusBadRequest, map[string]string{ // the Python original's form
			"error":     words.Say("login.not-set-up.error"),
			"message":   words.Say("login.not-set-up.message"),
			"setup_url": s.BaseURL() + "/setup",
		})
		return nil
	}
	more := r.URL.Query()["scope"]
	if slices.ContainsFunc(more, func(name string) bool { return !slices.Contains(knownScopes, name) }) {
		return fail(codeBadRequest).saying(words.Say("login.bad-scope.message"), words.Say("login.bad-scope.action")).offering(words.Say("login.bad-scope.button"), "/login")
	}
	attempt, err := s.cfg.Connections.Begin(r.Context(), c.session.ID, localPath(r.URL.Query().Get("next")), more...)
	if err != nil {
		return err
	}
	http.Redirect(w, r, attempt.URL, http.StatusFound)
	return nil
}

// callback ends a sign-in. It needs no session: the state proves that somebody
// began it here, and a browser may come back without its cookie.
func (s *Server) callback(w http.ResponseWriter, r *http.Request, c *call) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code
	answer := callbackOf(r.URL.Query())
	done, err := s.cfg.Connections.Finish(r.Context(), answer)
	if err != nil && answer.Error == "access_denied" && done.Next == lastStep && c.session != nil {
		http.Redirect(w, r, lastStep, http.StatusSeeOther) // which says so
		return nil
	}
	if err != nil {
		f := asFailure(err)
		switch word := xero.RefusedApp(err); {
		case word == "invalid_scope":
			f = f.offering(words.Say("login.refused.scopes"), "/setup/app")
		case word != "":
			f = f.offering(words.Say("login.refused.client"), "/setup/client")
		case f.Code != xero.CodeBadState:
			f = f.offering(words.Say("login.refused.again"), "/login?next="+url.QueryEscape(localPath(done.Next)))
		case s.cfg.Connections.Status().State == xero.Connected:
			f.Action = words.Say("login.refused.already")
			f = f.offering(words.Say("login.refused.start"), "/")
		}
		return f
	}
	next := localPath(done.Next)
	if c.session == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	all := s.cfg.Connections.Status().Organisations()
	said := words.Say("login.done.plain")
	switch {
	case len(done.Organisations) > 0:
		said = words.Say("login.done.for", "Organisations", names(done.Organisations))
	case s.reachesNothing(done.Connection):
		said, next = words.Say("login.done.nothing"), lastStep
	}
	if next == lastStep && len(done.Organisations) > 0 {
		next = "/" // the set-up is done
	}
	if len(all) > 1 && chosen(all, c) == nil {
		next = "/profile?next=" + url.QueryEscape(next)
	}
	c.session.Values[sessionNotice] = said
	if c.session.ID == done.Owner {
		err = s.browsers.renew(w, r, c.session)
	} else {
		err = c.session.Save(r, w)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// lastStep is the page of the set-up that sign-ins begin at.
const lastStep = "/setup/sign-in"

// reachesNothing reports whether Xero said that this sign-in reaches no organisation.
func (s *Server) reachesNothing(connection string) bool {
	for _, c := range s.cfg.Connections.Status().Connections {
		if c.ID == connection {
			return c.Problem != nil && c.Problem.Code == xero.CodeTenantRequired
		}
	}
	return false
}

// callbackOf reads what Xero sent along. A parameter that is there twice is there
// not at all: no honest answer has it (RFC 6749, 3.1).
func callbackOf(query url.Values) xero.Callback {
	one := func(name string) string {
		if values := query[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	return xero.Callback{State: one("state"), Code: one("code"), Issuer: one("iss"), Error: one("error")}
}

// logout ends this browser's session and nothing else.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, c *call) error {
	s.cfg.Connections.Abandon(c.session.ID)
	c.session.Options.MaxAge = -1
	if err := c.session.Save(r, w); err != nil {
		return err
	}
	c.session = nil
	if !wantsPage(r) {
		writeJSON(w, http.StatusOK, map[string]any{
			"success": true,
			"message": words.Say("login.ended.message"),
		})
		return nil
	}
	return s.render(w, r, c, http.StatusOK, "left", words.Say("login.ended.title"), nil)
}

// disconnectPage says what a disconnect ends. ?connection= shows only that one.
func (s *Server) disconnectPage(w http.ResponseWriter, r *http.Request, c *call) error {
	all := s.cfg.Connections.Status().Connections
	if id := r.URL.Query().Get("connection"); id != "" {
		for i := range all {
			if all[i].ID == id {
				all = all[i : i+1 : i+1]
				break
			}
		}
	}
	return s.render(w, r, c, http.StatusOK, "disconnect", words.Say("login.disconnect.title"), all)
}

func (s *Server) disconnect(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	done, err := s.leave(r.Context(), r.Form.Get("connection"), r.Form.Get("organisation"))
	if err != nil {
		return err
	}
	if !wantsPage(r) {
		writeJSON(w, http.StatusOK, disconnected(done))
		return nil
	}
	said := words.Say("login.disconnect.done")
	if len(done.Organisations) > 0 {
		said = words.Say("login.disconnect.done-for", "Organisations", names(done.Organisations))
	}
	if err := s.notice(w, r, c, strings.Join(append([]string{said}, done.Untold...), " ")); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// leave disconnects as Connections does, and deletes what is kept of the books that
// no sign-in reaches any more.
func (s *Server) leave(ctx context.Context, connection, organisation string) (xero.DisconnectResult, error) {
	done, err := s.cfg.Connections.Disconnect(ctx, connection, organisation)
	for _, o := range done.Organisations {
		if other, reached := s.cfg.Connections.Find(o.TenantID); reached && other.ID() != done.Connection {
			continue
		}
		if err := s.books.Forget(context.WithoutCancel(ctx), o.TenantID); err != nil {
			s.log.Error("books of a disconnected organisation are not deleted yet", "tenant", o.TenantID, "err", err)
		}
	}
	return done, err
}

// disconnected is what programs are told of a disconnect.
func disconnected(done xero.DisconnectResult) map[string]any {
	organisations, untold := done.Organisations, done.Untold
	if organisations == nil {
		organisations = []xero.Organisation{}
	}
	if untold == nil {
		untold = []string{}
	}
	return map[string]any{"connection": done.Connection, "organisations": organisations, "untold": untold}
}

func names(all []xero.Organisation) string {
	var list []string
	for _, o := range all {
		list = append(list, o.Name)
	}
	return strings.Join(list, ", ")
}
