package server_test

import (
	"fmt"
	"io"
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

// A way is one path to the same upstream.
type way struct {
	name   string
	base   string
	header func(n int) http.Header // of connection n
	client *http.Client
}

// ask makes one call, as connection n does.
func (w *way) ask(b *testing.B, n int) {
	r, err := http.NewRequest(http.MethodGet, w.base+invoices, nil)
	if err != nil {
		b.Error(err)
		return
	}
	r.Header = w.header(n)
	answer, err := w.client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	size, err := io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || size != benchBody {
		b.Errorf("%s: %s with %d bytes: %v", w.name, answer.Status, size, err)
	}
}

// crowd has so many connections make so many calls each, and says how long it took.
func (w *way) crowd(b *testing.B, connections, calls int) time.Duration {
	begun := time.Now()
	var callers sync.WaitGroup
	for n := range connections {
		callers.Go(func() {
			for range calls {
				w.ask(b, n)
			}
		})
	}
	callers.Wait()
	return time.Since(begun)
}

const benchBody, benchOrganisations, benchConnections = 3 << 10, 4, 16

// besideProxies is FCC and two of httputil.ReverseProxy on the same upstream, which says
// nothing of limits: where each of them is, and what connection n asks with. The bare one
// keeps two connections to the upstream, as net/http's transport does; the wide one keeps
// one for each who asks, and differs in nothing else. Each organisation has as many
// connections as the others.
func besideProxies(b *testing.B, maxAge time.Duration) (bare, wide, own string, header func(n int) http.Header) {
	b.Helper()
	body := strings.Repeat("x", benchBody)
	tenant := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", n%benchOrganisations) }
	var list []string
	for n := range benchOrganisations {
		list = append(list, fmt.Sprintf(`{"id":"l-%d","tenantId":"%s","tenantType":"ORGANISATION","tenantName":"Books %d"}`, n, tenant(n), n))
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
	b.Cleanup(upstream.Close)
	address, err := url.Parse(upstream.URL)
	if err != nil {
		b.Fatal(err)
	}
	proxy := func(to http.RoundTripper) string {
		p := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(address) }, Transport: to})
		b.Cleanup(p.Close)
		return p.URL
	}
	s := newBench(b, func(s *bench) { s.xero.API = upstream.URL }).opened()
	s.signIn(s.visit())
	s.until("four organisations", func() bool { return len(s.cfg.Connections.Status().Organisations()) == benchOrganisations })
	key := s.addKey(store.Key{Name: "sheet", MaxAge: maxAge})
	return proxy(nil), proxy(aConnectionEach()), fmt.Sprintf("http://127.0.0.1:%d", s.cfg.Port), func(n int) http.Header {
		return http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + key}, "Xero-Tenant-Id": {tenant(n)}}
	}
}

// aConnectionEach keeps a connection for each of those who ask.
func aConnectionEach() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = benchConnections
	return t
}

// BenchmarkGateway is a GET of 3 KB through FCC beside the same through a bare
// httputil.ReverseProxy and a wide one, on the same upstream, by the same clients: at 16
// connections over four organisations, four each, so that nobody waits for Xero's five
// at once, and at one. The upstream says nothing of limits. All that takes part shares
// one process and its processors, so the rounds take turns, and the middle one counts.
func BenchmarkGateway(b *testing.B) {
	bare, wide, own, header := besideProxies(b, 0)
	ways := []*way{
		{name: "bare", base: bare, header: header},
		{name: "wide", base: wide, header: header},
		{name: "gateway", base: own, header: header},
	}
	for _, w := range ways {
		w.client = &http.Client{Transport: aConnectionEach()}
		w.crowd(b, benchConnections, 200)
	}
	const rounds, calls = 18, 250
	for b.Loop() {
		var crowds, alone [3][]time.Duration
		for round := range rounds {
			for _, n := range turns(round) {
				crowds[n] = append(crowds[n], ways[n].crowd(b, benchConnections, calls))
				alone[n] = append(alone[n], ways[n].crowd(b, 1, calls)/calls)
			}
		}
		for n, w := range ways {
			b.ReportMetric(benchConnections*calls/middle(crowds[n]).Seconds(), "calls/s/"+w.name)
			b.ReportMetric(float64(middle(alone[n]).Nanoseconds())/1000, "µs/"+w.name)
		}
		b.ReportMetric(share(crowds[0], crowds[2]), "gateway/bare")
		b.ReportMetric(share(crowds[1], crowds[2]), "gateway/wide")
		b.ReportMetric(float64((middle(alone[2])-middle(alone[1])).Nanoseconds())/1000, "µs/added") // to the wide one's
	}
	b.ReportMetric(0, "ns/op")
}

// turns is the order of the three in a round. In six rounds they take every order there
// is.
func turns(round int) []int {
	order := []int{round % 3, (round + 1) % 3, (round + 2) % 3}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// share is how many calls the other makes in the time of one call of one: the middle of
// the rounds' own, as the machine is quicker in some than in others.
func share(one, other []time.Duration) float64 {
	var shares []float64
	for round := range one {
		shares = append(shares, float64(one[round])/float64(other[round]))
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}

// middle is the one of times that half of them are below.
func middle(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}
