package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"financial-command-center/server/store"
)

// An interim answer's headers are looked at by nobody, and would replace ours.
func TestAnInterimAnswerIsNotPassedOn(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "early=1")
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		_, _ = io.WriteString(w, "{}")
	}))
	defer api.Close()
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		r.URL.Host = strings.TrimPrefix(api.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	}}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	g := b.ask(ask{path: invoices, key: b.addKey(store.Key{Name: "sheet"})})
	if g.status != 200 || g.cookie != "" || g.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", g.status, g.header)
	}
}

// Trailers are headers that come when all checks are over.
func TestTrailersArePassedOnNeitherWay(t *testing.T) {
	sent := make(chan http.Header, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		sent <- r.Trailer
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "{}")
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"Set-Cookie", "late=1")
	}))
	defer api.Close()
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		r.URL.Host = strings.TrimPrefix(api.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	}}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "w", Write: true})
	r := b.request(ask{method: "POST", path: "/api.xro/2.0/Contacts", key: key, body: io.MultiReader(strings.NewReader("{}"))})
	r.Trailer = http.Header{"X-Api-Key": {key}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "{}" {
		t.Errorf("%q %v", body, err)
	}
	if late := <-sent; len(late) > 0 {
		t.Errorf("Xero gets %v", late)
	}
	if len(answer.Trailer) > 0 {
		t.Errorf("the caller gets %v", answer.Trailer)
	}
}

func TestBothBodiesAreStreamed(t *testing.T) {
	up, down := make(chan byte), make(chan byte)
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		reader, writer := io.Pipe()
		go func() {
			part := make([]byte, 1)
			for range 3 {
				if _, err := io.ReadFull(r.Body, part); err != nil {
					_ = writer.CloseWithError(err)
					return
				}
				up <- part[0]
			}
			for c := range down {
				_, _ = writer.Write([]byte{c})
			}
			_ = writer.Close()
		}()
		return answering(200, http.Header{"Content-Type": {"application/octet-stream"}}, reader)(r)
	}}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	body, send := io.Pipe()
	r := b.request(ask{method: "POST", path: "/api.xro/2.0/Invoices/1/Attachments/my%20file.pdf", key: b.addKey(store.Key{Name: "w", Write: true}), body: body})
	answers := make(chan *http.Response, 1)
	go func() {
		answer, err := client.Do(r)
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	}()
	for _, c := range []byte("abc") { // each arrives before the next is sent
		if _, err := send.Write([]byte{c}); err != nil {
			t.Fatal(err)
		}
		if got := <-up; got != c {
			t.Fatalf("Xero got %c, want %c", got, c)
		}
	}
	answer := <-answers
	defer answer.Body.Close()
	got := make([]byte, 1)
	for _, c := range []byte("xyz") {
		down <- c
		if _, err := io.ReadFull(answer.Body, got); err != nil || got[0] != c {
			t.Fatalf("got %c (%v), want %c", got[0], err, c)
		}
	}
	close(down)
	_ = send.Close()
	if p := f.last().URL.EscapedPath(); p != "/api.xro/2.0/Invoices/1/Attachments/my%20file.pdf" {
		t.Errorf("Xero was asked for %s", p)
	}
}

func TestABodyLargerThanOurOwnRoutesTakeGoesThrough(t *testing.T) {
	var size int64
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		size, _ = io.Copy(io.Discard, r.Body)
		return answering(200, nil, strings.NewReader("{}"))(r)
	}}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	g := b.ask(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: b.addKey(store.Key{Name: "w", Write: true}), body: io.LimitReader(zeros{}, 20<<20)})
	if g.status != 200 || size != 20<<20 {
		t.Errorf("%d, Xero got %d bytes", g.status, size)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
