package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
)

// stream opens /events; each call of next is one status, "" at the end.
func (b *bench) stream(cookie string) (next func() string) {
	b.t.Helper()
	of := b.streamOf(cookie)
	return func() string { return of("status") }
}

// streamOf opens /events; each call of next is the data of the next event with that
// name, "" at the end.
func (b *bench) streamOf(cookie string) (next func(event string) string) {
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
	return func(event string) string {
		named := false
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				named = name == event
			} else if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok && named {
				return strings.TrimPrefix(data, " ")
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

func TestTheOtherWindowsOfABrowserFollowItsChoice(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	mine, others := b.streamOf(cookie), b.streamOf(b.visit())
	mine("status")
	others("status")
	b.choose(cookie, café)
	ended := make(chan string, 1)
	go func() { ended <- others("figures") }()
	mine("figures") // ends with the test where it does not come
	b.stop()
	if got := <-ended; got != "" {
		t.Errorf("another browser is told %q", got)
	}
}

func TestOpenPagesHearOfEachMinute(t *testing.T) {
	withClock(t, func(t *testing.T, s *server.Server, _ keystore.Store) {
		r := httptest.NewRequest(http.MethodGet, "/events", nil)
		ctx, leave := context.WithCancel(t.Context())
		r = r.WithContext(ctx)
		r.Host = "localhost:8000"
		r.Header.Set("Cookie", enter(t, s))
		w := httptest.NewRecorder()
		left := make(chan bool)
		go func() {
			s.Handler().ServeHTTP(w, r)
			close(left)
		}()
		synctest.Wait()
		time.Sleep(3*time.Minute + time.Second)
		leave()
		<-left
		if body := w.Body.String(); !strings.HasPrefix(body, "retry: 1000\nevent: status\ndata: {") || strings.Count(body, "event: tick\ndata:\n\n") != 3 || strings.Contains(body, "figures") {
			t.Errorf("in three minutes the page hears\n%s", body)
		}
	})
}
