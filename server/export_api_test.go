package server

import (
	"context"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// NewKey makes a key, and WellFormed tells whether something could be one.
func NewKey() string              { return newKey().Reveal() }
func WellFormed(text string) bool { return wellFormed(text) }

// AddKeySaying makes a key as the command does; said is what a person reads when
// it fails, the list of organisations included.
func (s *Server) AddKeySaying(ctx context.Context, want store.Key) (key, warning, said string, err error) {
	made, warning, err := s.addKey(ctx, want)
	if err != nil {
		f := asFailure(err)
		said = f.Message + " " + f.Action
		for _, o := range f.organisations {
			said += " " + o.Name
		}
	}
	return made.Reveal(), warning, said, err
}

func (s *Server) ListKeys(ctx context.Context) ([]store.Key, error) { return s.listKeys(ctx) }
func (s *Server) RevokeKey(ctx context.Context, name string) error  { return s.revokeKey(ctx, name) }

// AskConnections asks Xero what the sign-in reaches that reaches the organisation,
// and returns the error's code.
func (s *Server) AskConnections(ctx context.Context, tenantID string) xero.Code {
	session, ok := s.cfg.Connections.Find(tenantID)
	if !ok {
		return xero.CodeTenantRequired
	}
	_, err := s.connectionsOf(ctx, session)
	return asFailure(err).Code
}

// AsTimedelta is a duration in Python's words.
func AsTimedelta(d time.Duration) string { return asTimedelta(d) }

// CallsWaiting is how many calls are not written yet, CallsKept how many are.
func (s *Server) CallsWaiting() int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return len(s.calls.waiting)
}

func (s *Server) CallsKept(ctx context.Context) int {
	_, n, err := s.state.Calls(ctx, store.Which{}, 0, 0)
	if err != nil {
		return -1
	}
	return n
}

func InWords(c store.Call) string { what, went, _ := inWords(c); return what + ": " + went }

var ScopeWords = scopeWords

// WaitingTogether is how many callers wait for what Xero is asked once for.
func (s *Server) WaitingTogether() (n int) {
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	for _, f := range s.flights.now {
		n += f.waiting
	}
	return n
}
