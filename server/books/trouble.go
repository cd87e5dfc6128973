package books

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// Trouble is why a reading failed.
type Trouble struct {
	xero.Problem
	Scope string    // not "": the sign-in lacks this scope, and consent to it mends that
	Role  bool      // the person's role in Xero does not reach this part
	Retry time.Time // when Xero takes calls again; zero when it does not say
	Kept  bool      // the calls that are left are for people

	cause error // for the log
}

func (t *Trouble) Error() string {
	if t.cause == nil {
		return string(t.Code)
	}
	return fmt.Sprintf("%s: %v", t.Code, t.cause)
}

func (t *Trouble) Unwrap() error { return t.cause }

// A need is what a sign-in must allow for a part of the books.
type need struct {
	part   string   // as books.not-allowed and books.role name it
	scopes []string // of which one will do; the first is the one to ask for
	report bool     // a person's role may not reach it
}

// Granular scopes are open to every app; the broad ones are what older apps have
// (developer.xero.com/faq/granular-scopes).
var (
	needSettings      = need{part: "settings", scopes: []string{"accounting.settings.read"}}
	needInvoices      = need{part: "invoices", scopes: []string{"accounting.invoices.read", "accounting.transactions.read"}}
	needContacts      = need{part: "contacts", scopes: []string{"accounting.contacts.read"}}
	needBankSummary   = need{part: "bank-balances", scopes: []string{"accounting.reports.banksummary.read", "accounting.reports.read"}, report: true}
	needAccounts      = need{part: "accounts", scopes: []string{"accounting.settings.read"}}
	needTransactions  = need{part: "bank-transactions", scopes: []string{"accounting.banktransactions.read", "accounting.transactions.read"}}
	needPayments      = need{part: "payments", scopes: []string{"accounting.payments.read", "accounting.transactions.read"}}
	needBalanceSheet  = need{part: "balance-sheet", scopes: []string{"accounting.reports.balancesheet.read", "accounting.reports.read"}, report: true}
	needProfitAndLoss = need{part: "profit-and-loss", scopes: []string{"accounting.reports.profitandloss.read", "accounting.reports.read"}, report: true}
)

// met reports whether the scopes of a sign-in will do. One that writes may read.
func (n need) met(scopes []string) bool {
	return slices.ContainsFunc(n.scopes, func(scope string) bool {
		return slices.Contains(scopes, scope) || slices.Contains(scopes, strings.TrimSuffix(scope, ".read"))
	})
}

func (n need) missing(cause error) *Trouble {
	return &Trouble{
		Problem: problem(xero.CodeNeedsLogin, words.Say("books.not-allowed."+n.part), words.Say("books.not-allowed.do")),
		Scope:   n.scopes[0], cause: cause,
	}
}

func problem(code xero.Code, message, action string) xero.Problem {
	return xero.Problem{Code: code, Message: message, Action: action}
}

// troubleOf gives every error of a reading its words.
func troubleOf(err error) *Trouble {
	if t, ok := errors.AsType[*Trouble](err); ok {
		return t
	}
	if e, ok := errors.AsType[*xero.Error](err); ok {
		t := &Trouble{Problem: e.Problem, Kept: e.Kept, cause: e.Err}
		if e.RetryAfter > 0 {
			t.Retry = time.Now().Add(e.RetryAfter).UTC()
		}
		return t
	}
	return &Trouble{Problem: problem(xero.CodeUnreachable, words.Say("books.no-answer"), words.Say("books.no-answer-do")), cause: err}
}

// unread is an answer that is not what it should be.
func unread(err error) *Trouble {
	return &Trouble{Problem: problem(xero.CodeUnreachable, words.Say("books.broken-answer"), words.Say("books.broken-answer-do")), cause: err}
}

// mostRefusal bounds what is read of an answer that is none.
const mostRefusal = 4 << 10

// Refused says in our words why Xero refused a request for its API.
func Refused(answer *http.Response) *Trouble { return need{}.refused(answer) }

// refused reads some of the body to tell the kinds of 403 apart. It passes none of
// it on.
func (n need) refused(answer *http.Response) *Trouble {
	cause := fmt.Errorf("xero answered %d (correlation id %s)", answer.StatusCode, answer.Header.Get("Xero-Correlation-Id"))
	trouble := func(code xero.Code, message, action string) *Trouble {
		return &Trouble{Problem: problem(code, message, action), cause: cause}
	}
	switch answer.StatusCode {
	case http.StatusTooManyRequests:
		return limited(answer.Header, cause)
	case http.StatusUnauthorized:
		if !strings.Contains(answer.Header.Get("WWW-Authenticate"), "insufficient_scope") { // also after a renewal
			return trouble(xero.CodeNeedsLogin, words.Say("books.sign-in-refused"), words.Say("books.sign-in-refused-do"))
		}
		if len(n.scopes) > 0 {
			return n.missing(cause)
		}
		return trouble(xero.CodeNeedsLogin, words.Say("books.not-allowed-this"), words.Say("books.not-allowed-this-do"))
	case http.StatusForbidden:
		return n.forbidden(answer, cause)
	case http.StatusBadRequest:
		return trouble(xero.CodeBadRequest, words.Say("books.bad-request"), words.Say("books.bad-request-do"))
	}
	return trouble(xero.CodeUnreachable, words.Say("books.xero-in-trouble", "Status", answer.StatusCode), words.Say("books.few-minutes-do"))
}

// limited is the 429 of a limit.
func limited(header http.Header, cause error) *Trouble {
	now := time.Now()
	said := xero.Limited(header, now)
	return &Trouble{Problem: said.Problem, Retry: now.Add(said.RetryAfter).UTC(), cause: cause}
}

// forbidden tells an organisation that is not connected, which the gateway says in
// JSON, from a role, which is a sentence, and from Xero's edge, which is a page and
// has looked at nothing.
func (n need) forbidden(answer *http.Response, cause error) *Trouble {
	body, _ := io.ReadAll(io.LimitReader(answer.Body, mostRefusal))
	var said struct{ Detail string }
	gateway := json.Unmarshal(body, &said) == nil
	text := strings.TrimSpace(string(body))
	switch {
	case !gateway && strings.HasPrefix(text, "<"):
		return &Trouble{Problem: problem(xero.CodeUnreachable, words.Say("books.turned-away"), words.Say("books.few-minutes-do")), cause: cause}
	case n.report && said.Detail != "AuthenticationUnsuccessful":
		return &Trouble{
			Problem: problem(xero.CodeTenantRequired, words.Say("books.role."+n.part), words.Say("books.role.do")),
			Role:    true, cause: cause,
		}
	}
	return &Trouble{Problem: problem(xero.CodeTenantRequired, words.Say("books.not-reached"), words.Say("books.not-reached-do")), cause: cause}
}
