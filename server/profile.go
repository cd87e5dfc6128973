package server

import (
	"fmt"
	"net/http"
	"strings"

	"financial-command-center/server/xero"
)

func (s *Server) profileRoutes() []route {
	return []route{
		{pattern: "GET /profile", who: page, handle: s.profile},
		{pattern: "POST /profile", who: session, handle: s.chooseOrganisation},
	}
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
