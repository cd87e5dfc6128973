package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// BenchmarkSessionCheck is a request that shows a session's cookie or a key, past
// the whole guard, beside a net/http handler that asks nothing and answers the
// same bytes. All go over kept connections, in turns.
func BenchmarkSessionCheck(b *testing.B) {
	s := newBench(b).opened()
	cookie := s.signIn(s.visit(), café)
	key := s.addKey(store.Key{Name: "sheet"})
	body := s.ask(ask{path: "/api/status", cookie: cookie}).body
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}))
	defer bare.Close()
	bareRequest, err := http.NewRequest(http.MethodGet, bare.URL, nil)
	if err != nil {
		b.Fatal(err)
	}

	requests := []*http.Request{
		bareRequest,
		s.request(ask{path: "/api/status", cookie: cookie}),
		s.request(ask{path: "/api/status", key: key}),
	}
	const rounds = 2000
	for b.Loop() {
		var took [3]time.Duration
		for range rounds {
			for n, r := range requests {
				begun := time.Now()
				answer, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, err = io.Copy(io.Discard, answer.Body)
				took[n] += time.Since(begun)
				if err != nil || answer.StatusCode != http.StatusOK {
					b.Fatalf("%s: %s: %v", r.URL, answer.Status, err)
				}
				_ = answer.Body.Close()
			}
		}
		for n, name := range []string{"bare", "session", "key"} {
			b.ReportMetric(float64(took[n].Microseconds())/rounds, "µs/"+name)
		}
		b.ReportMetric(float64(took[1])/float64(took[0]), "session/bare")
		b.ReportMetric(float64(took[2])/float64(took[0]), "key/bare")
	}
	b.ReportMetric(0, "ns/op")
}
