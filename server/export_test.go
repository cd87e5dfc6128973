package server

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

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

	OwnRequestHeaders = slices.Concat(slices.Collect(maps.Values(ownRequestHeaders))...)
	OwnAnswerHeaders  = slices.Concat(slices.Collect(maps.Values(ownAnswerHeaders))...)
	WaitedWords       = waitedWords
)

// Spent is how many calls each caller has had answered, and how many were held back for
// Xero's limits, as the list of calls has them.
func (s *Server) Spent(ctx context.Context) (calls, held map[xero.Caller]int, err error) {
	calls, held = map[xero.Caller]int{}, map[xero.Caller]int{}
	if err := s.flushCalls(ctx); err != nil {
		return nil, nil, err
	}
	list, _, err := s.state.Calls(ctx, store.Which{}, 0, 10_000)
	for _, c := range list {
		who := xero.Caller{Kind: xero.CallerKind(c.Caller), Name: c.Name}
		switch {
		case c.Tenant == "":
		case c.Status > 0:
			calls[who]++
		case c.Code == string(codeRateLimited):
			held[who]++
		}
	}
	return calls, held, err
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

// SpoilInvoices has bad called for each invoice that is written to a sheet, until good is.
func SpoilInvoices(bad func()) (good func()) {
	columns := invoiceColumns
	invoiceColumns = append(slices.Clip(columns), column[invoiceRow]{cell: func(invoiceRow) any { bad(); return nil }})
	return func() { invoiceColumns = columns }
}

// RevokeUnseen revokes a key as another process that shares the state does: this one has
// to find it out.
func (s *Server) RevokeUnseen(ctx context.Context, name string) error {
	return s.state.RevokeKey(ctx, name)
}

// WatchKey is what a request with the key of this name runs under.
func (s *Server) WatchKey(ctx context.Context, name string) (context.Context, context.CancelFunc) {
	return s.keys.watch(ctx, s.keys.entry(name))
}

// LastWord is how long a request outlasts what it runs under.
const LastWord = lastWord

// Sessions is the store of browser sessions, and the name of its cookie.
func (s *Server) Sessions() (sessions.Store, string) { return s.browsers, s.browsers.cookie }

// RequestWrite, and WriteOutcome, are what an assistant's tools call, with the key of
// this name for the only organisation.
func (s *Server) RequestWrite(ctx context.Context, key, method, path, body string) (Written, error) {
	c := &call{}
	for _, k := range *s.keys.known.Load() {
		if k.Name == key {
			c.key = &k
		}
	}
	ctx = xero.WithCaller(ctx, c.caller())
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Idempotency-Key": {"once-" + key}}
	return s.requestWrite(ctx, c, s.cfg.Connections.Status().Organisations()[0], method, path, header, []byte(body))
}

func (s *Server) WriteOutcome(ctx context.Context, id, key string) (Written, error) {
	now := s.keys.entry(key)
	if now == nil {
		now = &apiKey{Name: key}
	}
	return s.writeOutcome(ctx, s.cfg.Connections.Status().Organisations()[0].TenantID, id, now)
}

// Waits is how many writes wait for a person, Places how many have a place.
func (s *Server) Waits() int { return s.approvals.waiting().N }

func (s *Server) Places() (n int) {
	s.approvals.mu.Lock()
	defer s.approvals.mu.Unlock()
	for _, h := range s.approvals.held {
		if h.ended.IsZero() {
			n++
		}
	}
	return n
}

// Past has what has ended be long ago.
func (s *Server) Past() {
	s.approvals.mu.Lock()
	defer s.approvals.mu.Unlock()
	s.approvals.forget(time.Now().Add(toldAfter))
}

type Written = written

// Code is what an error answers with.
func Code(err error) string { return string(asFailure(err).Code) }

// Hold has a write wait that nobody had to describe, and returns what its program is
// told in the end.
func (s *Server) Hold(ctx context.Context, id string) error {
	if s.keys.entry("asks") == nil {
		if _, _, err := s.addKey(ctx, apiKey{Name: "asks", Write: true, Ask: true}); err != nil {
			return err
		}
	}
	now := time.Now()
	h := &heldWrite{id: id, key: (*s.keys.known.Load())[0], at: now, until: now.Add(askTime), state: waiting, decided: make(chan struct{})}
	h.card.what = "other-save"
	if err := s.approvals.add(h, now); err != nil {
		return err
	}
	return s.await(ctx, h)
}

// Fields are what is read of a body, and whether it has one meaning.
func Fields(contentType string, body []byte) (lines []string, err error) {
	f, err := fieldsOf(contentType, body)
	all, _ := f.lines()
	for _, line := range all {
		lines = append(lines, line.Path+"="+line.Text)
	}
	return lines, err
}
