package server_test

import (
	"io/fs"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"financial-command-center/assets"
)

func TestTheStartPageSaysWhereTheIconIsUntilItWasFound(t *testing.T) {
	b := newBench(t, func(b *bench) { b.cfg.ShowIcon = true }).opened()
	cookie := b.visit()
	says := func() bool {
		t.Helper()
		g := b.ask(ask{path: "/", cookie: cookie, page: true})
		if g.status != 200 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		return strings.Contains(g.body, "<h2>Where the icon is</h2>") && strings.Contains(g.body, `action="/icon"`)
	}
	if !says() {
		t.Error("it does not say so")
	}
	if g := b.ask(ask{method: "POST", path: "/icon", page: true, form: url.Values{}}); g.status != 401 || !says() {
		t.Errorf("somebody without a session took it away: %d", g.status)
	}
	if g := b.ask(ask{method: "POST", path: "/icon", cookie: cookie, page: true, form: url.Values{}}); g.status != 303 || g.header.Get("Location") != "/" {
		t.Errorf("%d, to %q", g.status, g.header.Get("Location"))
	}
	if says() {
		t.Error("it still says so")
	}
}

func TestOnlyAFirstStartSaysWhereTheIconIs(t *testing.T) {
	b := newBench(t).opened()
	if g := b.ask(ask{path: "/", cookie: b.visit(), page: true}); strings.Contains(g.body, "Where the icon is") {
		t.Error(g.body)
	}
}

// A picture is shown under the page's policy, which knows no style or script in it.
func TestThePicturesOfTheTaskbarHoldNothingThatActs(t *testing.T) {
	for _, name := range []string{"taskbar-light.svg", "taskbar-dark.svg"} {
		text, err := fs.ReadFile(assets.Static, "static/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(?i)<style|style=|<script|\son\w+=|href`).Find(text); found != nil {
			t.Errorf("%s holds %s", name, found)
		}
	}
}
