package proof

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A person is a browser without a screen: it keeps cookies, names itself as a
// visitor does, and follows no redirect by itself. (net/http/cookiejar would not
// return a Secure cookie to http://localhost, as browsers do.)
type person struct {
	base      string
	cookies   map[string]string
	transport http.RoundTripper
}

func newPerson(base string) *person { return &person{base, map[string]string{}, http.DefaultTransport} }

// visit opens a page of FCC.
func (p *person) visit(t testing.TB, path string) apiAnswer {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	req.Header.Set("Sec-Fetch-Site", "none")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	for name, value := range p.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	recorded.add(resp, body)
	for _, c := range resp.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return apiAnswer{resp.StatusCode, resp.Header, string(body)}
}

// recorded keeps every answer that any test got from FCC.
var recorded recorder

type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) add(resp *http.Response, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = resp.Header.Write(&r.text) // a Builder takes all
	r.text.Write(body)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
