package server

import (
	"net/http"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// inVain is why a request would come to nothing, as far as that is known before it is
// sent: so no person is asked about a write that Xero would not get or would not take.
func (s *Server) inVain(method, path string, c *call, o xero.Organisation) error {
	if method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if err := s.MayCall(c.caller()); err != nil {
		return err
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
			return fail(codeWriteRefused)
		case c.key.Ask && !t.writable(scopes):
			thing := plainPath(path)
			if t.attaches() {
				thing = t.part
			}
			return fail(codeWriteRefused).saying(words.Say("approvals.may-not-write", "Thing", resourceWords(thing)), answers[codeWriteRefused].action)
		}
	}
	return s.cfg.Connections.DayOver(o.TenantID, c.caller())
}

// writable reports whether one of scopes, which are for more than reading, is for what
// t names (developer.xero.com/documentation/guides/oauth2/scopes). Of resources that
// FCC does not describe only the API counts: the rest is Xero's to say.
func (t target) writable(scopes []string) bool {
	these := map[string][]string{
		"Invoices": {"accounting.invoices", "accounting.transactions"}, "CreditNotes": {"accounting.invoices", "accounting.transactions"},
		"Payments": {"accounting.payments", "accounting.transactions"}, "BankTransactions": {"accounting.banktransactions", "accounting.transactions"},
		"ManualJournals": {"accounting.manualjournals", "accounting.transactions"}, "Contacts": {"accounting.contacts"},
	}[t.resource]
	if t.attaches() {
		these = []string{"accounting.attachments"}
	}
	return slices.ContainsFunc(scopes, func(scope string) bool {
		if t.family == "accounting" && these != nil {
			return slices.Contains(these, scope)
		}
		return scope == t.family || strings.HasPrefix(scope, t.family+".")
	})
}

func (t target) attaches() bool {
	return t.family == "accounting" && strings.EqualFold(t.part, "Attachments")
}
