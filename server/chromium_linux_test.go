package server_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// chromium is one for all tests, begun by the first that wants it.
var chromium struct {
	begin sync.Once
	ctx   context.Context
	err   error
	end   func() // nil until then
}

func beginChromium() {
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	browser, endBrowser := chromedp.NewContext(allocator)
	chromium.ctx, chromium.err = browser, chromedp.Do(browser, chromedp.Navigate("about:blank"))
	chromium.end = func() {
		endBrowser()
		endAllocator()
	}
}

// tab opens a tab in a fresh profile. What its console complains of, a
// breach of the Content-Security-Policy for one, fails the test at its end.
func tab(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("there is no chromium. Run: go run ./build test")
	}
	if chromium.begin.Do(beginChromium); chromium.err != nil {
		t.Fatal(chromium.err)
	}
	var mu sync.Mutex
	var complaints []string
	own, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "net::ERR_") { // a test may stop the server
				complaints = append(complaints, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	if err := chromedp.Do(own, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(own, 3*time.Minute) // the machine may be busy
	t.Cleanup(cancel)
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(complaints) > 0 {
			t.Errorf("the console says:\n%s", strings.Join(complaints, "\n"))
		}
	})
	return ctx
}

func TestInChromiumAPersonSignsInAndThePageFollowsTheState(t *testing.T) {
	b := newBench(t).opened()
	ctx := tab(t)
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			page, _ := chromedp.Run(ctx, chromedp.OuterHTML("html"))
			t.Fatalf("%s: %v\n%s", what, err, page)
		}
	}
	do("a visit", chromedp.Navigate(b.BaseURL()+"/"), chromedp.WaitVisible(`//a[text()="Sign in to Xero"]`))
	do("to Xero", chromedp.Click(`//a[text()="Sign in to Xero"]`), chromedp.WaitVisible(`//button[@value="allow"]`))
	value(t, ctx, chromedp.Evaluate[bool](`document.querySelectorAll("input[type=checkbox]").forEach(box => box.checked = true), true`))
	do("consent", chromedp.Click(`//button[@value="allow"]`), chromedp.WaitVisible(`//button[@aria-label="Choose Ridgeway Café"]`))
	place, shown := value(t, ctx, chromedp.Location()), value(t, ctx, chromedp.Text("main"))
	if strings.Contains(place, "code=") || strings.Contains(place, "state=") || !strings.Contains(shown, "Signed in to Xero for ") {
		t.Errorf("at %s:\n%s", place, shown)
	}
	do("a choice", chromedp.Click(`//button[@aria-label="Choose Ridgeway Café"]`), chromedp.WaitVisible(`//summary//strong[text()="Ridgeway Café"]`))

	// Xero ends the sign-in. The page hears of it and is not loaded again.
	value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce = true`))
	if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
		t.Fatal(err)
	}
	b.sim.ExpireAccessTokens()
	key := b.addKey(store.Key{Name: "script"})
	if g := b.ask(ask{path: "/api.xro/2.0/Organisation", key: key, header: map[string]string{"xero-tenant-id": b.tenant(café)}}); g.code != "needs_login" {
		t.Fatalf("a script gets %d %s", g.status, g.body)
	}
	do("the page repaints", chromedp.WaitVisible(`//main//a[text()="Sign in again"]`))
	same := value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce === true`))
	shown = value(t, ctx, chromedp.Text(".state"))
	if !same || !strings.Contains(shown, "Sign in to Xero again") {
		t.Errorf("loaded again: %t, and the side bar says %q", !same, shown)
	}
	if st := b.cfg.Connections.Status(); st.State != xero.NeedsLogin {
		t.Errorf("state %s", st.State)
	}

	// FCC stops and comes back. The page says so, and knows its session again.
	b.stop()
	do("FCC has gone", chromedp.WaitVisible("#gone"))
	b.start()
	do("FCC is back", chromedp.WaitNotVisible("#gone"))

	// A page at a phone's width has nothing that sticks out.
	for _, path := range []string{"/", "/profile", "/setup", "/disconnect", "/health", "/settings", "/settings/programs", "/settings/sign-out", "/activity"} {
		do(path, chromedp.EmulateViewport(360, 720), chromedp.Navigate(b.BaseURL()+path))
		if wide := value(t, ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); wide > 360 {
			t.Errorf("%s is %d wide on a screen of 360", path, wide)
		}
	}
}

func TestInChromiumManyKeysFitTheirCard(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café, joinery)
	for n := range 12 {
		b.addKey(store.Key{
			Name: fmt.Sprintf("month-end budget sheet of the office %d", n+1), Write: n%2 == 0, Ask: n%4 == 0, Tenants: []string{b.tenant(joinery)}, Families: []string{"accounting", "payroll"},
			Daily: 1000, MaxAge: 15 * time.Minute, Stale: true, AnyUser: n%3 == 0, LastUsed: time.Now(), Program: "python-requests/2.32.3",
		})
	}
	b.addKey(store.Key{Name: strings.Repeat("unbroken", 8), LastUsed: time.Now(), Program: strings.Repeat("agent", 12)})
	ctx := tab(t)
	for _, width := range []int64{360, 599, 600, 700, 768, 859, 860, 1000, 1099, 1100, 1280} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(b.BaseURL()+"/settings/programs"), chromedp.WaitVisible("main")); err != nil {
			t.Fatal(err)
		}
		if out := value(t, ctx, chromedp.Evaluate[int64](`Math.round(document.querySelector("table.stack").getBoundingClientRect().right - document.querySelector("#programs-title").getBoundingClientRect().right)`)); out > 0 {
			t.Errorf("at %d the table is %d px wider than its card", width, out)
		}
		if wide := value(t, ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); wide > width {
			t.Errorf("the page is %d wide on a screen of %d", wide, width)
		}
	}
}

func value[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
