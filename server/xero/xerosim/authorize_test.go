package xerosim_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

// get follows no redirect.
func (s *site) get(address string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(r)
}

func TestDiscoveryNamesAnAuthorizePageOnAnotherHostThanTheIssuer(t *testing.T) {
	s := newSite(t)
	_, body := s.get(s.base + "/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["issuer"] != s.base {
		t.Errorf("issuer %v, want %v", doc["issuer"], s.base)
	}
	for field, want := range map[string]string{
		"authorization_endpoint": strings.Replace(s.base, "127.0.0.1", "localhost", 1) + "/identity/connect/authorize",
		"token_endpoint":         s.base + "/connect/token",
		"revocation_endpoint":    s.base + "/connect/revocation",
		"userinfo_endpoint":      s.base + "/connect/userinfo",
		"jwks_uri":               s.base + "/.well-known/openid-configuration/jwks",
	} {
		if doc[field] != want {
			t.Errorf("%s is %v, want %s", field, doc[field], want)
		}
	}
	if _, ok := doc["registration_endpoint"]; ok {
		t.Error("Xero has no registration endpoint")
	}
}

func TestAMistakeInTheRequestEndsOnXerosOwnPageWithoutARedirect(t *testing.T) {
	const redirectURI, scope = "unauthorized_client : Invalid redirect_uri", "unauthorized_client : Invalid scope for client"
	for name, c := range map[string]struct {
		change []string
		says   string
	}{
		"unknown client":       {[]string{"client_id", strings.Repeat("A", 32)}, "unauthorized_client : Unknown client"},
		"another port":         {[]string{"redirect_uri", "http://localhost:8001/callback"}, redirectURI},
		"slash at the end":     {[]string{"redirect_uri", redirect + "/"}, redirectURI},
		"upper-case host":      {[]string{"redirect_uri", "http://LOCALHOST:8000/callback"}, redirectURI},
		"https":                {[]string{"redirect_uri", "https://localhost:8000/callback"}, redirectURI},
		"no redirect":          {[]string{"redirect_uri", ""}, redirectURI},
		"address as redirect":  {[]string{"redirect_uri", "http://127.0.0.1:8000/callback"}, redirectURI},
		"broad scope":          {[]string{"scope", "openid accounting.transactions"}, scope},
		"broad reports":        {[]string{"scope", "openid accounting.reports.read"}, scope},
		"unknown scope":        {[]string{"scope", "openid accounting.everything"}, scope},
		"restricted scope":     {[]string{"scope", "openid paymentservices"}, scope},
		"no scope":             {[]string{"scope", ""}, "invalid_request"},
		"implicit flow":        {[]string{"response_type", "token"}, "unsupported_response_type"},
		"no challenge":         {[]string{"code_challenge", ""}, "invalid_request"},
		"plain challenge":      {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"no challenge method":  {[]string{"code_challenge_method", ""}, "invalid_request"},
		"challenge with a pad": {[]string{"code_challenge", strings.Repeat("a", 43) + "="}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			answer, body := s.get(s.authorizeURL(verifier(), c.change...))
			if answer.Header.Get("Location") != "" || answer.StatusCode/100 == 3 {
				t.Errorf("redirected: %s", answer.Status)
			}
			if !strings.Contains(html.UnescapeString(body), c.says) || !strings.Contains(body, "Error code: 500") {
				t.Errorf("the page does not say %q:\n%s", c.says, body)
			}
			if _, err := s.Approve(s.authorizeURL(verifier(), c.change...)); err == nil {
				t.Error("a person could consent")
			}
		})
	}
}

func TestAnAppFromBeforeMarch2026MayMixBroadAndGranularScopes(t *testing.T) {
	s := newSite(t)
	const scope = "openid accounting.transactions accounting.reports.read accounting.invoices.read"
	back := s.approve(s.authorizeURL(verifier(), "client_id", webClientID, "scope", scope))
	if back.Get("scope") != scope {
		t.Errorf("granted %q", back.Get("scope"))
	}
}

func TestARedirectURIThatThePortalRefusesCannotBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"http://127.0.0.1:8000/callback", "http://[::1]:8000/callback", "http://fcc.example/callback", "fcc://callback",
		"https://*.example.com/callback", "/callback", "http://localhost:8000/callback#x",
	} {
		_, err := xerosim.New(xerosim.Options{Issuer: "http://localhost:1", Clients: []xerosim.Client{
			{ID: xerosim.DemoClientID, Redirects: []string{uri}},
		}})
		if err == nil {
			t.Errorf("%s was registered", uri)
		}
	}
	for n, fits := range map[int]bool{50: true, 51: false} {
		var many []string
		for i := range n {
			many = append(many, fmt.Sprintf("https://localhost:%d/callback", 8000+i))
		}
		_, err := xerosim.New(xerosim.Options{Issuer: "http://localhost:1", Clients: []xerosim.Client{
			{ID: xerosim.DemoClientID, Redirects: many},
		}})
		if (err == nil) != fits {
			t.Errorf("%d redirect URIs: %v", n, err)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	good := []xerosim.Client{{ID: xerosim.DemoClientID}}
	for name, opt := range map[string]xerosim.Options{
		"no issuer":          {Clients: good},
		"issuer with a path": {Issuer: "http://localhost:1/", Clients: good},
		"no client":          {Issuer: "http://localhost:1"},
		"short client id":    {Issuer: "http://localhost:1", Clients: []xerosim.Client{{ID: "abc"}}},
		"app called Xero":    {Issuer: "http://localhost:1", Clients: []xerosim.Client{{ID: xerosim.DemoClientID, Name: "My xero"}}},
	} {
		if _, err := xerosim.New(opt); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTheCallbackCarriesCodeScopeStateAndSessionState(t *testing.T) {
	s := newSite(t)
	address, err := s.Approve(s.authorizeURL(verifier(), "redirect_uri", "http://localhost:18000/callback"))
	if err != nil {
		t.Fatal(err)
	}
	before, query, _ := strings.Cut(address, "?")
	back, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if before != "http://localhost:18000/callback" || back.Get("state") != "state-1" || back.Get("scope") != readScopes ||
		len(back.Get("code")) != 43 || back.Get("session_state") == "" || len(back) != 4 {
		t.Errorf("sent back to %s", address)
	}
}

func TestCancelComesBackAsAccessDenied(t *testing.T) {
	for _, without := range []bool{false, true} {
		s := newSite(t, func(o *xerosim.Options) { o.CancelOmitsState = without })
		address, err := s.Deny(s.authorizeURL(verifier()))
		if err != nil {
			t.Fatal(err)
		}
		want := redirect + "?error=access_denied&state=state-1"
		if without {
			want = redirect + "?error=access_denied"
		}
		if address != want {
			t.Errorf("sent back to %s, want %s", address, want)
		}
	}
}

// consentForm reads the consent page as a browser does: what is hidden, and
// each organisation's box by name.
func consentForm(t *testing.T, body string) (hidden url.Values, boxes map[string]string, ticked map[string]bool) {
	t.Helper()
	hidden, boxes, ticked = url.Values{}, map[string]string{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		hidden.Set(m[1], html.UnescapeString(m[2]))
	}
	box := regexp.MustCompile(`name="organisation" value="([^"]+)"( checked)?> <span>([^<]*)</span>`)
	for _, m := range box.FindAllStringSubmatch(body, -1) {
		name := html.UnescapeString(m[3])
		boxes[name], ticked[name] = m[1], m[2] != ""
	}
	return hidden, boxes, ticked
}

func TestAPersonPicksOrganisationsOnARealPage(t *testing.T) {
	s := newSite(t)
	v := verifier()
	answer, body := s.get(s.authorizeURL(v))
	if answer.StatusCode != http.StatusOK || answer.Header.Get("X-Frame-Options") != "DENY" {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	hidden, boxes, ticked := consentForm(t, body)
	if len(boxes) != 3 || ticked["Ridgeway Café"] {
		t.Fatalf("boxes %v, ticked %v in\n%s", boxes, ticked, body)
	}
	if !strings.Contains(body, "Simulated Xero") || strings.Contains(body, "<script") {
		t.Error("the page must say that it is a simulation, and needs no script")
	}
	if strings.Contains(body, "<b>Kauri") || strings.Contains(body, `& "Sons"`) {
		t.Errorf("an organisation's name is markup in\n%s", body)
	}

	post := func(form url.Values) (int, string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/identity/consent", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, body := s.send(r)
		return answer.StatusCode, answer.Header.Get("Location"), body
	}
	form := url.Values{"request": hidden["request"], "person": hidden["person"], "do": {"allow"}}
	status, location, body := post(form)
	if status != http.StatusUnprocessableEntity || location != "" || !strings.Contains(body, "Pick at least one organisation") {
		t.Errorf("nothing ticked: %d %s\n%s", status, location, body)
	}
	form.Set("organisation", boxes[`<b>Kauri</b> & "Sons"`])
	status, location, _ = post(form)
	if status != http.StatusFound || !strings.HasPrefix(location, redirect+"?") {
		t.Fatalf("%d %s", status, location)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ask(codeForm(u.Query().Get("code"), v)); got.Status != http.StatusOK {
		t.Errorf("the code is worth %d %s", got.Status, got.Body)
	}
	// Next time that organisation is shown as connected.
	_, body = s.get(s.authorizeURL(verifier()))
	if _, _, ticked := consentForm(t, body); !ticked[`<b>Kauri</b> & "Sons"`] || ticked["Ridgeway Café"] {
		t.Errorf("ticked %v", ticked)
	}
}

func TestNothingInTheRequestBecomesMarkupOnThePage(t *testing.T) {
	s := newSite(t)
	const attack = `"><script>alert(1)</script>`
	for _, change := range [][]string{{"state", attack}, {"login_hint", attack}, {"scope", attack}, {"client_id", attack}, {attack, attack}} {
		if _, body := s.get(s.authorizeURL(verifier(), change...)); strings.Contains(body, "<script") {
			t.Errorf("%s is markup in\n%s", change[0], body)
		}
	}
}

func TestAnotherPersonSignsInByLinkAndReachesFewerOrganisations(t *testing.T) {
	s := newSite(t)
	_, body := s.get(s.authorizeURL(verifier()))
	link := regexp.MustCompile(`<a href="([^"]+)">Sign in as Ben`).FindStringSubmatch(body)
	if link == nil {
		t.Fatalf("no link in\n%s", body)
	}
	_, body = s.get(s.base + html.UnescapeString(link[1]))
	hidden, boxes, _ := consentForm(t, body)
	if hidden.Get("person") != "ben@example.com" || len(boxes) != 2 || boxes["Harbour Joinery Ltd"] != "" {
		t.Errorf("%s may tick %v", hidden.Get("person"), boxes)
	}
	// Ticking what one does not reach connects nothing.
	v := verifier()
	back := s.approve(s.authorizeURL(v, "login_hint", "ben@example.com"), "Harbour Joinery Ltd")
	got := s.ask(codeForm(back.Get("code"), v))
	if id := claims(t, got.IDToken); id["email"] != "ben@example.com" || id["given_name"] != "Ben" {
		t.Errorf("signed in as %v", id["email"])
	}
	if list := s.connections(got.AccessToken); len(list) != 0 {
		t.Errorf("connected %v", list)
	}
}

func TestAnAppThatAsksForNoBooksShowsNoOrganisations(t *testing.T) {
	s := newSite(t)
	_, body := s.get(s.authorizeURL(verifier(), "scope", "openid profile"))
	if _, boxes, _ := consentForm(t, body); len(boxes) != 0 {
		t.Errorf("boxes %v", boxes)
	}
	if back := s.approve(s.authorizeURL(verifier(), "scope", "openid profile"), ""); back.Get("code") == "" {
		t.Error("no code")
	}
}

func TestWhetherConsentNeedsAnOrganisationIsASwitch(t *testing.T) {
	s := newSite(t)
	if _, err := s.Approve(s.authorizeURL(verifier()), ""); err == nil {
		t.Error("went on with nothing ticked")
	}
	s.Assume(xerosim.Unknowns{AllowNothing: true})
	if back := s.approve(s.authorizeURL(verifier()), ""); back.Get("code") == "" {
		t.Error("no code")
	}
}

func TestAPageElsewhereCannotPressTheButtons(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/identity/consent", "/_sim/expire", "/connect/token"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if answer, _ := s.send(r); answer.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s from another site: %s", path, answer.Status)
		}
	}
}
