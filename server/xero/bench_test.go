package xero_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

const (
	redirect  = "http://localhost:8000/callback"
	otherApp  = "FCC0DE305EC2E700A1B2C3D4E5F60799"
	xeroHost  = "http://localhost:9000"
	loginHost = "http://127.0.0.1:9000"

	life = 30 * time.Minute // of an access token, as at Xero
)

var scopes = []string{
	"openid", "profile", "email", "offline_access", "accounting.settings.read", "accounting.contacts.read", "accounting.invoices.read",
}

// bench is one FCC and one simulated Xero, joined by pipes, in a bubble where time
// belongs to the test.
type bench struct {
	t        *testing.T
	sim      *xerosim.Sim
	far      *pipes
	keychain *keychain
	notes    *notes
	dir      string
	app      xero.App
	log      *logbook
	lost     *xero.Problem
	way      func(http.RoundTripper) http.RoundTripper // optional: what lies between
	learnt   []xero.Learnt                             // by the FCC that was stopped

	*xero.Connections
	stop func()
}

// inBubble runs test with a bench whose FCC is running.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	inBubbleWith(t, xerosim.Options{}, test)
}

func inBubbleWith(t *testing.T, opt xerosim.Options, test func(t *testing.T, b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		opt.Issuer, opt.API, opt.Login = xeroHost, xeroHost, loginHost
		opt.Clients = []xerosim.Client{
			{ID: xerosim.DemoClientID, Redirects: []string{redirect}},
			{ID: otherApp, Redirects: []string{redirect}, Secret: xerosim.DemoClientSecret},
		}
		sim, err := xerosim.New(opt)
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{
			t: t, sim: sim, far: newPipes(), dir: dir, notes: &notes{profiles: map[string]xero.Profile{}},
			keychain: &keychain{Store: keystore.Memory()},
			app:      xero.App{ClientID: xerosim.DemoClientID, Scopes: scopes},
			log:      &logbook{},
		}
		server := &http.Server{Handler: sim.Handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(b.far)
		}()
		b.start()
		defer func() { // also after t.Fatal: a bubble with goroutines left in it panics
			b.stop()
			time.Sleep(time.Minute) // requests that nobody waits for any more
			server.Close()
			<-served
			wantNoSecret(t, "the log", b.log.String())
		}()
		test(t, b)
	})
}

// start makes an FCC over what the keychain and the notes hold, as a fresh process
// would, and runs it.
func (b *bench) start() {
	b.t.Helper()
	direct := &http.Transport{DialContext: b.far.dial}
	var way http.RoundTripper = direct
	if b.way != nil {
		way = b.way(direct)
	}
	c, err := xero.New(xero.Config{
		App: b.app, Issuer: xeroHost, API: xeroHost, RedirectURI: redirect, Keystore: b.keychain, DataDir: b.dir, Lost: b.lost,
		HTTP: way, Log: slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnRenewal: b.notes.renewal, OnCall: b.notes.call, Recall: b.notes.recall, Remember: b.notes.remember, Forget: b.notes.forget,
		Learnt: func(context.Context) []xero.Learnt { return b.learnt },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx)
	}()
	b.Connections = c
	b.stop = func() {
		cancel()
		<-ended
		b.learnt = c.Learnt()
		direct.CloseIdleConnections()
		synctest.Wait()
	}
	synctest.Wait()
}

func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.start()
}

// kill ends this FCC as kill -9 would: nothing of it reaches keychain or Xero any
// more.
func (b *bench) kill() {
	b.keychain.cutOff()
	b.far.cut(true)
	b.stop()
	b.keychain = b.keychain.survivor()
	b.far.cut(false)
}

// signIn goes the whole way as a person at the browser would.
func (b *bench) signIn(organisations ...string) xero.SignIn {
	b.t.Helper()
	done, err := b.trySignIn(organisations...)
	if err != nil {
		b.t.Fatalf("sign-in: %v", err)
	}
	return done
}

func (b *bench) trySignIn(organisations ...string) (xero.SignIn, error) {
	b.t.Helper()
	attempt, err := b.Begin(b.t.Context(), "browser", "/")
	if err != nil {
		return xero.SignIn{}, err
	}
	back, err := b.sim.Approve(attempt.URL, organisations...)
	if err != nil {
		b.t.Fatalf("the person at Xero's page: %v", err)
	}
	return b.Finish(b.t.Context(), callback(b.t, back))
}

func callback(t *testing.T, address string) xero.Callback {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	return xero.Callback{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}
}

// session is the only one there is.
func (b *bench) session() *xero.Session {
	b.t.Helper()
	st := b.Status()
	if len(st.Connections) != 1 {
		b.t.Fatalf("%d connections, want 1", len(st.Connections))
	}
	s, ok := b.Get(st.Connections[0].ID)
	if !ok {
		b.t.Fatal("the connection that Status names is not there")
	}
	return s
}

func (b *bench) wantState(want xero.State, code xero.Code) {
	b.t.Helper()
	synctest.Wait()
	st := b.Status()
	got := xero.Code("")
	if st.Problem != nil {
		got = st.Problem.Code
		if st.Problem.Message == "" || st.Problem.Action == "" {
			b.t.Errorf("problem %s lacks a sentence or a next step", got)
		}
	}
	if st.State != want || got != code {
		b.t.Fatalf("state %q with problem %q (%+v), want %q with %q", st.State, got, st.Problem, want, code)
	}
}

// token fails the test if no token is to be had.
func (b *bench) token() xero.AccessToken {
	b.t.Helper()
	token, err := b.session().Token(b.t.Context())
	if err != nil {
		b.t.Fatalf("token: %v", err)
	}
	return token
}

// tokenRequests counts what reached the token endpoint with this grant type.
func (b *bench) tokenRequests(grantType string) int {
	n := 0
	for _, e := range b.sim.Journal() {
		if e.Path == "/connect/token" && e.Form.Get("grant_type") == grantType {
			n++
		}
	}
	return n
}

func (b *bench) renewals() int { return b.tokenRequests("refresh_token") }

// get calls the API through the session.
func (b *bench) get(path string) *http.Response {
	b.t.Helper()
	st := b.Status()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, xeroHost+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	if all := st.Organisations(); len(all) > 0 {
		req.Header.Set("xero-tenant-id", all[0].TenantID)
	}
	resp, err := b.session().Transport().RoundTrip(req)
	if err != nil {
		b.t.Fatalf("GET %s: %v", path, err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func codeOf(err error) xero.Code {
	if e, ok := errors.AsType[*xero.Error](err); ok {
		return e.Code
	}
	return ""
}
