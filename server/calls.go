package server

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// What is promised about the list of calls.
const (
	callsKept    = 30 * 24 * time.Hour
	callsBatch   = 1000 // so many are a reason to write
	callsWaiting = 5000 // at most, while the disk takes none: the oldest are dropped
)

// calls wait here for the disk, which no call to Xero waits for.
type calls struct {
	writing sync.Mutex // held over a write, so that none is written twice

	mu      sync.Mutex // held for moments
	waiting []store.Call
	full    chan struct{} // one slot: a batch waits
}

// Called keeps the list of calls: xero.Config's OnCall. It does not block, but for
// what was written: nobody has its answer before older ones are dropped.
func (s *Server) Called(c xero.Call) {
	if mayHaveWritten(c) {
		s.books.Wrote(c.TenantID)
	}
	kept := store.Call{
		At: c.At, Caller: string(c.Caller.Kind), Name: c.Caller.Name, Tenant: strings.ToLower(c.TenantID), Method: c.Method,
		Resource: c.Resource, Status: c.Status, Code: string(c.Code), Took: c.Took, Waited: c.Waited,
	}
	s.metrics.called(c)
	s.calls.mu.Lock()
	s.calls.waiting = append(s.calls.waiting, kept)
	// What a key's daily limit counts is written at once, so that the limit outlives a
	// crash.
	full := len(s.calls.waiting)%callsBatch == 0 || c.Caller.Kind == xero.ByKey && s.keys.daily(c.Caller.Name) > 0
	if len(s.calls.waiting) > callsWaiting {
		s.calls.waiting = slices.Clone(s.calls.waiting[callsBatch:])
	}
	s.calls.mu.Unlock()
	if full {
		select {
		case s.calls.full <- struct{}{}:
		default:
		}
	}
}

// flushCalls writes the calls that wait. After an error they wait on.
func (s *Server) flushCalls(ctx context.Context) error {
	s.calls.writing.Lock()
	defer s.calls.writing.Unlock()
	s.calls.mu.Lock()
	waiting := s.calls.waiting
	s.calls.waiting = make([]store.Call, 0, len(waiting)) // as many may come again
	s.calls.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	err := s.state.AddCalls(ctx, waiting)
	if err != nil {
		s.calls.mu.Lock()
		defer s.calls.mu.Unlock()
		s.calls.waiting = append(waiting, s.calls.waiting...)
	}
	return err
}
