package server

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/gorilla/sessions"

	"financial-command-center/keystore"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// Patterns are the rows of the route table.
func (s *Server) Patterns() []string {
	var all []string
	for _, rt := range s.routes() {
		all = append(all, rt.pattern)
	}
	return all
}

// AddKey makes a key as the command does.
func (s *Server) AddKey(ctx context.Context, want store.Key) (keystore.Secret, error) {
	made, _, err := s.addKey(ctx, want)
	return made, err
}

// PeerOf is who is found at conn's other end.
func PeerOf(conn net.Conn) string {
	ask := withPeer(context.Background(), conn).Value(peerKey{}).(func() peer)
	return map[peer]string{peerSame: "same", peerOther: "other", peerUnknown: "unknown"}[ask()]
}

// LookAnew has what an older program left looked for at the next page.
func (s *Server) LookAnew() { s.lookAnew() }

// What the tests need to name.
var (
	LocalPath      = localPath
	Answers        = answers
	MostSessions   = mostSessions
	AccessOf       = accessOf
	OtherNames     = otherNames
	KnownScopes    = knownScopes
	MaxConnections = maxConnections
	WaitedWords    = waitedWords
)

// Spent is how many calls each caller has had answered, and how many were held back.
func (s *Server) Spent() (calls, held map[xero.Caller]int) {
	calls, held = map[xero.Caller]int{}, map[xero.Caller]int{}
	for who, n := range s.spent() {
		if who.Tenant != "" {
			calls[who.Caller] += n.Calls
			held[who.Caller] += n.Held
		}
	}
	return calls, held
}

// Mount has s answer with rows of a test, for an audience by its name, behind the
// guard. It fails as New does.
func (s *Server) Mount(pattern, who string, handle func(http.ResponseWriter, *http.Request) error) error {
	audiences := map[string]audience{"": nobody, "public": public, "session": session}
	rt := route{pattern: pattern, who: audiences[who]}
	if handle != nil {
		rt.handle = func(w http.ResponseWriter, r *http.Request, _ *call) error { return handle(w, r) }
	}
	mux, err := s.mux([]route{rt})
	if err == nil {
		s.handler = s.guard(mux)
	}
	return err
}

// StatusOf is an error code's status, 0 for one that the table lacks.
func StatusOf(code string) int { return answers[xero.Code(code)].status }

// Accesses are the scopes of each that people choose, by its key.
func Accesses() map[string][]string {
	all := map[string][]string{}
	for _, a := range accesses {
		all[a.Key] = a.Scopes
	}
	return all
}

// Troubles are the codes that Help has an entry for.
func Troubles() (all []string) {
	for _, t := range troubles {
		all = append(all, string(t.Code))
	}
	return all
}

// Fail is an error with this code and the words of the table.
func Fail(code string) error { return fail(xero.Code(code)) }

// Codes are those of the table.
func Codes() []string {
	var all []string
	for code := range answers {
		all = append(all, string(code))
	}
	return all
}

// DiskFails has the sessions meet a state that fails while failing says so.
func (s *Server) DiskFails(failing *atomic.Bool, broken *store.Store) {
	s.browsers.state = func() *store.Store {
		if failing.Load() {
			return broken
		}
		return s.state
	}
}

// Sessions is the store of browser sessions, and the name of its cookie.
func (s *Server) Sessions() (sessions.Store, string) { return s.browsers, s.browsers.cookie }
