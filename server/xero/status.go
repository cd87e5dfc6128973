package xero

import (
	"context"
	"iter"
	"time"
)

// A State says how a connection, or the set of them, stands.
type State string

// The states, from the best to the worst.
const (
	Connected    State = "connected"    // tokens come as they are asked for
	Retrying     State = "retrying"     // Xero cannot be reached; tried again at NextTry
	NeedsLogin   State = "needs_login"  // Xero ended the grant; only a person can mend it
	Disconnected State = "disconnected" // nobody has signed in
	Starting     State = "starting"     // the keychain has not been read yet
)

// A Code names a kind of trouble, the same in a Problem, in the JSON of an error
// and in the contract.
type Code string

// The codes this package gives out.
const (
	CodeAttemptsFull        Code = "attempts_full"
	CodeBadState            Code = "bad_state"
	CodeKeystoreUnavailable Code = "keystore_unavailable"
	CodeLoginFailed         Code = "login_failed"
	CodeNeedsLogin          Code = "needs_login"
	CodeNotFound            Code = "not_found"
	CodeTenantRequired      Code = "tenant_required"
	CodeUnreachable         Code = "xero_unreachable"
)

// A Problem is trouble in words for a person: what is, and what to do next.
type Problem struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Action  string `json:"action"`
}

// Person is who signed in, from the id token.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Organisation is one set of books that a connection reaches. Xero calls it a
// tenant.
type Organisation struct {
	TenantID string `json:"tenant_id"`
	Name     string `json:"name"`
	// ConnectionID is Xero's id of the link between app and organisation, which
	// DELETE /connections/{id} wants. It is not the id of a Session.
	ConnectionID string `json:"-"`
}

// ConnectionStatus is one sign-in.
type ConnectionStatus struct {
	ID                   string         `json:"id"`
	State                State          `json:"state"`
	Since                time.Time      `json:"since"` // when State began, UTC
	Person               *Person        `json:"person"`
	Organisations        []Organisation `json:"organisations"`
	AccessTokenExpiresAt *time.Time     `json:"access_token_expires_at"`
	NextTry              *time.Time     `json:"next_try"` // set while retrying
	Problem              *Problem       `json:"problem"`

	// RenewBy is when Xero ends the grant unless it is renewed before: 60 days
	// after the last renewal (developer.xero.com/faq/oauth2).
	RenewBy  time.Time `json:"-"`
	ClientID string    `json:"-"`
	Scopes   []string  `json:"-"`
	// Held names what is held of the token answer, in memory or keychain.
	Held []string `json:"-"`
}

// Status is how all sign-ins stand: a plain value without secrets. State is the
// worst of the connections', Disconnected with none, Starting until the keychain
// was read.
type Status struct {
	State       State              `json:"state"`
	SigningIn   bool               `json:"signing_in"`
	Since       time.Time          `json:"since"`
	Problem     *Problem           `json:"problem"`
	Connections []ConnectionStatus `json:"connections"`
}

// Organisations lists what all connections reach, without repeats, by name.
func (s Status) Organisations() []Organisation { panic("unfinished") }

// Status is how things stand now.
func (c *Connections) Status() Status { panic("unfinished") }

// Watch yields the present Status at once and then the latest after each change,
// until ctx ends or the loop is left. A slow watcher misses what lies between,
// never the last.
func (c *Connections) Watch(ctx context.Context) iter.Seq[Status] { panic("unfinished") }
