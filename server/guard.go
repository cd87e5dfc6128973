package server

import (
	"net/http"
	stack "runtime/debug"
	"slices"
	"strings"
)

// guard settles for every path, before anything is routed, that r came to this
// machine's own address.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(s.origins, "http://"+strings.ToLower(r.Host)) {
			s.refuse(w, r, nil, fail(codeBadHost))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// enter asks for the credential that the route's audience wants, and hands over.
func (s *Server) enter(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{peer: peerOf(r)}
		defer s.recover(w, r, c)
		if err := rt.handle(w, r, c); err != nil {
			s.refuse(w, r, c, err)
		}
	})
}

// recover turns a panic into a 500 that tells the caller nothing.
func (s *Server) recover(w http.ResponseWriter, r *http.Request, c *call) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.log.Error("panic", "method", r.Method, "path", r.URL.Path, "value", v, "stack", string(stack.Stack()))
	s.refuse(w, r, c, fail(codeInternal))
}
