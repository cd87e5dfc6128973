// Package xero keeps the sign-ins to Xero.
package xero

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"financial-command-center/keystore"
)

// App is the Xero app that people sign in through.
type App struct {
	ClientID string          // 32 hex digits; empty until the wizard has set it
	Secret   keystore.Secret // only of a "web app"; a PKCE app has none
	Scopes   []string
}

// Config is what a set of connections is made from. All fields are needed but
// those that say otherwise.
type Config struct {
	App         App
	Issuer      string // https://identity.xero.com, or any OIDC issuer
	API         string // https://api.xero.com
	RedirectURI string // http://localhost:P/callback
	Keystore    keystore.Store
	DataDir     string            // a foreign issuer's discovery document is kept here
	HTTP        http.RoundTripper // optional: the way to Xero
	Log         *slog.Logger

	// OnRenewal is told of every attempt to renew, in order. It must not block.
	// Optional.
	OnRenewal func(Renewal)
	// Recall and Remember keep what is no secret but must be known without a
	// network: a connection's person and organisations. Optional, together.
	Recall   func(ctx context.Context, connection string) (Profile, bool)
	Remember func(ctx context.Context, connection string, p Profile)
}

// Profile is what is known of a connection besides its grant.
type Profile struct {
	Person        Person         `json:"person"`
	Organisations []Organisation `json:"organisations"`
}

// Renewal is one attempt to renew a grant.
type Renewal struct {
	Connection string
	At         time.Time
	Outcome    string // renewed, retrying, refused, unsaved
	Reason     string // ahead, expired, refused_token, keep_alive, start
}

// Connections is the set of sign-ins.
type Connections struct{}

// New checks cfg and makes the set. Nothing is read or sent before Run.
func New(cfg Config) (*Connections, error) { panic("unfinished") }

// Run reads the grants from the keychain, trying again until it opens, and then
// keeps them renewed until ctx ends. It returns after the last save, at most ten
// seconds after ctx.
func (c *Connections) Run(ctx context.Context) error { panic("unfinished") }

// App is the app that the next sign-in uses (its Secret left out).
func (c *Connections) App() App { panic("unfinished") }

// SetApp changes the app for the sign-ins to come and keeps its secret, if any,
// in the keychain. Connections made through another app go on as they are.
func (c *Connections) SetApp(ctx context.Context, app App) error { panic("unfinished") }

// RedirectURI is the address that Xero sends people back to.
func (c *Connections) RedirectURI() string { panic("unfinished") }

// Find returns the session that reaches the organisation. Ids are compared
// without case.
func (c *Connections) Find(tenantID string) (*Session, bool) { panic("unfinished") }

// Get returns the session with this id.
func (c *Connections) Get(id string) (*Session, bool) { panic("unfinished") }

// Attempt is a sign-in that has begun.
type Attempt struct {
	URL     string // where the browser goes; holds the state, so not for logs
	Expires time.Time
}

// Begin starts a sign-in for owner (a browser session; at most 8 open each) that
// ends at next, a local path. It fails with CodeLoginFailed without a client id,
// CodeAttemptsFull, or CodeUnreachable when the issuer's endpoints are not known.
func (c *Connections) Begin(ctx context.Context, owner, next string) (Attempt, error) {
	panic("unfinished")
}

// Abandon ends the open attempts of owner.
func (c *Connections) Abandon(owner string) { panic("unfinished") }

// Callback is the query that Xero sent the browser back with.
type Callback struct {
	State, Code, Issuer, Error string
}

// SignIn is how an attempt ended.
type SignIn struct {
	Owner, Next   string
	Connection    string // "" when it failed
	New           bool   // a connection that was not there before
	Organisations []Organisation
}

// Finish ends the attempt that cb.State names. CodeBadState: none, spent or
// late; nothing was changed and nobody called. On any other error the attempt is
// spent, SignIn has its Owner and Next, and what was connected before stays so.
func (c *Connections) Finish(ctx context.Context, cb Callback) (SignIn, error) {
	panic("unfinished")
}

// Disconnected says what Disconnect did, and what Xero could not be told yet (it
// is told again later while FCC runs).
type DisconnectResult struct {
	Connection    string
	Organisations []Organisation // no longer reached
	Untold        []string       // sentences for a person
}

// Disconnect ends a sign-in: its organisations are disconnected at Xero, the
// grant revoked, then forgotten. With a tenantID only that organisation is
// disconnected and nothing revoked. An empty id means the only connection there
// is. CodeNotFound when there is no such connection or organisation.
func (c *Connections) Disconnect(ctx context.Context, id, tenantID string) (DisconnectResult, error) {
	panic("unfinished")
}

// Session is one connection: one person's sign-in to one Xero app.
type Session struct{}

// ID names the connection, and its keychain item.
func (s *Session) ID() string { panic("unfinished") }

// AccessToken is what opens Xero's API for half an hour.
type AccessToken struct {
	Token   keystore.Secret
	Expires time.Time
}

// Token returns an access token that is good now, renewing it when it must. It
// waits for a renewal no longer than ctx or 35 seconds, and fails with
// CodeNeedsLogin, CodeUnreachable or CodeKeystoreUnavailable.
func (s *Session) Token(ctx context.Context) (AccessToken, error) { panic("unfinished") }

// Transport sends requests with this session's access token, which it puts into
// the Authorization header of a clone. It refuses every host but the API's. A
// 401 that says the token is bad is answered by one renewal and, where the body
// can be sent again, one more try; everything else, 429 too, is handed back.
// Errors are as Token's, or CodeUnreachable.
func (s *Session) Transport() http.RoundTripper { panic("unfinished") }
