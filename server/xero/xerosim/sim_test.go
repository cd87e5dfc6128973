package xerosim_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

const (
	redirect = "http://localhost:8000/callback"
	// The 14 granular scopes that FCC asks for unless told otherwise.
	readScopes = "openid profile email offline_access accounting.settings.read accounting.contacts.read " +
		"accounting.invoices.read accounting.payments.read accounting.banktransactions.read " +
		"accounting.reports.banksummary.read accounting.reports.profitandloss.read accounting.reports.balancesheet.read " +
		"accounting.reports.aged.read accounting.reports.executivesummary.read"
	webClientID = "FEEDFACE5EC2E700A1B2C3D4E5F60718"
)

// A site is a Sim on a real port, and an app that talks to it.
type site struct {
	*xerosim.Sim
	t      *testing.T
	base   string
	client *http.Client
}

// newSite starts a Sim with one app without a secret and one with.
func newSite(t *testing.T, change ...func(*xerosim.Options)) *site {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	opt := xerosim.Options{
		Issuer: server.URL,
		Login:  strings.Replace(server.URL, "127.0.0.1", "localhost", 1),
		Clients: []xerosim.Client{
			{ID: xerosim.DemoClientID, Redirects: []string{redirect, "http://localhost:18000/callback"}},
			{ID: webClientID, Secret: xerosim.DemoClientSecret, Redirects: []string{redirect}, Broad: true},
		},
	}
	for _, f := range change {
		f(&opt)
	}
	sim, err := xerosim.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", sim.Handler())
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &site{Sim: sim, t: t, base: server.URL, client: client}
}

func verifier() string { return rand.Text() + rand.Text() }

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorizeURL is where an app sends the browser. Each change is a parameter's
// name and value; an empty value takes it away.
func (s *site) authorizeURL(verifier string, change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {xerosim.DemoClientID}, "redirect_uri": {redirect},
		"scope": {readScopes}, "state": {"state-1"}, "nonce": {"nonce-1"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	login := strings.Replace(s.base, "127.0.0.1", "localhost", 1)
	return login + "/identity/connect/authorize?" + q.Encode()
}

// approve lets the person consent and returns what the callback got.
func (s *site) approve(authorizeURL string, organisations ...string) url.Values {
	s.t.Helper()
	back, err := s.Approve(authorizeURL, organisations...)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Query()
}

type tokens struct {
	Status       int    `json:"-"`
	Error        string `json:"error"`
	IDToken      string `json:"id_token"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	Body         string `json:"-"`
}

// ask sends a form to the token endpoint.
func (s *site) ask(form url.Values, basic ...string) tokens {
	s.t.Helper()
	var got tokens
	got.Status, got.Body = s.post("/connect/token", form, basic...)
	if err := json.Unmarshal([]byte(got.Body), &got); err != nil {
		s.t.Fatalf("the token endpoint answered %q: %v", got.Body, err)
	}
	return got
}

func (s *site) post(path string, form url.Values, basic ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) == 2 {
		r.SetBasicAuth(basic[0], basic[1])
	}
	return s.do(r)
}

func (s *site) do(r *http.Request) (int, string) {
	s.t.Helper()
	answer, body := s.send(r)
	return answer.StatusCode, body
}

func (s *site) send(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

// connected is one row of GET /connections.
type connected struct{ ID, AuthEventID, TenantID, TenantName, CreatedDateUtc, UpdatedDateUtc string }

// connections is what the API says a token reaches.
func (s *site) connections(accessToken string) []connected {
	s.t.Helper()
	status, body := s.callAPI("/connections", accessToken, "")
	var list []connected
	if err := json.Unmarshal([]byte(body), &list); status != http.StatusOK || err != nil {
		s.t.Fatalf("GET /connections: %d %q: %v", status, body, err)
	}
	return list
}

// callAPI makes a GET with an access token, for an organisation unless "".
func (s *site) callAPI(path, accessToken, tenantID string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	r.Header.Set("Accept", "application/json")
	if tenantID != "" {
		r.Header.Set("xero-tenant-id", tenantID)
	}
	return s.do(r)
}

// codeForm is a PKCE app's exchange of a code.
func codeForm(code, verifier string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {xerosim.DemoClientID},
		"code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	}
}

// signIn goes the whole way as the first person, with all organisations unless
// some are named.
func (s *site) signIn(organisations ...string) tokens {
	s.t.Helper()
	v := verifier()
	got := s.ask(codeForm(s.approve(s.authorizeURL(v), organisations...).Get("code"), v))
	if got.Status != http.StatusOK {
		s.t.Fatalf("the exchange answered %d %s", got.Status, got.Body)
	}
	return got
}

func (s *site) refresh(token string) tokens {
	s.t.Helper()
	return s.ask(url.Values{
		"grant_type": {"refresh_token"}, "client_id": {xerosim.DemoClientID}, "refresh_token": {token},
	})
}

// claims decodes a JWT's payload without checking it.
func claims(t *testing.T, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts in a JWT", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAPersonSignsInAndTheAppRenewsItsTokens(t *testing.T) {
	s := newSite(t)
	first := s.signIn()
	if first.AccessToken == "" || first.RefreshToken == "" || first.IDToken == "" ||
		first.TokenType != "Bearer" || first.ExpiresIn != 1800 || first.Scope != readScopes {
		t.Fatalf("the exchange answered %+v", first)
	}
	second := s.refresh(first.RefreshToken)
	if second.Status != http.StatusOK || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Fatalf("the renewal answered %+v", second)
	}
}
