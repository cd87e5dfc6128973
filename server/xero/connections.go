package xero

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/keystore"
)

// App is the Xero app that people sign in through.
type App struct {
	ClientID string          // empty until the wizard has set it
	Secret   keystore.Secret // only of a "web app"; a PKCE app has none
	Scopes   []string
}

// Config is what a set of connections is made from. All fields are needed but
// those that say otherwise.
type Config struct {
	App         App
	Issuer      string // XeroIssuer, or any OIDC issuer
	API         string // https://api.xero.com
	RedirectURI string // http://localhost:P/callback
	Keystore    keystore.Store
	Lost        *Problem          // optional: what was there and is not any more; shown until somebody signs in
	DataDir     string            // a foreign issuer's discovery document is kept here
	HTTP        http.RoundTripper // optional: the way to Xero
	Log         *slog.Logger

	// OnRenewal is told of every attempt to renew, one after the other for each
	// connection. It must not block. Optional.
	OnRenewal func(Renewal)
	// OnCall is told of every request for Xero's API, once for each time it was sent
	// and once when it never was; see Call. It must not block. Optional.
	OnCall func(Call)
	// Calling is asked, with the request's context, before each request for Xero's API,
	// also before one is sent again, and told by done whether it was sent. Its error is
	// handed back in place of an answer; MayCall says beforehand what that would be. They
	// must not block. Optional, together.
	Calling func(context.Context) (done func(sent bool), err error)
	MayCall func(Caller) error
	// Recall, Remember and Forget keep what is no secret but must be known without a
	// network: a connection's person and organisations. Optional, together.
	Recall   func(ctx context.Context, connection string) (Profile, bool)
	Remember func(ctx context.Context, connection string, p Profile)
	Forget   func(ctx context.Context, connection string)
	// Learnt is what Connections.Learnt said last before this start, or nothing.
	// Optional.
	Learnt func(ctx context.Context) []Learnt
}

// Profile is what is known of a connection besides its grant.
type Profile struct {
	Person        Person         `json:"person"`
	Organisations []Organisation `json:"organisations"`
}

// Connections is the set of sign-ins. Its methods are safe for concurrent use.
type Connections struct {
	cfg    Config
	api    *url.URL
	base   http.RoundTripper
	http   *http.Client // over base, following no redirect
	log    *slog.Logger
	limits limits
	work   sync.WaitGroup // what must not be cut short: renewals, saves, sign-ins, disconnects

	accepting sync.Mutex // one sign-in at a time becomes a connection
	adopting  sync.Mutex // one at a time is taken over

	keychain sync.Mutex // held over writes of index and records; guards ids
	ids      []string   // the index as it is in the keychain

	mu        sync.Mutex // held for moments only, never over a call to anybody
	app       App
	known     *issuer
	skew      time.Duration
	skewAt    time.Time
	skewKnown bool
	loaded    bool
	running   context.Context   // from Run's start to its end
	closing   bool              // nothing new is begun
	problem   *Problem          // while starting, or of the last failed sign-in
	sessions  []*Session        // by id
	leaving   []*Session        // disconnected here, and Xero is still to be told
	elsewhere map[string]string // ids of sign-ins with other issuers, and those; never changed in place
	attempts  map[attemptKey]*attempt
	settling  int // attempts whose callback came and has not been dealt with yet
	published Status
	changed   chan struct{} // closed when published is replaced
}

// New checks cfg and makes the set. Nothing is read or sent before Run.
func New(cfg Config) (*Connections, error) {
	if err := CheckAddress(cfg.Issuer); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", cfg.Issuer, err)
	}
	if err := CheckAddress(cfg.API); err != nil {
		return nil, fmt.Errorf("API %q: %w", cfg.API, err)
	}
	api, err := url.Parse(cfg.API)
	if err != nil {
		return nil, err
	}
	c := &Connections{
		cfg:      cfg,
		api:      api,
		base:     cfg.HTTP,
		log:      cfg.Log.With("part", "xero"),
		app:      cfg.App,
		attempts: map[attemptKey]*attempt{},
		changed:  make(chan struct{}),
	}
	if c.base == nil {
		way := DefaultTransport()
		way.ResponseHeaderTimeout = 0 // send and http keep the time themselves
		c.base = way
	}
	c.http = &http.Client{
		Transport:     c.base,
		Timeout:       tokenTimeout, // go-oidc fetches keys without one
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.published = c.statusLocked()
	return c, nil
}

// Run reads the grants from the keychain, trying again until it opens, and then
// keeps them renewed until ctx ends. It returns after the last save, at most ten
// seconds after ctx.
func (c *Connections) Run(ctx context.Context) error {
	c.mu.Lock()
	c.running = ctx
	c.mu.Unlock()
	c.load(ctx)
	<-ctx.Done()
	c.finish()
	return nil
}

// begin announces work that the end waits for; false after the end has begun. The
// caller ends it with work.Done.
func (c *Connections) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.work.Add(1)
	}
	return !c.closing
}

// finish waits for renewals under way, and saves what is not saved.
func (c *Connections) finish() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.work.Wait()
	}()
	select {
	case <-done:
	case <-time.After(lastSaveTimeout):
		c.log.Error("a sign-in could not be saved before the end")
	}
}

const lastSaveTimeout = 10 * time.Second

// addLocked takes s into the set and starts its loop.
func (c *Connections) addLocked(s *Session) {
	if s.grant.Leaving {
		c.leaving = append(c.leaving, s)
	} else {
		c.sessions = append(c.sessions, s)
		slices.SortFunc(c.sessions, func(a, b *Session) int { return strings.Compare(a.id, b.id) })
	}
	ctx, stop := context.WithCancel(c.running)
	s.stop = stop
	c.work.Go(func() { s.loop(ctx) })
}

// App is the app that the next sign-in uses, its Secret left out.
func (c *Connections) App() App {
	c.mu.Lock()
	defer c.mu.Unlock()
	return App{ClientID: c.app.ClientID, Scopes: slices.Clone(c.app.Scopes)}
}

// SetApp changes the app for the sign-ins to come and keeps its secret, if any,
// in the keychain. Connections made through another app go on as they are.
func (c *Connections) SetApp(ctx context.Context, app App) error {
	if !app.Secret.IsZero() {
		if err := c.cfg.Keystore.Set(ctx, clientSecretItem+strings.ToLower(app.ClientID), app.Secret); err != nil {
			return keystoreError(err)
		}
	} else {
		kept, err := c.clientSecret(ctx, app.ClientID)
		if err != nil {
			return keystoreError(err)
		}
		app.Secret = kept
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.app = app
	return nil
}

// RedirectURI is the address that Xero sends people back to.
func (c *Connections) RedirectURI() string { return c.cfg.RedirectURI }

// API is where Xero's API is: what Session.Transport sends to.
func (c *Connections) API() *url.URL {
	u := *c.api
	return &u
}

// LoginHost is where the browser goes to sign in, scheme and host, or "" while a
// foreign issuer was not asked yet.
func (c *Connections) LoginHost() string {
	found := xeroEndpoints
	if c.cfg.Issuer != XeroIssuer {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.known == nil {
			return ""
		}
		found = c.known.endpoints
	}
	scheme, rest, ok := strings.Cut(found.Authorize, "://") // no url.Parse: every request asks
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return found.Authorize[:len(scheme)+len("://")+len(rest)]
}

// Find returns the session that reaches the organisation; of several the one that
// stands best. Ids are compared without case.
func (c *Connections) Find(tenantID string) (*Session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.findLocked(tenantID)
}

func (c *Connections) findLocked(tenantID string) (*Session, bool) {
	var found *Session
	for _, s := range c.sessions {
		if s.reachesLocked(tenantID) && (found == nil || badness[s.state] < badness[found.state]) {
			found = s
		}
	}
	return found, found != nil
}

// Get returns the session with this id.
func (c *Connections) Get(id string) (*Session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.sessions, func(s *Session) bool { return s.id == id })
	if i < 0 {
		return nil, false
	}
	return c.sessions[i], true
}

// attemptsDueLocked drops the attempts that are too late.
func (c *Connections) attemptsDueLocked(now time.Time) {
	maps.DeleteFunc(c.attempts, func(_ attemptKey, a *attempt) bool { return !now.Before(a.expires) })
}
