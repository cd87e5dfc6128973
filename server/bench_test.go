package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// A bench is a server on both loopback addresses, with a simulated Xero at the far
// end. It can be stopped and started again in the same data folder.
type bench struct {
	*server.Server
	t        testing.TB
	sim      *xerosim.Sim
	cfg      server.Config
	xero     xero.Config
	keychain keystore.Store
	log      *lockedBuffer
	client   *http.Client // keeps its connections, as browsers and most programs do
	running  *atomic.Pointer[server.Server]
	prepare  func(*server.Server) // before it runs
	stop     func()               // ends Serve and Run, and waits
}

const clientID = xerosim.DemoClientID

// newBench starts one; changes are made to its configuration before.
func newBench(t testing.TB, changes ...func(*bench)) *bench {
	t.Helper()
	b := &bench{t: t, keychain: keystore.Memory(), log: &lockedBuffer{}, client: keepingClient(), running: &atomic.Pointer[server.Server]{}}
	at := b.running // and not b: a sign-in keeps its connections for ten minutes
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	port := freePort(t)
	redirect := fmt.Sprintf("http://localhost:%d/callback", port)

	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, farPort, _ := net.SplitHostPort(far.Addr().String())
	b.sim, err = xerosim.New(xerosim.Options{
		Issuer: "http://localhost:" + farPort, Login: "http://127.0.0.1:" + farPort,
		Clients: []xerosim.Client{
			{ID: clientID, Redirects: []string{redirect}},
			{ID: oldClientID, Secret: xerosim.DemoClientSecret, Redirects: []string{oldRedirect}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sim := &http.Server{Handler: b.sim.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = sim.Serve(far) }()
	t.Cleanup(func() { _ = sim.Close() })

	dir := t.TempDir()
	b.xero = xero.Config{
		App:    xero.App{ClientID: clientID, Scopes: []string{"openid", "profile", "email", "offline_access", "accounting.contacts.read", "accounting.invoices.read"}},
		Issuer: "http://localhost:" + farPort, API: "http://localhost:" + farPort,
		RedirectURI: redirect, Keystore: b.keychain, DataDir: dir, Log: log,
		Recall:    func(ctx context.Context, id string) (xero.Profile, bool) { return at.Load().Recall(ctx, id) },
		Remember:  func(ctx context.Context, id string, p xero.Profile) { at.Load().Remember(ctx, id, p) },
		OnRenewal: func(r xero.Renewal) { at.Load().Renewed(r) },
		OnCall:    func(c xero.Call) { at.Load().Called(c) },
		Calling:   func(ctx context.Context) (func(bool), error) { return at.Load().Calling(ctx) },
		MayCall:   func(who xero.Caller) error { return at.Load().MayCall(who) },
		Learnt:    func(ctx context.Context) []xero.Learnt { return at.Load().Learnt(ctx) },
	}
	b.cfg = server.Config{
		Version: "test", Mode: server.Live, Port: port, DataDir: dir,
		StatePath: filepath.Join(dir, "state.db"), Keystore: b.keychain, KeysStored: true,
		ControlKey: keystore.NewSecret("control key of a test"), Log: log,
		SaveClientID: func(string) error { return nil }, Stop: func() {},
	}
	for _, change := range changes {
		change(b)
	}
	b.start()
	t.Cleanup(func() {
		b.stop()
		at.Store(nobody())
	})
	return b
}

// nobody is a server that never runs, for who comes late.
var nobody = sync.OnceValue(func() *server.Server {
	log := slog.New(slog.DiscardHandler)
	connections, err := xero.New(xero.Config{Issuer: xero.XeroIssuer, API: "https://api.xero.com", RedirectURI: "http://localhost:8000/callback", Keystore: keystore.Memory(), Log: log})
	if err != nil {
		panic(err)
	}
	s, err := server.New(server.Config{Mode: server.Live, Port: 8000, Connections: connections, Keystore: keystore.Memory(), Log: log})
	if err != nil {
		panic(err)
	}
	return s
})

// start starts a new server in the old place.
func (b *bench) start() {
	b.t.Helper()
	connections, err := xero.New(b.xero)
	if err != nil {
		b.t.Fatal(err)
	}
	b.cfg.Connections = connections
	b.Server, err = server.New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.running.Store(b.Server)
	if b.prepare != nil {
		b.prepare(b.Server)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		b.client.CloseIdleConnections()
	})
	var listeners []net.Listener
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(b.cfg.Port)))
		if err != nil {
			b.t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	s := b.Server
	running.Go(func() {
		if err := s.Serve(ctx, listeners...); err != nil {
			b.t.Errorf("Serve: %v", err)
		}
	})
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	running.Go(func() { _ = connections.Run(ctx) })
}

// opened waits until sessions are let in.
func (b *bench) opened() *bench {
	b.t.Helper()
	b.until("sessions are let in", func() bool { return b.ask(ask{path: "/setup", via: true}).status == 401 })
	b.until("the grants are read", func() bool { return b.cfg.Connections.Status().State != xero.Starting })
	return b
}

// until waits for what another goroutine will do, a minute at most: the machine may be busy.
func (b *bench) until(what string, done func() bool) {
	b.t.Helper()
	for start := time.Now(); !done(); {
		waited := time.Since(start)
		if waited > time.Minute {
			b.t.Fatalf("a minute went by before %s", what)
		}
		time.Sleep(min(5*time.Millisecond+waited/10, 100*time.Millisecond)) // a look takes time from what it waits for
	}
}

// inTime does what may take so long, up to five times: a busy machine is late now and
// then, and what is too slow is late each time. What is late by chance, as what waits for
// a tick, passes: that needs a test with a clock of its own.
func inTime(t *testing.T, most time.Duration, do func() time.Duration) {
	t.Helper()
	var took time.Duration
	for range 5 {
		if took = do(); took <= most {
			return
		}
	}
	t.Errorf("five times it took longer than %v, at last %v", most, took)
}

// ask is a request.
type ask struct {
	method, path string // GET unless set
	six          bool   // over [::1]
	host         string // localhost unless set
	cookie, key  string
	origin, site string // Origin, Sec-Fetch-Site
	via, page    bool   // through a proxy; for somebody who reads
	header       map[string]string
	form         url.Values
	body         io.Reader
}

// got is its answer.
type got struct {
	status   int
	code     string // of the error
	cookie   string // that it set, name=value
	location string
	header   http.Header
	body     string
}

func (b *bench) request(a ask) *http.Request {
	b.t.Helper()
	method := a.method
	if method == "" {
		method = http.MethodGet
	}
	body := a.body
	if a.form != nil {
		body = strings.NewReader(a.form.Encode())
	}
	address := "127.0.0.1"
	if a.six {
		address = "[::1]"
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, fmt.Sprintf("http://%s:%d%s", address, b.cfg.Port, a.path), body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Host = fmt.Sprintf("localhost:%d", b.cfg.Port)
	if a.host != "" {
		r.Host = a.host
	}
	set := func(name, value string) {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	set("Cookie", a.cookie)
	set("Origin", a.origin)
	set("Sec-Fetch-Site", a.site)
	if a.form != nil {
		set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.key != "" {
		set("Authorization", "Bearer "+a.key)
	}
	if a.via {
		set("Via", "1.1 tunnel.example")
	}
	if a.page {
		set("Accept", "text/html,application/xhtml+xml")
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	return r
}

// client follows nothing and keeps no connection: each request is a new peer.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       time.Minute,
}

// keepingClient keeps its connections. Who is at the other end is looked up once for
// each, which under Wine is most of what a request costs.
func keepingClient() *http.Client {
	return &http.Client{Transport: &http.Transport{}, CheckRedirect: client.CheckRedirect, Timeout: client.Timeout}
}

// unlisted has a connection reset at its end. Else the machine lists it for a minute
// more, and who is at the other end of the next is looked up in that list.
var unlisted = &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { _ = c.Conn.(*net.TCPConn).SetLinger(0) }}

func (b *bench) ask(a ask) got {
	b.t.Helper()
	r := b.request(a)
	answer, err := b.client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), unlisted)))
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, a.path, err)
	}
	defer answer.Body.Close()
	body, err := readSome(answer)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, a.path, err)
	}
	return read(answer.StatusCode, answer.Header, body)
}

func read(status int, header http.Header, body string) got {
	g := got{status: status, header: header, body: body, location: header.Get("Location")}
	var failed struct {
		Error struct{ Code string }
	}
	if json.Unmarshal([]byte(body), &failed) == nil {
		g.code = failed.Error.Code
	}
	if set := header.Get("Set-Cookie"); set != "" {
		g.cookie, _, _ = strings.Cut(set, ";")
	}
	return g
}

// readSome reads the whole body, of an event stream the first event.
func readSome(answer *http.Response) (string, error) {
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		first := make([]byte, 4096)
		n, err := answer.Body.Read(first)
		return string(first[:n]), err
	}
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// visit is a browser of this OS user that comes along: its cookie.
func (b *bench) visit() string {
	b.t.Helper()
	g := b.ask(ask{path: "/", page: true})
	if g.status != http.StatusOK || g.cookie == "" {
		b.t.Fatalf("a visit gets %d and the cookie %q\n%s", g.status, g.cookie, g.body)
	}
	return g.cookie
}

// signIn signs in as the first person of the simulated Xero, and returns the
// cookie afterwards.
func (b *bench) signIn(cookie string, organisations ...string) string {
	b.t.Helper()
	begun := b.ask(ask{path: "/login", cookie: cookie, page: true})
	if begun.status != http.StatusFound {
		b.t.Fatalf("/login answers %d\n%s", begun.status, begun.body)
	}
	back, err := b.sim.Approve(begun.location, organisations...)
	if err != nil {
		b.t.Fatal(err)
	}
	done := b.ask(ask{path: pathOf(b.t, back), cookie: cookie, page: true, site: "cross-site"})
	if done.status != http.StatusSeeOther || done.cookie == "" {
		b.t.Fatalf("/callback answers %d and the cookie %q\n%s", done.status, done.cookie, done.body)
	}
	return done.cookie
}

func (b *bench) addKey(key store.Key) string {
	b.t.Helper()
	made, err := b.AddKey(b.t.Context(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	return made.Reveal()
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

// The simulated Xero's organisations.
const (
	joinery = "Harbour Joinery Ltd"
	café    = "Ridgeway Café"
	kauri   = `<b>Kauri</b> & "Sons"`
)

// pathOf is the address without scheme and host.
func pathOf(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.RequestURI()
}

// freePort is free on both stacks. It lies below the ports that connections get
// for their own end (32768 and up), so that it stays free between two starts.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		port := 10000 + rand.IntN(20000)
		four, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		six, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", port))
		_ = four.Close()
		if err == nil {
			_ = six.Close()
			return port
		}
	}
	t.Fatal("no port is free on both stacks")
	return 0
}

// lockedBuffer is a log that a test may read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func decode(t testing.TB, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}
