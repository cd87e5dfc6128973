package server_test

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server/store"
)

var queryText = regexp.MustCompile(`(?s)<textarea class="code" id="query-([a-z-]+)"[^>]*>(.*?)</textarea>`)

// queries are the texts of the page for Excel, by table.
func queries(page string) map[string]string {
	all := map[string]string{}
	for _, m := range queryText.FindAllStringSubmatch(page, -1) {
		all[m[1]] = html.UnescapeString(m[2])
	}
	return all
}

var madeKey = regexp.MustCompile(`Key = "(fcc_[0-9A-Za-z]{49})"`)

func TestTheWorkbooksKeyReadsOneOrganisationAndIsShownOnce(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), kauri, café)
	if g := b.ask(ask{path: "/settings/excel", cookie: cookie, page: true}); g.status != 200 || len(queries(g.body)) != 0 || !strings.Contains(text(g.body), "Which organisation") {
		t.Errorf("with none chosen: %d %s", g.status, text(g.body))
	}
	b.choose(cookie, kauri)
	before := b.ask(ask{path: "/settings/excel", cookie: cookie, page: true})
	if len(queries(before.body)) != 7 || strings.Contains(text(before.body), "excel "+kauri) {
		t.Errorf("before a key is made: %s", text(before.body))
	}
	made := b.ask(ask{method: "POST", path: "/settings/excel", cookie: cookie, page: true, form: url.Values{"tenant": {strings.ToUpper(b.tenant(kauri))}}})
	texts := queries(made.body)
	keys := map[string]bool{}
	for table, text := range texts {
		m := madeKey.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%s has no key: %s", table, text)
		}
		keys[m[1]] = true
		// Beside its own line the key stands nowhere, least of all in an address.
		if strings.Count(text, m[1]) != 1 || strings.Count(text, `Authorization = "Bearer " & Key`) != 1 || strings.Contains(text, "Query = [key") {
			t.Errorf("%s: %s", table, text)
		}
		// The name of the organisation is markup and has quotes; it stays in its comment.
		first, rest, _ := strings.Cut(text, "\n")
		if !strings.HasPrefix(first, "// ") || !strings.HasSuffix(first, ": "+kauri) || strings.Contains(rest, "Kauri") || !strings.HasPrefix(rest, "let\n") {
			t.Errorf("%s begins with %q", table, first)
		}
	}
	if len(texts) != 7 || len(keys) != 1 || made.status != 200 {
		t.Fatalf("%d: %d texts, %d keys", made.status, len(texts), len(keys))
	}
	var key string
	for k := range keys {
		key = k
	}
	if g := b.ask(ask{path: "/api/table/bank", key: key}); g.status != 200 || !strings.Contains(g.body, "US Dollar Account") {
		t.Fatalf("with the new key: %d %s", g.status, g.body)
	}
	small := b.addKey(store.Key{Name: "small", Tenants: []string{b.tenant(café)}})
	for table, text := range texts {
		// What the text asks for is there, and its columns are the text's.
		g := b.patiently(ask{path: "/api/table/" + table + "?page=1&page_size=1", key: small, header: map[string]string{"Accept": "application/json"}})
		if g.status != 200 || !strings.Contains(text, `RelativePath = "api/table/`+table+`"`) {
			t.Fatalf("%s: %d %s", table, g.status, g.body)
		}
		_, row, _ := strings.Cut(g.body, `"rows": [`)
		names := submatches(regexp.MustCompile(`"([a-z_]+)": `), row)
		typed := submatches(regexp.MustCompile(`\{"([a-z_]+)", (?:type (?:text|date|number|logical)|Currency\.Type|Int64\.Type)\}`), text)
		listed := submatches(regexp.MustCompile(`(?m)^        "([a-z_]+)",?$`), text)
		if len(names) < 6 || !slices.Equal(names, typed) || !slices.Equal(names, listed) {
			t.Errorf("%s has %q, its text %q and %q", table, names, listed, typed)
		}
		if open := strings.NewReplacer("(", "", "[", "", "{", "").Replace(text); len(text)-len(open) != strings.Count(text, ")")+strings.Count(text, "]")+strings.Count(text, "}") {
			t.Errorf("%s: what is opened is not closed", table)
		}
	}
	for _, a := range []ask{
		{path: "/api/table/bank", key: key, header: map[string]string{"xero-tenant-id": b.tenant(café)}},
		{method: "POST", path: "/api.xro/2.0/Contacts", key: key},
	} {
		if g := b.ask(a); g.status != 403 {
			t.Errorf("%s: %d %s", a.path, g.status, g.body)
		}
	}
	// It is not shown again; what is known of it is, with the way to end it.
	after := b.ask(ask{path: "/settings/excel", cookie: cookie, page: true})
	if strings.Contains(after.body, key) || !strings.Contains(text(after.body), `excel `+kauri) || !strings.Contains(after.body, "/settings/programs/revoke?name=excel") {
		t.Errorf("afterwards: %s", text(after.body))
	}
	if strings.Contains(b.log.String(), key) {
		t.Error("the key is in the log")
	}
	// The second workbook has a key of its own.
	second := b.ask(ask{method: "POST", path: "/settings/excel", cookie: cookie, page: true, form: url.Values{"tenant": {b.tenant(kauri)}}})
	if !strings.Contains(text(second.body), `excel `+kauri+` 2`) || strings.Contains(second.body, key) {
		t.Errorf("the second: %s", text(second.body))
	}
	b.ask(ask{method: "POST", path: "/settings/programs/revoke", cookie: cookie, form: url.Values{"name": {"excel " + kauri}}})
	if g := b.ask(ask{path: "/api/table/bank", key: key}); g.status != 401 || g.code != "key_required" {
		t.Errorf("a revoked key: %d %s", g.status, g.body)
	}
	if g := b.ask(ask{method: "POST", path: "/settings/excel", cookie: cookie, page: true, form: url.Values{"tenant": {"none"}}}); g.status != 400 {
		t.Errorf("of no organisation: %d", g.status)
	}
}

func submatches(form *regexp.Regexp, text string) (all []string) {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestTheNamesOfKeysForExcel(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	cookie := b.signIn(b.visit(), café)
	for range 3 {
		b.ask(ask{method: "POST", path: "/settings/excel", cookie: cookie, page: true, form: url.Values{"tenant": {b.tenant(café)}}})
	}
	b.addKey(store.Key{Name: "excel of somebody else", Tenants: []string{b.tenant(café)}})
	b.addKey(store.Key{Name: "excel for all"})
	page := text(b.ask(ask{path: "/settings/excel", cookie: cookie, page: true}).body)
	for name, there := range map[string]bool{"excel " + café: true, "excel " + café + " 2": true, "excel " + café + " 3": true, "excel of somebody else": true, "excel for all": false} {
		if strings.Contains(page, name) != there {
			t.Errorf("%s is shown: %v", name, !there)
		}
	}
}
