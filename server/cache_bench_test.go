package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// A line is a kept connection that asks one thing again and again. It does no more than
// it must, so that it is not the asking that is measured.
type line struct {
	conn    net.Conn
	request []byte
	space   []byte
}

func newLine(b *testing.B, address string, header map[string]string) *line {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	var text bytes.Buffer
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n", invoices, address)
	for name, value := range header {
		fmt.Fprintf(&text, "%s: %s\r\n", name, value)
	}
	text.WriteString("\r\n")
	return &line{conn, text.Bytes(), make([]byte, 8<<10)}
}

// ask makes one call. The answer has to be whole, and from where it should be.
func (l *line) ask(source string) error {
	if _, err := l.conn.Write(l.request); err != nil {
		return err
	}
	size, head := 0, -1
	for head < 0 || size < head+benchBody {
		n, err := l.conn.Read(l.space[size:])
		if err != nil {
			return err
		}
		if size += n; head < 0 {
			head = bytes.Index(l.space[:size], []byte("\r\n\r\n"))
			if head += 4; head == 3 {
				head = -1
			}
		}
	}
	text := l.space[:head]
	if !bytes.HasPrefix(text, []byte("HTTP/1.1 200 OK\r\n")) || size != head+benchBody || !bytes.Contains(text, []byte(source)) {
		return fmt.Errorf("%d bytes: %q, not from %q", size, text, source)
	}
	return nil
}

// BenchmarkCache is a GET of 3 KB that is kept, through the whole guard, beside the same
// through a bare httputil.ReverseProxy: at 16 connections over four organisations, in
// turns, the middle of many rounds. Who asks, both servers and the upstream share one
// process and its processors.
func BenchmarkCache(b *testing.B) {
	const organisations, connections = 4, 16
	body := strings.Repeat("x", benchBody)
	var list []string
	for n := range organisations {
		list = append(list, fmt.Sprintf(`{"id":"l-%d","tenantId":"00000000-0000-4000-8000-00000000000%d","tenantType":"ORGANISATION","tenantName":"Books %d"}`, n, n, n))
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if r.URL.Path == "/connections" {
			_, _ = io.WriteString(w, "["+strings.Join(list, ",")+"]")
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(benchBody))
		_, _ = io.WriteString(w, body)
	}))
	defer upstream.Close()
	address, err := url.Parse(upstream.URL)
	if err != nil {
		b.Fatal(err)
	}
	far := http.DefaultTransport.(*http.Transport).Clone()
	far.MaxIdleConnsPerHost = connections
	bare := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(address) }, Transport: far})
	defer bare.Close()
	s := newBench(b, func(s *bench) { s.xero.API = upstream.URL }).opened()
	s.signIn(s.visit())
	s.until("four organisations", func() bool { return len(s.cfg.Connections.Status().Organisations()) == organisations })
	key := s.addKey(store.Key{Name: "sheet", MaxAge: time.Hour})

	var ways [2][]*line
	for n := range connections {
		header := map[string]string{"Accept": "application/json", "Authorization": "Bearer " + key, "Xero-Tenant-Id": fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", n%organisations)}
		ways[0] = append(ways[0], newLine(b, strings.TrimPrefix(bare.URL, "http://"), header))
		ways[1] = append(ways[1], newLine(b, fmt.Sprintf("127.0.0.1:%d", s.cfg.Port), header))
	}
	sources := [2]string{"Content-Length: ", "X-Fcc-Source: cache"}
	for n, l := range ways[1] {
		if err := l.ask("X-Fcc-Source: live"); n < organisations && err != nil {
			b.Fatal(err)
		}
	}
	const rounds, calls = 15, 400
	for b.Loop() {
		var took [2][]time.Duration
		var shares []float64
		for round := range rounds {
			for turn := range ways {
				n := (turn + round) % len(ways)
				begun := time.Now()
				var callers sync.WaitGroup
				for _, l := range ways[n] {
					callers.Go(func() {
						for range calls {
							if err := l.ask(sources[n]); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				callers.Wait()
				took[n] = append(took[n], time.Since(begun))
			}
			shares = append(shares, float64(took[0][round])/float64(took[1][round]))
		}
		slices.Sort(shares)
		for n, name := range []string{"bare", "cached"} {
			slices.Sort(took[n])
			b.ReportMetric(connections*calls/took[n][rounds/2].Seconds(), "calls/s/"+name)
		}
		b.ReportMetric(shares[rounds/2], "cached/bare")
	}
	b.ReportMetric(0, "ns/op")
}
