package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"financial-command-center/server/store"
)

// BenchmarkACheck sends requests over one connection each: to a bare net/http
// handler that answers what /api/status does, to /api/status with a session, and
// with a key.
func BenchmarkACheck(b *testing.B) {
	bench := newBench(b).opened()
	cookie := bench.signIn(bench.visit())
	key := bench.addKey(store.Key{Name: "sheet"})
	same := []byte(bench.ask(ask{path: "/api/status", cookie: cookie}).body)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(same)
	}))
	defer bare.Close()
	kept := &http.Client{Transport: &http.Transport{}}
	defer kept.CloseIdleConnections()
	toBare, err := http.NewRequestWithContext(b.Context(), http.MethodGet, bare.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    *http.Request
	}{
		{"bare", toBare},
		{"session", bench.request(ask{path: "/api/status", cookie: cookie})},
		{"key", bench.request(ask{path: "/api/status", key: key})},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				answer, err := kept.Do(c.r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status)
				}
			}
		})
	}
}
