package server

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

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
	codeInternal            xero.Code = "internal"
	codeKeyLimit            xero.Code = "key_limit"
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

// widerScopes is the way from a sign-in that may not do something to one that may.
const widerScopes = "Choose in FCC's Set-up what it may do (or start it with --scopes), then sign in again."

// answers is the one table of errors: code to status, and what is said where the
// place that fails has no better words. A page offers the button, the command to
// copy, or both, unless that place offers something else.
var answers = map[xero.Code]struct {
	status          int
	message, action string
	button          button
	command         string
}{
	codeBadRequest:          {400, "FCC cannot read this request.", "Check the address and what was sent with it.", button{"Go to the start page", "/"}, ""},
	xero.CodeTenantRequired: {400, "The request does not say which organisation is meant.", "Name one: its id as xero-tenant-id with a key, as ?tenant= with a browser.", button{"Choose an organisation", "/profile"}, ""},
	xero.CodeBadState:       {400, "This sign-in is not one that FCC is waiting for.", "Start again from FCC.", button{"Sign in to Xero", "/login"}, ""},
	codeSessionRequired:     {401, "FCC does not know this browser yet.", "Open FCC from its icon in the tray, or run: fcc open", button{}, "fcc open"},
	codeKeyRequired:         {401, "This address is for programs that have a key.", "Make one with: fcc keys add NAME. Send it as Authorization: Bearer fcc_…", button{"Make a key", "/settings/programs"}, ""},
	codeKeyReadOnly:         {403, "This key may read and not write.", "Make one that may: fcc keys add NAME --write", button{"Look at the keys", "/settings/programs"}, ""},
	codeTenantNotAllowed:    {403, "This key is for another organisation.", "Use the key of the organisation that is meant, or leave xero-tenant-id out.", button{"Look at the keys", "/settings/programs"}, ""},
	codeOtherUser:           {403, "FCC belongs to another user of this computer.", "Start FCC under your own name. For a program, its owner can make a key with: fcc keys add NAME --any-user", button{}, "fcc"},
	codeTicketInvalid:       {403, "This link was used already, or is older than ten minutes.", "Get a new one from the tray, or run: fcc open", button{"Open FCC", "/"}, "fcc open"},
	codeCrossSite:           {403, "Another web site sent this request.", "If it was you, go on here.", button{"Open FCC", "/"}, ""},
	codeDebugOff:            {403, "This address answers only while FCC runs with --debug.", "Stop FCC and start it with: fcc --debug", button{}, "fcc --debug"},
	codeWriteRefused:        {403, "This sign-in may read and not write.", widerScopes, button{"Choose what FCC may do", "/setup/app#access"}, ""},
	codeNotFound:            {404, "There is nothing at this address.", "Go to the start page.", button{"Go to the start page", "/"}, ""},
	codeMethodNotAllowed:    {405, "This address does not take requests of this kind.", "The Allow header names the kinds it takes.", button{"Go to the start page", "/"}, ""},
	xero.CodeAttemptsFull:   {409, "Too many sign-ins are open in this browser.", "Finish one of them, or wait ten minutes.", button{"Look at the sign-in", "/setup/sign-in"}, ""},
	codeTooLarge:            {413, "This is more than FCC takes here.", "Send at most 1 MiB.", button{"Go to the start page", "/"}, ""},
	codeBadHost:             {421, "FCC is not at this address.", "Use http://localhost and the port that FCC names when it starts.", button{"Open FCC", toFCC}, ""},
	codeRateLimited:         {429, "Xero asks to wait: too many requests.", "Try again after the time in Retry-After.", button{"Try again", thisPage}, ""},
	codeKeyLimit:            {429, "This key is used too often.", "Try again after the time in Retry-After.", button{"Try again", thisPage}, ""},
	codeInternal:            {500, "Something in FCC went wrong.", "Try again. If it happens again, look in the log.", button{"Look at FCC's health", "/health"}, ""},
	xero.CodeLoginFailed:    {502, "The sign-in could not be finished.", "Sign in again.", button{"Sign in again", "/login"}, ""},
	xero.CodeNeedsLogin:     {503, "Nobody is signed in to Xero.", "Sign in to Xero from FCC's start page.", button{"Sign in to Xero", "/login"}, ""},
	codeKeystoreUnavailable: {503, "The keychain of this computer cannot be used.", "Unlock it. FCC goes on by itself.", button{"Try again", thisPage}, ""},
	codeStateUnavailable:    {503, "FCC cannot read what it keeps on the disk.", "Run: fcc doctor. It says what is wrong.", button{}, "fcc doctor"},
	xero.CodeUnreachable:    {504, "Xero cannot be reached.", "Check the internet connection. FCC tries again by itself.", button{"Try again", thisPage}, ""},
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
	status := answers[f.Code].status
	switch {
	case f.Code == codeInternal || f.Code == codeStateUnavailable:
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "code", f.Code, "err", f.cause)
	case status >= 500 && f.cause != nil:
		s.log.Warn("request failed", "method", r.Method, "path", r.URL.Path, "code", f.Code, "err", f.cause)
	default:
		s.log.Debug("request refused", "method", r.Method, "path", r.URL.Path, "code", f.Code, "err", f.cause)
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
		return f.saying("The file in which FCC keeps browser sessions and keys is damaged. It is left as it is.", "Stop FCC, move state.db out of the data folder, start FCC, and make the keys again.")
	case errors.Is(err, store.ErrNewer):
		return f.saying("The file in which FCC keeps browser sessions and keys was written by a newer FCC.", "Install the newer FCC again.")
	case errors.Is(err, store.ErrFull):
		return f.saying("The disk is full, so what changes now is lost when FCC stops.", "Make room on the disk. FCC goes on by itself.")
	}
	return f.saying("FCC cannot write to its data folder, so what changes now is lost when FCC stops.", "Make the data folder writable. FCC goes on by itself.")
}
