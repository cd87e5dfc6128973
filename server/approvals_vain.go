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

// inVain is why a request would come to nothing, as far as that is known before it is
// sent: so no person is asked about a write that Xero would not get or would not take.
func (s *Server) inVain(ctx context.Context, method, path string, c *call, o xero.Organisation) error {
	if method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if allowedIn(ctx) == nil { // a call is kept for it else
		if err := s.MayCall(c.caller()); err != nil {
			return err
		}
	}
	session, ok := s.cfg.Connections.Find(o.TenantID)
	if !ok {
		return fail(xero.CodeNeedsLogin)
	}
	for _, connection := range s.cfg.Connections.Status().Connections {
		if connection.ID != session.ID() {
			continue
		}
		if connection.State == xero.NeedsLogin {
			f := fail(xero.CodeNeedsLogin)
			if p := connection.Problem; p != nil && p.Code == f.Code {
				f.Problem = *p
			}
			return f
		}
		scopes := slices.DeleteFunc(slices.Clone(connection.Scopes), func(scope string) bool { return !writes(scope) })
		switch t := targetOf(path); {
		case len(connection.Scopes) == 0: // not known before the first token of a run
		case len(scopes) == 0:
			return s.mayNotWrite(words.Say("approvals.reads-only"), t)
		case c.key.Ask && !t.writable(scopes):
			thing := plainPath(path)
			if t.attaches() {
				thing = t.part
			}
			return s.mayNotWrite(words.Say("approvals.may-not-write", "Thing", resourceWords(thing)), t)
		}
	}
	return s.cfg.Connections.DayOver(o.TenantID, c.caller())
}

// mayNotWrite says so, with the link that consents to what t takes and to no more, where
// that is known.
func (s *Server) mayNotWrite(message string, t target) error {
	f := fail(codeWriteRefused)
	scope := t.scope()
	if scope == "" {
		return f.saying(message, words.Say("approvals.choose-more"))
	}
	link := "/login?" + url.Values{"scope": {scope}}.Encode()
	return f.saying(message, words.Say("approvals.allow-scope", "Scope", scope, "Link", s.BaseURL()+link)).offering(words.Say("approvals.allow-button"), link)
}

// scopesOf are the resources of the Accounting API that FCC describes, and of each the
// scopes of which one will do to write it. The first is the one to ask for, as every app
// may have it (developer.xero.com/faq/granular-scopes).
var scopesOf = map[string][]string{
	"Invoices": {"accounting.invoices", "accounting.transactions"}, "CreditNotes": {"accounting.invoices", "accounting.transactions"},
	"Payments": {"accounting.payments", "accounting.transactions"}, "BankTransactions": {"accounting.banktransactions", "accounting.transactions"},
	"ManualJournals": {"accounting.manualjournals", "accounting.transactions"}, "Contacts": {"accounting.contacts"},
}

// scope is the one to ask for so that what t names can be written, "" where that is not
// known.
func (t target) scope() string {
	if these := t.scopes(); these != nil {
		return these[0]
	}
	for _, name := range []string{t.family + "." + strings.ToLower(t.resource), t.family} {
		if slices.Contains(knownScopes, name) {
			return name
		}
	}
	return ""
}

// scopes are those of which one will do to write what t names, nil where that is Xero's
// to say.
func (t target) scopes() []string {
	switch {
	case t.attaches():
		return []string{"accounting.attachments"}
	case t.family == "accounting":
		return scopesOf[t.resource]
	}
	return nil
}

// writable reports whether one of scopes, which are for more than reading, is for what
// t names (developer.xero.com/documentation/guides/oauth2/scopes). Of resources that
// FCC does not describe only the API counts: the rest is Xero's to say.
func (t target) writable(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool {
		if these := t.scopes(); these != nil {
			return slices.Contains(these, scope)
		}
		return scope == t.family || strings.HasPrefix(scope, t.family+".")
	})
}

func (t target) attaches() bool {
	return t.family == "accounting" && strings.EqualFold(t.part, "Attachments")
}
