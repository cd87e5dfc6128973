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
	what   string   // in words
	scopes []string // of which one will do; the first is the one to ask for
	report bool     // a person's role may not reach it
}

// Granular scopes are open to every app; the broad ones are what older apps have
// (developer.xero.com/faq/granular-scopes).
var (
	needSettings      = need{what: "the organisation's settings", scopes: []string{"accounting.settings.read"}}
	needInvoices      = need{what: "invoices and bills", scopes: []string{"accounting.invoices.read", "accounting.transactions.read"}}
	needContacts      = need{what: "contacts", scopes: []string{"accounting.contacts.read"}}
	needBankSummary   = need{what: "bank balances", scopes: []string{"accounting.reports.banksummary.read", "accounting.reports.read"}, report: true}
	needProfitAndLoss = need{what: "income and costs", scopes: []string{"accounting.reports.profitandloss.read", "accounting.reports.read"}, report: true}
)

// met reports whether the scopes of a sign-in will do. One that writes may read.
func (n need) met(scopes []string) bool {
	return slices.ContainsFunc(n.scopes, func(scope string) bool {
		return slices.Contains(scopes, scope) || slices.Contains(scopes, strings.TrimSuffix(scope, ".read"))
	})
}

func (n need) missing(cause error) *Trouble {
	return &Trouble{
		Problem: problem(xero.CodeNeedsLogin, "The sign-in to Xero does not allow FCC to read "+n.what+".", "Sign in again and allow that too."),
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
	return &Trouble{Problem: problem(xero.CodeUnreachable, "Xero did not answer in time.", "Try again. If it goes on, look at Xero's status page."), cause: err}
}

// unread is an answer that is not what it should be.
func unread(err error) *Trouble {
	return &Trouble{Problem: problem(xero.CodeUnreachable, "The answer broke off, or did not come from Xero.", "Try again. On a hotel's or an airport's network, open any web page first."), cause: err}
}

// mostRefusal bounds what is read of an answer that is none.
const mostRefusal = 4 << 10

// Refused says in our words why Xero refused a request for its API.
func Refused(answer *http.Response) *Trouble { return need{what: "this"}.refused(answer) }

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
			return trouble(xero.CodeNeedsLogin, "Xero does not accept the sign-in.", "Sign in again.")
		}
		if len(n.scopes) > 0 {
			return n.missing(cause)
		}
		return trouble(xero.CodeNeedsLogin, "The sign-in to Xero does not allow this.", "Start FCC with --scopes that allow it, then sign in again.")
	case http.StatusForbidden:
		return n.forbidden(answer, cause)
	case http.StatusBadRequest:
		return trouble(xero.CodeBadRequest, "Xero does not understand this request.", "Check the values that were sent with it.")
	}
	return trouble(xero.CodeUnreachable, fmt.Sprintf("Xero is in trouble: it answered %d.", answer.StatusCode), "Try again in a few minutes.")
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
		return &Trouble{Problem: problem(xero.CodeUnreachable, "Xero turns this computer away for now.", "Try again in a few minutes."), cause: cause}
	case n.report && said.Detail != "AuthenticationUnsuccessful":
		return &Trouble{
			Problem: problem(xero.CodeTenantRequired, "Your role in Xero does not let you see "+n.what+".", "Ask who looks after the users of this organisation in Xero to let you see reports."),
			Role:    true, cause: cause,
		}
	}
	return &Trouble{Problem: problem(xero.CodeTenantRequired, "Xero does not let this sign-in reach the organisation, or this part of it.", "Choose another organisation, or ask who looks after it in Xero."), cause: cause}
}
