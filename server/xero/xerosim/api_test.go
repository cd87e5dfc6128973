package xerosim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

const (
	joinery = "Harbour Joinery Ltd"
	cafe    = "Ridgeway Café"
	kauri   = `<b>Kauri</b> & "Sons"`
)

// An app is signed in to a site.
type app struct {
	*site
	token string
}

func newApp(t *testing.T, change ...func(*xerosim.Options)) *app {
	t.Helper()
	s := newSite(t, change...)
	return &app{s, s.signIn().AccessToken}
}

// narrow signs in with few scopes.
func (s *site) narrow(scopes string) *app {
	s.t.Helper()
	v := verifier()
	got := s.ask(codeForm(s.approve(s.authorizeURL(v, "scope", scopes)).Get("code"), v))
	if got.Status != http.StatusOK {
		s.t.Fatalf("the exchange answered %d %s", got.Status, got.Body)
	}
	return &app{s, got.AccessToken}
}

func (a *app) tenant(name string) string {
	a.t.Helper()
	for _, o := range a.Organisations() {
		if o.Name == name {
			return o.TenantID
		}
	}
	a.t.Fatalf("no organisation %s", name)
	return ""
}

type answer struct {
	status int
	header http.Header
	body   string
}

// request is one to the API, for the tenant unless that is empty.
func (a *app) request(method, path, tenant, body string) *http.Request {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if tenant != "" {
		r.Header.Set("Xero-Tenant-Id", tenant)
	}
	return r
}

// call sends a request for an organisation, by name or tenant id.
func (a *app) call(method, path, organisation, body string) answer {
	a.t.Helper()
	tenant := organisation
	if organisation != "" && !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(organisation) {
		tenant = a.tenant(organisation)
	}
	got, err := a.client.Do(a.request(method, path, tenant, body))
	if err != nil {
		a.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if got.Header.Get("Xero-Correlation-Id") == "" {
		a.t.Errorf("%s %s has no Xero-Correlation-Id", method, path)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func (a *app) get(path, organisation string) answer {
	a.t.Helper()
	return a.call(http.MethodGet, path, organisation, "")
}

// read gets a list and decodes it into v, which must fit.
func (a *app) read(path, organisation string, v any) {
	a.t.Helper()
	got := a.get(path, organisation)
	if got.status != http.StatusOK {
		a.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), v); err != nil {
		a.t.Fatalf("%s: %v in %.200s", path, err, got.body)
	}
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return v
}

// refused checks an answer of the gateway.
func (got answer) refused(t *testing.T, status int, title, detail, challenge string) {
	t.Helper()
	var body struct {
		Type       any
		Title      string
		Status     int
		Detail     string
		Instance   string
		Extensions map[string]any
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%d %q: %v", got.status, got.body, err)
	}
	if got.status != status || body.Status != status || body.Title != title || !strings.HasPrefix(body.Detail, detail) ||
		body.Type != nil || body.Extensions == nil || body.Instance != got.header.Get("Xero-Correlation-Id") {
		t.Errorf("got %d %s, want %d %s %s", got.status, got.body, status, title, detail)
	}
	if got.header.Get("WWW-Authenticate") != challenge {
		t.Errorf("the challenge is %q, want %q", got.header.Get("WWW-Authenticate"), challenge)
	}
	if got.header.Get("X-DayLimit-Remaining") != "" || got.header.Get("X-MinLimit-Remaining") != "" {
		t.Error("a refusal tells what is left of the organisation's limits")
	}
}

const (
	badToken   = "Bearer error=invalid_token"
	littleRoom = "insufficient_scope"
)

func TestTheGatewayLooksAtTheTokenThenAtTheScopeThenAtTheOrganisation(t *testing.T) {
	s := newSite(t)
	nobody := &app{s, ""}
	nobody.get("/api.xro/2.0/Invoices", "").refused(t, 401, "Unauthorized", "AuthenticationUnsuccessful", badToken)
	garbage := &app{s, "not-a-token"}
	garbage.get("/api.xro/2.0/Invoices", joinery).refused(t, 401, "Unauthorized", "AuthenticationUnsuccessful", badToken)

	// Without the scope the organisation is not looked at.
	little := s.narrow("openid offline_access accounting.contacts.read")
	little.get("/api.xro/2.0/Invoices", "").refused(t, 401, "Unauthorized", "AuthorizationUnsuccessful", littleRoom)
	little.get("/api.xro/2.0/Invoices", joinery).refused(t, 401, "Unauthorized", "AuthorizationUnsuccessful", littleRoom)
	if got := little.get("/api.xro/2.0/Contacts", joinery); got.status != 200 {
		t.Errorf("with the scope: %d %s", got.status, got.body)
	}

	for name, tenant := range map[string]string{"none": "", "an unknown one": "5e1f0000-0000-4000-8000-000000000000"} {
		got := little.get("/api.xro/2.0/Contacts", tenant)
		got.refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
		if got.header.Get("X-AppMinLimit-Remaining") == "" {
			t.Errorf("organisation %s: a 403 tells what is left to the app", name)
		}
	}

	s.Advance(31 * time.Minute)
	got := little.get("/api.xro/2.0/Invoices", "")
	got.refused(t, 401, "Unauthorized", "TokenExpired: token expired at ", badToken)
	if !regexp.MustCompile(`expired at \d\d/\d\d/\d{4} \d\d:\d\d:\d\d"`).MatchString(got.body) {
		t.Errorf("the moment has not Xero's form: %s", got.body)
	}
	if got.header.Get("X-AppMinLimit-Remaining") != "" {
		t.Error("a 401 tells limits")
	}
}

func TestAReadScopeDoesNotWriteAndAWriteScopeReads(t *testing.T) {
	s := newSite(t)
	reader := s.narrow("openid accounting.contacts.read")
	reader.call(http.MethodPost, "/api.xro/2.0/Contacts", joinery, `{"Name":"New"}`).
		refused(t, 401, "Unauthorized", "AuthorizationUnsuccessful", littleRoom)
	s = newSite(t) // scopes add up, so with another Sim
	writer := s.narrow("openid accounting.contacts")
	if got := writer.get("/api.xro/2.0/Contacts", joinery); got.status != 200 {
		t.Errorf("reading with the write scope: %d %s", got.status, got.body)
	}
}

type connection struct {
	ID, AuthEventID, TenantID, TenantType, TenantName, CreatedDateUTC, UpdatedDateUTC string
}

func (a *app) connections(query string) []connection {
	a.t.Helper()
	var list []connection
	a.read("/connections"+query, "", &list)
	return list
}

func TestConnectionsNamesEveryTenantThePersonEverConnected(t *testing.T) {
	s := newSite(t)
	first := &app{s, s.signIn(joinery).AccessToken}
	second := &app{s, s.signIn(cafe, kauri).AccessToken}
	all := second.connections("")
	var names []string
	for _, c := range all {
		names = append(names, c.TenantName)
		for _, moment := range []string{c.CreatedDateUTC, c.UpdatedDateUTC} {
			if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}$`).MatchString(moment) {
				t.Errorf("a time is %q, want seven digits and no zone", moment)
			}
		}
		if c.TenantType != "ORGANISATION" || c.ID == c.TenantID || c.ID == "" || c.AuthEventID == "" {
			t.Errorf("a connection is %+v", c)
		}
	}
	if want := []string{kauri, joinery, cafe}; !sameNames(names, want) {
		t.Errorf("connected are %q, want %q", names, want)
	}
	if got := first.connections(""); !slices.Equal(got, all) {
		t.Errorf("the older token sees %v, the newer %v", got, all)
	}
	if got := second.connections("?authEventId=" + claims(t, second.token)["authentication_event_id"].(string)); len(got) != 2 {
		t.Errorf("of the second sign-in are %v, want two", got)
	}
	if got := second.connections("?authEventId=5e1f0000-0000-4000-8000-000000000000"); got == nil || len(got) != 0 {
		t.Errorf("of an unknown sign-in are %v, want []", got)
	}
	if got := second.get("/Connections", ""); got.status != 200 || got.header.Get("X-AppMinLimit-Remaining") == "" || got.header.Get("X-MinLimit-Remaining") != "" {
		t.Errorf("with a capital C: %d, limits %v", got.status, got.header)
	}
}

func sameNames(got, want []string) bool {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	return slices.Equal(got, want)
}

func TestATenantMayBeNoOrganisation(t *testing.T) {
	a := newApp(t)
	a.ConnectPractice()
	var practice connection
	for _, c := range a.connections("") {
		if c.TenantType == "PRACTICE" {
			practice = c
		}
	}
	if practice.TenantID == "" {
		t.Fatalf("no practice among %v", a.connections(""))
	}
	a.get("/api.xro/2.0/Organisation", practice.TenantID).refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
}

func TestAConnectionIsDeletedByItsOwnIDOnly(t *testing.T) {
	a := newApp(t)
	all := a.connections("")
	for _, wrong := range []string{all[0].TenantID, all[0].AuthEventID} {
		a.call(http.MethodDelete, "/connections/"+wrong, "", "").refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
	}
	for n, c := range all {
		if got := a.call(http.MethodDelete, "/connections/"+c.ID, "", ""); got.status != 204 || got.body != "" {
			t.Errorf("deleting answered %d %s", got.status, got.body)
		}
		if left := a.connections(""); len(left) != len(all)-n-1 {
			t.Errorf("left are %v", left)
		}
		a.get("/api.xro/2.0/Organisation", c.TenantID).refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
	}
	if got := a.get("/connections", ""); got.status != 200 || got.body != "[]" {
		t.Errorf("with nothing connected: %d %s", got.status, got.body)
	}
	if got := a.call(http.MethodDelete, "/connections/"+all[0].ID, "", ""); got.status != 404 {
		t.Errorf("deleting what is gone answered %d", got.status)
	}
}

func TestAnOrganisationThatIsDisconnectedInXeroIs403WhileTheTokenLives(t *testing.T) {
	s := newSite(t)
	tokens := s.signIn()
	a := &app{s, tokens.AccessToken}
	if err := s.Disconnect(cafe); err != nil {
		t.Fatal(err)
	}
	a.get("/api.xro/2.0/Invoices", cafe).refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
	if got := a.get("/api.xro/2.0/Invoices", joinery); got.status != 200 {
		t.Errorf("another organisation: %d", got.status)
	}
	if got := s.refresh(tokens.RefreshToken); got.Status != 200 {
		t.Errorf("the renewal answered %d", got.Status)
	}
}

func TestADemoResetChangesTheTenantID(t *testing.T) {
	a := newApp(t)
	old := a.tenant(kauri)
	fresh, err := a.ResetDemo(kauri)
	if err != nil {
		t.Fatal(err)
	}
	if fresh == old {
		t.Fatal("the tenant id is the old one")
	}
	a.get("/api.xro/2.0/Organisation", old).refused(t, 403, "Forbidden", "AuthenticationUnsuccessful", "")
	again := &app{a.site, a.signIn(kauri).AccessToken}
	var got struct {
		Organisations []struct{ OrganisationID string }
	}
	again.read("/api.xro/2.0/Organisation", fresh, &got)
	if got.Organisations[0].OrganisationID != fresh {
		t.Errorf("the organisation calls itself %s, want %s", got.Organisations[0].OrganisationID, fresh)
	}
}

func TestWithoutTheReportsRoleOnlyReportsAre403(t *testing.T) {
	a := newApp(t)
	if got := a.get("/api.xro/2.0/Reports/BankSummary", joinery); got.status != 200 {
		t.Fatalf("with the role: %d %s", got.status, got.body)
	}
	if err := a.SetReports(a.People()[0].Email, false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api.xro/2.0/Reports/BankSummary", "/api.xro/2.0/Reports/ProfitAndLoss"} {
		if got := a.get(path, joinery); got.status != 403 || !strings.Contains(got.body, "reporting role") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := a.get("/api.xro/2.0/Invoices", joinery); got.status != 200 {
		t.Errorf("invoices: %d", got.status)
	}
	if err := a.SetReports(a.People()[0].Email, true); err != nil {
		t.Fatal(err)
	}
	if got := a.get("/api.xro/2.0/Reports/BudgetSummary", joinery); got.status != 404 {
		t.Errorf("a report that is not simulated: %d", got.status)
	}
}
