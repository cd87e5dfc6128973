package xero

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"financial-command-center/assets/words"
)

const (
	attemptLife = 10 * time.Minute
	attemptsMax = 8 // open at a time, for one owner
)

// attemptKey is the hash of a state: looking it up tells nothing by its time.
type attemptKey [sha256.Size]byte

// attempt is a sign-in that waits for the browser to come back.
type attempt struct {
	owner, next string
	nonce       string
	verifier    string
	app         App
	expires     time.Time
	abandoned   bool // the browser that began it does not wait any more
}

// Attempt is a sign-in that has begun.
type Attempt struct {
	URL     string // where the browser goes; holds the state, so not for logs
	Expires time.Time
}

// Begin starts a sign-in for owner (a browser session; at most 8 open each) that
// ends at next, a local path, and asks for more scopes besides the app's own: what
// was consented to stays so (Xero adds consents up). It fails with CodeKeystoreUnavailable before the
// keychain was read, CodeLoginFailed without a client id, CodeAttemptsFull, or
// CodeUnreachable when the issuer's endpoints cannot be found.
func (c *Connections) Begin(ctx context.Context, owner, next string, more ...string) (Attempt, error) {
	issuer, err := c.issuer(ctx)
	if err != nil {
		return Attempt{}, unreachable(err)
	}
	now := time.Now()
	state := rand.Text() + rand.Text() // 260 bits
	a := &attempt{
		owner: owner, next: next, nonce: rand.Text(),
		verifier: oauth2.GenerateVerifier(), expires: now.Add(attemptLife),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attemptsDueLocked(now)
	a.app = c.app
	a.app.Scopes = slices.Clone(c.app.Scopes)
	for _, scope := range more {
		if !slices.Contains(a.app.Scopes, scope) {
			a.app.Scopes = append(a.app.Scopes, scope)
		}
	}
	switch {
	case !c.loaded:
		return Attempt{}, &Error{Problem: startingProblem(c.problem)}
	case a.app.ClientID == "":
		return Attempt{}, &Error{Problem: problem(CodeLoginFailed, words.Say("xero.login.no-app"), words.Say("xero.login.no-app-action"))}
	case len(c.openLocked(owner)) >= attemptsMax:
		return Attempt{}, &Error{Problem: problem(CodeAttemptsFull, words.Say("xero.login.full"), words.Say("xero.login.full-action"))}
	}
	c.attempts[sha256.Sum256([]byte(state))] = a
	time.AfterFunc(attemptLife, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.attemptsDueLocked(time.Now())
		c.publishLocked()
	})
	c.publishLocked()
	return Attempt{c.oauth(issuer, a.app).AuthCodeURL(state, oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)), a.expires}, nil
}

func startingProblem(p *Problem) Problem {
	if p != nil {
		return *p
	}
	return problem(CodeKeystoreUnavailable, words.Say("xero.starting.message"), words.Say("xero.starting.action"))
}

func (c *Connections) oauth(i *issuer, app App) *oauth2.Config {
	return &oauth2.Config{
		ClientID: app.ClientID, RedirectURL: c.cfg.RedirectURI, Scopes: app.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: i.endpoints.Authorize, TokenURL: i.endpoints.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
}

// Abandon ends the open attempts of owner. When Xero sends the browser back all the
// same, Finish says that it was cancelled here.
func (c *Connections) Abandon(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.openLocked(owner)
	maps.DeleteFunc(c.attempts, func(_ attemptKey, a *attempt) bool { return a.owner == owner && a.abandoned })
	for _, a := range open {
		a.abandoned = true
	}
	c.publishLocked()
}

// Waiting is since when owner's oldest open attempt waits for Xero; zero when none
// does.
func (c *Connections) Waiting(owner string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attemptsDueLocked(time.Now())
	var since time.Time
	for _, a := range c.openLocked(owner) {
		if begun := a.expires.Add(-attemptLife); since.IsZero() || begun.Before(since) {
			since = begun
		}
	}
	return since
}

// openLocked are the attempts that owner waits for; of anybody, with "".
func (c *Connections) openLocked(owner string) (open []*attempt) {
	for _, a := range c.attempts {
		if !a.abandoned && (owner == "" || a.owner == owner) {
			open = append(open, a)
		}
	}
	return open
}

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

// Finish ends the attempt that cb.State names. CodeBadState: none, spent, late or
// abandoned; nothing was changed and nobody called. On any other error the attempt is
// spent, SignIn has its Owner and Next, and what was connected before stays so.
//
// Once the state was found the exchange goes on even if ctx ends: a code that Xero
// has seen works only once.
func (c *Connections) Finish(ctx context.Context, cb Callback) (SignIn, error) {
	a := c.take(cb.State)
	switch {
	case a != nil && a.abandoned:
		return SignIn{}, &Error{Problem: problem(CodeBadState, words.Say("xero.login.abandoned"), words.Say("xero.login.abandoned-action"))}
	case a == nil:
		return SignIn{}, &Error{Problem: problem(CodeBadState, words.Say("xero.login.bad-state"), words.Say("xero.login.bad-state-action"))}
	}
	defer c.settled()
	done := SignIn{Owner: a.owner, Next: a.next}
	if !c.begin() {
		return done, &Error{Problem: problem(CodeLoginFailed, words.Say("xero.stopping.message"), words.Say("xero.stopping.sign-in"))}
	}
	defer c.work.Done()
	s, isNew, err := c.signIn(context.WithoutCancel(ctx), a, cb)
	if err != nil {
		e := loginError(err)
		c.log.Warn("sign-in failed", "err", err)
		c.mu.Lock()
		c.problem = &e.Problem
		c.publishLocked()
		c.mu.Unlock()
		return done, e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	done.Connection, done.New = s.id, isNew
	done.Organisations = append(done.Organisations, s.profile.Organisations...)
	return done, nil
}

// settled ends what take began.
func (c *Connections) settled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settling--
	c.publishLocked()
}

// take spends the attempt with this state. Whoever watches sees a sign-in under
// way until it is settled.
func (c *Connections) take(state string) *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attemptsDueLocked(time.Now())
	key := attemptKey(sha256.Sum256([]byte(state)))
	a := c.attempts[key]
	if a != nil {
		delete(c.attempts, key)
	}
	if a != nil && !a.abandoned {
		c.settling++
	}
	c.publishLocked()
	return a
}

// signIn turns a callback into a connection. The grant is in the keychain before
// the access token is used for anything.
func (c *Connections) signIn(ctx context.Context, a *attempt, cb Callback) (s *Session, isNew bool, err error) {
	switch {
	case cb.Issuer != "" && cb.Issuer != c.cfg.Issuer: // RFC 9207
		return nil, false, errors.New("the callback names another issuer")
	case cb.Error != "":
		return nil, false, &answerError{code: oauthCode(cb.Error), detail: errors.New("said in the callback")}
	case cb.Code == "":
		return nil, false, errors.New("the callback has no code")
	}
	issuer, err := c.issuer(ctx)
	if err != nil {
		return nil, false, unreachable(err)
	}
	got, err := c.tokenRequest(ctx, issuer.endpoints.Token, a.app.ClientID, a.app.Secret, url.Values{
		"grant_type": {"authorization_code"}, "code": {cb.Code},
		"redirect_uri": {c.cfg.RedirectURI}, "code_verifier": {a.verifier},
	})
	if err != nil {
		return nil, false, err
	}
	id, err := c.checkIDToken(ctx, issuer, a.app.ClientID, got.IDToken)
	if err != nil {
		return nil, false, err
	}
	if id.Nonce != a.nonce {
		return nil, false, errors.New("id token: it is not for this sign-in (nonce)")
	}
	if got.RefreshToken.IsZero() {
		return nil, false, &Error{Problem: problem(CodeLoginFailed, words.Say("xero.login.short"), words.Say("xero.login.short-action"))}
	}
	s, isNew = c.accept(ctx, id, got, grant{ClientID: a.app.ClientID})
	s.begun(ctx)
	return s, isNew, nil
}

// begun is what follows on a grant's being accepted.
func (s *Session) begun(ctx context.Context) {
	s.remember(ctx)
	s.look(ctx)
	s.nudge()
}

// accept puts a new grant in the place of the same person's old one, or adds a
// connection. It saves the grant before anybody can see the access token. Of g it
// takes what it cannot know.
func (c *Connections) accept(ctx context.Context, id identity, got answer, g grant) (s *Session, isNew bool) {
	c.accepting.Lock() // two tabs of one person are one connection
	defer c.accepting.Unlock()
	g.Issuer, g.Subject = c.cfg.Issuer, id.key()
	g.RefreshToken, g.Issued = got.RefreshToken.Reveal(), time.Now().UTC().Truncate(time.Second)
	c.mu.Lock()
	for _, other := range c.sessions {
		if other.grant.sameOwner(g.Issuer, g.ClientID, g.Subject) || s == nil && other.damagedLocked(id.person()) {
			s = other
		}
	}
	if isNew = s == nil; isNew {
		s = newSession(c, newID())
	}
	s.grant = g
	c.mu.Unlock()

	saveErr := c.save(ctx, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.access, s.profile.Person = got.access(), id.person()
	s.setStateLocked(Connected)
	s.problem, s.failures, s.failing, s.putOff = nil, 0, time.Time{}, false
	c.problem = nil
	if saveErr != nil {
		s.unsavedLocked(saveErr)
	}
	if isNew {
		c.addLocked(s)
	}
	c.publishLocked()
	return s, isNew
}

// damagedLocked reports whether this is what is left of p's sign-in after its
// record was damaged, as far as that can be known.
func (s *Session) damagedLocked(p Person) bool {
	was := s.profile.Person
	return s.grant.RefreshToken == "" && (was == Person{} || strings.EqualFold(was.Email, p.Email))
}

// loginError puts a failed sign-in into words.
func loginError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	failed := func(message, action string) *Error {
		return &Error{Problem: problem(CodeLoginFailed, message, action), Err: err}
	}
	a, answered := errors.AsType[*answerError](err)
	switch {
	case answered && a.code == "access_denied":
		return failed(words.Say("xero.login.cancelled"), words.Say("xero.login.cancelled-action"))
	case answered && a.code == "invalid_grant":
		return failed(words.Say("xero.login.late"), words.Say("xero.login.late-action"))
	case RefusedApp(err) == "invalid_client": // and the authorize page knew the id
		return failed(words.Say("xero.login.web-app"), words.Say("xero.login.web-app-action"))
	case RefusedApp(err) != "":
		return &Error{Problem: refusedApp(err), Err: err}
	case errors.Is(err, errClock):
		return failed(words.Say("xero.login.clock"), words.Say("xero.login.clock-action"))
	case answered && a.code != "":
		return failed(words.Say("xero.login.refused"), words.Say("xero.login.refused-action", "Word", a.code))
	case answered:
		return failed(words.Say("xero.login.trouble", "Why", a.words()), words.Say("xero.login.trouble-action"))
	case isNetwork(err):
		return failed(words.Say("xero.login.unreachable", "Message", unreachable(err).Message), words.Say("xero.login.unreachable-action"))
	}
	return failed(words.Say("xero.login.unproven"), words.Say("xero.login.unproven-action"))
}
