//go:build proof

package proof

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// openBooks is FCC, signed in to these organisations, with a browser in it.
func openBooks(t testing.TB, organisations ...string) (*fcc, *simXero, *watched) {
	t.Helper()
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	b := openWatched(t, profileFolder(t))
	b.follow(t, f.link)
	b.signIn(t, organisations...)
	b.state(t, "Signed in to Xero")
	return f, sim, b
}

func TestSettingsTakeEffect(t *testing.T) {
	f, _, b := openBooks(t, café)

	// The look is kept with the browser.
	background := func() string {
		return evaluate[string](t, b.browser, `getComputedStyle(document.body).backgroundColor`)
	}
	b.theme(t, "light")
	for _, look := range []struct{ press, says, background string }{
		{"Dark", "dark", "rgb(16, 20, 24)"},
		{"Light", "light", "rgb(246, 247, 248)"},
	} {
		b.open(t, f.base()+"/settings", http.StatusOK)
		b.do(t, look.press, chromedp.Click(fmt.Sprintf(`//*[@id="look"]//button[normalize-space()="%s"]`, look.press)),
			chromedp.WaitReady(fmt.Sprintf(`html[data-look=%s]`, look.says)))
		b.open(t, f.base()+"/", http.StatusOK)
		if got := background(); got != look.background {
			t.Errorf("after %s a page's ground is %s, not %s", look.press, got, look.background)
		}
	}

	// A key is shown once, works, and does not after it was revoked.
	b.open(t, f.base()+"/settings/programs", http.StatusOK)
	b.do(t, "add a program", chromedp.SendKeys(`#name`, `<i>sheet</i> & "co"`), chromedp.Click(`//button[text()="Make the key"]`), chromedp.WaitVisible(`#key`))
	key := evaluate[string](t, b.browser, `document.getElementById("key").value`)
	if answer, err := f.get("/api/status", key); err != nil || answer.status != http.StatusOK {
		t.Errorf("with the new key: %d %v", answer.status, err)
	}
	b.open(t, f.base()+"/settings/programs", http.StatusOK)
	if shown := b.text(t); strings.Contains(shown, key) || !strings.Contains(shown, `<i>sheet</i> & "co"`) {
		t.Errorf("the list of programs: %s", shown)
	}
	f.invoices(t, key)
	b.open(t, f.base()+"/activity", http.StatusOK)
	if shown := b.text(t); !strings.Contains(shown, `<i>sheet</i> & "co"`) {
		t.Errorf("the activity does not name the program that called: %s", shown)
	}
	b.open(t, f.base()+"/settings/programs", http.StatusOK)
	b.do(t, "revoke", chromedp.Click(`//a[starts-with(@aria-label, "Revoke the key of")]`), chromedp.Click(`//main//form//button[contains(@class, "danger")]`), chromedp.WaitVisible(`//h2[text()="No program has a key yet"]`))
	if answer, err := f.get("/api/status", key); err != nil || answer.status != http.StatusUnauthorized {
		t.Errorf("with the revoked key: %d %v", answer.status, err)
	}

	// Signed out everywhere, another browser is not known any more.
	other := newPerson(f.base())
	other.visit(t, "/")
	if answer := other.visit(t, "/api/status"); answer.status != http.StatusOK {
		t.Fatalf("another browser gets %d: %s", answer.status, answer.body)
	}
	b.open(t, f.base()+"/settings/sign-out", http.StatusOK)
	b.do(t, "sign out everywhere", chromedp.Click(`//main//form//button[contains(@class, "danger")]`), chromedp.WaitNotPresent(`//main//form//button[contains(@class, "danger")]`))
	if answer := other.visit(t, "/api/status"); answer.status != http.StatusUnauthorized {
		t.Errorf("after that the other browser gets %d", answer.status)
	}
	b.quiet(t, "settings")
}

// TestPagesWorkWithoutScripts goes the ways of a person whose browser runs none.
func TestPagesWorkWithoutScripts(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	b := openWatched(t, profileFolder(t))
	b.do(t, "no scripts", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.follow(t, f.link)
	b.open(t, f.base()+"/setup", http.StatusOK)
	b.open(t, f.base()+"/", http.StatusOK)
	b.press(t, `main a[href^="/login"]`, "")
	for _, name := range []string{joinery, café} {
		b.press(t, `label`, name)
	}
	b.press(t, `button[value=allow]`, "")
	b.state(t, "Signed in to Xero")
	if evaluate[bool](t, b.browser, `typeof listen === "function"`) {
		t.Fatal("scripts run")
	}
	b.press(t, `.switcher summary`, "")
	b.press(t, `.switcher button`, joinery)
	b.organisation(t, joinery)
	for _, path := range []string{"/", "/xero/invoices", "/xero/contacts", "/activity", "/health", "/help", "/profile", "/settings", "/settings/programs"} {
		b.open(t, f.base()+path, http.StatusOK)
		b.wellMade(t, path)
	}
	b.open(t, f.base()+"/settings", http.StatusOK)
	b.press(t, `#look button`, "Dark")
	comes(t, b.browser, "the page is dark", `document.documentElement.dataset.look ?? ""`, func(look string) bool { return look == "dark" })
	b.quiet(t, "without scripts")
}

// press clicks the first such element with the text, when there is one, without what
// a page's own scripts would be needed for.
func (b *browser) press(t testing.TB, selector, text string) {
	t.Helper()
	script := fmt.Sprintf(`(e => { e?.click(); return !!e; })([...document.querySelectorAll(%q)].find(e => e.textContent.includes(%q)))`, selector, text)
	comes(t, b, fmt.Sprintf("a %s with %q", selector, text), script, func(there bool) bool { return there })
}
