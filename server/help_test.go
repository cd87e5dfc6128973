package server_test

import (
	"flag"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server"
)

var update = flag.Bool("update", false, "write README's Troubleshooting anew")

func TestEveryCodeHasItsPlaceInHelp(t *testing.T) {
	b := newBench(t).opened()
	page := b.ask(ask{path: "/help", cookie: b.visit(), page: true})
	if page.status != 200 {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	told := server.Troubles()
	for _, code := range server.Codes() {
		if n := strings.Count(strings.Join(told, " ")+" ", code+" "); !slices.Contains(told, code) || strings.Count(page.body, `id="`+code+`"`) != 1 {
			t.Errorf("%s has %d entries", code, n)
		}
	}
	if len(told) != len(server.Codes()) {
		t.Errorf("%d entries for %d codes", len(told), len(server.Codes()))
	}
	for _, key := range regexp.MustCompile(`data-key="(.)"`).FindAllStringSubmatch(page.body, -1) {
		if !strings.Contains(page.body, "<kbd>g</kbd> <kbd>"+key[1]+"</kbd>") {
			t.Errorf("Help does not name the key %s of the side bar", key[1])
		}
	}
	for _, topic := range []string{"antivirus", "wsl", "terminal-server", "training", "never", "keys", "places"} {
		if !strings.Contains(page.body, `<section class="card" id="`+topic+`">`) || !strings.Contains(page.body, `href="#`+topic+`"`) {
			t.Errorf("Help has nothing on %s, or no way there", topic)
		}
	}
}

func TestHelpIsSearched(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.visit()
	find := func(query string) string {
		return b.ask(ask{path: "/help?q=" + url.QueryEscape(query), cookie: cookie, page: true}).body
	}
	if body := find("  ACTIVITY minute "); strings.Count(body, "<article") != 1 || !strings.Contains(body, `<article id="rate_limited">`) || !strings.Contains(body, `value="ACTIVITY minute"`) {
		t.Errorf("what is found:\n%s", body)
	}
	if body := find("<zzz>"); strings.Contains(body, "<article") || !strings.Contains(body, "has “&lt;zzz&gt;”") {
		t.Errorf("nothing found:\n%s", body)
	}
}

// With -update it writes what it else compares.
func TestREADMEsTroubleshootingIsHelps(t *testing.T) {
	const path, begin, end = "../README.md", "-update -->\n", "<!-- end of Help -->"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatal("README.md lacks the marks around the section")
	}
	want := before + begin + server.Troubleshooting() + end + after
	if want == string(readme) {
		return
	}
	if !*update {
		t.Fatal("README.md is behind server/help.go. Run: go test ./server -run README -update")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
