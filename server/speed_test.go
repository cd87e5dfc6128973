package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A session check beside a bare handler, over real connections that are kept: the
// difference is all that the guard costs.
func BenchmarkRequest(b *testing.B) {
	fine := func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "fine\n")
		return err
	}
	b.Run("bare", func(b *testing.B) {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = fine(w, r) }))
		defer far.Close()
		repeat(b, func() *http.Request { return httptest.NewRequest(http.MethodGet, far.URL, nil) })
	})
	b.Run("session", func(b *testing.B) {
		bench := newBench(b).opened()
		cookie := bench.visit()
		if err := bench.Mount("GET /fine", "session", fine); err != nil {
			b.Fatal(err)
		}
		far := httptest.NewServer(bench.Handler())
		defer far.Close()
		repeat(b, func() *http.Request {
			r := httptest.NewRequest(http.MethodGet, far.URL+"/fine", nil)
			r.Host = bench.request(ask{path: "/fine"}).Host
			r.Header.Set("Cookie", cookie)
			return r
		})
	})
}

func repeat(b *testing.B, request func() *http.Request) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	r := request()
	r.RequestURI = ""
	for b.Loop() {
		answer, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			b.Fatal(answer.Status)
		}
	}
}
