package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

// spellings are how a header of this name, or of all that begin so, may be written.
func spellings(name string) []string {
	if strings.HasSuffix(name, "-") {
		name += "anything"
	}
	return []string{name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), http.CanonicalHeaderKey(name)}
}

func TestNoHeaderOfTheListsPassesInAnySpelling(t *testing.T) {
	var sent http.Header
	var host string
	answers := http.Header{}
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		sent, host = r.Header, r.Host
		for name, values := range answers {
			w.Header()[name] = values
		}
	}))).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	const secret = "between-us"
	for _, name := range server.OwnRequestHeaders {
		for _, spelled := range spellings(name) {
			value := secret
			switch strings.ToLower(spelled) {
			case "authorization": // our key stands there
				continue
			case "origin":
				value = fmt.Sprintf("http://localhost:%d", b.cfg.Port)
			case "xero-tenant-id":
				value = b.tenant(café)
			case "x-fcc-max-wait":
				value = "1"
			case "trailer":
				continue // net/http takes it for its own
			}
			r := b.request(ask{method: "POST", path: attachment, key: key, cookie: cookie, body: strings.NewReader("{}")})
			r.Header[spelled] = []string{value}
			sent = nil
			answer, err := client.Do(r)
			if err != nil {
				t.Fatalf("%s: %v", spelled, err)
			}
			answer.Body.Close()
			if answer.StatusCode != 200 {
				if sent != nil {
					t.Errorf("%s: %s, and sent all the same", spelled, answer.Status)
				}
				continue
			}
			for got, values := range sent {
				own := map[string]string{"Authorization": "Bearer ", "Xero-Tenant-Id": b.tenant(café)}
				begins, ours := own[got]
				if got == "Idempotency-Key" {
					continue // what came is the caller's to choose
				}
				if all := strings.Join(values, "\n"); strings.Contains(all, secret) || strings.Contains(all, key) || strings.Contains(all, cookie) ||
					ours && (len(values) != 1 || !strings.HasPrefix(all, begins)) {
					t.Errorf("%s came as %s: %q", spelled, got, all)
				}
			}
			if host == "" || strings.Contains(host, fmt.Sprint(b.cfg.Port)) {
				t.Errorf("%s: Host is %q", spelled, host)
			}
		}
	}
	for _, name := range server.OwnAnswerHeaders {
		if name == "transfer-encoding" {
			continue // net/http takes it for its own
		}
		for _, spelled := range spellings(name) {
			answers = http.Header{spelled: {secret}, "X-Other": {"passes"}}
			g := b.ask(ask{path: attachment, key: key})
			for got, values := range g.header {
				if strings.Contains(strings.Join(values, "\n"), secret) {
					t.Errorf("%s of Xero's reaches the caller as %s", spelled, got)
				}
			}
			if g.status != 200 || g.header.Get("X-Other") != "passes" {
				t.Errorf("%s: %d %v", spelled, g.status, g.header)
			}
		}
	}
}

// A body that two headers describe is read in one way here, and maybe in the other there.
func TestABodyIsDescribedOnce(t *testing.T) {
	f := &far{answer: answering(200, http.Header{"Content-Type": {"application/json"}}, strings.NewReader("{}"))}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	for _, header := range []http.Header{
		{"Content-Type": {"application/json", "application/x-www-form-urlencoded"}}, {"Content-Type": {"application/json", "application/json"}},
		{"Content-Type": {"application/json"}, "Content_Type": {"text/xml"}}, {"content_type": {"text/xml"}},
		{"Content-Encoding": {"gzip", "identity"}}, {"Content-Encoding": {"identity"}, "Content_encoding": {"gzip"}},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET"} {
			r := b.request(ask{method: method, path: "/api.xro/2.0/Invoices", key: key, body: strings.NewReader("{}")})
			for name, values := range header {
				r.Header[name] = values
			}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != 400 {
				t.Errorf("%s with %v: %s", method, header, answer.Status)
			}
		}
	}
	if n := f.count(); n != 0 {
		t.Errorf("%d have reached Xero", n)
	}
}

// Whatever header a caller brings, Xero gets one token, FCC's own, for the organisation
// that was checked, one description of the body, and nothing of what is between the caller
// and FCC; no write of a key that asks gets there before a person has allowed it; and
// whatever header Xero brings, the caller's browser stays under FCC's rules.
func FuzzTheGatewaysHeaders(f *testing.F) {
	way := &far{}
	b := newBench(f, mayWrite, through(way)).opened()
	b.signIn(b.visit(), café)
	writes, asks := b.addKey(store.Key{Name: "w", Write: true}), b.addKey(store.Key{Name: "a", Write: true, Ask: true})
	tenant := b.tenant(café)
	methods := []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "HEAD"}
	for n, seed := range [][2]string{
		{"Authorization", "Bearer x"}, {"authorization", "Basic eA=="}, {"AUTHORIZATION", "fcc_"}, {"Cookie", "a=b"}, {"X-Forwarded-For", "1.2.3.4"}, {"X_Forwarded_Host", "evil"},
		{"Connection", "Authorization, Xero-Tenant-Id"}, {"Xero_Tenant-Id", "x"}, {"Proxy-Authorization", "x"}, {"Te", "trailers"}, {"Set-Cookie", "a=b"}, {"Upgrade", "h2c"},
		{"Idempotency-Key", "a"}, {"X-HTTP-Method-Override", "DELETE"}, {"Content-Security-Policy", "default-src *"}, {"Access-Control-Allow-Origin", "*"}, {"Accept", "text/html"},
		{"Content-Type", "text/xml"}, {"content_type", "text/xml"}, {"Content-Encoding", "gzip"}, {"X-FCC-Max-Age", "60"},
	} {
		f.Add(seed[0], seed[1], uint8(0), false)
		f.Add(seed[0], seed[1], uint8(n), true)
	}
	f.Fuzz(func(t *testing.T, name, value string, which uint8, asking bool) {
		if strings.ContainsAny(name+value, "\r\n") {
			return // that were two
		}
		key, method := writes, methods[int(which)%len(methods)]
		if asking {
			key = asks
		}
		reads := method == "GET" || method == "HEAD"
		canonical := http.CanonicalHeaderKey(name)
		lower := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		text := fmt.Sprintf("%s /api.xro/2.0/Contacts HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\nXero-Tenant-Id: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n%s: %s\r\n\r\n{}",
			method, b.cfg.Port, key, tenant, name, value)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return // net/http lets no such header in
		}
		way.answer = answering(200, http.Header{canonical: {value}, "Content-Type": {"application/json"}}, strings.NewReader("{}"))
		before := way.count()
		w := httptest.NewRecorder()
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		answered := make(chan struct{})
		go func() { b.Handler().ServeHTTP(w, r.WithContext(ctx)); close(answered) }()
		watching, enough := context.WithCancel(t.Context())
		go func() { <-answered; enough() }()
		for waiting := range b.Waiting(watching) {
			if waiting.N > 0 { // nobody is there to allow it
				break
			}
		}
		hangUp()
		<-answered
		if asking && !reads {
			way.mu.Lock()
			for _, r := range way.sent[before:] {
				if r.Method != "GET" {
					t.Errorf("%s was sent, and nobody had allowed it", r.Method)
				}
			}
			way.mu.Unlock()
		}
		h := w.Header()
		for rule, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
			if v := h.Values(rule); len(v) != 1 || v[0] != want {
				t.Errorf("%s is %q", rule, v)
			}
		}
		if v := h.Values("Content-Security-Policy"); len(v) > 1 || len(v) == 1 && !strings.HasPrefix(v[0], "default-src 'self'") {
			t.Errorf("the policy is %q", v)
		}
		for got := range h {
			if got = strings.ReplaceAll(strings.ToLower(got), "_", "-"); strings.HasPrefix(got, "set-cookie") || strings.HasPrefix(got, "access-control-") {
				t.Errorf("the caller gets %s", got)
			}
		}
		if way.count() == before || asking && !reads {
			return
		}
		sent := way.last()
		if v := sent.Header["Content-Type"]; len(v) != 1 || v[0] != "application/json" {
			t.Errorf("the body is called %q", v)
		}
		if v := sent.Header["Content-Encoding"]; len(v) > 1 {
			t.Errorf("the body is encoded in %q", v)
		}
		for got := range sent.Header {
			if spelled := strings.ToLower(got); spelled == "content_type" || spelled == "content_encoding" {
				t.Errorf("the body is described by %s too", got)
			}
		}
		if v := sent.Header["Authorization"]; len(v) != 1 || !strings.HasPrefix(v[0], "Bearer ") || strings.Contains(v[0], "fcc_") {
			t.Error("Xero gets another Authorization than its own")
		}
		if v := sent.Header["Xero-Tenant-Id"]; len(v) != 1 || v[0] != tenant {
			t.Errorf("Xero is asked for the organisation %q", v)
		}
		v := sent.Header["Idempotency-Key"]
		if repeats := slices.Contains(methods[:3], method); repeats && (len(v) != 1 || v[0] == "" || len([]rune(v[0])) > 128) || !repeats && v != nil {
			t.Errorf("the keys are %q", v)
		}
		if sent.Method != method || sent.URL.Path != "/api.xro/2.0/Contacts" || sent.Host != "" && sent.Host != sent.URL.Host {
			t.Errorf("sent as %s %s to %q", sent.Method, sent.URL, sent.Host)
		}
		if _, there := sent.Header[canonical]; there && canonical != "Authorization" && canonical != "Xero-Tenant-Id" && canonical != "Idempotency-Key" {
			for _, between := range []string{"authorization", "cookie", "forwarded", "x-forwarded", "origin", "proxy-", "x-api-key", "x-fcc-", "sec-", "via", "te", "upgrade", "connection", "keep-alive", "transfer-encoding"} {
				if lower == between || strings.HasSuffix(between, "-") && strings.HasPrefix(lower, between) || between == "x-forwarded" && strings.HasPrefix(lower, "x-forwarded-") {
					t.Errorf("Xero gets %s: %q", canonical, value)
				}
			}
		}
		for got, values := range sent.Header {
			if got != "Authorization" && strings.Contains(strings.Join(values, ""), key) {
				t.Errorf("Xero gets the key as %s", got)
			}
		}
	})
}

// Whose books are meant is said once, also where both say the same.
func TestAnOrganisationThatIsNamedTwiceIsRefused(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet", Write: true})
	locked := b.addKey(store.Key{Name: "locked", Tenants: []string{b.tenant(café)}})
	const hello = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, a := range []ask{
		{path: invoices, key: key},
		{path: invoices, key: locked},
		{path: invoices, key: key, header: map[string]string{"X-FCC-Max-Age": "60"}},
		{method: "PUT", path: "/api.xro/2.0/Contacts", key: key, body: strings.NewReader(`{"Name":"Kiri"}`)},
		{path: "/api/table/contacts", key: key},
		{path: "/api/xero/invoices", key: key},
		{path: "/api/dashboard", key: key},
		{method: "POST", path: "/mcp", key: key, body: strings.NewReader(hello), header: map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}},
	} {
		for _, other := range []string{joinery, café} {
			if again, ok := a.body.(*strings.Reader); ok {
				_, _ = again.Seek(0, io.SeekStart)
			}
			r := b.request(a)
			r.Header["Xero-Tenant-Id"] = []string{b.tenant(café), b.tenant(other)}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := readSome(answer)
			answer.Body.Close()
			if g := read(answer.StatusCode, answer.Header, body); err != nil || g.status != 400 || g.code != "bad_request" || !strings.Contains(g.body, "names the organisation more than once") {
				t.Errorf("%s %s, %s: %d %.200s %v", a.method, a.path, other, g.status, g.body, err)
			}
		}
	}
	for _, e := range b.sim.Journal() {
		if strings.HasPrefix(e.Path, "/api.xro/") && e.Method != "GET" {
			t.Errorf("%s %s reached Xero", e.Method, e.Path)
		}
	}
}
