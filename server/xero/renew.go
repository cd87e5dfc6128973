package xero

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime/debug"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
)

// Why a renewal was tried.
const (
	ReasonStart     = "start"      // FCC has just started
	ReasonAhead     = "ahead"      // before the access token ends
	ReasonExpired   = "expired"    // the access token had ended
	ReasonRefused   = "refused"    // Xero refused the access token
	ReasonKeepAlive = "keep_alive" // the grant was not renewed for a day
)

// How a renewal ended.
const (
	OutcomeRenewed  = "renewed"
	OutcomeUnsaved  = "unsaved"  // renewed, and the keychain did not take the new grant yet
	OutcomeRetrying = "retrying" // Xero could not be reached, or refused the app
	OutcomeEnded    = "ended"    // Xero has ended the grant
	OutcomeReplaced = "replaced" // a new sign-in came in between
	OutcomePutOff   = "put_off"  // the keychain takes no writes: nothing was sent
)

// Outcomes are all of them.
var Outcomes = []string{OutcomeRenewed, OutcomeUnsaved, OutcomeRetrying, OutcomeEnded, OutcomeReplaced, OutcomePutOff}

// Renewal is one attempt to renew a grant.
type Renewal struct {
	Connection string
	At         time.Time
	Outcome    string
	Reason     string
}

// renewal is one that is under way. Callers wait for done; nobody who stops
// waiting stops it.
type renewal struct {
	done chan struct{}
	err  error // to be read after done
}

const (
	retryPause   = time.Second     // between two tries, whoever asks
	savePause    = 5 * time.Second // between two tries to save
	settingPause = 5 * time.Minute // after Xero refused the app
)

// renewLocked joins the renewal under way, or starts one. It is started under the
// lock, so that there is never a second.
func (s *Session) renewLocked(reason string) (*renewal, error) {
	if s.renewal != nil {
		return s.renewal, nil
	}
	running := s.set.running
	if running == nil || s.set.closing {
		return nil, &Error{Problem: problem(CodeUnreachable, words.Say("xero.stopping.message"), words.Say("xero.stopping.action"))}
	}
	r := &renewal{done: make(chan struct{})}
	s.renewal = r
	wait := time.Until(s.lastTry.Add(retryPause))
	s.set.work.Go(func() {
		if wait > 0 {
			select {
			case <-time.After(min(wait, retryPause)):
			case <-running.Done():
			}
		}
		// Not cancelled with FCC: an answer that came must be saved.
		outcome, err := s.renew(context.WithoutCancel(running), reason)
		s.set.log.Info("renewal", "connection", s.id, "reason", reason, "outcome", outcome, "err", err)
		if s.set.cfg.OnRenewal != nil {
			s.set.cfg.OnRenewal(Renewal{s.id, time.Now(), outcome, reason})
		}
		s.set.mu.Lock()
		s.renewal, r.err = nil, err
		s.set.publishLocked()
		s.set.mu.Unlock()
		close(r.done)
		s.nudge()
		if err == nil {
			s.look(running)
		}
	})
	return r, nil
}

// renew buys a new pair of tokens and saves the refresh token before anybody sees
// the access token.
//
// A panic in the calls that it makes, to the keychain and to Xero, is an error of that
// call. What Xero has answered by then is not lost with it.
func (s *Session) renew(ctx context.Context, reason string) (outcome string, err error) {
	now := time.Now()
	s.set.mu.Lock()
	s.lastTry = now
	old := s.grant
	waits := reason != ReasonRefused && s.access.left(now) > s.access.lastMinute()
	s.set.mu.Unlock()

	if err := s.mark(ctx, now); err != nil && waits {
		p := keystoreError(err)
		s.set.mu.Lock()
		defer s.set.mu.Unlock()
		s.shut, s.putOff, s.nextTry = &p.Problem, true, now.Add(longestSleep)
		return OutcomePutOff, p
	}
	got, err := s.refresh(ctx, old)
	if deadGrant(err) {
		switch newer, found, readErr := s.reread(ctx, old); {
		case readErr != nil:
			err = readErr
		case found:
			old = newer
			got, err = s.refresh(ctx, newer)
		}
	}
	if err != nil {
		return s.failed(old, err)
	}
	return s.renewed(ctx, old, got), nil
}

// replacedLocked reports whether a sign-in put another grant in the place of the
// one a renewal was sent with; what came of that renewal is then of no interest.
func (s *Session) replacedLocked(sent string) bool { return s.grant.RefreshToken != sent }

// mark writes the record with the time of the renewal: it proves that the keychain
// takes writes before Xero replaces the token that is in it.
func (s *Session) mark(ctx context.Context, now time.Time) error {
	s.set.mu.Lock()
	s.grant.Renewing = now.UTC().Truncate(time.Second)
	s.set.mu.Unlock()
	return s.set.save(ctx, s)
}

// reread looks whether the keychain holds another refresh token than the refused
// one, and takes it. A keychain that cannot be read has not said that it does not.
func (s *Session) reread(ctx context.Context, refused grant) (newer grant, found bool, err error) {
	defer s.set.caught(&err)
	text, err := s.set.cfg.Keystore.Get(ctx, grantItem+s.id)
	if errors.Is(err, keystore.ErrNotFound) {
		return grant{}, false, nil
	}
	if err != nil {
		return grant{}, false, err
	}
	kept, err := decodeGrant(text)
	if err != nil || kept.RefreshToken == refused.RefreshToken || !kept.sameOwner(refused.Issuer, refused.ClientID, refused.Subject) {
		return grant{}, false, nil
	}
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	if s.replacedLocked(refused.RefreshToken) {
		return grant{}, false, nil
	}
	kept.Leaving = s.grant.Leaving
	s.grant = kept
	return kept, true, nil
}

func (s *Session) refresh(ctx context.Context, g grant) (got answer, err error) {
	defer s.set.caught(&err)
	issuer, err := s.set.issuer(ctx)
	if err != nil {
		return answer{}, err
	}
	secret, err := s.set.secretFor(ctx, g.ClientID)
	if err != nil {
		return answer{}, err
	}
	return s.set.tokenRequest(ctx, issuer.endpoints.Token, g.ClientID, secret, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken},
	})
}

// caught makes a panic the error of the function that it is deferred by: nobody above a
// session's own goroutines recovers, and it would be the end of FCC. What that function
// holds has to be given back by defer.
func (c *Connections) caught(err *error) {
	if v := recover(); v != nil {
		c.log.Error("panic", "value", v, "stack", string(debug.Stack()))
		*err = fmt.Errorf("panic: %v", v)
	}
}

// secretFor is the secret of the app a grant was made with.
func (c *Connections) secretFor(ctx context.Context, clientID string) (keystore.Secret, error) {
	c.mu.Lock()
	app := c.app
	c.mu.Unlock()
	if app.ClientID == clientID {
		return app.Secret, nil
	}
	return c.clientSecret(ctx, clientID)
}

// renewed takes an answer: grant first, to the keychain, then the access token.
func (s *Session) renewed(ctx context.Context, sent grant, got answer) string {
	s.set.mu.Lock()
	if s.replacedLocked(sent.RefreshToken) {
		s.set.mu.Unlock()
		return OutcomeReplaced
	}
	if !got.RefreshToken.IsZero() {
		s.grant.RefreshToken = got.RefreshToken.Reveal()
	}
	s.grant.Issued, s.grant.Renewing = time.Now().UTC().Truncate(time.Second), time.Time{}
	saving := s.grant.RefreshToken
	s.set.mu.Unlock()
	saveErr := s.set.save(ctx, s)

	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	if s.replacedLocked(saving) {
		return OutcomeReplaced
	}
	scopes := s.access.scopes
	s.access = got.access()
	if len(s.access.scopes) == 0 {
		s.access.scopes = scopes
	}
	s.setStateLocked(Connected)
	s.failures, s.failing, s.problem, s.putOff = 0, time.Time{}, nil, false
	s.jitter = 2*rand.Float64() - 1
	if saveErr != nil {
		s.unsavedLocked(saveErr)
		return OutcomeUnsaved
	}
	return OutcomeRenewed
}

// unsavedLocked notes that the keychain holds an older grant than we do.
func (s *Session) unsavedLocked(err error) {
	s.set.log.Error("a sign-in was not saved; trying again", "connection", s.id, "err", err)
	p := keystoreError(err).Problem
	s.unsaved, s.shut, s.nextSave = true, &p, time.Now().Add(savePause)
}

// failed settles what a refusal or an outage means.
func (s *Session) failed(sent grant, err error) (string, error) {
	now := time.Now()
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	if s.replacedLocked(sent.RefreshToken) {
		return OutcomeReplaced, nil
	}
	s.putOff = false
	if deadGrant(err) {
		why := words.Say("xero.needs-login.told", "Day", day(now))
		if by := s.grant.renewBy(); now.After(by) {
			why = words.Say("xero.needs-login.unused", "Day", day(by))
		}
		p := needsLogin(why)
		s.endLocked(p)
		return OutcomeEnded, &Error{Problem: p, Err: err}
	}
	var e *Error
	pause := backoff(s.failures)
	var a *answerError
	switch {
	case isKeystore(err):
		e = keystoreError(err)
	case RefusedApp(err) != "":
		e = &Error{Problem: refusedApp(err), Err: err}
		pause = settingPause
	default:
		e = unreachable(err)
		if errors.As(err, &a) {
			pause = max(pause, min(a.retryAfter, settingPause))
		}
	}
	s.failures++
	if s.failing.IsZero() {
		s.failing = now
	}
	if now.Round(0).Sub(s.failing.Round(0)) > 24*time.Hour {
		e.Message = words.Say("xero.lasting.message", "Message", e.Message, "Since", day(s.failing), "By", day(s.grant.renewBy()))
	}
	s.nextTry = now.Add(pause)
	s.setStateLocked(Retrying)
	s.problem = &e.Problem
	return OutcomeRetrying, e
}

// refusedApp says that the settings of the Xero app are wrong. The grant stays.
func refusedApp(err error) Problem {
	switch RefusedApp(err) {
	case "invalid_client":
		return problem(CodeLoginFailed, words.Say("xero.app.unknown"), words.Say("xero.app.unknown-action"))
	case "invalid_scope":
		return problem(CodeLoginFailed, words.Say("xero.app.scopes"), words.Say("xero.app.scopes-action"))
	}
	return problem(CodeLoginFailed, words.Say("xero.app.message"), words.Say("xero.app.action"))
}

// isKeystore reports whether a keychain failed, not the network.
func isKeystore(err error) bool {
	for _, kind := range []error{keystore.ErrLocked, keystore.ErrAbsent, keystore.ErrPolicy, keystore.ErrTimeout, keystore.ErrFailed, keystore.ErrDamaged, keystore.ErrTooBig} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// saveAgain tries the save that failed.
func (s *Session) saveAgain(ctx context.Context) {
	err := s.set.save(context.WithoutCancel(ctx), s)
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	if err != nil {
		s.unsavedLocked(err)
	}
	s.set.publishLocked()
}

// saveAtEnd is the last chance of a grant that is not saved: what is lost here
// costs a sign-in once Xero's half hour of grace is over. A renewal under way may
// bring one.
func (s *Session) saveAtEnd() {
	s.set.mu.Lock()
	r := s.renewal
	s.set.mu.Unlock()
	if r != nil {
		<-r.done
	}
	for end := time.Now().Add(lastSaveTimeout); time.Now().Before(end); time.Sleep(retryPause / 2) {
		s.set.mu.Lock()
		unsaved := s.unsaved
		s.set.mu.Unlock()
		if !unsaved {
			return
		}
		s.saveAgain(context.Background())
	}
}
