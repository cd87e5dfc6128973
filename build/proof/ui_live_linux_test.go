//go:build proof

package proof

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/godbus/dbus/v5"
)

// An office is what a bookkeeper has: FCC with its icon in the tray, a browser that
// is watched, and the simulated Xero.
type office struct {
	*fcc
	sim     *simXero
	browser *watched
	panel   *panel
	icon    dbus.Sender
	key     string
}

// openOffice starts it with a keystore file, and leads the browser in.
func openOffice(t testing.TB, flags ...string) *office {
	t.Helper()
	port := freePort(t)
	sim := startSim(t, []int{port}, flags...)
	return openOfficeWith(t, sim, install(t, port, sim.settings()...))
}

func openOfficeWith(t testing.TB, sim *simXero, i *installation) *office {
	t.Helper()
	bus := start(t, environment(i.home), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address")
	address := bus.line(t, "unix:")
	// The browser that FCC opens by itself is not the one that is looked at.
	tools := filepath.Join(i.home, "tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "xdg-open"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	i.with("DBUS_SESSION_BUS_ADDRESS="+address, "DISPLAY=:99", "TMPDIR="+i.home, "PATH="+tools+":"+os.Getenv("PATH"))
	o := &office{sim: sim, panel: openPanel(t, address), browser: openWatched(t, profileFolder(t))}
	p := start(t, environment(i.home, i.settings...), i.program, i.flags...)
	o.fcc = &fcc{p, i, strings.TrimPrefix(p.line(t, "Open "), "Open ")}
	o.icon = o.panel.icon(t)
	o.browser.follow(t, o.link)
	return o
}

// work is an office that is signed in to these organisations.
func (o *office) work(t testing.TB, organisations ...string) {
	t.Helper()
	o.browser.signIn(t, organisations...)
	o.stands(t, "Signed in to Xero", "signed in")
	o.key = o.addKey(t, "sheet")
}

// stands waits until page and tray say how the sign-in stands.
func (o *office) stands(t testing.TB, page, tray string) {
	t.Helper()
	o.browser.state(t, page)
	o.panel.shows(t, o.icon, tray)
}

// state waits until the frame of the page says how the sign-in stands.
func (b *browser) state(t testing.TB, says string) {
	t.Helper()
	comes(t, b, fmt.Sprintf("the page's state is %q", says), `(document.querySelector(".state") ?? document.body).textContent.replace(/\s+/g, " ").trim()`,
		func(shown string) bool { return strings.HasPrefix(shown, says) })
}

// asks calls Xero through FCC, whatever comes of it.
func (o *office) asks(t testing.TB) {
	t.Helper()
	if _, err := o.get("/api.xro/2.0/Organisation", o.key); err != nil {
		t.Fatal(err)
	}
}

// stays marks the page, so that stayed can tell whether it was loaded again.
func (b *browser) stays(t testing.TB) {
	t.Helper()
	evaluate[bool](t, b, `window.loadedOnce = true`)
}

func (b *browser) stayed(t testing.TB) {
	t.Helper()
	if !evaluate[bool](t, b, `window.loadedOnce === true`) {
		t.Error("the page was loaded again")
	}
}

func TestPageAndTrayFollowWhatHappensAtXero(t *testing.T) {
	o := openOffice(t)
	o.work(t, café)
	o.browser.stays(t)

	// An access token that ends is renewed, and nobody sees anything of it.
	before := o.sim.last(t)
	o.sim.control(t, "expire", nil, nil)
	o.asks(t)
	if n := len(o.sim.renewals(t, before)); n != 1 {
		t.Errorf("%d renewals after the token ended, not 1", n)
	}
	o.stands(t, "Signed in to Xero", "signed in")

	for _, trouble := range []struct {
		name string
		form url.Values
	}{
		{"503", url.Values{"at": {"token"}, "do": {"fail"}, "status": {"503"}, "times": {"-1"}}},
		{"offline", url.Values{"at": {"token"}, "do": {"drop"}, "times": {"-1"}}},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			o.sim.control(t, "fault", trouble.form, nil)
			o.sim.control(t, "expire", nil, nil)
			o.asks(t)
			o.stands(t, "Signed in, waiting for Xero", "Xero not reached")
			o.sim.control(t, "clear", nil, nil)
			o.stands(t, "Signed in to Xero", "signed in") // by itself
		})
	}

	if t.Failed() {
		return
	}
	o.sim.control(t, "revoke", nil, nil)
	o.sim.control(t, "expire", nil, nil)
	o.asks(t)
	o.stands(t, "Sign in to Xero again", "needs a sign-in")
	o.browser.stayed(t)
	o.browser.do(t, "sign in again", chromedp.Click(`//main//a[starts-with(@href, "/login")]`))
	o.browser.consent(t, café)
	o.stands(t, "Signed in to Xero", "signed in")
	o.asks(t)

	// The day's calls are used up: the page says so, and the sign-in stands.
	o.sim.control(t, "use-up", url.Values{"limit": {"day"}, "organisation": {café}}, nil)
	o.browser.visit(t, o.base()+"/")
	o.browser.press(t, `form[action="/refresh"] button`, "Refresh")
	o.browser.sees(t, "Xero's calls for today are used up.")
	o.stands(t, "Signed in to Xero", "signed in")
	o.browser.quiet(t, "the dashboard")
}

func TestWhenFCCStopsThePageSaysSoAndComesBackByItself(t *testing.T) {
	o := openOffice(t)
	o.work(t, café)
	o.browser.stays(t)
	const visible = `document.getElementById("gone").checkVisibility()`
	if evaluate[bool](t, o.browser.browser, visible) {
		t.Fatal("the page says that FCC has gone, which it has not")
	}
	o.kill()
	stopped := time.Now()
	comes(t, o.browser.browser, "the page says that FCC has gone", visible, func(yes bool) bool { return yes })
	if took := time.Since(stopped); took > 2*time.Second {
		t.Errorf("the page says after %v that FCC has gone, not within 2 s", took)
	}
	o.installation.start(t)
	comes(t, o.browser.browser, "the page is back", visible, func(yes bool) bool { return !yes })
	o.browser.state(t, "Signed in to Xero")
	o.browser.forget() // the requests that failed meanwhile
}

func TestTwoTabsSignInAndBothAreIn(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	one := openWatched(t, profileFolder(t))
	one.follow(t, f.link)
	two := one.window(t)
	two.visit(t, f.base()+"/")
	// Both go to Xero before either comes back.
	for _, b := range []*watched{one, two} {
		b.do(t, "press Sign in", chromedp.Click(`//main//a[starts-with(@href, "/login")]`), chromedp.WaitVisible(`//button[@value="allow"]`))
	}
	two.consent(t, café)
	two.state(t, "Signed in to Xero")
	one.consent(t, café)
	one.state(t, "Signed in to Xero")
	two.state(t, "Signed in to Xero")
	key := f.addKey(t, "sheet")
	if st := f.connected(t, key); len(st.Connections) != 1 {
		t.Errorf("the same person signed in twice, which makes %d sign-ins", len(st.Connections))
	}
	if answer, err := f.get("/api.xro/2.0/Organisation", key); err != nil || answer.status != http.StatusOK {
		t.Errorf("after both: %d %s %v", answer.status, answer.body, err)
	}
	one.quiet(t, "the first tab")
}

func TestAnOrganisationIsSwitchedInOneClickInEveryWindow(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	one := openWatched(t, profileFolder(t))
	one.follow(t, f.link)
	one.signIn(t, joinery, café)
	one.visit(t, f.base()+"/profile")
	one.do(t, "choose", chromedp.Click(fmt.Sprintf(`//button[@aria-label="Choose %s"]`, joinery)))
	one.sees(t, joinery)
	two := one.window(t)
	two.visit(t, f.base()+"/xero/invoices")
	two.organisation(t, joinery)
	two.do(t, "switch", chromedp.Click(`.switcher summary`), chromedp.Click(fmt.Sprintf(`//*[contains(@class, "switcher")]//button[normalize-space()="%s"]`, café)))
	two.organisation(t, café)
	if place := evaluate[string](t, two.browser, `location.pathname`); place != "/xero/invoices" {
		t.Errorf("after the switch the page is %s", place)
	}
	one.organisation(t, café) // by itself
	one.quiet(t, "the first window")
}

// organisation waits until the frame names the organisation.
func (b *browser) organisation(t testing.TB, name string) {
	t.Helper()
	comes(t, b, "the page is about "+name, `document.querySelector(".organisation strong")?.textContent ?? ""`, func(shown string) bool { return shown == name })
}
