package books_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

const (
	redirect  = "http://localhost:8000/callback"
	xeroHost  = "http://localhost:9000"
	loginHost = "http://127.0.0.1:9000"
)

var allScopes = strings.Fields(`openid profile email offline_access accounting.settings.read accounting.contacts.read
	accounting.invoices.read accounting.reports.banksummary.read accounting.reports.profitandloss.read`)

// The simulated Xero's organisations, and one whose books were typed.
const (
	joinery = "Harbour Joinery Ltd"
	café    = "Ridgeway Café"
	kauri   = `<b>Kauri</b> & "Sons"`
	tally   = xerosim.Tally
)

// A bench is the books of somebody who is signed in, and a simulated Xero at the far
// end of pipes, in a bubble where time belongs to the test.
type bench struct {
	t       *testing.T
	sim     *xerosim.Sim
	scopes  []string
	between func(http.Handler) http.Handler // optional: what stands before the simulated Xero
	path    string                          // of the state
	log     bytes.Buffer                    // guarded by mu
	pipes   *pipes
	ledgers []xerosim.Ledger

	mu       sync.Mutex
	key      keystore.Secret
	shut     error         // what the keychain says to who wants the key
	slow     chan struct{} // not nil: the state opens when it is closed
	broken   error         // what the state says
	bad      func(string)  // optional: called with "state" and "call" before there is one; may panic
	asked    []xero.Call
	left     map[string]int // calls, of keys that have not all they like
	profiles map[string]xero.Profile
	keychain keystore.Store

	*books.Books
	connections *xero.Connections
	state       *store.Store
	stop        func()
}

// newKey is what the keychain holds.
func newKey() keystore.Secret {
	raw := make([]byte, 32)
	rand.Read(raw)
	return keystore.NewSecret(base64.StdEncoding.EncodeToString(raw))
}

// inBubble runs test at a day of the organisations' clocks in New Zealand, with a
// bench that is signed in.
func inBubble(t *testing.T, on string, test func(t *testing.T, b *bench), changes ...func(*bench)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		zone, err := time.LoadLocation("Pacific/Auckland")
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", on, zone)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(at))
		b := &bench{
			t: t, scopes: allScopes, key: newKey(), keychain: keystore.Memory(), path: path, pipes: newPipes(),
			profiles: map[string]xero.Profile{}, ledgers: []xerosim.Ledger{xerosim.TallyBooks()},
		}
		for _, change := range changes {
			change(b)
		}
		b.sim, err = xerosim.New(xerosim.Options{
			Issuer: xeroHost, Login: loginHost, Books: b.ledgers,
			Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Redirects: []string{redirect}, Broad: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		handler := b.sim.Handler()
		if b.between != nil {
			handler = b.between(handler)
		}
		server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(b.pipes)
		}()
		b.start()
		defer func() { // also after t.Fatal: a bubble with goroutines left in it panics
			b.stop()
			b.sim.ClearFaults()
			time.Sleep(5 * time.Minute) // requests that nobody waits for any more
			server.Close()
			<-served
			for _, marker := range append(xerosim.Markers(), "Alder", "Birch") {
				if strings.Contains(b.log.String(), marker) {
					t.Errorf("the log holds %q", marker)
				}
			}
		}()
		b.signIn()
		test(t, b)
	})
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// start starts the books over what is kept, as a fresh process would.
func (b *bench) start() {
	b.t.Helper()
	log := slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	state, err := store.Open(context.Background(), b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.state = state
	way := &http.Transport{DialContext: b.pipes.dial}
	b.connections, err = xero.New(xero.Config{
		App: xero.App{ClientID: xerosim.DemoClientID, Scopes: b.scopes}, Issuer: xeroHost, API: xeroHost, RedirectURI: redirect,
		Keystore: b.keychain, DataDir: b.t.TempDir(), Log: log, HTTP: way,
		OnCall: func(c xero.Call) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.asked = append(b.asked, c)
		},
		MayCall: func(who xero.Caller) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if left, short := b.left[who.Name]; short && left == 0 {
				return &xero.Error{Problem: xero.Problem{Code: xero.CodeKeyLimit, Message: "The day of " + who.Name + " is over."}, RetryAfter: time.Hour}
			}
			return nil
		},
		Calling: func(ctx context.Context) (func(bool), error) {
			if err := b.connections.MayCall(ctx); err != nil {
				return nil, err
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.bad != nil {
				b.bad("call")
			}
			if name := xero.CallerOf(ctx).Name; b.left[name] > 0 {
				b.left[name]--
			}
			return func(bool) {}, nil
		},
		Recall: func(_ context.Context, id string) (xero.Profile, bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			p, ok := b.profiles[id]
			return p, ok
		},
		Remember: func(_ context.Context, id string, p xero.Profile) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.profiles[id] = p
		},
		Forget: func(_ context.Context, id string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.profiles, id)
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Books = books.New(books.Config{
		Connections: b.connections, Log: log,
		State: func(context.Context) (*store.Store, error) {
			b.mu.Lock()
			slow, broken, bad := b.slow, b.broken, b.bad
			b.mu.Unlock()
			if bad != nil {
				bad("state")
			}
			if slow != nil {
				<-slow
			}
			return state, broken
		},
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
	b.stop = func() {
		cancel()
		running.Wait()
		_ = state.Close()
		way.CloseIdleConnections()
		synctest.Wait()
	}
	synctest.Wait()
}

// goesBad has the books run into bad, nil for nothing.
func (b *bench) goesBad(bad func(string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = bad
}

// disk has the state wait, or fail.
func (b *bench) disk(slow chan struct{}, broken error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow, b.broken = slow, broken
}

func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.start()
}

// signIn goes the whole way as a person at the browser would.
func (b *bench) signIn(organisations ...string) {
	b.t.Helper()
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
	synctest.Wait()
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

// calls are what was asked of the API while do ran.
func (b *bench) calls(do func()) (all []xerosim.Entry) {
	b.t.Helper()
	before := b.sim.Journal()
	do()
	synctest.Wait()
	for _, e := range b.sim.Journal()[len(before):] {
		if e.Point == xerosim.PointAPI {
			all = append(all, e)
		}
	}
	return all
}

// wantCalls fails the test unless do made so many.
func (b *bench) wantCalls(want int, do func()) {
	b.t.Helper()
	if got := b.calls(do); len(got) != want {
		b.t.Errorf("%d calls, want %d", len(got), want)
		for _, e := range got {
			b.t.Log(e.Path, e.Query, e.Status)
		}
	}
}

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

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ended is a context that never waits.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// pipes is a listener and the only way to it: no socket, so that a bubble's clock
// can move.
type pipes struct {
	mu     sync.Mutex
	down   bool
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: address}}
	}
	near, far := net.Pipe()
	select {
	case p.dialed <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// same compares two values as JSON, in which an amount is its digits.
func same(t *testing.T, what string, a, b any) {
	t.Helper()
	one, err := json.Marshal(a)
	ok(t, err)
	other, err := json.Marshal(b)
	ok(t, err)
	if !bytes.Equal(one, other) {
		t.Errorf("%s: %.300s, and then %.300s", what, one, other)
	}
}
