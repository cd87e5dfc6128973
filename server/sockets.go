package server

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// sockets are the connections that are open, no more than most. One too many costs the
// one that has waited longest without a request, so that who opens many and asks nothing
// keeps nobody out. Nor does who has asked nothing yet hold up the end, as browsers would
// that connect ahead: net/http waits for their first request as for one under way.
type sockets struct {
	most int
	mu   sync.Mutex
	open map[net.Conn]time.Time // since when it waits, zero while it does not
	over bool
}

func newSockets(most int) *sockets { return &sockets{most: most, open: map[net.Conn]time.Time{}} }

// changed is for http.Server's ConnState.
func (s *sockets) changed(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.open[conn] // not one that was closed here, and has yet to find out
	switch {
	case state == http.StateNew && s.over:
		_ = conn.Close()
	case state == http.StateNew:
		s.open[conn] = time.Now()
		if len(s.open) > s.most {
			s.dropLocked(s.longestLocked())
		}
	case !known:
	case state == http.StateIdle:
		s.open[conn] = time.Now()
	case state == http.StateActive:
		s.open[conn] = time.Time{}
	default:
		delete(s.open, conn)
	}
}

// end closes those that wait, and whoever comes from now on.
func (s *sockets) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for conn, since := range s.open {
		if !since.IsZero() {
			s.dropLocked(conn)
		}
	}
}

func (s *sockets) longestLocked() (first net.Conn) {
	for conn, since := range s.open {
		if !since.IsZero() && (first == nil || since.Before(s.open[first])) {
			first = conn
		}
	}
	return first
}

func (s *sockets) dropLocked(conn net.Conn) {
	delete(s.open, conn)
	_ = conn.Close()
}
