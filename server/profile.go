package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

func (s *Server) profileRoutes() []route {
	return []route{
		{pattern: "GET /profile", who: page, handle: s.profile},
		{pattern: "POST /profile", who: session, handle: s.chooseOrganisation},
	}
}

// profileView is the organisations to choose from.
type profileView struct {
	Next, Query string
	Search      bool // there are many
	Groups      []profileGroup
	Found       int // of those that the search looks through
}

// A profileGroup is what one sign-in reaches. Who is "" while there is only one.
type profileGroup struct {
	Who           string
	Organisations []profileLine
}

type profileLine struct {
	xero.Organisation
	Demo bool // Xero's demo company
}

// searchFrom is how many organisations a person still finds at a glance.
const searchFrom = 8

// profile offers the organisations to choose from, by sign-in when there are
// several. ?q= leaves those whose name has it.
func (s *Server) profile(w http.ResponseWriter, r *http.Request, c *call) error {
	st := s.cfg.Connections.Status()
	all := len(st.Organisations())
	ctx, cancel := context.WithTimeout(r.Context(), keptPatience)
	defer cancel()
	v := profileView{
		Next: withoutTenant(localPath(r.URL.Query().Get("next"))), Query: strings.TrimSpace(r.URL.Query().Get("q")), Search: all > searchFrom,
	}
	for _, connection := range st.Connections {
		group := profileGroup{}
		if len(st.Connections) > 1 {
			group.Who = words.Say("profile.list.somebody")
			if p := connection.Person; p != nil {
				group.Who = strings.TrimSpace(p.Name + " " + p.Email)
			}
		}
		for _, o := range connection.Organisations {
			if !strings.Contains(strings.ToLower(o.Name), strings.ToLower(v.Query)) {
				continue
			}
			group.Organisations = append(group.Organisations, profileLine{o, s.isDemoCompany(ctx, o.TenantID)})
		}
		if len(group.Organisations) > 0 {
			v.Groups = append(v.Groups, group)
			v.Found += len(group.Organisations)
		}
	}
	return s.render(w, r, c, http.StatusOK, "profile", words.Say("profile.title"), v)
}

// keptPatience is how long a page waits for what is kept on the disk.
const keptPatience = 200 * time.Millisecond

// isDemoCompany reports whether it is known to be Xero's demo company. Xero is not
// asked: a word about each of many organisations is not worth a call for each.
func (s *Server) isDemoCompany(ctx context.Context, tenantID string) bool {
	return s.books.Of(tenantID).Organisation(ctx, books.Kept).Value.IsDemo
}

// withoutTenant is a local path without the organisation that it looks at, so that
// the one that is chosen is what it shows.
func withoutTenant(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return "/"
	}
	query := u.Query()
	query.Del("tenant")
	u.RawQuery = query.Encode()
	return u.RequestURI()
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
			if err := s.notice(w, r, c, words.Say("profile.now", "Organisation", o.Name)); err != nil {
				return err
			}
			http.Redirect(w, r, withoutTenant(localPath(r.PostForm.Get("next"))), http.StatusSeeOther)
			return nil
		}
	}
	f := fail(xero.CodeTenantRequired).saying(words.Say("profile.gone.message"), words.Say("profile.gone.action")).offering(words.Say("profile.gone.button"), "/profile")
	f.organisations = all
	return f
}
