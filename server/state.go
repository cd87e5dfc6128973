package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// Intervals of Run.
const (
	tickEvery     = time.Minute
	sweepEvery    = time.Hour
	retryKeychain = 10 * time.Second // at most
)

// Run opens what the routes need, trying again while the keychain is shut, and
// looks after it until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	if err := s.openState(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer s.closeState()
	s.exports.sweep()
	defer s.exports.close()
	var beside sync.WaitGroup // what uses the state too
	beside.Go(func() { s.backupTokens(ctx) })
	beside.Go(func() { _ = s.books.Run(ctx) })
	beside.Go(func() { s.tidyExports(ctx) })
	beside.Go(func() { s.watchKeys(ctx) })
	defer beside.Wait()
	if err := errors.Join(s.loadKeyDay(ctx), s.loadKeys(ctx)); err != nil {
		s.stateIs(err)
	}
	if !s.openSessions(ctx) {
		return nil
	}
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var swept time.Time // who runs FCC for less than an hour at a time has it swept too
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			s.approvals.mu.Lock()
			s.approvals.end()
			s.approvals.mu.Unlock()
			s.approvals.busy.Wait()
			for len(s.renewals) > 0 {
				s.keepRenewal(last, <-s.renewals)
			}
			s.settle(last)
			return nil
		case r := <-s.renewals:
			s.keepRenewal(ctx, r)
		case <-s.calls.full:
			s.stateIs(s.flushCalls(ctx))
		case <-tick.C:
			s.settle(ctx)
			if now := time.Now(); now.Sub(swept) >= sweepEvery {
				swept = now
				s.sweep(ctx, now)
			}
		}
	}
}

// openState opens the database, or an empty one in memory where it cannot: a
// damaged file or a full disk must not stop the gateway.
func (s *Server) openState(ctx context.Context) error {
	defer close(s.opened)
	var err error
	if s.cfg.StatePath != "" {
		if s.state, err = store.Open(ctx, s.cfg.StatePath); err == nil {
			s.stateTrouble.is(nil)
			return nil
		}
		p := stateFailure(err).Problem
		s.log.Error("state database not opened; sessions go on in memory", "err", err)
		s.stateLost.is(&p)
	}
	if s.state, err = store.OpenMemory(ctx); err != nil {
		return fmt.Errorf("state in memory: %w", err)
	}
	return nil
}

// closeState waits for the requests under way: they use the state.
func (s *Server) closeState() {
	s.serving.Lock()
	defer s.serving.Unlock()
	if err := s.state.Close(); err != nil {
		s.log.Warn("state database not closed", "err", err)
	}
}

// openedState is the open database, or the reason for not having it. It waits for Run to
// have opened it.
func (s *Server) openedState(ctx context.Context) (*store.Store, error) {
	select {
	case <-s.opened:
		if s.state == nil {
			return nil, fail(codeStateUnavailable)
		}
		return s.state, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openSessions reads the session secret, for as long as it takes, and then lets
// sessions and keys in. It reports whether it came to that before ctx ended.
func (s *Server) openSessions(ctx context.Context) bool {
	firstLook := sync.OnceFunc(func() { close(s.looked) })
	for wait := time.Second; ; wait = min(2*wait, retryKeychain) {
		found, err := s.openSecrets(ctx, time.Now())
		if err == nil {
			err = s.browsers.use(found)
		}
		if err == nil {
			s.closed.is(nil)
			firstLook()
			return true
		}
		s.log.Warn("session secret not read", "err", err)
		p := keystoreFailure(err).Problem
		s.closed.is(&p)
		firstLook()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

// Looked is closed once Run knows whether the keychain opens: from then on requests
// are answered, or refused with the reason.
func (s *Server) Looked() <-chan struct{} { return s.looked }

// settle writes what waits for the disk.
func (s *Server) settle(ctx context.Context) {
	err := errors.Join(s.browsers.flush(ctx), s.flushKeys(ctx), s.flushCalls(ctx), s.flushBudgets(ctx), s.flushWrites(ctx))
	s.stateIs(err)
}

func (s *Server) sweep(ctx context.Context, now time.Time) {
	if err := s.browsers.sweep(ctx, now); err != nil {
		s.log.Warn("browser sessions not swept", "err", err)
	}
	if err := s.state.SweepCalls(ctx, now.Add(-callsKept)); err != nil {
		s.log.Warn("old calls not swept", "err", err)
	}
	if err := s.state.SweepWrites(ctx, now.Add(-callsKept)); err != nil {
		s.log.Warn("old writes not swept", "err", err)
	}
	if err := s.books.SweepAnswers(ctx, now); err != nil {
		s.log.Warn("old answers not swept", "err", err)
	}
	if err := s.endPrevious(ctx, now); err != nil {
		s.log.Warn("previous session secret not ended", "err", err)
	}
}

// stateIs notes how the last use of the disk went.
func (s *Server) stateIs(err error) {
	if err == nil {
		if s.stateTrouble.is(nil) {
			s.log.Info("state is written")
		}
		return
	}
	p := stateFailure(err).Problem
	if s.stateTrouble.is(&p) {
		s.log.Error("state not written; it is kept in memory and tried again", "err", err)
	}
}

// Trouble is what stands in the way of the server itself, worst first; nil if
// nothing does.
func (s *Server) Trouble() *xero.Problem {
	for _, p := range []*xero.Problem{s.closed.problem(), s.stateLost.problem(), s.stateTrouble.problem()} {
		if p != nil {
			return p
		}
	}
	return nil
}

// Recall and Remember are what xero.Config wants. Recall waits for the state.
func (s *Server) Recall(ctx context.Context, connection string) (xero.Profile, bool) {
	var profile xero.Profile
	state, err := s.openedState(ctx)
	if err != nil {
		return profile, false
	}
	data, err := state.Profile(ctx, connection)
	if err == nil {
		err = json.Unmarshal(data, &profile)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.log.Warn("what was known of a connection cannot be read", "connection", connection, "err", err)
	}
	return profile, err == nil
}

// Remember keeps what is known of a connection besides its grant.
func (s *Server) Remember(ctx context.Context, connection string, profile xero.Profile) {
	state, err := s.openedState(ctx)
	if err != nil {
		return
	}
	data, err := json.Marshal(profile)
	if err == nil {
		err = state.SaveProfile(ctx, connection, data)
	}
	s.stateIs(err)
}

// Forget removes what Remember kept, when a connection has ended.
func (s *Server) Forget(ctx context.Context, connection string) {
	state, err := s.openedState(ctx)
	if err == nil {
		err = state.DeleteProfile(ctx, connection)
		s.stateIs(err)
	}
}

func (s *Server) keepRenewal(ctx context.Context, r xero.Renewal) {
	s.stateIs(s.state.AddRenewal(ctx, store.Renewal(r)))
}

// Renewed keeps the history of renewals: xero.Config's OnRenewal.
func (s *Server) Renewed(r xero.Renewal) {
	s.metrics.renewals.WithLabelValues(r.Outcome).Inc()
	select {
	case s.renewals <- r:
	default:
		s.log.Warn("a renewal is not in the history: the disk is too slow", "connection", r.Connection, "at", r.At)
	}
}
