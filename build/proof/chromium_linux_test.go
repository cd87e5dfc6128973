package proof

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A browser is Chromium with a profile folder, in which it may be started again.
type browser struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func openBrowser(t testing.TB, profile string) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		// Cookies are sealed in the profile, not by a keychain that one of these
		// tests may be running.
		chromedp.Flag("password-store", "basic"),
		chromedp.Env("DBUS_SESSION_BUS_ADDRESS=disabled:"),
		chromedp.CombinedOutput(newOutput()),
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	tab, cancelTab := chromedp.NewContext(allocator)
	b := &browser{tab, func() { cancelTab(); cancelAllocator() }}
	t.Cleanup(b.cancel)
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil { // begins, without a time limit, the whole browser
		t.Fatalf("start Chromium: %v (what is missing: go run ./build test)", err)
	}
	return b
}

// close ends the browser as a person does, so that it writes its cookies.
func (b *browser) close(t testing.TB) {
	t.Helper()
	if err := chromedp.Cancel(b.ctx); err != nil {
		t.Fatalf("close Chromium: %v", err)
	}
	b.cancel()
}

type step = chromedp.Action[chromedp.Void]

// do runs the steps within the patience there is, and says where the browser
// stood when they failed.
func (b *browser) do(t testing.TB, what string, steps ...step) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v; the browser shows %s", what, err, b.shows())
	}
}

// visit opens an address. A person may be redirected on the way.
func (b *browser) visit(t testing.TB, address string) {
	t.Helper()
	before, _, _ := strings.Cut(address, "?")
	b.do(t, "visit "+before, chromedp.Navigate(address))
}

// follow opens a one-time link, again while FCC is still starting: that spends no
// ticket.
func (b *browser) follow(t testing.TB, link string) {
	t.Helper()
	eventually(t, "the link leads in", func() (bool, string) {
		b.visit(t, link)
		shown := b.shows()
		return !strings.Contains(shown, "keystore_unavailable"), shown
	})
}

// sees waits until the page has the text where a person can read it.
func (b *browser) sees(t testing.TB, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the page shows %q", text), func() (bool, string) {
		shown := b.shows()
		return strings.Contains(shown, text), shown
	})
}

// fetches calls a route from the page, as its scripts would, and expects want in
// the JSON it gets.
func (b *browser) fetches(t testing.TB, method, path, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	script := fmt.Sprintf(`fetch(%q, {method: %q}).then(r => r.json()).then(v => JSON.stringify(v))`, path, method)
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil || !strings.Contains(got, want) {
		t.Errorf("%s %s from the page: %s (%v), not %s", method, path, got, err, want)
	}
}

// shows is the page's path and text.
func (b *browser) shows() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + " " + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return err.Error()
	}
	return text
}

// signIn goes from FCC's page through the consent page, where it ticks the
// organisations, and back.
func (b *browser) signIn(t testing.TB, organisations ...string) {
	t.Helper()
	b.do(t, "press Sign in", chromedp.Click(`//a[starts-with(@href, "/login")]`))
	b.consent(t, organisations...)
}

// signInAs is signIn as another person than the first.
func (b *browser) signInAs(t testing.TB, name string, organisations ...string) {
	t.Helper()
	other := fmt.Sprintf(`//a[text()="Sign in as %s"]`, name)
	b.do(t, "press Sign in", chromedp.Click(`//a[starts-with(@href, "/login")]`))
	b.do(t, "become "+name, chromedp.Click(other), chromedp.WaitNotPresent(other))
	b.consent(t, organisations...)
}

// consent ticks and allows. An issuer that asks nothing has no organisations.
func (b *browser) consent(t testing.TB, organisations ...string) {
	t.Helper()
	if len(organisations) == 0 {
		return
	}
	for _, name := range organisations {
		b.do(t, "tick "+name, chromedp.Click(fmt.Sprintf(`//label[span[text()='%s']]/input`, name)))
	}
	b.do(t, "press Allow access", chromedp.Click(`//button[@value="allow"]`), chromedp.WaitNotPresent(`//button[@value="allow"]`))
}

// profileFolder is a folder for a browser's profile. Chromium's children write
// to it for a moment after it has ended, so it is not t.TempDir's to remove.
func profileFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcc-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "the browser's folder removed", func() (bool, string) {
			err := os.RemoveAll(dir)
			return err == nil, fmt.Sprint(err)
		})
	})
	return dir
}
