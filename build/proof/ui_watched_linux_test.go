//go:build proof

package proof

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// watched is a browser that notes what no page may do: complain in the console,
// break the Content-Security-Policy, or ask anything of the world outside.
type watched struct {
	*browser
	mu       sync.Mutex
	faults   []string
	requests []string // addresses since the last navigation
	refuses  []string // addresses that may answer with an error
}

func openWatched(t testing.TB, profile string) *watched {
	t.Helper()
	w := &watched{browser: openBrowser(t, profile)}
	w.watch(t)
	return w
}

// window is another window of the same browser.
func (w *watched) window(t testing.TB) *watched {
	t.Helper()
	ctx, cancel := chromedp.NewContext(w.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // opens it, without a time limit
		t.Fatal(err)
	}
	other := &watched{browser: &browser{ctx, cancel}}
	other.watch(t)
	return other
}

// opens clicks a link, and is the tab that it opens.
func (w *watched) opens(t testing.TB, selector string) *watched {
	t.Helper()
	opened := chromedp.WaitNewTarget(w.ctx, func(*target.Info) bool { return true })
	w.do(t, "click "+selector, chromedp.Click(selector))
	select {
	case id := <-opened:
		ctx, cancel := chromedp.NewContext(w.ctx, chromedp.WithTargetID(id))
		t.Cleanup(cancel)
		if err := chromedp.Do(ctx); err != nil {
			t.Fatal(err)
		}
		other := &watched{browser: &browser{ctx, cancel}}
		other.watch(t)
		return other
	case <-time.After(patience):
		t.Fatalf("%s opens no tab", selector)
		return nil
	}
}

func (w *watched) watch(t testing.TB) {
	t.Helper()
	if err := chromedp.Listen(w.ctx, w.hear); err != nil {
		t.Fatal(err)
	}
	w.do(t, "listen to the network", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		// Windows side by side are all seen; a tab behind another would not be.
		_, err := cdp.Call(ctx, tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
}

func (w *watched) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.faults = append(w.faults, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			w.faults = append(w.faults, fmt.Sprintf("console.%s of a script", e.Type))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !slices.Contains(w.refuses, e.Entry.URL) {
			w.faults = append(w.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, e.Request.URL)
		if u, err := url.Parse(e.Request.URL); err != nil || u.Scheme != "data" && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()) {
			if e.Request.URL != "about:blank" {
				w.faults = append(w.faults, "a request leaves the computer: "+e.Request.URL)
			}
		}
	}
}

// quiet fails the test with what was noted since the last time.
func (w *watched) quiet(t testing.TB, what string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		t.Errorf("%s: the browser says: %s", what, fault)
	}
	w.faults = nil
}

// forget drops what was noted.
func (w *watched) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// leave closes the page.
func (w *watched) leave(t testing.TB) {
	t.Helper()
	w.visit(t, "about:blank")
	w.quiet(t, "on leaving")
}

// asked are the addresses that were asked for since the last open.
func (w *watched) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

// open goes to an address that answers with status.
func (w *watched) open(t testing.TB, address string, status int) {
	t.Helper()
	w.mu.Lock()
	w.requests = nil
	w.mu.Unlock()
	if status >= 400 {
		w.mayRefuse(address)
	}
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if got := int(answer.Status); got != status {
		t.Errorf("%s answers %d, not %d", address, got, status)
	}
}

// mayRefuse is for a page whose status is an error's, as it should be: the browser
// complains of that.
func (w *watched) mayRefuse(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses = append(w.refuses, address)
}

// theme is what the computer prefers.
func (w *watched) theme(t testing.TB, scheme string) {
	t.Helper()
	w.do(t, scheme, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// wellMade is what every page has: a title of its own, one heading of the first
// rank and none that leaves a rank out, a main part, and ids that are used once.
func (w *watched) wellMade(t testing.TB, name string) {
	t.Helper()
	for _, wrong := range evaluate[[]string](t, w.browser, `(() => {
		const wrong = [], all = (q) => [...document.querySelectorAll(q)];
		if (!/^.+ · (Demo · )?Financial Command Center$/.test(document.title)) wrong.push("the title is " + document.title);
		if (all("h1").length !== 1) wrong.push(all("h1").length + " headings of the first rank");
		if (all("main").length !== 1) wrong.push(all("main").length + " main parts");
		let rank = 0;
		for (const h of all("h1, h2, h3, h4, h5, h6")) {
			if (!h.checkVisibility()) continue;
			if (+h.tagName[1] > rank + 1) wrong.push("a rank is left out before " + h.textContent);
			rank = +h.tagName[1];
		}
		const ids = all("[id]").map((e) => e.id);
		for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) wrong.push("twice the id " + id);
		if (document.querySelector(".side") && !document.querySelector(".skip")) wrong.push("no way to skip the side bar");
		for (const e of all("[style], script:not([src]), [onclick], [onchange], [onsubmit]")) wrong.push("inline: " + e.outerHTML.slice(0, 80));
		return wrong;
	})()`) {
		t.Errorf("%s: %s", name, wrong)
	}
}

// shows360 sees that nothing sticks out on a phone.
func (w *watched) shows360(t testing.TB, name string) {
	t.Helper()
	if wide := evaluate[int](t, w.browser, `document.documentElement.scrollWidth`); wide > 360 {
		out := evaluate[[]string](t, w.browser, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 361).slice(0, 5).map(e => e.outerHTML.slice(0, 100))`)
		t.Errorf("%s is %d wide on a screen of 360:\n\t%s", name, wide, strings.Join(out, "\n\t"))
	}
}

// text is all text of the page, what a phone leaves out too.
func (b *browser) text(t testing.TB) string {
	t.Helper()
	return evaluate[string](t, b, bodyText)
}

const bodyText = `document.body.textContent.replace(/\s+/g, " ")`

// links are the addresses on this FCC that the page leads to, without query.
func (b *browser) links(t testing.TB) []string {
	t.Helper()
	return evaluate[[]string](t, b, `[...document.querySelectorAll("a[href]")].filter(a => a.origin === location.origin).map(a => a.pathname)`)
}

// evaluate runs a script in the page, and waits for what it promises.
func evaluate[T any](t testing.TB, b *browser, script string) T {
	t.Helper()
	got, err := tryEvaluate[T](b, script)
	if err != nil {
		t.Fatalf("%v in %s", err, script)
	}
	return got
}

// tryEvaluate is evaluate for a page that may just be leaving.
func tryEvaluate[T any](b *browser, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// comes waits until a script's value is as ok wants it.
func comes[T any](t testing.TB, b *browser, what, script string, ok func(T) bool) {
	t.Helper()
	eventually(t, what, func() (bool, string) {
		got, err := tryEvaluate[T](b, script)
		if err != nil {
			return false, err.Error()
		}
		return ok(got), fmt.Sprint(got)
	})
}
