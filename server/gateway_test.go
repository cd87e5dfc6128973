package server_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

// far is the way to Xero: it keeps what was sent to the APIs of the books, and has
// answer answer it where that is set.
type far struct {
	mu     sync.Mutex
	sent   []*http.Request
	all    bool // the other APIs too
	answer func(*http.Request) (*http.Response, error)
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/api.xro") && !(f.all && strings.Contains(r.URL.Path, ".xro/")) {
		return http.DefaultTransport.RoundTrip(r)
	}
	f.mu.Lock()
	f.sent = append(f.sent, r)
	f.mu.Unlock()
	if f.answer != nil {
		return f.answer(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (f *far) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

func (f *far) last() *http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[len(f.sent)-1]
}

// answering makes an answer of Xero's.
func answering(status int, header http.Header, body io.Reader) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{
			StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header.Clone(), Body: io.NopCloser(body), ContentLength: -1, Request: r,
		}, nil
	}
}

func through(f *far) func(*bench) { return func(b *bench) { b.xero.HTTP = f } }

const invoices = "/api.xro/2.0/Invoices?page=1&pageSize=5"

func TestTheGatewayGivesOutTheBooksOfTheOrganisationThatIsNamed(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet"})
	none := b.ask(ask{path: invoices, key: key})
	var choose struct {
		Error struct {
			Code          string
			Organisations []struct {
				TenantID string `json:"tenant_id"`
				Name     string
			}
		}
	}
	decode(t, none.body, &choose)
	if none.status != 400 || choose.Error.Code != "tenant_required" || len(choose.Error.Organisations) != 3 {
		t.Errorf("no organisation named: %d %s", none.status, none.body)
	}
	for _, sent := range []map[string]string{
		{"xero-tenant-id": b.tenant(café)},
		{"Xero-Tenant-Id": strings.ToUpper(b.tenant(café))},
	} {
		sent["Accept"] = "application/json"
		g := b.ask(ask{path: invoices, key: key, header: sent})
		var books struct {
			Status     string
			Invoices   []struct{ InvoiceID string }
			Pagination struct{ PageSize int }
		}
		decode(t, g.body, &books)
		if g.status != 200 || books.Status != "OK" || len(books.Invoices) != 5 || books.Pagination.PageSize != 5 {
			t.Errorf("%d %.300s", g.status, g.body)
		}
		for _, name := range []string{"X-DayLimit-Remaining", "X-MinLimit-Remaining", "X-AppMinLimit-Remaining"} {
			if g.header.Get(name) == "" {
				t.Errorf("no %s", name)
			}
		}
	}
	// Without an Accept header Xero answers XML: it is the caller's to choose.
	plain := b.ask(ask{path: invoices, header: map[string]string{"X-API-Key": key, "xero-tenant-id": b.tenant(café)}})
	journal := b.sim.Journal()
	if plain.status != 200 || journal[len(journal)-1].Accept != "" {
		t.Errorf("with X-API-Key and no Accept: %d, Xero got Accept %q", plain.status, journal[len(journal)-1].Accept)
	}
	gone := b.ask(ask{path: invoices, key: key, header: map[string]string{"xero-tenant-id": "00000000-0000-0000-0000-000000000000"}})
	if gone.code != "tenant_required" {
		t.Errorf("an organisation that is not connected: %d %s", gone.status, gone.body)
	}
}

func TestTheOnlyOrganisationNeedsNoName(t *testing.T) {
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	if g := b.ask(ask{path: invoices, key: key}); g.status != 503 || g.code != "needs_login" {
		t.Errorf("before the sign-in: %d %s", g.status, g.code)
	}
	b.signIn(b.visit(), café)
	if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestALockedKeyReachesItsOwnOrganisationOnly(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	all, locked := b.addKey(store.Key{Name: "all"}), b.addKey(store.Key{Name: "café", Tenants: []string{strings.ToUpper(b.tenant(café))}})
	if g := b.ask(ask{path: invoices, key: locked}); g.status != 200 {
		t.Errorf("its own: %d %s", g.status, g.body)
	}
	g := b.ask(ask{path: invoices, key: locked, header: map[string]string{"xero-tenant-id": b.tenant(joinery)}})
	if g.status != 403 || g.code != "tenant_not_allowed" || strings.Contains(g.body, joinery) {
		t.Errorf("another: %d %s", g.status, g.body)
	}
	type connection struct{ ID, AuthEventID, TenantID, TenantType, TenantName, CreatedDateUtc string }
	for _, k := range []struct {
		key  string
		want []string
	}{{all, []string{b.tenant(joinery), b.tenant(café), b.tenant(kauri)}}, {locked, []string{b.tenant(café)}}} {
		var list []connection
		g := b.ask(ask{path: "/connections", key: k.key})
		decode(t, g.body, &list)
		var ids []string
		for _, c := range list {
			ids = append(ids, c.TenantID)
			if c.ID == "" || c.AuthEventID == "" || c.TenantType != "ORGANISATION" || c.TenantName == "" || c.CreatedDateUtc == "" {
				t.Errorf("not Xero's shape: %+v", c)
			}
		}
		slices.Sort(ids)
		slices.Sort(k.want)
		if !slices.Equal(ids, k.want) {
			t.Errorf("/connections shows %v, want %v", ids, k.want)
		}
	}
	if g := b.ask(ask{path: "/api/status", key: locked}); strings.Contains(g.body, "Kauri") || !strings.Contains(g.body, café) {
		t.Errorf("/api/status shows a locked key %s", g.body)
	}
}

func TestAReadKeyOnlyReads(t *testing.T) {
	f := &far{}
	b := newBench(t, withRights("accounting.contacts.read accounting.invoices"), through(f)).opened()
	b.signIn(b.visit(), café)
	read, write := b.addKey(store.Key{Name: "read"}), b.addKey(store.Key{Name: "write", Write: true})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		g := b.ask(ask{method: method, path: "/api.xro/2.0/Contacts", key: read, body: strings.NewReader("{}")})
		if g.status != 403 || g.code != "key_read_only" {
			t.Errorf("%s: %d %s", method, g.status, g.code)
		}
	}
	if n := f.count(); n != 0 {
		t.Fatalf("%d of them reached Xero", n)
	}
	if g := b.ask(ask{method: "HEAD", path: invoices, key: read}); g.status != 200 || g.body != "" {
		t.Errorf("HEAD: %d %q", g.status, g.body)
	}
	// What the sign-in may write is Xero's to say, where it may write anything: contacts it may not.
	g := b.ask(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: write, body: strings.NewReader(`{"Contacts":[{"Name":"New"}]}`)})
	if g.status != 401 || !strings.Contains(g.header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Errorf("a write that Xero refuses: %d %s", g.status, g.body)
	}
	for _, method := range []string{"TRACE", "ANYTHING", "get"} {
		if g := b.ask(ask{method: method, path: invoices, key: write}); g.status != 405 || g.header.Get("Allow") == "" {
			t.Errorf("%s: %d", method, g.status)
		}
	}
}

func TestWhatIsBetweenACallerAndFCCDoesNotReachXeroNorTheOtherWayRound(t *testing.T) {
	f := &far{answer: answering(200, http.Header{
		"Set-Cookie": {"session=xero"}, "Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"public, max-age=9"}, "Alt-Svc": {"h3"},
		"Content-Security-Policy": {"default-src *"}, "Strict-Transport-Security": {"max-age=1"}, "Location": {"https://elsewhere.example"},
		"X-Fcc-Mode": {"demo"}, "Content-Type": {"application/json"}, "Xero-Correlation-Id": {"c-1"}, "X-Minlimit-Remaining": {"59"},
	}, strings.NewReader("{}"))}
	b := newBench(t, mayWrite, through(f)).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", Write: true})
	own := fmt.Sprintf("http://localhost:%d", b.cfg.Port)
	g := b.ask(ask{method: "POST", path: "/api.xro/2.0/Contacts?where=Name%3D%3D%22a;b%22&order=Name%20DESC", key: key, cookie: cookie, origin: own, site: "same-origin", body: strings.NewReader("{}"), header: map[string]string{
		"X-API-Key": key, "X-Forwarded-Host": "evil.example", "X_Forwarded_For": "9.9.9.9", "Xero_Tenant_Id": b.tenant(joinery), "X-Original-URL": "/connections", "X-Rewrite-URL": "/x", "X-Real-IP": "9.9.9.9", "Proxy-Authorization": "Basic eDp5",
		"Referer": own + "/x", "X-HTTP-Method-Override": "DELETE", "Connection": "close, xero-tenant-id, X-Hop", "X-Hop": "1", "Upgrade": "websocket", "Te": "trailers",
		"Sec-Fetch-Mode": "cors", "X-FCC-Anything": "1", "Access-Control-Request-Method": "PUT",
		"If-Modified-Since": "2026-01-01T00:00:00", "Idempotency-Key": "abc", "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "sheet/1",
	}})
	if g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	sent := f.last()
	want := http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "If-Modified-Since": {"2026-01-01T00:00:00"},
		"Idempotency-Key": {"abc"}, "User-Agent": {"sheet/1"}, "Xero-Tenant-Id": {b.tenant(café)}, "Accept-Encoding": {"gzip"},
	}
	for name, values := range sent.Header {
		if name == "Authorization" || name == "Content-Length" {
			continue
		}
		if !slices.Equal(want[name], values) {
			t.Errorf("Xero gets %s: %q", name, values)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("Xero does not get %v", want)
	}
	if a := sent.Header.Get("Authorization"); !strings.HasPrefix(a, "Bearer ") || strings.Contains(a, "fcc_") {
		t.Error("Xero does not get its own token")
	}
	if sent.URL.RawQuery != "where=Name%3D%3D%22a;b%22&order=Name%20DESC" {
		t.Errorf("the query became %q", sent.URL.RawQuery)
	}
	for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Alt-Svc", "Strict-Transport-Security", "Location", "X-Fcc-Mode"} {
		if v := g.header.Values(name); len(v) != 0 && name != "Set-Cookie" || name == "Set-Cookie" && strings.Contains(strings.Join(v, " "), "xero") {
			t.Errorf("the caller gets %s: %q", name, v)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Xero-Correlation-Id": "c-1", "X-MinLimit-Remaining": "59"} {
		if v := g.header.Values(name); len(v) != 1 || v[0] != want {
			t.Errorf("%s is %q", name, v)
		}
	}
	if strings.Contains(g.header.Get("Content-Security-Policy"), "*") {
		t.Error("Xero's policy for its pages is passed on")
	}
}

func TestXerosRefusalsArePassedOnAsTheyCameAndOnce(t *testing.T) {
	b := newBench(t, mayWrite).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	calls := func() (n int) {
		for _, e := range b.sim.Journal() {
			if e.Point == xerosim.PointAPI {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		fault  xerosim.Fault
		status int
		body   string
	}{
		{xerosim.Fault{Do: xerosim.Fail, Status: 500}, 500, ""},
		{xerosim.Fault{Do: xerosim.Fail, Status: 503}, 503, "offline for maintenance"},
		{xerosim.Fault{Do: xerosim.WAF}, 403, "Access Denied"},
		{xerosim.Fault{Do: xerosim.HTML}, 200, "accept the terms"},
	} {
		before := calls()
		c.fault.At = xerosim.PointAPI
		b.sim.Fault(c.fault)
		g := b.ask(ask{path: invoices, key: key})
		if g.status != c.status || !strings.Contains(g.body, c.body) {
			t.Errorf("%s: %d %s", c.fault.Do, g.status, g.body)
		}
		if n := calls() - before; n != 1 {
			t.Errorf("%s: Xero was asked %d times", c.fault.Do, n)
		}
	}
	before := calls()
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Drop})
	g := b.ask(ask{method: "DELETE", path: "/api.xro/2.0/Contacts/1", key: key})
	if g.status != 504 || g.code != "xero_unreachable" || calls()-before != 1 {
		t.Errorf("a connection cut before the answer: %d %s, asked %d times", g.status, g.body, calls()-before)
	}
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Half})
	answer, err := client.Do(b.request(ask{path: invoices, key: key}))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if part, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("an answer that Xero cut in the middle looks whole: %.100s", part)
	}

	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	before = calls()
	limited := b.ask(ask{path: invoices, key: key})
	if limited.status != 429 || limited.header.Get("Retry-After") == "" || limited.header.Get("X-Rate-Limit-Problem") != "day" ||
		limited.header.Get("X-DayLimit-Remaining") != "0" || limited.body != "" || calls()-before != 1 {
		t.Errorf("429: %d %v %q, asked %d times", limited.status, limited.header, limited.body, calls()-before)
	}
	// Then FCC knows, and says it itself.
	again := b.ask(ask{path: invoices, key: key})
	seconds, err := strconv.Atoi(again.header.Get("Retry-After"))
	if first, _ := strconv.Atoi(limited.header.Get("Retry-After")); again.status != 429 || again.code != "rate_limited" || err != nil || seconds > first || seconds < first-60 || calls()-before != 1 {
		t.Errorf("429 of our own: %d %v %s, Xero asked %d times", again.status, again.header, again.body, calls()-before)
	}
}

// More callers than Xero takes at once are answered one after the other.
// What a program asks Xero for is not the log's: an address has numbers and names in it.
func TestTheLogHasNoIdsAndNames(t *testing.T) {
	f := &far{answer: func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for _, path := range []string{"/api.xro/2.0/Invoices/INV-0044", "/api.xro/2.0/Invoices/1/Attachments/Kiri.pdf", "/api.xro/2.0/Contacts/INV-0044;"} {
		if g := b.ask(ask{path: path, key: key}); g.status < 400 {
			t.Errorf("%s: %d %s", path, g.status, g.body)
		}
	}
	f.answer = func(*http.Request) (*http.Response, error) { panic("a fault") }
	if g := b.ask(ask{path: "/api.xro/2.0/Invoices/INV-0044", key: key}); g.status != 500 {
		t.Errorf("%d %s", g.status, g.body)
	}
	log := b.log.String()
	if strings.Contains(log, "INV-0044") || strings.Contains(log, "Kiri") || !strings.Contains(log, `"path":"/api.xro/2.0/Invoices"`) {
		t.Errorf("the log has\n%s", log)
	}
}

func TestACrowdOfCallersIsNotTooMuchForXero(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	var callers sync.WaitGroup
	for range 40 {
		callers.Go(func() {
			if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
				t.Errorf("%d %s", g.status, g.body)
			}
		})
	}
	callers.Wait()
	for _, e := range b.sim.Journal() {
		if e.Status == 429 {
			t.Error("Xero had to refuse one")
		}
	}
}

func TestCallersOnAnExpiredTokenAreAllAnsweredByOneRenewal(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	renewals := func() (n int) {
		for _, e := range b.sim.Journal() {
			if e.Point == xerosim.PointToken {
				n++
			}
		}
		return n
	}
	before := renewals()
	b.sim.ExpireAccessTokens()
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
				t.Errorf("%d %s", g.status, g.body)
			}
		})
	}
	callers.Wait()
	if n := renewals() - before; n != 1 {
		t.Errorf("%d renewals", n)
	}
}

func TestInDemoEveryAnswerSaysSo(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.Mode = server.Demo }).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for _, a := range []ask{{path: invoices, key: key}, {path: invoices}, {path: "/connections", key: key}, {path: "/health"}} {
		if g := b.ask(a); g.header.Get("X-FCC-Mode") != "demo" {
			t.Errorf("%s: %d without X-FCC-Mode", a.path, g.status)
		}
	}
}

func TestTheConnectionListSaysWhenTheOnlySignInIsOver(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet"})
	if err := b.sim.RevokeGrant(""); err != nil {
		t.Fatal(err)
	}
	b.sim.ExpireAccessTokens()
	g := b.ask(ask{path: "/connections", key: key})
	if g.status != 503 || g.code != "needs_login" {
		t.Errorf("the only sign-in is over: %d %s", g.status, g.body)
	}
}
