package server_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
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
	made := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, page: true, form: formOf(t, before.body, "/developers")})
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
	if meaning := regexp.MustCompile(`<code>write_refused</code>.*`).FindString(made.body); !strings.Contains(meaning, "the sign-in may not write it, or nobody allowed it") {
		t.Errorf("write_refused is said to be %q", meaning)
	}
	if again := b.ask(ask{path: "/developers", cookie: cookie, page: true}); wellFormed.MatchString(again.body) {
		t.Error("the key is shown again")
	}
	second := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, page: true, form: formOf(t, made.body, "/developers")})
	if !strings.Contains(second.body, "developer 2") {
		t.Error("the second key has no name of its own")
	}
}

// formOf is what a form in the main part of a page sends when a button without a name is
// pressed: nil when there is no such form.
func formOf(t *testing.T, page, action string) url.Values {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page[strings.Index(page, "<main"):]))
	if err != nil {
		t.Fatal(err)
	}
	attributes := func(n *html.Node) map[string]string {
		all := map[string]string{}
		for _, a := range n.Attr {
			all[a.Key] = a.Val
		}
		return all
	}
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" || attributes(n)["action"] != action {
			continue
		}
		values := url.Values{}
		for in := range n.Descendants() {
			if in.Type == html.ElementNode && in.Data == "input" {
				values.Add(attributes(in)["name"], attributes(in)["value"])
			}
		}
		return values
	}
	return nil
}

// A new user with several organisations is asked for one before there is a key, and what
// is then shown works as it is pasted. None is ever simply the first.
func TestAnOrganisationIsChosenBeforeAKeyIsMadeAndThenTheTextsWork(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit())
	page := b.ask(ask{path: "/developers", cookie: cookie, page: true}).body
	for _, o := range b.sim.Organisations() {
		if strings.Contains(page[strings.Index(page, "<main"):], o.TenantID) {
			t.Errorf("nobody chose %s", o.Name)
		}
	}
	if formOf(t, page, "/developers") != nil || textsOf(t, page)["snippet-key"] != "" || !strings.Contains(page, `href="/profile?next=/developers"`) {
		t.Error("a key is offered before an organisation is chosen")
	}
	if g := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, form: url.Values{}}); g.code != "tenant_required" || !strings.Contains(g.body, b.tenant(kauri)) {
		t.Errorf("a key for nobody's organisation: %d %s", g.status, g.body)
	}
	choice := formOf(t, b.ask(ask{path: "/profile?next=/developers", cookie: cookie, page: true}).body, "/profile")
	choice.Set("tenant", b.tenant(kauri)) // the button
	chose := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: choice})
	page = b.ask(ask{path: chose.location, cookie: cookie, page: true}).body
	made := b.ask(ask{method: "POST", path: "/developers", cookie: cookie, page: true, form: formOf(t, page, "/developers")})
	texts := textsOf(t, made.body)
	run := exec.Command("sh", "-e", "-c", texts["snippet-key"]+"\n"+texts["snippet-curl"])
	run.Env = append(os.Environ(), "NO_PROXY=*")
	if out, err := run.Output(); err != nil || !strings.Contains(string(out), `"Invoices"`) {
		t.Errorf("pasted: %s %v\n%s", out, err, texts["snippet-key"])
	}
	asked := b.sim.Journal()
	if last := asked[len(asked)-1]; last.Tenant != b.tenant(kauri) || last.Status != http.StatusOK {
		t.Errorf("Xero was asked about %s: %d", last.Tenant, last.Status)
	}
	for id, text := range texts {
		if !strings.Contains(text, "FCC_ORGANISATION") {
			t.Errorf("%s names none: %s", id, text)
		}
	}
}

// Whose chosen organisation was disconnected is signed in still, and chooses another,
// even where only one is left.
func TestWhoseOrganisationIsGoneChoosesAnother(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café, kauri)
	b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {b.tenant(café)}}})
	b.ask(ask{method: "POST", path: "/disconnect", cookie: cookie, form: url.Values{"organisation": {b.tenant(café)}}})
	page := b.ask(ask{path: "/developers", cookie: cookie, page: true}).body
	main := page[strings.Index(page, "<main"):]
	if !strings.Contains(main, "is not connected any more") || !strings.Contains(main, `href="/profile?next=/developers"`) || strings.Contains(main, `href="/login`) || formOf(t, page, "/developers") != nil {
		t.Errorf("with one left it says\n%s", main)
	}
	choice := formOf(t, b.ask(ask{path: "/profile?next=/developers", cookie: cookie, page: true}).body, "/profile")
	choice.Set("tenant", b.tenant(kauri)) // the button
	chose := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, page: true, form: choice})
	page = b.ask(ask{path: chose.location, cookie: cookie, page: true}).body
	if formOf(t, page, "/developers").Get("tenant") != b.tenant(kauri) {
		t.Error("the choice brings no form for a key")
	}
}

// The page shows the organisation that it is looked at with, and with none connected asks
// to sign in first.
func TestThePageForDevelopersIsAboutTheOrganisationThatIsLookedAt(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	if page := b.ask(ask{path: "/developers", cookie: cookie, page: true}).body; formOf(t, page, "/developers") != nil || !strings.Contains(page, `href="/login?next=/developers"`) {
		t.Error("a key is offered before anybody signed in")
	}
	cookie = b.signIn(cookie)
	page := b.ask(ask{path: "/developers?tenant=" + b.tenant(kauri), cookie: cookie, page: true}).body
	if text := textsOf(t, page)["snippet-key"]; !strings.Contains(text, "export FCC_ORGANISATION='"+b.tenant(kauri)+"'") || formOf(t, page, "/developers").Get("tenant") != b.tenant(kauri) {
		t.Errorf("not the one that is looked at: %s", text)
	}
}
