package server

import "net/http"

// startSession gives the browser that sent r a session, unless it has one, and
// puts it into c.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, c *call) error {
	return fail(codeInternal)
}

// Ticket makes a one-time ticket for /open: 128 bits, ten minutes, one use.
func (s *Server) Ticket() string { return "" }
