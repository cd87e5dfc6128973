package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"financial-command-center/server"
)

// textsOf are the texts to copy on a page, by their ids.
func textsOf(t *testing.T, page string) map[string]string {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode || n.Data != "pre" {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "id" {
				all[a.Val] = n.FirstChild.Data
			}
		}
	}
	return all
}

func TestThePageForDevelopersHasAKeyOnlyRightAfterItWasMade(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café)
	before := b.ask(ask{path: "/developers", cookie: cookie, page: true})
	wellFormed := regexp.MustCompile(`fcc_[0-9A-Za-z]{49}`)
	if before.status != http.StatusOK || wellFormed.MatchString(before.body) || textsOf(t, before.body)["snippet-key"] != "export FCC_KEY='fcc_…'" {
		t.Fatalf("%d %s", before.status, before.body)
	}
	made := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, page: true, form: url.Values{}})
	texts := textsOf(t, made.body)
	keys := wellFormed.FindAllString(made.body, -1)
	if made.status != http.StatusOK || len(keys) != 1 || texts["snippet-key"] != "export FCC_KEY='"+keys[0]+"'" {
		t.Fatalf("%d %v %s", made.status, keys, made.body)
	}
	if g := b.ask(ask{path: invoices, key: keys[0]}); g.status != http.StatusOK {
		t.Errorf("the key reads: %d %s", g.status, g.body)
	}
	if g := b.ask(ask{method: "POST", path: "/api.xro/2.0/Contacts", key: keys[0], body: strings.NewReader("{}")}); g.code != "key_read_only" {
		t.Errorf("the key writes: %d %s", g.status, g.body)
	}
	for _, id := range []string{"snippet-curl", "snippet-python", "snippet-node", "snippet-xero-node", "snippet-dotnet", "snippet-powershell"} {
		if text := texts[id]; !strings.Contains(text, b.BaseURL()) || !strings.Contains(text, "FCC_KEY") || strings.Contains(text, "ORGANISATION") {
			t.Errorf("%s: %s", id, text)
		}
	}
	for _, code := range server.Codes() {
		if !strings.Contains(made.body, `href="/help#`+code+`"`) {
			t.Errorf("%s is not among the errors", code)
		}
	}
	if again := b.ask(ask{path: "/developers", cookie: cookie, page: true}); wellFormed.MatchString(again.body) {
		t.Error("the key is shown again")
	}
	second := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, page: true, form: url.Values{}})
	if !strings.Contains(second.body, "developer 2") {
		t.Error("the second key has no name of its own")
	}
}

// With several organisations an example names the one that its reader works with, and
// never simply the first.
func TestExamplesNameTheOrganisationWhereThereAreSeveral(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	page := b.ask(ask{path: "/developers", cookie: cookie, page: true}).body
	texts := textsOf(t, page)
	for _, o := range b.sim.Organisations() {
		if strings.Contains(texts["snippet-key"], o.TenantID) {
			t.Errorf("nobody chose %s: %s", o.Name, texts["snippet-key"])
		}
	}
	if !strings.Contains(page, `href="/profile?next=/developers"`) {
		t.Error("nothing asks to choose one")
	}
	texts = textsOf(t, b.ask(ask{path: "/developers?tenant=" + b.tenant(kauri), cookie: cookie, page: true}).body)
	if !strings.Contains(texts["snippet-key"], "export FCC_ORGANISATION='"+b.tenant(kauri)+"'") {
		t.Errorf("not the one that is looked at: %s", texts["snippet-key"])
	}
	for id, text := range texts {
		if !strings.Contains(text, "FCC_ORGANISATION") {
			t.Errorf("%s names none: %s", id, text)
		}
	}
}
