package server_test

import (
	"html"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// wholeForm is a form with everything filled in.
func (h *hosted) wholeForm() url.Values {
	return url.Values{
		"name": {"sheet"}, "may": {"ask"}, "organisations": {"some"}, "organisation": {h.tenant(café), h.tenant(joinery)},
		"families": {"some"}, "family": {"payroll", "accounting"}, "ends": {time.Now().AddDate(0, 0, 7).Format(time.DateOnly)},
		"daily": {"500"}, "age": {"15"}, "stale": {"1"}, "any_user": {"1"},
	}
}

func (h *hosted) onlyKey() store.Key {
	h.t.Helper()
	list, err := h.ListKeys(h.t.Context())
	if err != nil || len(list) != 1 {
		h.t.Fatalf("%d keys, %v", len(list), err)
	}
	return list[0]
}

func TestExamplesNameTheOrganisationThatWasChosen(t *testing.T) {
	h := newHosted(t)
	h.cookie = h.signIn(h.cookie, café, joinery)
	for _, of := range []string{"", café, joinery} { // "" is none, and begins
		want := "YOUR-ORGANISATION-ID"
		if of != "" {
			want = h.tenant(of)
			h.post("/profile", url.Values{"tenant": {want}})
		}
		if page := html.UnescapeString(h.page("/settings/programs")); !strings.Contains(page, `-H "xero-tenant-id: `+want+`" -H "Accept: application/json" `+h.BaseURL()+"/api.xro/2.0/Invoices") {
			t.Errorf("of %q: want %s in\n%s", of, want, text(page))
		}
	}
}

func TestTheFormOfAKeyAsksForAllThatItMayDo(t *testing.T) {
	h := newHosted(t)
	h.cookie = h.signIn(h.cookie)
	if page := h.page("/settings/programs"); strings.Contains(page, "<details open><summary>More") || !strings.Contains(page, `value="all" checked> All that FCC reaches`) || !strings.Contains(page, "does not reach it, with any key") {
		t.Errorf("the empty form\n%s", page)
	}
	g, page := h.post("/settings/programs", h.wholeForm())
	key := regexp.MustCompile(`fcc_[0-9A-Za-z]{49}`).FindString(page)
	if g.status != 200 || key == "" {
		t.Fatalf("%d\n%s", g.status, page)
	}
	now := time.Now()
	last := time.Date(now.Year(), now.Month(), now.Day()+8, 0, 0, 0, 0, time.Local)
	made := h.onlyKey()
	want := store.Key{
		Name: "sheet", Write: true, Ask: true, Families: []string{"accounting", "payroll"}, AnyUser: true, Expires: last.UTC(), Daily: 500, MaxAge: 15 * time.Minute, Stale: true,
		Tenants: made.Tenants, Hash: made.Hash, Created: made.Created,
	}
	if !reflect.DeepEqual(made, want) || len(made.Tenants) != 2 || !made.Reaches(h.tenant(café)) || !made.Reaches(h.tenant(joinery)) {
		t.Errorf("kept %+v\nwant %+v", made, want)
	}
	list := h.page("/settings/programs")
	for _, shown := range []string{
		"read, and write when you allow it", "only Accounting, Payroll", "until " + last.AddDate(0, 0, -1).Format("2 January 2006"), "0 of 500 calls today",
		"answers up to 15 minutes old", "the last known answer while", "any user",
	} {
		if !strings.Contains(list, shown) {
			t.Errorf("the list lacks %q\n%s", shown, list)
		}
	}

	// The page that changes it shows the same, and saving it as it stands changes nothing.
	form := h.page("/settings/programs/change?name=sheet")
	for _, shown := range []string{
		`value="ask" checked`, `name="organisations" value="some" checked`, `name="organisation" value="` + made.Tenants[0] + `" checked`, `name="family" value="payroll" checked`, `name="family" value="files">`,
		`name="ends" value="` + last.AddDate(0, 0, -1).Format(time.DateOnly) + `"`, `name="daily" value="500"`, `name="age" value="15"`, `name="stale" value="1" checked`, `name="any_user" value="1" checked`, "<details open><summary>More",
	} {
		if !strings.Contains(form, shown) {
			t.Errorf("the form lacks %q\n%s", shown, form)
		}
	}
	if strings.Contains(form, key) {
		t.Error("the key is shown again")
	}
	if g, page := h.post("/settings/programs/change", h.wholeForm()); g.status != 303 || !strings.Contains(page, "The key of sheet is changed.") {
		t.Errorf("saved: %d\n%s", g.status, page)
	}
	if got := h.onlyKey(); !reflect.DeepEqual(got, made) {
		t.Errorf("saving it as it stands makes it %+v", got)
	}

	// Less counts from the next request on, with the same secret.
	if g, _ := h.post("/settings/programs/change", url.Values{"name": {"sheet"}, "may": {"read"}, "organisations": {"some"}, "organisation": {h.tenant(café)}}); g.status != 303 {
		t.Errorf("changed: %d", g.status)
	}
	got := h.onlyKey()
	want = store.Key{Name: "sheet", Tenants: []string{h.tenant(café)}, Families: []string{}, Hash: made.Hash, Created: made.Created}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("now %+v\nwant %+v", got, want)
	}
	if a := h.ask(ask{path: invoices, key: key}); a.status != 200 {
		t.Errorf("its own organisation: %d %s", a.status, a.body)
	}
	for _, a := range []ask{{path: invoices, header: map[string]string{"xero-tenant-id": h.tenant(joinery)}}, {method: "POST", path: "/api.xro/2.0/Contacts", body: strings.NewReader("{}")}} {
		if a.key = key; h.ask(a).status != 403 {
			t.Errorf("%s %s is answered", a.method, a.path)
		}
	}
	if g, page := h.post("/settings/programs/change", url.Values{"name": {"other"}}); g.status != 404 || !strings.Contains(page, "No program of this name has a key.") {
		t.Errorf("none of this name: %d\n%s", g.status, page)
	}
	if g := h.ask(ask{path: "/settings/programs/change?name=other", cookie: h.cookie, page: true}); g.status != 303 {
		t.Errorf("the page of none: %d", g.status)
	}
}

func TestAKeyThatEndedIsListedAsThatAndMayGoOn(t *testing.T) {
	h := newHosted(t)
	ends := time.Now().Add(300 * time.Millisecond)
	key := h.addKey(store.Key{Name: "sheet", Expires: ends})
	h.until("it ends", func() bool { return h.ask(ask{path: "/api/status", key: key}).status == 401 })
	if list := h.page("/settings/programs"); !strings.Contains(list, "ended on "+ends.Format("2 January 2006, 15:04")) {
		t.Errorf("the list\n%s", list)
	}
	// Something else may be changed meanwhile: the end stays as it is, to the moment.
	before := h.onlyKey().Expires
	if g, page := h.post("/settings/programs/change", url.Values{"name": {"sheet"}, "ends": {ends.Format(time.DateOnly)}, "daily": {"9"}}); g.status != 303 || !h.onlyKey().Expires.Equal(before) || h.onlyKey().Daily != 9 {
		t.Errorf("%d, ends %v, a day %d\n%s", g.status, h.onlyKey().Expires, h.onlyKey().Daily, page)
	}
	if g, page := h.post("/settings/programs/change", url.Values{"name": {"sheet"}}); g.status != 303 || !h.onlyKey().Expires.IsZero() {
		t.Errorf("without an end: %d\n%s", g.status, page)
	}
	if g := h.ask(ask{path: "/api/status", key: key}); g.status != 200 {
		t.Errorf("afterwards: %d %s", g.status, g.body)
	}
}

func TestTheFormOfAKeySaysWhatIsWrongAndLosesNothing(t *testing.T) {
	h := newHosted(t)
	h.cookie = h.signIn(h.cookie)
	key := h.addKey(store.Key{Name: "there"})
	for _, change := range []bool{false, true} {
		for field, c := range map[string]struct {
			value []string
			says  string
		}{
			"ends":         {[]string{time.Now().AddDate(0, 0, -1).Format(time.DateOnly)}, "A key cannot end in the past."},
			"ends ":        {[]string{"soon"}, "A key cannot end in the past."},
			"daily":        {[]string{"0"}, "are a number from 1 to 1000000."},
			"daily ":       {[]string{"<b>many"}, "are a number from 1 to 1000000."},
			"age":          {[]string{"10081"}, "is from 1 to 10080 minutes."},
			"organisation": {nil, "None is chosen."},
			"family":       {nil, "None is chosen."},
			"family ":      {[]string{"books"}, "is none of Xero&#39;s APIs. Take one of these: accounting, assets,"},
		} {
			field = strings.TrimSpace(field)
			form, path := h.wholeForm(), "/settings/programs"
			if change {
				form, path = h.wholeForm(), path+"/change"
				form.Set("name", "there")
			}
			form[field] = c.value
			g, page := h.post(path, form)
			if g.status != 400 || !strings.Contains(page, c.says) || strings.Count(page, `class="wrong"`) != 1 || !strings.Contains(page, "<details open><summary>More") {
				t.Errorf("%s %q: %d\n%s", field, c.value, g.status, page)
			}
			for _, kept := range []string{`value="ask" checked`, `name="stale" value="1" checked`, `name="organisations" value="some" checked`, `name="families" value="some" checked`} {
				if !strings.Contains(page, kept) {
					t.Errorf("%s %q: what was filled in is lost, as %s", field, c.value, kept)
				}
			}
		}
	}
	for name := range map[string]bool{"": true, " a\tb": true, "there": true} {
		form := h.wholeForm()
		form.Set("name", name)
		if g, page := h.post("/settings/programs", form); g.status != 400 || !strings.Contains(page, `class="wrong" id="name-help"`) {
			t.Errorf("the name %q: %d\n%s", name, g.status, page)
		}
	}
	if g := h.ask(ask{path: "/api/status", key: key}); g.status != 200 || h.onlyKey().Ask {
		t.Errorf("a key that was not changed: %d, %+v", g.status, h.onlyKey())
	}
}
