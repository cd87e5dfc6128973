//go:build proof

package proof

import (
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"financial-command-center/server/xero/xerosim"
)

// TestTheWizardLeadsFromNothingToTheNumbers starts fcc serve without a client id,
// and does what the pages say.
func TestTheWizardLeadsFromNothingToTheNumbers(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port}, "--books", "testdata/books.json")
	settings := slices.DeleteFunc(sim.settings(), func(s string) bool { return strings.HasPrefix(s, "XERO_CLIENT_ID=") })
	f := install(t, port, settings...).start(t)
	b := openWatched(t, profileFolder(t))
	b.do(t, "a screen", chromedp.EmulateViewport(1440, 900))
	begun := time.Now()
	b.follow(t, f.link)
	b.press(t, `main a[href^="/setup"]`, "")
	b.press(t, `main a[href="/setup/app"]`, "Begin")
	b.do(t, "the app", chromedp.WaitVisible(`#access`))
	if uri := evaluate[string](t, b.browser, `document.querySelector("input.code")?.value ?? ""`); uri != f.base()+"/callback" {
		t.Errorf("the redirect URI to copy is %q", uri)
	}
	b.press(t, `main button.main`, "Save and continue")
	b.mayRefuse(f.base() + "/setup")
	b.do(t, "a wrong client id", chromedp.SendKeys("#client_id", "what is this?"))
	b.press(t, `main button.main`, "Save and continue")
	b.do(t, "it is said", chromedp.WaitVisible(".wrong"))
	b.wellMade(t, "a wrong client id")
	b.do(t, "the client id", chromedp.Clear("#client_id"), chromedp.SendKeys("#client_id", xerosim.DemoClientID))
	b.press(t, `main button.main`, "Save and continue")
	b.do(t, "the last step", chromedp.WaitVisible(`main a[href^="/login"]`))
	// Going back loses nothing.
	b.open(t, f.base()+"/setup/client", http.StatusOK)
	if kept := evaluate[string](t, b.browser, `document.getElementById("client_id").value`); kept != xerosim.DemoClientID {
		t.Errorf("after going back the client id is %q", kept)
	}
	b.open(t, f.base()+"/setup/sign-in", http.StatusOK)

	// Xero is in another tab, and this one follows.
	xero := b.opens(t, `main a[href^="/login"]`)
	xero.consent(t, oaks)
	b.sees(t, "You are signed in to Xero")
	b.press(t, `main a.main`, "Open the dashboard")
	b.sees(t, "$1,207.87")
	b.sees(t, "$2,051.16")
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("from the link to the numbers it took %v", took)
	}
	b.quiet(t, "the set-up")

	// A restart knows the client id: it was kept.
	f.kill()
	again := f.installation.start(t)
	b.follow(t, again.link)
	b.sees(t, "$1,207.87")
	b.forget()
}

func TestTheDemoLeadsFromTheLinkToTrueNumbersInAMinute(t *testing.T) {
	i := &installation{program: filepath.Join(bin, "fcc"), port: freePort(t), home: t.TempDir()}
	i.flags = []string{"--port", strconv.Itoa(i.port)}
	demo := i.run(t, "demo")
	b := openWatched(t, profileFolder(t))
	begun := time.Now()
	b.follow(t, demo.link)
	b.signIn(t, joinery)
	comes(t, b.browser, "figures", `[...document.querySelectorAll(".card.figure .big")].map(e => e.textContent).filter(text => /^−?\$[\d,]+\.\d\d$/.test(text)).length`,
		func(n int) bool { return n == 4 })
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("from the link to the numbers it took %v", took)
	}
	if shown := b.text(t); !strings.Contains(shown, "Demo: these books are invented.") {
		t.Error("the page does not say that this is the demo")
	}
	b.quiet(t, "the demo")
}

func TestACancelledSignInIsOverAlsoWhenXeroAnswersLate(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	b := openWatched(t, profileFolder(t))
	b.follow(t, f.link)
	b.open(t, f.base()+"/setup/sign-in", http.StatusOK)
	xero := b.opens(t, `main a[href^="/login"]`)
	xero.do(t, "Xero's page", chromedp.WaitVisible(`//button[@value="allow"]`))
	b.sees(t, "Waiting for Xero")
	b.press(t, `form[action="/setup/cancel"] button`, "")
	b.state(t, "Not signed in to Xero")
	xero.consent(t, café)
	xero.sees(t, "cancelled")
	b.state(t, "Not signed in to Xero")
}

func TestTheDemoIsOpenedFromTheWizardInAProcessOfItsOwn(t *testing.T) {
	port := freePort(t)
	f := install(t, port).start(t)
	b := openWatched(t, profileFolder(t))
	b.follow(t, f.link)
	b.open(t, f.base()+"/setup", http.StatusOK)
	b.press(t, `form[action="/setup/demo"] button`, "")
	b.sees(t, "The demo is running")
	demo := evaluate[string](t, b.browser, `document.querySelector("main a.main").href`)
	if strings.HasPrefix(demo, f.base()+"/") {
		t.Fatalf("the demo is at %s, which is this FCC", demo)
	}
	other := b.window(t)
	other.visit(t, demo)
	other.sees(t, "Demo: these books are invented.")
	if shown := b.text(t); strings.Contains(shown, "Demo: these books") {
		t.Error("this FCC says that it is the demo")
	}
	if answer := newPerson(f.base()).visit(t, "/"); strings.Contains(answer.body, "Demo:") {
		t.Error("this FCC became the demo")
	}
}
