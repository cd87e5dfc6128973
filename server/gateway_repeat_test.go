package server_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"financial-command-center/server/store"
)

// heard is what came to the far end: methods, keys and bodies.
type heard struct {
	mu   sync.Mutex
	keys []string // "-" for none
	said []string
}

func (h *heard) note(r *http.Request, body string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := "-"
	if given, ok := r.Header["Idempotency-Key"]; ok {
		key = strings.Join(given, ",")
	}
	h.keys, h.said = append(h.keys, key), append(h.said, body)
	return len(h.keys)
}

func (h *heard) any() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.keys) > 0
}

// since is what came since it was asked last.
func (h *heard) since() (keys, said []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys, said = h.keys, h.said
	h.keys, h.said = nil, nil
	return keys, said
}

// refusingFirst is a far end that refuses what comes first, of a file with 401 and of the
// rest for a limit, and answers what comes after that. What it refuses it has read,
// unless unread.
func refusingFirst(t *testing.T, h *heard, unread bool) func(*bench) {
	return through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		body := ""
		if !unread || h.any() {
			read, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			body = string(read)
		}
		if h.note(r, body) > 1 {
			return
		}
		if r.URL.Path == attachment {
			w.Header().Set("WWW-Authenticate", "Bearer error=invalid_token")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Rate-Limit-Problem", "concurrent")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
}

// Each has a server of its own: after a renewal the next may come a second later.
func TestAWriteThatXeroRefusedUnreadIsRepeatedUnderItsKey(t *testing.T) {
	short, long := strings.Repeat("s", 1<<20), strings.Repeat("l", 1<<20+1)
	for _, c := range []struct {
		name, method, path, own, body string
		chunked, asks                 bool
		times                         int
	}{
		{"a short body", "POST", attachment, "", short, false, false, 2},
		{"a short body of unknown length", "PUT", attachment, "", short, true, false, 2},
		{"its own key", "POST", attachment, "mine", "{}", false, false, 2},
		{"the longest key", "POST", attachment, strings.Repeat("é", 64) + strings.Repeat("k", 64), "{}", false, false, 2},
		{"a limit", "POST", "/api.xro/2.0/Contacts", "", "{}", false, false, 2},
		{"no body", "PATCH", attachment, "", "", false, false, 2},
		{"a long body", "POST", attachment, "", long, false, false, 1},
		{"a long body of unknown length", "POST", attachment, "", long, true, false, 1},
		{"a long body that was not asked for", "POST", attachment, "", long, false, true, 2},
		{"a deletion", "DELETE", attachment, "", "", false, false, 2},
		{"a deletion with a key", "DELETE", attachment, "mine", "", false, false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &heard{}
			b := newBench(t, mayWrite, refusingFirst(t, h, c.asks)).opened()
			b.signIn(b.visit(), café)
			a := ask{method: c.method, path: c.path, key: b.addKey(store.Key{Name: "w", Write: true}), header: map[string]string{}}
			if c.own != "" {
				a.header["Idempotency-Key"] = c.own
			}
			if c.asks {
				a.header["Expect"] = "100-continue"
			}
			switch {
			case c.chunked:
				a.body = io.MultiReader(strings.NewReader(c.body))
			case c.body != "":
				a.body = strings.NewReader(c.body)
			}
			g := b.ask(a)
			keys, said := h.since()
			status := 200
			if c.times == 1 {
				status = 401
			}
			if g.status != status || len(keys) != c.times {
				t.Fatalf("%d, sent %d times", g.status, len(keys))
			}
			for n, body := range said {
				if body != c.body && !(c.asks && n == 0) {
					t.Errorf("the body came as %d bytes", len(body))
				}
			}
			told := g.header.Get("Idempotency-Key")
			if c.method == "DELETE" {
				told = "-"
			}
			if len(slices.Compact(keys)) != 1 || keys[0] != told || c.own != "" && told != c.own && c.method != "DELETE" || told == "" || len([]rune(told)) > 128 {
				t.Errorf("sent with the keys %q, and told %q", keys, told)
			}
		})
	}
}

func TestOnlyAWriteHasAKeyAndOneThatIsNoKeyIsRefused(t *testing.T) {
	h := &heard{}
	b := newBench(t, mayWrite, refusingFirst(t, h, false)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	if g := b.ask(ask{path: "/api.xro/2.0/Organisation", key: key}); g.header.Get("Idempotency-Key") != "" {
		t.Error("a key for what changes nothing")
	}
	h.since()
	for name, wrong := range map[string][]string{"too long": {strings.Repeat("k", 129)}, "two": {"a", "b"}} {
		r := b.request(ask{method: "POST", path: attachment, key: key, body: strings.NewReader("{}")})
		r.Header["Idempotency-Key"] = wrong
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if keys, _ := h.since(); answer.StatusCode != 400 || len(keys) != 0 {
			t.Errorf("a key that is %s: %s, sent %d times", name, answer.Status, len(keys))
		}
	}
}

// A server may close a kept connection just when a request comes: it may have been
// done, or not. net/http then sends again what it takes for safe.
func TestWhatADeadConnectionSwallowedIsSentAgainUnderAKeyOnly(t *testing.T) {
	h := &heard{}
	b := newBench(t, mayWrite, through(behind(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if h.note(r, string(body)) == 2 {
			panic(http.ErrAbortHandler) // the connection that the first kept open
		}
	}))).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	session, ok := b.cfg.Connections.Find(b.tenant(café))
	if !ok {
		t.Fatal("nobody is signed in")
	}
	bare := func(method string) error {
		r, err := http.NewRequestWithContext(t.Context(), method, b.xero.API+attachment, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Xero-Tenant-Id", b.tenant(café))
		answer, err := session.Transport().RoundTrip(r)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	for _, c := range []struct {
		name  string
		send  func() error
		times int
	}{
		{"POST through the gateway", func() error {
			return status(b.ask(ask{method: "POST", path: attachment, key: key, body: strings.NewReader("{}")}))
		}, 2},
		{"GET through the gateway", func() error { return status(b.ask(ask{path: attachment, key: key})) }, 2},
		{"DELETE through the gateway", func() error { return status(b.ask(ask{method: "DELETE", path: attachment, key: key})) }, 1},
		{"a long POST through the gateway", func() error {
			return status(b.ask(ask{method: "POST", path: attachment, key: key, body: strings.NewReader(strings.Repeat("x", 1<<20+1))}))
		}, 1},
		{"POST of our own without a key", func() error { return bare("POST") }, 1},
		{"PUT of our own without a key", func() error { return bare("PUT") }, 1},
	} {
		h.since()
		if g := b.ask(ask{path: attachment, key: key}); g.status != 200 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		err := c.send()
		keys, said := h.since()
		keys, said = keys[1:], said[1:]
		if len(keys) != c.times || (err == nil) != (c.times == 2) {
			t.Errorf("%s: sent %d times, %v", c.name, len(keys), err)
		}
		if len(slices.Compact(keys)) != 1 || len(slices.Compact(said)) != 1 {
			t.Errorf("%s: sent with the keys %q", c.name, keys)
		}
	}
}

func status(g got) error {
	if g.status != 200 {
		return fmt.Errorf("%d %s", g.status, g.code)
	}
	return nil
}
