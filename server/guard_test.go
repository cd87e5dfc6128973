package server_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// idle is a server on port 8000 that nobody runs: its guard is all there is.
func idle(t testing.TB, log io.Writer) *server.Server {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	connections, err := xero.New(xero.Config{
		Issuer: xero.XeroIssuer, API: "https://api.xero.com", RedirectURI: "http://localhost:8000/callback",
		Keystore: keystore.Memory(), Log: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Mode: server.Live, Port: 8000, Connections: connections, Keystore: keystore.Memory(), Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyThisMachinesOwnNamesAreHosts(t *testing.T) {
	s := idle(t, io.Discard)
	for host, want := range map[string]int{
		"localhost:8000": 200, "LocalHost:8000": 200, "127.0.0.1:8000": 200, "[::1]:8000": 200,
		"": 421, ":8000": 421, "localhost": 421, "localhost:80": 421, "localhost:8001": 421, "localhost.:8000": 421,
		"localhost:8000.": 421, "localhost:08000": 421, "localhost:8000 ": 421, "localhost:8000,evil": 421, "evil@localhost:8000": 421,
		"127.0.0.1": 421, "127.0.0.2:8000": 421, "127.1:8000": 421, "2130706433:8000": 421, "0.0.0.0:8000": 421, "[::]:8000": 421,
		"::1:8000": 421, "[0:0:0:0:0:0:0:1]:8000": 421, "[::ffff:127.0.0.1]:8000": 421, "[::1%25lo]:8000": 421,
		"localtest.me:8000": 421, "evil.example:8000": 421, "localhost.evil.example:8000": 421, "xn--lclhost-q0a.example:8000": 421,
	} {
		for _, path := range []string{"/assets/style.css", "/health", "/nothing", "/../x"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL = &url.URL{Path: path}
			r.Host = host
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if (w.Code == http.StatusMisdirectedRequest) != (want == http.StatusMisdirectedRequest) {
				t.Errorf("Host %q, %s: %d", host, path, w.Code)
			}
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, host := range []string{"localhost:8000", "LOCALHOST:8000", "[::1]:8000", "127.0.0.1:8000", "", "localhost", "evil.example:8000"} {
		f.Add(host)
	}
	s := idle(f, io.Discard)
	ours := []string{"localhost:8000", "127.0.0.1:8000", "[::1]:8000"}
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest(http.MethodGet, "/assets/style.css", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		isOurs := slices.ContainsFunc(ours, func(own string) bool { return strings.EqualFold(own, host) })
		if got := w.Code == http.StatusOK; got && !isOurs {
			t.Errorf("Host %q is let in", host)
		}
		if w.Code != http.StatusOK && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("Host %q gets %d", host, w.Code)
		}
	})
}

// send writes a request as it stands to a new connection.
func send(t *testing.T, b *bench, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.cfg.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() { _, _ = io.WriteString(conn, request) }() // the server may answer before it has read all
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	return answer // its body ends with the connection
}

func TestRequestsThatNoClientWritesAreRefused(t *testing.T) {
	b := newBench(t).opened()
	here := fmt.Sprintf("localhost:%d", b.cfg.Port)
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"no Host, HTTP/1.0":   {"GET /assets/style.css HTTP/1.0\r\n\r\n", 421},
		"an empty Host":       {"GET /assets/style.css HTTP/1.1\r\nHost:\r\n\r\n", 421},
		"two Hosts":           {"GET / HTTP/1.1\r\nHost: " + here + "\r\nHost: evil\r\n\r\n", 400},
		"a proxy's request":   {"GET http://evil.example/ HTTP/1.1\r\nHost: " + here + "\r\n\r\n", 421},
		"a proxy's, to us":    {"GET http://" + here + "/ HTTP/1.1\r\nHost: " + here + "\r\n\r\n", 421},
		"a tunnel":            {"CONNECT evil.example:443 HTTP/1.1\r\nHost: " + here + "\r\n\r\n", 421},
		"an asterisk":         {"OPTIONS * HTTP/1.1\r\nHost: " + here + "\r\n\r\n", 404},
		"a header of 1 MiB":   {"GET / HTTP/1.1\r\nHost: " + here + "\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", 431},
		"an Origin of ours":   {"GET /assets/style.css HTTP/1.1\r\nHost: " + here + "\r\nOrigin: http://" + strings.ToUpper(here) + "\r\n\r\n", 200},
		"the Origin null":     {"GET /assets/style.css HTTP/1.1\r\nHost: " + here + "\r\nOrigin: null\r\n\r\n", 403},
		"an Origin, no port":  {"GET /assets/style.css HTTP/1.1\r\nHost: " + here + "\r\nOrigin: http://localhost\r\n\r\n", 403},
		"one Origin of two":   {"GET /assets/style.css HTTP/1.1\r\nHost: " + here + "\r\nOrigin: http://" + here + "\r\nOrigin: https://evil.example\r\n\r\n", 403},
		"an https Origin":     {"GET /assets/style.css HTTP/1.1\r\nHost: " + here + "\r\nOrigin: https://" + here + "\r\n\r\n", 403},
		"X_Forwarded_For":     {"GET / HTTP/1.1\r\nHost: " + here + "\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n", 401},
		"X-Forwarded-Host":    {"GET / HTTP/1.1\r\nHost: " + here + "\r\nX-Forwarded-Host: " + here + "\r\n\r\n", 401},
		"Forwarded":           {"GET / HTTP/1.1\r\nHost: " + here + "\r\nForwarded: for=127.0.0.1\r\n\r\n", 401},
		"HEAD starts nothing": {"HEAD / HTTP/1.1\r\nHost: " + here + "\r\n\r\n", 401},
	} {
		answer := send(t, b, c.request)
		if answer.StatusCode != c.want || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d with cookie %q, want %d", name, answer.StatusCode, answer.Header.Get("Set-Cookie"), c.want)
		}
	}
}

func TestOnlyPathsInTheirOneSpellingAreRouted(t *testing.T) {
	b := newBench(t).opened()
	for path, want := range map[string]int{
		"/assets/style.css": 200, "/": 200, "/setup": 200,
		"//": 404, "/setup/": 404, "//setup": 404, "/./setup": 404, "/assets/../setup": 404, "/setup/.": 404,
		"/%73etup": 404, "/assets%2fstyle.css": 404, "/assets%2Fstyle.css": 404, "/assets/%2e%2e/setup": 404, "/assets/%252e%252e/setup": 404,
		`/assets\style.css`: 404, "/assets%5cstyle.css": 404, "/setup%00": 404, "/setup;x=1": 404, "/setup%3bx": 404, "/setup%0d%0aX:y": 404, "/%ff": 404,
		"/api.xro/2.0/../../setup": 404, "/api.xro/2.0/Invoices/": 404, "/api.xro//2.0/Invoices": 404,
	} {
		g := send(t, b, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", path, b.cfg.Port))
		if g.StatusCode != want || g.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q, want %d", path, g.StatusCode, g.Header.Get("Location"), want)
		}
	}
}

func TestOwnRoutesTakeAMebibyteAndTheMethodsTheyName(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	long := strings.Repeat("a", 1<<20)
	if g := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {long}}}); g.status != 413 || g.code != "too_large" {
		t.Errorf("a mebibyte and some: %d %s", g.status, g.code)
	}
	chunked := ask{method: "POST", path: "/profile", cookie: cookie, body: io.MultiReader(strings.NewReader("tenant="), strings.NewReader(long)),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	if g := b.ask(chunked); g.status != 413 || g.code != "too_large" {
		t.Errorf("the same in chunks: %d %s", g.status, g.code)
	}
	for path, allow := range map[string]string{"/profile": "GET, HEAD, POST", "/login": "GET", "/logout": "POST", "/": "GET, HEAD", "/assets/app.js": "GET, HEAD"} {
		g := b.ask(ask{method: "PATCH", path: path, cookie: cookie})
		if g.status != 405 || g.code != "method_not_allowed" || g.header.Get("Allow") != allow {
			t.Errorf("PATCH %s: %d %s, Allow %q, want %q", path, g.status, g.code, g.header.Get("Allow"), allow)
		}
	}
}

func TestAPanicIsA500ThatTellsTheCallerNothing(t *testing.T) {
	log := &lockedBuffer{}
	s := idle(t, log)
	err := s.Mount("GET /boom", "public", func(http.ResponseWriter, *http.Request) error { panic("the inner secret") })
	if err != nil {
		t.Fatal(err)
	}
	g := handled(s, "/boom", "")
	if g.status != 500 || g.code != "internal" || strings.Contains(g.body, "secret") || strings.Contains(g.body, "goroutine") {
		t.Errorf("%d %s\n%s", g.status, g.code, g.body)
	}
	if !strings.Contains(log.String(), "the inner secret") || !strings.Contains(log.String(), "guard.go") {
		t.Errorf("the log lacks the panic or its trace: %s", log)
	}
}

func TestAPanicAfterTheAnswerBeganBreaksItOff(t *testing.T) {
	s := idle(t, io.Discard)
	err := s.Mount("GET /boom", "public", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		panic("late")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("the connection is not broken off: %v", v)
		}
	}()
	handled(s, "/boom", "")
}

func TestARowWithoutAnAudienceIsRefused(t *testing.T) {
	s := idle(t, io.Discard)
	fine := func(http.ResponseWriter, *http.Request) error { return nil }
	if err := s.Mount("GET /x", "", fine); err == nil {
		t.Error("a row without an audience is taken")
	}
	if err := s.Mount("GET /x", "public", nil); err == nil {
		t.Error("a row without a handler is taken")
	}
	if err := s.Mount("GET /x", "public", fine); err != nil {
		t.Errorf("a whole row: %v", err)
	}
}

func TestTheErrorTableIsTheContracts(t *testing.T) {
	want := map[string]int{}
	for _, line := range strings.Split(`400 bad_request tenant_required bad_state
401 session_required key_required
403 key_read_only tenant_not_allowed key_family other_user ticket_invalid cross_site debug_off write_refused
404 not_found
405 method_not_allowed
409 attempts_full
413 too_large
421 bad_host
429 rate_limited key_limit
500 internal
502 login_failed
503 needs_login keystore_unavailable state_unavailable
504 xero_unreachable`, "\n") {
		var status int
		fields := strings.Fields(line)
		if _, err := fmt.Sscan(fields[0], &status); err != nil {
			t.Fatal(err)
		}
		for _, code := range fields[1:] {
			want[code] = status
		}
	}
	for code, status := range want {
		if got := server.StatusOf(code); got != status {
			t.Errorf("%s is %d, want %d", code, got, status)
		}
	}
	for _, code := range server.Codes() {
		if want[code] == 0 {
			t.Errorf("%s is not in the contract", code)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, next := range []string{"/", "/profile?x=1", "//evil.example", `/\evil.example`, "https://evil.example", "/%2f/evil", "/\t/evil", "javascript:alert(1)", "", "/a/../b", "/%5cevil"} {
		f.Add(next)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := server.LocalPath(next)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t ") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

func TestAnOldProxyIsNoVisit(t *testing.T) {
	b := newBench(t).opened()
	for version, want := range map[string]int{"HTTP/1.1": 200, "HTTP/1.0": 401} {
		answer, err := b.raw("GET / "+version, "")
		if err != nil || answer.StatusCode != want {
			t.Errorf("%s: %v, %v, want %d", version, answer, err, want)
			continue
		}
		if started := answer.Header.Get("Set-Cookie") != ""; started != (want == 200) {
			t.Errorf("%s: a session began: %t", version, started)
		}
	}
}
