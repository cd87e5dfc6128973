package server_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// stream opens /events; each call of next is one event's data, "" at the end.
func (b *bench) stream(cookie string) (next func() string) {
	b.t.Helper()
	answer, err := client.Do(b.request(ask{path: "/events", cookie: cookie}))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		b.t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	lines := bufio.NewScanner(answer.Body)
	return func() string {
		named := false
		for lines.Scan() {
			if lines.Text() == "event: status" {
				named = true
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && named {
				return data
			}
		}
		return ""
	}
}

func TestAPageIsToldTheStatusAtOnceAndOnEveryChange(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	next := b.stream(cookie)
	state := func(data string) (s struct {
		State     string
		SigningIn bool `json:"signing_in"`
	}) {
		t.Helper()
		decode(t, data, &s)
		return s
	}
	first := next()
	if s := state(first); s.State != "disconnected" {
		t.Fatalf("at once: %s", first)
	}
	// The same as /api/status, on one line.
	var one, two any
	decode(t, first, &one)
	decode(t, b.ask(ask{path: "/api/status", cookie: cookie}).body, &two)
	a, _ := json.Marshal(one)
	c, _ := json.Marshal(two)
	if string(a) != string(c) {
		t.Errorf("the event says %s and /api/status %s", a, c)
	}
	// The browser's own stream ends with its session's old id, at the sign-in.
	watching := b.stream(b.visit())
	watching()
	b.signIn(cookie)
	for s := state(watching()); s.State != "connected" || s.SigningIn; s = state(watching()) {
		continue
	}
	for data := next(); data != ""; data = next() {
		continue
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	b := newBench(t).opened()
	mine, other := b.visit(), b.visit()
	myNext, otherNext := b.stream(mine), b.stream(other)
	myNext()
	otherNext()
	if g := b.ask(ask{method: "POST", path: "/logout", cookie: mine, form: url.Values{}}); g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if data := myNext(); data != "" {
		t.Errorf("after the logout it says %s", data)
	}
	b.ask(ask{path: "/login", cookie: other})
	if data := otherNext(); !strings.Contains(data, `"signing_in":true`) {
		t.Errorf("another browser's stream says %q", data)
	}
}

func TestStreamsEndWhenFCCStops(t *testing.T) {
	b := newBench(t).opened()
	next := b.stream(b.visit())
	next()
	b.stop()
	if data := next(); data != "" {
		t.Errorf("it says %s", data)
	}
}
