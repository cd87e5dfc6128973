package xero

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"financial-command-center/keystore"
)

// Session is one connection: one person's sign-in to one Xero app. Its methods are
// safe for concurrent use.
type Session struct {
	set  *Connections
	id   string
	wake chan struct{} // one slot: look again what is due
	stop context.CancelFunc

	// Guarded by set.mu.
	grant      grant
	access     access
	profile    Profile
	state      State
	since      time.Time
	problem    *Problem // why state is not Connected
	shut       *Problem // what the keychain said to a save
	renewal    *renewal // under way
	lastTry    time.Time
	nextTry    time.Time // while retrying, or leaving
	failures   int       // renewals in a row that failed
	failing    time.Time // when the first of them was
	jitter     float64   // of this access token's renewal, -1 to 1
	putOff     bool      // the keychain takes no writes: renew at the last minute
	unsaved    bool      // grant is newer than its record
	nextSave   time.Time
	looked     time.Time // when the organisations were last asked for
	looks      int       // how often they were
	shown      int       // which of these answers is shown
	lookFailed bool
	refused    keystore.Secret // the last access token that Xero refused
	distrusted time.Time       // when Xero refused a token that was renewed because it refused one

	// Guarded by set.keychain.
	gone    bool            // the record is deleted for good
	spoiled keystore.Secret // what is in the place of the record, and is not kept aside yet
}

func newSession(c *Connections, id string) *Session {
	return &Session{set: c, id: id, wake: make(chan struct{}, 1), state: Connected, since: time.Now()}
}

// ID names the connection, and its keychain item.
func (s *Session) ID() string { return s.id }

func (s *Session) setStateLocked(state State) {
	if s.state != state {
		s.state, s.since = state, time.Now()
	}
}

// endLocked is for a grant that only a person can replace.
func (s *Session) endLocked(p Problem) {
	s.setStateLocked(NeedsLogin)
	s.problem = &p
	s.access = access{}
}

func (s *Session) reachesLocked(tenantID string) bool {
	return slices.ContainsFunc(s.profile.Organisations, func(o Organisation) bool {
		return strings.EqualFold(o.TenantID, tenantID)
	})
}

// nudge makes the loop look at once.
func (s *Session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// AccessToken is what opens Xero's API for half an hour.
type AccessToken struct {
	Token   keystore.Secret
	Expires time.Time
}

// Token returns an access token that is good now, renewing it when it must. It
// waits for a renewal no longer than ctx or 34 seconds, and fails with CodeNeedsLogin,
// CodeUnreachable, CodeLoginFailed (Xero refuses the app) or
// CodeKeystoreUnavailable.
func (s *Session) Token(ctx context.Context) (AccessToken, error) {
	return s.token(ctx, time.Now().Add(patience), keystore.Secret{})
}

// token is Token with a deadline for the wait; refused is a token that will not do. While
// another takes its place nobody else is given that one: each would be refused too, and
// Xero counts what it refuses. If none comes, it is worth what it was.
func (s *Session) token(ctx context.Context, deadline time.Time, refused keystore.Secret) (AccessToken, error) {
	var enough *time.Timer
	for {
		s.set.mu.Lock()
		if s.state == NeedsLogin || s.grant.Leaving {
			defer s.set.mu.Unlock()
			return AccessToken{}, needsLoginError(s.problem)
		}
		usable := s.access.usable(time.Now()) && (refused.IsZero() || !s.access.token.Equal(refused))
		doubted := usable && s.renewal != nil && s.access.token.Equal(s.refused)
		if usable && !doubted {
			defer s.set.mu.Unlock()
			return AccessToken{s.access.token, s.access.expires()}, nil
		}
		reason := ReasonExpired
		if !refused.IsZero() {
			reason, s.refused = ReasonRefused, refused
		}
		r, err := s.renewLocked(reason)
		s.set.mu.Unlock()
		if err != nil {
			return AccessToken{}, err
		}
		if enough == nil {
			enough = time.NewTimer(time.Until(deadline))
			defer enough.Stop()
		}
		select {
		case <-r.done:
			if r.err != nil && !doubted {
				return AccessToken{}, r.err
			}
		case <-enough.C:
			return AccessToken{}, unreachable(context.DeadlineExceeded)
		case <-ctx.Done():
			return AccessToken{}, ctx.Err()
		}
	}
}

// longestSleep bounds how late a sleep of the machine or a jump of its clock is seen.
const longestSleep = 30 * time.Second

// loop does what is due until ctx ends.
func (s *Session) loop(ctx context.Context) {
	defer s.saveAtEnd()
	for {
		before := time.Now()
		s.step(ctx)
		timer := time.NewTimer(s.sleep(time.Now()))
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
		if jumped(before, time.Now()) {
			s.set.log.Info("the clock jumped or the machine slept", "connection", s.id)
			s.set.http.CloseIdleConnections()
			s.hurry()
		}
	}
}

// hurry makes what waits for its next try due now.
func (s *Session) hurry() {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	s.nextTry = time.Now()
}

// jumped reports whether the clocks disagree about the time between two readings,
// or much more went by than a loop ever sleeps.
func jumped(before, now time.Time) bool {
	mono, wall := now.Sub(before), now.Round(0).Sub(before.Round(0))
	return (wall-mono).Abs() > 10*time.Second || mono > 2*longestSleep+tokenTimeout
}

// step does the one thing that is due, and waits for it.
func (s *Session) step(ctx context.Context) {
	now := time.Now()
	s.set.mu.Lock()
	s.set.publishLocked() // a shortage of calls ends with time alone
	switch {
	case s.unsaved && !now.Before(s.nextSave):
		s.set.mu.Unlock()
		s.saveAgain(ctx)
		return
	case s.grant.Leaving:
		s.set.mu.Unlock()
		s.leaveStep(ctx, now)
		return
	case s.state != NeedsLogin && !now.Before(s.renewAtLocked(now)):
		r, err := s.renewLocked(s.reasonLocked(now))
		s.set.mu.Unlock()
		if err == nil {
			select {
			case <-r.done:
			case <-ctx.Done():
			}
		}
		return
	case s.state == Connected && s.lookFailed && !now.Before(s.looked.Add(lookPause)):
		s.set.mu.Unlock()
		s.look(ctx)
		return
	}
	s.set.mu.Unlock()
}

// sleep is how long nothing will be due.
func (s *Session) sleep(now time.Time) time.Duration {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	next := now.Add(longestSleep)
	earlier := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if s.unsaved {
		earlier(s.nextSave)
	}
	if s.grant.Leaving {
		earlier(s.nextTry)
	} else if s.state != NeedsLogin {
		earlier(s.renewAtLocked(now))
	}
	return max(next.Sub(now), 10*time.Millisecond)
}

// A grant is renewed at least this often while FCC runs, whatever the life of its
// access tokens: 60 days without a renewal end it.
const keepAlive = 24 * time.Hour

// renewAtLocked is when the next renewal is due: at about two thirds of the access
// token's life. Times are the wall clock's, as far as token ages are.
func (s *Session) renewAtLocked(now time.Time) time.Time {
	if s.renewal != nil {
		return now.Add(longestSleep)
	}
	switch {
	case s.putOff:
		last := now.Add(s.access.left(now) - s.access.lastMinute())
		if last.Before(s.nextTry) {
			return last
		}
		return s.nextTry
	case s.state == Retrying:
		return s.nextTry
	case s.access.token.IsZero():
		return now
	}
	return now.Add(s.dueLocked() - s.access.age(now))
}

// dueLocked is the age of the access token at which it is renewed.
func (s *Session) dueLocked() time.Duration {
	return min(time.Duration(float64(s.access.life)*(0.66+0.04*s.jitter)), keepAlive)
}

func (s *Session) reasonLocked(now time.Time) string {
	switch {
	case s.access.token.IsZero():
		return ReasonStart
	case !s.access.usable(now):
		return ReasonExpired
	case s.access.age(now) >= keepAlive:
		return ReasonKeepAlive
	}
	return ReasonAhead
}

// backoff is one second, doubling to thirty, give or take a fifth.
func backoff(failures int) time.Duration {
	d := min(time.Second<<min(failures, 5), 30*time.Second)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
