package proof

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
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

// consent allows at the simulated Xero's page what is ticked there and what is not,
// and returns the address that the browser is sent back to.
func (p *person) consent(t testing.TB, address string) string {
	t.Helper()
	client := &http.Client{
		Transport: p.transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"do": {"allow"}}
	for _, input := range formInput.FindAllStringSubmatch(string(page), -1) {
		form.Add(input[1], html.UnescapeString(input[2]))
	}
	if len(form["organisation"]) == 0 {
		t.Fatalf("no consent page: %d: %s", resp.StatusCode, page)
	}
	to, err := resp.Request.URL.Parse("/identity/consent")
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := client.PostForm(to.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer allowed.Body.Close()
	if allowed.StatusCode != http.StatusFound {
		t.Fatalf("after Allow access: %s", allowed.Status)
	}
	return allowed.Header.Get("Location")
}

var formInput = regexp.MustCompile(`<input type="[a-z]+" name="([a-z]+)" value="([^"]*)"`)
