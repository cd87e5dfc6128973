package server

import (
	"sync/atomic"
	"time"

	"financial-command-center/server/xero"
)

// A standing says how one part of the server is, and since when. The zero value is
// well, since nobody knows when.
type standing struct {
	now atomic.Pointer[stands]
}

type stands struct {
	problem *xero.Problem // nil: all is well
	since   time.Time
}

// problem is what is wrong, nil if nothing is.
func (s *standing) problem() *xero.Problem {
	if now := s.now.Load(); now != nil {
		return now.problem
	}
	return nil
}

// since is when the present state began, to the second; nil when that is not known.
func (s *standing) since() *time.Time {
	now := s.now.Load()
	if now == nil {
		return nil
	}
	at := now.since.UTC().Truncate(time.Second)
	return &at
}

// is notes how the part is now, and reports whether that is news: the same trouble
// again is none.
func (s *standing) is(problem *xero.Problem) bool {
	for {
		was := s.now.Load()
		if was != nil && same(was.problem, problem) {
			return false
		}
		if s.now.CompareAndSwap(was, &stands{problem, time.Now()}) {
			return true
		}
	}
}

func same(a, b *xero.Problem) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
