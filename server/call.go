package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/sessions"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// A call is what the guard has settled about a request before its handler runs.
type call struct {
	peer    peer
	session *sessions.Session // nil without one; a change counts once it was saved (Session.Save)
	key     *apiKey           // nil without one
}

// caller is who Xero is asked for.
func (c *call) caller() xero.Caller {
	if c.key != nil {
		return xero.Caller{Kind: xero.ByKey, Name: c.key.Name}
	}
	return xero.Caller{Kind: xero.ByPage}
}

// ledger is the books that r is about: see organisation.
func (s *Server) ledger(r *http.Request, c *call) (*books.Ledger, error) {
	o, _, err := s.organisation(r, c)
	if err != nil {
		return nil, err
	}
	return s.books.Of(o.TenantID), nil
}

// sessionTenant is the value of a session that holds its organisation's id.
const sessionTenant = "tenant"

// organisation settles which organisation r is about, and the sign-in that
// reaches it. A browser names it by ?tenant=, else it is the one last chosen in
// the pages; a program by xero-tenant-id, else it is the key's own. Who names none
// gets the only one there is, and with several tenant_required: never simply the
// first, and never another than the one that was named.
func (s *Server) organisation(r *http.Request, c *call) (xero.Organisation, *xero.Session, error) {
	status := s.cfg.Connections.Status()
	all := status.Organisations()
	none := len(all) == 0
	var named string
	switch {
	case c.key != nil:
		var err error
		if named, err = namedBy(r.Header); err != nil {
			return xero.Organisation{}, nil, err
		}
		if named != "" && !c.key.Reaches(named) {
			return xero.Organisation{}, nil, fail(codeTenantNotAllowed)
		}
		if own := c.key.Tenants; len(own) > 0 {
			all = slices.DeleteFunc(slices.Clone(all), func(o xero.Organisation) bool { return !c.key.Reaches(o.TenantID) })
			if len(own) == 1 {
				named = own[0]
			}
		}
	case c.session != nil:
		if named = strings.TrimSpace(r.URL.Query().Get("tenant")); named == "" {
			named, _ = c.session.Values[sessionTenant].(string)
		}
	}
	if none {
		return xero.Organisation{}, nil, s.notConnected(status)
	}
	if named == "" && len(all) == 1 {
		named = all[0].TenantID
	}
	for _, o := range all {
		if named != "" && strings.EqualFold(o.TenantID, named) {
			if session, ok := s.cfg.Connections.Find(o.TenantID); ok {
				return o, session, nil
			}
		}
	}
	choose := fail(xero.CodeTenantRequired)
	if c.key == nil || len(c.key.Tenants) != 1 {
		choose.organisations = all
	}
	if named != "" {
		choose.saying(words.Say("requests.not-connected.message"), words.Say("requests.not-connected.action"))
	}
	return xero.Organisation{}, nil, choose
}

// namedBy is the organisation that a program names, "" for none. It decides whose books
// are read and written: named twice it is named by nobody.
func namedBy(h http.Header) (string, error) {
	switch said := h["Xero-Tenant-Id"]; len(said) {
	case 0:
		return "", nil
	case 1:
		return strings.TrimSpace(said[0]), nil
	}
	return "", fail(codeBadRequest).saying(words.Say("requests.named-twice.message"), words.Say("requests.named-twice.action"))
}

// notConnected says why there is no organisation at all.
func (s *Server) notConnected(status xero.Status) error {
	if status.State == xero.Starting {
		f := fail(codeKeystoreUnavailable).saying(words.Say("requests.starting.message"), words.Say("requests.starting.action"))
		if status.Problem != nil {
			f.Problem = *status.Problem
		}
		return f
	}
	if status.State == xero.Disconnected && s.cfg.Connections.App().ClientID == "" {
		return fail(xero.CodeNeedsLogin).saying(words.Say("requests.not-set-up.message"), words.Say("requests.not-set-up.action")).offering(words.Say("requests.not-set-up.button"), "/setup")
	}
	return fail(xero.CodeNeedsLogin)
}
