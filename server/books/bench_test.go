package books_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

const redirect = "http://localhost:8000/callback"

var allScopes = strings.Fields(`openid profile email offline_access accounting.settings.read accounting.contacts.read
	accounting.invoices.read accounting.reports.banksummary.read accounting.reports.profitandloss.read`)

// The simulated Xero's organisations.
const (
	joinery = "Harbour Joinery Ltd"
	café    = "Ridgeway Café"
	kauri   = `<b>Kauri</b> & "Sons"`
)

// A bench is the books, somebody who is signed in, and a simulated Xero at the far
// end.
type bench struct {
	t      *testing.T
	sim    *xerosim.Sim
	scopes []string
	xero   string // its address

	between func(http.Handler) http.Handler // optional: what stands before the simulated Xero
	path    string                          // of the state; "" has it in memory
	profile sync.Map

	mu       sync.Mutex
	key      keystore.Secret
	shut     error // what the keychain says
	keychain keystore.Store

	*books.Books
	connections *xero.Connections
	state       *store.Store
	stop        func()
}

func newBench(t *testing.T, changes ...func(*bench)) *bench {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw)
	b := &bench{t: t, scopes: allScopes, key: keystore.NewSecret(base64.StdEncoding.EncodeToString(raw)), keychain: keystore.Memory(), path: filepath.Join(t.TempDir(), "state.db")}
	for _, change := range changes {
		change(b)
	}
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(far.Addr().String())
	b.xero = "http://localhost:" + port
	b.sim, err = xerosim.New(xerosim.Options{
		Issuer: b.xero, Login: "http://127.0.0.1:" + port,
		Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Redirects: []string{redirect}, Broad: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := b.sim.Handler()
	if b.between != nil {
		handler = b.between(handler)
	}
	server := &httptest.Server{Listener: far, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	b.start()
	t.Cleanup(func() { b.stop() })
	b.signIn()
	return b
}

// start starts the books over what is kept, as a fresh process would.
func (b *bench) start() {
	b.t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if b.path == "" {
		b.state, err = store.OpenMemory(context.Background())
	} else {
		b.state, err = store.Open(context.Background(), b.path)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.connections, err = xero.New(xero.Config{
		App: xero.App{ClientID: xerosim.DemoClientID, Scopes: b.scopes}, Issuer: b.xero, API: b.xero, RedirectURI: redirect,
		Keystore: b.keychain, DataDir: b.t.TempDir(), Log: log,
		Recall: func(_ context.Context, id string) (xero.Profile, bool) {
			p, ok := b.profile.Load(id)
			if !ok {
				return xero.Profile{}, false
			}
			return p.(xero.Profile), true
		},
		Remember: func(_ context.Context, id string, p xero.Profile) { b.profile.Store(id, p) },
		Forget:   func(_ context.Context, id string) { b.profile.Delete(id) },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	state := b.state
	b.Books = books.New(books.Config{
		Connections: b.connections, Log: log,
		State: func(context.Context) (*store.Store, error) { return state, nil },
		Key: func(context.Context) (keystore.Secret, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.key, b.shut
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = b.connections.Run(ctx) })
	running.Go(func() { _ = b.Books.Run(ctx) })
	b.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		_ = state.Close()
	})
}

func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.start()
	b.until("the sign-in is read", func(s xero.Status) bool { return s.State == xero.Connected })
	session, ok := b.connections.Get(b.connections.Status().Connections[0].ID)
	if !ok {
		b.t.Fatal("the sign-in is gone")
	}
	if _, err := session.Token(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// signIn goes the whole way as a person at the browser would.
func (b *bench) signIn(organisations ...string) {
	b.t.Helper()
	b.until("the keychain is read", func(s xero.Status) bool { return s.State != xero.Starting })
	attempt, err := b.connections.Begin(b.t.Context(), "browser", "/")
	if err != nil {
		b.t.Fatal(err)
	}
	back, err := b.sim.Approve(attempt.URL, organisations...)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		b.t.Fatal(err)
	}
	q := u.Query()
	if _, err := b.connections.Finish(b.t.Context(), xero.Callback{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) until(what string, done func(xero.Status) bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for s := range b.connections.Watch(ctx) {
		if done(s) {
			return
		}
	}
	b.t.Fatalf("twenty seconds went by before %s: %+v", what, b.connections.Status())
}

// tenant is the id of the simulated organisation with this name.
func (b *bench) tenant(name string) string {
	b.t.Helper()
	for _, o := range b.sim.Organisations() {
		if o.Name == name {
			return o.TenantID
		}
	}
	b.t.Fatalf("no organisation is called %s", name)
	return ""
}

func (b *bench) ledger(name string) *books.Ledger { return b.Of(b.tenant(name)) }

// calls are the paths that were asked of the API, with what was in the query, since
// the journal had so many entries.
func (b *bench) calls(after int) (all []xerosim.Entry) {
	for _, e := range b.sim.Journal() {
		if e.Number > after && e.Point == xerosim.PointAPI {
			all = append(all, e)
		}
	}
	return all
}

func (b *bench) now() int { return len(b.sim.Journal()) }

// read fails the test unless the reading is there, without trouble.
func read[T any](t *testing.T, r books.Reading[T]) T {
	t.Helper()
	if r.Trouble != nil {
		t.Fatalf("%s %s (%v)", r.Trouble.Message, r.Trouble.Action, r.Trouble)
	}
	if r.At.IsZero() || r.Loading {
		t.Fatalf("not read: at %v, loading %v", r.At, r.Loading)
	}
	return r.Value
}
