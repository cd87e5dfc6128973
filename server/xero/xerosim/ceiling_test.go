package xerosim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

// pressed opens the consent page, ticks organisations and presses Allow access.
func (s *site) pressed(authorizeURL string, organisations ...string) (status int, header http.Header, body string) {
	s.t.Helper()
	u, err := url.Parse(authorizeURL)
	if err != nil {
		s.t.Fatal(err)
	}
	form := url.Values{"request": {u.RawQuery}, "person": {u.Query().Get("login_hint")}, "do": {"allow"}}
	for _, o := range s.Organisations() {
		for _, name := range organisations {
			if o.Name == name {
				form.Add("organisation", o.TenantID)
			}
		}
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, u.Scheme+"://"+u.Host+"/identity/consent", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, body := s.send(r)
	return got.StatusCode, got.Header, body
}

// ended checks that a sign-in ended at a page of Xero's own.
func ended(t *testing.T, status int, header http.Header, body, says string) {
	t.Helper()
	if status != http.StatusInternalServerError || header.Get("Location") != "" || !strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		!strings.Contains(body, "Error code: 500") || !strings.Contains(body, says) {
		t.Errorf("got %d to %q: %.900s; want a page that says %q", status, header.Get("Location"), body, says)
	}
}

func TestAnAppConnectsFiveOrganisationsAndNotASixth(t *testing.T) {
	s := newSite(t, func(o *xerosim.Options) { o.Books = []xerosim.Ledger{xerosim.TallyBooks()} })
	s.ConnectElsewhere(3)
	s.signIn(joinery, cafe) // the fourth and fifth
	status, header, body := s.pressed(s.authorizeURL(verifier()), kauri)
	ended(t, status, header, body, "has reached its connection limit")
	// Who has something connected may consent again.
	if status, header, _ := s.pressed(s.authorizeURL(verifier()), joinery, cafe); status != http.StatusFound || header.Get("Location") == "" {
		t.Errorf("consent again: %d", status)
	}
	// Another person is told before there is anything to pick.
	other := s.authorizeURL(verifier(), "login_hint", s.People()[1].Email)
	got, body := s.get(other)
	ended(t, got.StatusCode, got.Header, body, "has reached its connection limit")
	// Two people at one organisation count once.
	s.ConnectElsewhere(2)
	if status, _, _ := s.pressed(other, cafe); status != http.StatusFound {
		t.Errorf("an organisation that is connected already: %d", status)
	}
	if status, _, _ := s.pressed(other, kauri); status != http.StatusFound {
		t.Errorf("the fifth: %d", status)
	}
	if err := s.Disconnect(joinery); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := s.pressed(s.authorizeURL(verifier()), xerosim.Tally); status != http.StatusFound {
		t.Errorf("after one was disconnected: %d", status)
	}
	bigger := newSite(t, func(o *xerosim.Options) { o.MostConnections = 50 })
	bigger.ConnectElsewhere(40)
	bigger.signIn()
}

func TestAnOrganisationConnectsTwoUncertifiedAppsAndNotAThird(t *testing.T) {
	s := newSite(t)
	if err := s.ConnectOtherApps(cafe, 2); err != nil {
		t.Fatal(err)
	}
	status, header, body := s.pressed(s.authorizeURL(verifier()), joinery, cafe)
	ended(t, status, header, body, "2 uncertified apps")
	if all := s.connections(s.signIn(joinery).AccessToken); len(all) != 1 {
		t.Errorf("connected are %v: a refused consent connects nothing", all)
	}
	if err := s.ConnectOtherApps(cafe, 1); err != nil {
		t.Fatal(err)
	}
	s.signIn(cafe)
	// That made two, the app with a secret would be the third.
	status, header, body = s.pressed(s.authorizeURL(verifier(), "client_id", webClientID), cafe)
	ended(t, status, header, body, "2 uncertified apps")
	// Who is connected stays so.
	s.signIn(cafe)
	if s.ConnectOtherApps("Nobody Ltd", 2) == nil {
		t.Error("an organisation that is not there has apps")
	}
}
