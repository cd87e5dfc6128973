package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

func TestChoosingAndSettingsAskXeroNothing(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(joinery)
	asked := func() (n int) {
		for _, e := range b.sim.Journal() {
			if e.Point == xerosim.PointAPI {
				n++
			}
		}
		return n
	}
	for _, path := range []string{"/settings", "/profile", "/health", "/settings"} {
		b.ask(ask{path: path, cookie: cookie, page: true})
	}
	b.stop() // what was begun has ended
	if n := asked(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestManyOrganisationsAreSearchedAndTheWayBackIsKept(t *testing.T) {
	var list []string
	for i := range 12 {
		list = append(list, fmt.Sprintf(`{"id":"c%d","authEventId":"e","tenantId":"00000000-0000-0000-0000-0000000000%02d","tenantType":"ORGANISATION","tenantName":"Client %c & Co"}`, i, i, 'A'+i))
	}
	b := newBench(t, func(b *bench) { b.xero.HTTP = connected("[" + strings.Join(list, ",") + "]") }).opened()
	cookie := b.signIn(b.visit())
	all := b.ask(ask{path: "/profile?next=/health%3Ftenant=x%26a=1", cookie: cookie, page: true})
	if strings.Count(all.body, `name="tenant" value="0000`) != 12 || !strings.Contains(all.body, `type="search"`) || !strings.Contains(all.body, `name="next" value="/health?a=1"`) {
		t.Errorf("the page of all:\n%s", all.body)
	}
	found := b.ask(ask{path: "/profile?next=/health&q=" + url.QueryEscape(" cLiEnT d & "), cookie: cookie, page: true})
	main := found.body[strings.Index(found.body, `data-live="main"`):]
	if strings.Count(main, `name="tenant" value=`) != 1 || !strings.Contains(main, "Choose Client D &amp; Co") || !strings.Contains(found.body, `value="cLiEnT d &amp;"`) {
		t.Errorf("what is found:\n%s", found.body)
	}
	if none := b.ask(ask{path: "/profile?q=zzz", cookie: cookie, page: true}); !strings.Contains(none.body, "0 organisations have “zzz” in the name.") {
		t.Errorf("nothing found:\n%s", none.body)
	}
	g := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {"00000000-0000-0000-0000-000000000003"}, "next": {"/health?tenant=x"}}})
	if g.location != "/health" {
		t.Errorf("the choice leads to %q, want the page without the organisation that it showed", g.location)
	}
	if again := b.ask(ask{path: "/profile", cookie: cookie, page: true}); strings.Count(again.body, ">Chosen<") != 1 {
		t.Errorf("the choice is not remembered:\n%s", again.body)
	}
}

func TestOrganisationsStandByWhoIsSignedIn(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), joinery)
	if one := b.ask(ask{path: "/profile", cookie: cookie, page: true}); strings.Contains(one.body, "<h2>Aroha") || strings.Contains(one.body, `type="search"`) {
		t.Errorf("one sign-in with one organisation needs neither heading nor search:\n%s", one.body)
	}
	other := b.sim.People()[1]
	begun := b.ask(ask{path: "/login", cookie: cookie})
	back, err := b.sim.Approve(begun.location + "&login_hint=" + url.QueryEscape(other.Email))
	if err != nil {
		t.Fatal(err)
	}
	cookie = b.ask(ask{path: pathOf(t, back), cookie: cookie, page: true, site: "cross-site"}).cookie
	two := b.ask(ask{path: "/profile", cookie: cookie, page: true})
	if !strings.Contains(two.body, "<h2>Aroha Ngata aroha@example.com</h2>") || !strings.Contains(two.body, other.Email+"</h2>") {
		t.Errorf("the sign-ins are not told apart:\n%s", two.body)
	}
}
