package server

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// The codes of this package besides those of server/xero.
const (
	codeBadHost             xero.Code = "bad_host"
	codeBadRequest                    = xero.CodeBadRequest
	codeCrossSite           xero.Code = "cross_site"
	codeDebugOff            xero.Code = "debug_off"
	codeInternal                      = xero.CodeInternal
	codeKeyFamily           xero.Code = "key_family"
	codeKeyLimit                      = xero.CodeKeyLimit
	codeKeyReadOnly         xero.Code = "key_read_only"
	codeKeyRequired         xero.Code = "key_required"
	codeKeystoreUnavailable           = xero.CodeKeystoreUnavailable
	codeMethodNotAllowed    xero.Code = "method_not_allowed"
	codeNotFound                      = xero.CodeNotFound
	codeOtherUser           xero.Code = "other_user"
	codeRateLimited                   = xero.CodeRateLimited
	codeSessionRequired     xero.Code = "session_required"
	codeStateUnavailable    xero.Code = "state_unavailable"
	codeTenantNotAllowed    xero.Code = "tenant_not_allowed"
	codeTicketInvalid       xero.Code = "ticket_invalid"
	codeTooLarge            xero.Code = "too_large"
	codeWriteRefused        xero.Code = "write_refused"
)

// A known error is one of the table: its status, and what a page offers, the button,
// the command to copy, or both, unless the place that fails offers something else.
type known struct {
	status          int
	button          button
	command         string
	message, action string // where that place has no better words
}

// answers is the one table of errors, by code. Its words are those of errors.toml, but
// where several codes ask for the same.
var answers = withWords(map[xero.Code]known{
	codeBadRequest:          {status: 400, button: button{Link: "/"}},
	xero.CodeTenantRequired: {status: 400, button: button{Link: "/profile"}},
	xero.CodeBadState:       {status: 400, button: button{Link: "/login"}},
	codeSessionRequired:     {status: 401, command: "fcc open"},
	codeKeyRequired:         {status: 401, button: button{Link: "/settings/programs"}},
	codeKeyReadOnly:         {status: 403, button: button{Link: "/settings/programs"}},
	codeKeyFamily:           {status: 403, button: button{Link: "/settings/programs"}},
	codeTenantNotAllowed:    {status: 403, button: button{Link: "/settings/programs"}},
	codeOtherUser:           {status: 403, command: "fcc"},
	codeTicketInvalid:       {status: 403, button: button{Link: "/"}, command: "fcc open"},
	codeCrossSite:           {status: 403, button: button{Link: "/"}},
	codeDebugOff:            {status: 403, command: "fcc --debug"},
	codeWriteRefused:        {status: 403, button: button{Link: "/setup/app#access"}},
	codeNotFound:            {status: 404, button: button{Link: "/"}},
	codeMethodNotAllowed:    {status: 405, button: button{Link: "/"}},
	xero.CodeAttemptsFull:   {status: 409, button: button{Link: "/setup/sign-in"}},
	codeTooLarge:            {status: 413, button: button{Link: "/"}},
	codeBadHost:             {status: 421, button: button{Link: toFCC}},
	codeRateLimited:         {status: 429, button: button{Link: thisPage}, action: words.Say("common.retry-after")},
	codeKeyLimit:            {status: 429, button: button{Link: thisPage}, action: words.Say("common.retry-after")},
	codeInternal:            {status: 500, button: button{Link: "/health"}},
	xero.CodeLoginFailed:    {status: 502, button: button{Link: "/login"}},
	xero.CodeNeedsLogin:     {status: 503, button: button{Link: "/login"}},
	codeKeystoreUnavailable: {status: 503, button: button{Link: thisPage}},
	codeStateUnavailable:    {status: 503, command: "fcc doctor"},
	xero.CodeUnreachable:    {status: 504, button: button{Link: thisPage}},
})

func withWords(table map[xero.Code]known) map[xero.Code]known {
	for code, k := range table {
		id := "errors." + string(code)
		if k.message = words.Say(id + ".message"); k.action == "" {
			k.action = words.Say(id + ".action")
		}
		if k.button.Link != "" {
			k.button.Label = words.Say(id + ".button")
		}
		table[code] = k
	}
	return table
}

// Where the links of a button lead that depend on the request.
const (
	thisPage = "here" // the page again that was asked for; after a form where that leads
	toFCC    = "fcc"  // the address that FCC has
)

// A failure is an error on its way to the caller: what is said, and, for the log
// alone, its cause.
type failure struct {
	xero.Problem
	cause         error
	organisations []xero.Organisation // to choose from, with tenant_required
	retryAfter    time.Duration       // at least one second when set
	button        button              // on a page only
	field         string              // of a form, that is wrong
}

// A button is a link that looks the part.
type button struct{ Label, Link string }

// fail makes a failure with the words of the table.
func fail(code xero.Code) *failure {
	a := answers[code]
	return &failure{Problem: xero.Problem{Code: code, Message: a.message, Action: a.action}}
}

func (f *failure) saying(message, action string) *failure {
	f.Message, f.Action = message, action
	return f
}

func (f *failure) at(field string) *failure {
	f.field = field
	return f
}

func (f *failure) because(err error) *failure {
	f.cause = err
	return f
}

func (f *failure) offering(label, link string) *failure {
	f.button = button{label, link}
	return f
}

func (f *failure) Error() string {
	if f.cause == nil {
		return string(f.Code)
	}
	return string(f.Code) + ": " + f.cause.Error()
}

func (f *failure) Unwrap() error { return f.cause }

// asFailure gives every error its words; those that nobody gave any are internal.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*xero.Error](err); ok {
		if _, known := answers[e.Code]; known {
			return &failure{Problem: e.Problem, cause: e.Err, retryAfter: e.RetryAfter}
		}
	}
	if t, ok := errors.AsType[*books.Trouble](err); ok {
		f := &failure{Problem: t.Problem, cause: t}
		if !t.Retry.IsZero() {
			f.retryAfter = max(time.Second, time.Until(t.Retry))
		}
		return f
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fail(codeTooLarge).because(err)
	}
	return fail(codeInternal).because(err)
}

// refuse answers with err: JSON, or a page for a browser.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, c *call, err error) {
	f := asFailure(err)
	status, path := answers[f.Code].status, loggedPath(r.URL.Path)
	switch {
	case f.Code == codeInternal || f.Code == codeStateUnavailable:
		s.log.Error("request failed", "method", r.Method, "path", path, "code", f.Code, "err", f.cause)
	case status >= 500 && f.cause != nil:
		s.log.Warn("request failed", "method", r.Method, "path", path, "code", f.Code, "err", f.cause)
	default:
		s.log.Debug("request refused", "method", r.Method, "path", path, "code", f.Code, "err", f.cause)
	}
	for name, rule := range s.rulesNow().documents {
		if _, own := w.Header()[name]; !own { // a handler may have a stricter one
			w.Header()[name] = rule
		}
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Financial Command Center"`)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
	if wantsPage(r) {
		s.errorPage(w, r, c, status, f)
		return
	}
	type body struct {
		xero.Problem
		Organisations []xero.Organisation `json:"organisations,omitempty"`
	}
	writeJSON(w, status, map[string]body{"error": {f.Problem, f.organisations}})
}

// loggedPath is what the log has of a path. One of Xero's may name invoices and people.
func loggedPath(path string) string {
	if familyOf(path) != "" {
		return plainPath(path)
	}
	return path
}

// wantsPage reports whether r comes from somebody who reads.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// writeJSON answers with value. What is given to it always marshals.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(value) // the caller has gone
}

// keystoreFailure says in words why the keychain cannot be used.
func keystoreFailure(err error) *failure {
	return &failure{Problem: xero.KeystoreProblem(err), cause: err}
}

// stateFailure says in words what is wrong with the state database.
func stateFailure(err error) *failure {
	f := fail(codeStateUnavailable).because(err)
	switch {
	case errors.Is(err, store.ErrDamaged):
		return f.saying(words.Say("state.damaged.message"), words.Say("state.damaged.action"))
	case errors.Is(err, store.ErrNewer):
		return f.saying(words.Say("state.newer.message"), words.Say("state.newer.action"))
	case errors.Is(err, store.ErrFull):
		return f.saying(words.Say("state.full.message"), words.Say("state.full.action"))
	}
	return f.saying(words.Say("state.unwritable.message"), words.Say("state.unwritable.action"))
}
