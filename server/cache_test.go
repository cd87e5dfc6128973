package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

// asked counts what reached Xero's APIs while do ran.
func (b *bench) asked(do func()) (n int) {
	b.t.Helper()
	before := len(b.sim.Journal())
	do()
	for _, e := range b.sim.Journal()[before:] {
		if e.Point == xerosim.PointAPI {
			n++
		}
	}
	return n
}

// get is a GET of invoices with headers, "Name: value" each.
func (b *bench) get(key, path string, headers ...string) got {
	b.t.Helper()
	header := map[string]string{"Accept": "application/json"}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		header[name] = value
	}
	return b.ask(ask{path: path, key: key, header: header})
}

// wants fails the test unless the answer has this status, source and, where it is not
// live, an age within reason.
func (g got) wants(t *testing.T, what string, status int, source string) {
	t.Helper()
	age, err := strconv.Atoi(g.header.Get("Age"))
	aged := g.header.Get("Age") != "" && err == nil && age >= 0 && age < 60
	if g.status != status || g.header.Get("X-FCC-Source") != source || aged != (source == "cache" || source == "stale") {
		t.Errorf("%s: %d %s, source %q, age %q, want %d from %q\n%.200s", what, g.status, g.code, g.header.Get("X-FCC-Source"), g.header.Get("Age"), status, source, g.body)
	}
}

const minute = "X-FCC-Max-Age: 60"

func TestKeptAnswersAreAsXeroGaveThemAndOnlyForWhoTakesThem(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	plain, opted := b.addKey(store.Key{Name: "plain"}), b.addKey(store.Key{Name: "opted", MaxAge: time.Minute})
	var live, kept got
	if n := b.asked(func() {
		b.get(plain, invoices).wants(t, "who says nothing", 200, "live")
		b.get(plain, invoices).wants(t, "who says nothing, again", 200, "live")
		live = b.get(plain, invoices, minute)
		live.wants(t, "the first who takes kept ones", 200, "live")
	}); n != 3 {
		t.Errorf("Xero was asked %d times, and nothing was kept", n)
	}
	if n := b.asked(func() {
		kept = b.get(plain, invoices, minute)
		kept.wants(t, "by header", 200, "cache")
		b.get(opted, invoices).wants(t, "by key", 200, "cache")
	}); n != 0 {
		t.Errorf("Xero was asked %d times for what is kept", n)
	}
	if kept.body != live.body {
		t.Error("what is kept is not what came")
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Date", "Xero-Correlation-Id", "Cache-Control", "X-Content-Type-Options", "X-FCC-Budget-Day", "X-FCC-Budget-Minute"} {
		if kept.header.Get(name) != live.header.Get(name) {
			t.Errorf("%s is %q, and was %q", name, kept.header.Get(name), live.header.Get(name))
		}
	}
	if kept.header.Get("X-FCC-Budget-Day") == "" {
		t.Error("a kept answer does not say what is left")
	}
	for _, name := range []string{"X-DayLimit-Remaining", "X-MinLimit-Remaining", "X-AppMinLimit-Remaining"} {
		if live.header.Get(name) == "" || kept.header.Get(name) != "" {
			t.Errorf("%s is %q, and was %q", name, kept.header.Get(name), live.header.Get(name))
		}
	}
	for what, g := range map[string]func() got{
		"0 from a key with an age": func() got { return b.get(opted, invoices, "X-FCC-Max-Age: 0") },
		"a key that says nothing":  func() got { return b.get(plain, invoices) },
		"another query":            func() got { return b.get(opted, invoices+"&unitdp=4") },
		"the same in other bytes": func() got {
			return b.get(opted, strings.Replace(invoices, "page=1&pageSize=5", "pageSize=5&page=1", 1))
		},
		"another form":          func() got { return b.get(opted, invoices, "Accept: application/xml") },
		"what has changed":      func() got { return b.get(opted, invoices, "If-Modified-Since: 2020-01-01T00:00:00") },
		"a part":                func() got { return b.get(opted, invoices, "Range: bytes=0-") },
		"a header nobody knows": func() got { return b.get(opted, invoices, "X-Anything: 1") },
		"another language":      func() got { return b.get(opted, invoices, "Accept-Language: de") },
		"only the head": func() got {
			return b.ask(ask{method: "HEAD", path: invoices, key: opted, header: map[string]string{"Accept": "application/json"}})
		},
	} {
		if n := b.asked(func() { g().wants(t, what, 200, "live") }); n != 1 {
			t.Errorf("%s: Xero was asked %d times", what, n)
		}
	}
	if n := b.asked(func() {
		b.get(opted, invoices, "Accept: application/xml").wants(t, "XML, again", 200, "cache")
		b.get(opted, invoices, "User-Agent: other/1", "Idempotency-Key: 1").wants(t, "another program", 200, "cache")
	}); n != 0 {
		t.Errorf("Xero was asked %d times", n)
	}
}

func TestOnlyWhatWasFoundIsKept(t *testing.T) {
	var answer func() (int, http.Header, string)
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		status, header, body := answer()
		return answering(status, header, strings.NewReader(body))(r)
	}}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", MaxAge: time.Hour})
	typed := func(kind string, more ...string) http.Header {
		h := http.Header{"Content-Type": {kind}}
		for i := 0; i+1 < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	for n, c := range []struct {
		what   string
		status int
		header http.Header
		body   string
		kept   bool
	}{
		{"JSON", 200, typed("application/json; charset=utf-8"), "{}", true},
		{"XML", 200, typed("text/xml"), "<a/>", true},
		{"a problem in JSON", 404, typed("application/problem+json"), "{}", false},
		{"a page", 200, typed("text/html"), "accept the terms", false},
		{"a file", 200, typed("application/pdf"), "%PDF", false},
		{"nothing", 204, nil, "", false},
		{"of no kind", 200, nil, "{}", false},
		{"what varies", 200, typed("application/json", "Vary", "*"), "{}", false},
		{"as large as is kept", 200, typed("application/json"), strings.Repeat("x", 2<<20), true},
		{"larger", 200, typed("application/json"), strings.Repeat("x", 2<<20+1), false},
		{"larger, and says so", 200, typed("application/json", "Content-Length", strconv.Itoa(3<<20)), strings.Repeat("x", 3<<20), false},
	} {
		answer = func() (int, http.Header, string) { return c.status, c.header, c.body }
		path := fmt.Sprintf("/api.xro/2.0/Items?n=%d", n)
		first, before := b.get(key, path), f.count()
		second := b.get(key, path)
		if first.body != c.body || second.body != c.body || first.status != c.status || second.status != c.status {
			t.Errorf("%s: %d with %d bytes, then %d with %d", c.what, first.status, len(first.body), second.status, len(second.body))
		}
		if source := second.header.Get("X-FCC-Source"); (f.count() == before) != c.kept || (source == "cache") != c.kept {
			t.Errorf("%s: from %q", c.what, source)
		}
	}
	// What a cache before Xero kept is as old as it says.
	answer = func() (int, http.Header, string) { return 200, typed("application/json", "Age", "1000"), "{}" }
	b.get(key, "/api.xro/2.0/Items?aged")
	if age, _ := strconv.Atoi(b.get(key, "/api.xro/2.0/Items?aged").header.Get("Age")); age < 1000 || age > 1060 {
		t.Errorf("its age is %d", age)
	}
}

func TestAWishThatCannotBeReadIsRefused(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	n := b.asked(func() {
		for _, h := range []string{"X-FCC-Max-Age: -1", "X-FCC-Max-Age: soon", "X-FCC-Max-Age: 1.5", "X-FCC-Max-Age: +1", "X-FCC-Max-Age: ", "X-FCC-Max-Age: 99999999999", "X-FCC-Stale: yes", "X-FCC-Stale: "} {
			r := b.request(ask{path: invoices, key: key})
			name, value, _ := strings.Cut(h, ": ")
			r.Header[http.CanonicalHeaderKey(name)] = []string{value}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if g := read(answer.StatusCode, answer.Header, string(body)); g.status != 400 || g.code != "bad_request" || !strings.Contains(g.body, name) {
				t.Errorf("%s: %d %s", h, g.status, g.body)
			}
		}
		r := b.request(ask{path: invoices, key: key})
		r.Header["X-Fcc-Max-Age"] = []string{"1", "2"}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 400 {
			t.Errorf("two ages: %d", answer.StatusCode)
		}
	})
	if n != 0 {
		t.Errorf("Xero was asked %d times", n)
	}
}

func TestTenWhoAskAtOnceCostOneCall(t *testing.T) {
	hold := make(chan struct{})
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		select {
		case <-hold:
			return answering(200, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(`{"of":"all"}`))(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	keys := []string{b.addKey(store.Key{Name: "one"}), b.addKey(store.Key{Name: "two"})}
	// The first, who asks Xero for all, hangs up.
	first := make(chan error, 1)
	r := b.request(ask{path: invoices, key: keys[0], header: map[string]string{"X-FCC-Max-Age": "60", "Accept": "application/json"}})
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	go func() {
		answer, err := client.Do(r.WithContext(ctx))
		if err == nil {
			answer.Body.Close()
		}
		first <- err
	}()
	b.until("the first is with Xero", func() bool { return f.count() == 1 })
	var callers sync.WaitGroup
	var mu sync.Mutex
	var came []got
	for n := range 9 {
		callers.Go(func() {
			g := b.get(keys[n%2], invoices, minute)
			mu.Lock()
			defer mu.Unlock()
			came = append(came, g)
		})
	}
	b.until("all wait", func() bool { return b.WaitingTogether() == 10 })
	hangUp()
	if err := <-first; err == nil {
		t.Error("the first was answered")
	}
	b.until("the first has left", func() bool { return b.WaitingTogether() == 9 })
	close(hold)
	callers.Wait()
	for _, g := range came {
		if g.status != 200 || g.body != `{"of":"all"}` || g.header.Get("X-FCC-Source") != "live" {
			t.Errorf("%d %s from %q", g.status, g.body, g.header.Get("X-FCC-Source"))
		}
	}
	if n := f.count(); n != 1 {
		t.Errorf("Xero was asked %d times", n)
	}
	b.get(keys[0], invoices, minute).wants(t, "afterwards", 200, "cache")
}

// When nobody waits any more, Xero need not answer.
func TestACallThatNobodyWaitsForIsGivenUp(t *testing.T) {
	gone := make(chan struct{})
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		close(gone)
		return nil, r.Context().Err()
	}}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	r := b.request(ask{path: invoices, key: b.addKey(store.Key{Name: "one"}), header: map[string]string{"X-FCC-Max-Age": "60"}})
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	go func() {
		if answer, err := client.Do(r.WithContext(ctx)); err == nil {
			answer.Body.Close()
		}
	}()
	b.until("it is with Xero", func() bool { return f.count() == 1 })
	hangUp()
	<-gone
}

// What is too large to be kept goes to one of those who wait as it comes; the others
// ask for themselves.
func TestALargeAnswerStreamsThrough(t *testing.T) {
	const size = 8 << 20
	more := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		part := make([]byte, 64<<10)
		for n := 0; n < size; n += len(part) {
			if n == size/2 {
				<-more
			}
			_, _ = w.Write(part)
		}
	}))
	defer api.Close()
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		r.URL.Host = strings.TrimPrefix(api.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	}}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", MaxAge: time.Minute})
	var callers sync.WaitGroup
	var opened sync.WaitGroup
	opened.Add(3)
	for range 3 {
		callers.Go(func() {
			answer, err := client.Do(b.request(ask{path: "/api.xro/2.0/Items", key: key}))
			if err != nil {
				t.Error(err)
				opened.Done()
				return
			}
			defer answer.Body.Close()
			half := make([]byte, size/4)
			got, err := io.ReadFull(answer.Body, half) // it comes before Xero has sent all
			opened.Done()
			n, rest := io.Copy(io.Discard, answer.Body)
			if err != nil || rest != nil || n+size/4 != size || answer.Header.Get("X-FCC-Source") != "live" {
				t.Errorf("%d and %d of %d bytes: %v %v", got, n, size, err, rest)
			}
		})
	}
	opened.Wait()
	close(more)
	callers.Wait()
	// One that breaks off breaks off.
	f.answer = func(r *http.Request) (*http.Response, error) {
		return answering(200, http.Header{"Content-Type": {"application/json"}}, io.MultiReader(strings.NewReader(strings.Repeat("x", 3<<20)), broken{}))(r)
	}
	answer, err := client.Do(b.request(ask{path: "/api.xro/2.0/Items?broken", key: key}))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); err == nil {
		t.Errorf("an answer that broke off looks whole, with %d bytes", n)
	}
	// One that was to be kept is not, and is an error with a next step.
	f.answer = func(r *http.Request) (*http.Response, error) {
		return answering(200, http.Header{"Content-Type": {"application/json"}}, io.MultiReader(strings.NewReader(`{"a":`), broken{}))(r)
	}
	if g := b.get(key, "/api.xro/2.0/Items?small"); g.status != 504 || g.code != "xero_unreachable" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAWriteDropsWhatIsKeptBeforeItsAnswer(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.xero.App.Scopes = append(b.xero.App.Scopes, "accounting.contacts")
	}).opened()
	b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "w", Write: true, MaxAge: time.Hour})
	of := func(name string) string { return "xero-tenant-id: " + b.tenant(name) }
	const contacts = "/api.xro/2.0/Contacts?searchTerm=Ngaio"
	for _, name := range []string{café, joinery} {
		b.get(key, contacts, of(name)).wants(t, "before", 200, "live")
		b.get(key, invoices, of(name)).wants(t, "before", 200, "live")
		b.get(key, contacts, of(name)).wants(t, "kept", 200, "cache")
	}
	g := b.ask(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: key, body: strings.NewReader(`{"Contacts":[{"Name":"Ngaio Ltd"}]}`), header: map[string]string{
		"xero-tenant-id": b.tenant(café), "Content-Type": "application/json", "Accept": "application/json",
	}})
	if g.status != 200 || g.header.Get("X-FCC-Source") != "live" {
		t.Fatalf("the write: %d %s", g.status, g.body)
	}
	after := b.get(key, contacts, of(café))
	after.wants(t, "after a write", 200, "live")
	if !strings.Contains(after.body, "Ngaio Ltd") {
		t.Error("what was written is not in the next answer")
	}
	b.get(key, invoices, of(café)).wants(t, "another question after a write", 200, "live")
	b.get(key, contacts, of(joinery)).wants(t, "another organisation", 200, "cache")
	// Also on the disk.
	b.ask(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: key, body: strings.NewReader(`{"Contacts":[{"Name":"Other Ltd"}]}`), header: map[string]string{
		"xero-tenant-id": b.tenant(café), "Content-Type": "application/json",
	}})
	b.stop()
	b.start()
	b.opened()
	b.get(key, contacts, of(café)).wants(t, "after a restart", 200, "live")
	b.get(key, contacts, of(joinery)).wants(t, "another organisation after a restart", 200, "cache")
}

// An answer that was asked for before a write, and comes after it, may be from before.
func TestAnAnswerFromBeforeAWriteIsNotKept(t *testing.T) {
	hold := make(chan struct{})
	var first atomic.Bool
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		body := `{"new":true}`
		if r.Method == http.MethodGet && first.CompareAndSwap(false, true) {
			body = `{"new":false}`
			<-hold
		}
		return answering(200, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))(r)
	}}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true, MaxAge: time.Hour})
	before := make(chan got)
	go func() { before <- b.get(key, invoices) }()
	b.until("it is with Xero", func() bool { return f.count() == 1 })
	if g := b.ask(ask{method: "POST", path: "/api.xro/2.0/Invoices", key: key, body: strings.NewReader("{}")}); g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if g := b.get(key, invoices); g.body != `{"new":true}` { // nor does who comes later wait for it
		t.Errorf("after the write: %s", g.body)
	}
	close(hold)
	if g := <-before; g.body != `{"new":false}` {
		t.Errorf("before: %s", g.body)
	}
	if g := b.get(key, invoices); g.body != `{"new":true}` || g.header.Get("X-FCC-Source") != "cache" {
		t.Errorf("kept: %s from %s", g.body, g.header.Get("X-FCC-Source"))
	}
}

func TestTheLastKnownAnswerIsForWhoTakesIt(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	key, takes := b.addKey(store.Key{Name: "no"}), b.addKey(store.Key{Name: "yes", Stale: true})
	of := "xero-tenant-id: " + b.tenant(café)
	stale := "X-FCC-Stale: allow"
	trouble := func(what string, status int) {
		t.Helper()
		b.get(takes, invoices, of).wants(t, what+", a key that takes it", 200, "stale")
		b.get(key, invoices, of, stale).wants(t, what+", by header", 200, "stale")
		b.get(key, invoices, of, stale, "X-FCC-Max-Age: 0").wants(t, what+", not young enough", 200, "stale")
		b.get(key, invoices, of, minute).wants(t, what+", young enough", 200, "cache")
		for name, g := range map[string]got{
			"said nothing": b.get(key, invoices, of), "only a live one": b.get(key, invoices, of, "X-FCC-Max-Age: 0"),
			"denied it": b.get(takes, invoices, of, "X-FCC-Stale: deny"), "nothing known": b.get(takes, invoices+"&page=2", of),
		} {
			if g.status != status || g.header.Get("Age") != "" {
				t.Errorf("%s, %s: %d %s from %q", what, name, g.status, g.body, g.header.Get("X-FCC-Source"))
			}
		}
	}
	b.get(takes, invoices, of).wants(t, "at first", 200, "live")
	b.get(takes, invoices, of).wants(t, "while Xero answers", 200, "live")
	for _, fault := range []struct {
		xerosim.Fault
		status int
	}{{xerosim.Fault{Do: xerosim.Drop}, 504}, {xerosim.Fault{Do: xerosim.Fail, Status: 503}, 503}} {
		fault.At, fault.Times = xerosim.PointAPI, 1000
		b.sim.Fault(fault.Fault)
		trouble(string(fault.Do), fault.status)
		b.sim.ClearFaults()
	}
	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	trouble("the day's calls are used up", 429)
	// Xero's own refusals are answers.
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.WAF, Times: 1})
	if g := b.get(takes, invoices, "xero-tenant-id: "+b.tenant(joinery)); g.status != 403 {
		t.Errorf("a refusal: %d", g.status)
	}
	if err := b.sim.RevokeGrant(""); err != nil {
		t.Fatal(err)
	}
	b.sim.ExpireAccessTokens()
	b.stop()
	b.start()
	b.opened()
	b.until("the sign-in is over", func() bool { return b.cfg.Connections.Status().State == "needs_login" })
	trouble("the sign-in is over", 503)
}

// Who may not see an organisation does not see what is kept of it.
func TestKeptAnswersAreForKeysThatMayAsk(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	all := b.addKey(store.Key{Name: "all", MaxAge: time.Hour, Stale: true})
	locked := b.addKey(store.Key{Name: "locked", MaxAge: time.Hour, Stale: true, Tenants: []string{b.tenant(joinery)}})
	of := "xero-tenant-id: " + b.tenant(café)
	b.get(all, invoices, of).wants(t, "its own", 200, "live")
	b.get(all, invoices, of).wants(t, "its own", 200, "cache")
	if g := b.get(locked, invoices, of); g.status != 403 || g.code != "tenant_not_allowed" {
		t.Errorf("a locked key: %d %.100s", g.status, g.body)
	}
	files := b.addKey(store.Key{Name: "files", MaxAge: time.Hour, Stale: true, Families: []string{"files"}})
	if g := b.get(files, invoices, of); g.status != 403 || g.code != "key_family" {
		t.Errorf("a key for another family: %d %.100s", g.status, g.body)
	}
	if n := b.asked(func() {
		g := b.get(locked, invoices)
		g.wants(t, "the locked key's own organisation", 200, "live")
	}); n != 1 {
		t.Errorf("its own organisation cost %d calls", n)
	}
	if g := b.get("", invoices, of); g.status != 401 {
		t.Errorf("no key: %d", g.status)
	}
	if err := b.RevokeKey(t.Context(), "all"); err != nil {
		t.Fatal(err)
	}
	if g := b.get(all, invoices, of); g.status != 401 {
		t.Errorf("a revoked key: %d", g.status)
	}
}

func TestADisconnectedOrganisationsAnswersAreDeleted(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet", MaxAge: time.Hour, Stale: true})
	of := func(name string) string { return "xero-tenant-id: " + b.tenant(name) }
	for _, name := range []string{café, joinery} {
		b.get(key, invoices, of(name)).wants(t, "at first", 200, "live")
	}
	if g := b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}}); g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if g := b.get(key, invoices, of(café)); g.code != "tenant_required" {
		t.Errorf("a disconnected organisation: %d %s", g.status, g.code)
	}
	b.get(key, invoices, of(joinery)).wants(t, "the other one", 200, "cache")
	b.signIn(cookie)
	b.get(key, invoices, of(café)).wants(t, "connected again", 200, "live")
}

// What is kept outlives FCC, and nobody reads it in the files.
func TestKeptAnswersOutliveARestartSealed(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", MaxAge: time.Hour})
	live := b.get(key, invoices)
	var listed struct {
		Invoices []struct {
			InvoiceID string
			Contact   struct{ Name string }
		}
	}
	decode(t, live.body, &listed)
	if len(listed.Invoices) != 5 {
		t.Fatalf("%d invoices", len(listed.Invoices))
	}
	b.stop()
	hidden := []string{listed.Invoices[0].InvoiceID, listed.Invoices[0].Contact.Name, `"Invoices"`, "pageSize=5", "application/json"}
	files, err := filepath.Glob(filepath.Join(b.cfg.DataDir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	size := 0
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		size += len(text)
		for _, h := range hidden {
			if bytes.Contains(text, []byte(h)) {
				t.Errorf("%s holds %q as it is", filepath.Base(file), h)
			}
		}
	}
	if size < len(live.body) {
		t.Errorf("an answer of %d bytes is kept in %d", len(live.body), size)
	}
	for _, h := range hidden[:2] {
		if strings.Contains(b.log.String(), h) {
			t.Errorf("the log holds %q", h)
		}
	}
	b.start()
	b.opened()
	var kept got
	if n := b.asked(func() { kept = b.get(key, invoices) }); n != 0 {
		t.Errorf("Xero was asked %d times", n)
	}
	kept.wants(t, "after a restart", 200, "cache")
	if kept.body != live.body {
		t.Error("what is kept is not what came")
	}
}

// A kept answer costs nothing of what a key may ask a day.
func TestKeptAnswersDoNotCountForAKeysDay(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", MaxAge: time.Hour, Stale: true, Daily: 1})
	b.get(key, invoices).wants(t, "the day's one call", 200, "live")
	for range 3 {
		b.get(key, invoices).wants(t, "again", 200, "cache")
	}
	// That the day is used up is for its person to see: no older answer hides it.
	if g := b.get(key, invoices, "X-FCC-Max-Age: 0"); g.status != 429 || g.code != "key_limit" {
		t.Errorf("another call: %d %s", g.status, g.body)
	}
}
