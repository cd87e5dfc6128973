package server_test

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"financial-command-center/server"
	"financial-command-center/server/xero/xerosim"
)

// A screen is a tab of Chromium in which somebody works in an organisation.
type screen struct {
	*bench
	ctx context.Context
}

func newScreen(t *testing.T, b *bench, organisation string) *screen {
	t.Helper()
	b.signIn(b.visit())
	s := &screen{b, tab(t)}
	s.do("a visit", chromedp.Navigate(b.BaseURL()+"/profile"), chromedp.Click(`//button[@aria-label="Choose `+organisation+`"]`), chromedp.WaitVisible(`.figures`))
	return s
}

func (s *screen) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, steps...); err != nil {
		page, _ := chromedp.Run(s.ctx, chromedp.OuterHTML("html"))
		s.t.Fatalf("%s: %v\n%s", what, err, page)
	}
}

// press is one key as a keyboard sends it: what a page does with it keeps it from
// being typed.
func press(key string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyDown", Key: key, Text: key})
		return err
	})
}

// says evaluates a script that ends in a string.
func (s *screen) says(script string) string {
	s.t.Helper()
	got, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		s.t.Fatalf("%s: %v", script, err)
	}
	return got
}

// sees waits until a script says yes.
func (s *screen) sees(what, script string) {
	s.t.Helper()
	s.until(what, func() bool { return s.says(`String(Boolean(`+script+`))`) == "true" })
}

const haveRead = `!document.querySelector(".figures").innerText.includes("Reading")`

func TestInChromiumACachedDashboardIsPaintedWithThreeRequests(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure).opened(), joinery)
	s.sees("the figures are there", haveRead)
	s.do("the page again", chromedp.Navigate(s.BaseURL()+"/"), chromedp.WaitVisible(`svg.chart`))
	asked := strings.Fields(s.says(`performance.getEntriesByType("resource").map(e => new URL(e.name).pathname).filter(p => p !== "/events" && p !== "/favicon.ico").join(" ")`))
	slices.Sort(asked)
	if want := []string{"/assets/app.js", "/assets/style.css"}; !slices.Equal(asked, want) {
		t.Errorf("besides itself the page asks for %v, want %v", asked, want)
	}
}

func TestInChromiumNothingMovesWhenTheFiguresCome(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	b.signIn(b.visit())
	s := &screen{b, tab(t)}
	for organisation, width := range map[string]int64{kauri: 1440, joinery: 768, café: 360} {
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Hold, Times: -1})
		s.do("an organisation", chromedp.EmulateViewport(width, 900), chromedp.Navigate(s.BaseURL()+"/?tenant="+s.tenant(organisation)), chromedp.WaitVisible(".figures"))
		if s.says(`String(`+haveRead+`)`) == "true" {
			t.Fatal("there was nothing to wait for")
		}
		s.says(`window.moved = []; new PerformanceObserver(list => {
			for (const e of list.getEntries()) window.moved.push(e.value.toFixed(3) + " " + e.sources.map(s => s.node?.className));
		}).observe({ type: "layout-shift" }); ""`)
		b.sim.SlowAPI(300 * time.Millisecond) // they come in turns, each of which is painted
		b.sim.ClearFaults()
		s.sees("the figures come by themselves", haveRead+` && document.querySelectorAll("svg.chart").length === 2`)
		s.says(`requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = true; })); ""`)
		s.sees("the figures are painted", `window.painted`)
		if moved := s.says(`window.moved.join("; ")`); moved != "" {
			t.Errorf("at %d the page moved: %s", width, moved)
		}
	}
}

func TestInChromiumAPageIsPaintedAnewInItsPlace(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	s := newScreen(t, b, café)
	s.sees("the figures are there", haveRead)
	s.says(`window.loadedOnce = true;
		document.querySelector(".debts details").open = true;
		document.querySelector(".debts summary").focus();
		scrollTo(0, 240); ""`)
	if _, err := b.sim.AddInvoice(café, xerosim.LedgerInvoice{Type: "ACCPAY", Number: "B-1", Contact: "Beans", DueDays: 5, Lines: []xerosim.LedgerLine{{Account: "310", Net: "987654.00", Tax: "0.32"}}}); err != nil {
		t.Fatal(err)
	}
	// Somebody refreshes in another window: this one follows.
	other := b.visit()
	b.choose(other, café)
	b.ask(ask{method: "POST", path: "/refresh", cookie: other, form: url.Values{}})
	s.sees("the new bill is seen", `/9\d\d,\d\d\d\.\d\d/.test(document.querySelector(".figures").innerText)`)
	if now := s.says(`[window.loadedOnce, document.querySelector(".debts details").open, document.activeElement === document.querySelector(".debts summary"), scrollY].join(" ")`); now != "true true true 240" {
		t.Errorf("loaded once, unfolded, focus, scrolled: %s", now)
	}

	// FCC stops: the page says so at once, and comes back by itself.
	b.stop()
	stopped := time.Now()
	s.do("FCC has gone", chromedp.WaitVisible("#gone"))
	if took := time.Since(stopped); took > 10*time.Second {
		t.Errorf("the page says so after %v", took)
	}
	const state = `document.querySelector(".state").innerText.trim()`
	if says := s.says(state); says != "FCC is not running" {
		t.Errorf("meanwhile the side bar says %q", says)
	}
	b.start()
	s.do("FCC is back", chromedp.WaitNotVisible("#gone"))
	s.sees("the side bar tells of the sign-in again", state+`.startsWith("Signed in to Xero")`)
	if s.says(`String(window.loadedOnce)`) != "true" {
		t.Error("the page was loaded again")
	}
}

func TestInChromiumKeysOpenPagesAndLeaveTypingAlone(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure).opened(), joinery)
	s.do("the list of keys", chromedp.KeyEvent("?"), chromedp.WaitVisible(`dialog`))
	if text := s.says(`document.querySelector("dialog").innerText`); !strings.Contains(text, "Invoices") || !strings.Contains(text, "Search this page") {
		t.Errorf("the list says %q", text)
	}
	s.do("and away", chromedp.KeyEvent("\x1b"), chromedp.WaitNotVisible(`dialog`))

	s.do("the switcher", chromedp.KeyEvent("go"), chromedp.WaitVisible(`.switcher form`))
	if focus := s.says(`document.activeElement.textContent`); focus != joinery {
		t.Errorf("the focus is on %q, want the chosen one", focus)
	}
	s.do("away", chromedp.KeyEvent("\x1b"))
	s.sees("the switcher folds", `!document.querySelector(".switcher details").open && document.activeElement.matches(".switcher summary")`)

	s.says(`const field = document.createElement("input"); field.type = "search"; document.querySelector("main").append(field); ""`)
	s.do("search", press("/"), chromedp.KeyEvent("gs?/"))
	if typed, path := s.says(`document.querySelector("input[type=search]").value`), s.says(`location.pathname`); typed != "gs?/" || path != "/" {
		t.Errorf("typed %q at %s", typed, path)
	}
	s.says(`document.activeElement.blur(); ""`)
	s.do("a page", chromedp.KeyEvent("gh"))
	s.sees("the page opens", `location.pathname === "/health" && document.readyState === "complete"`)
	s.do("and is shown", chromedp.WaitVisible(`//h1[text()="Health"]`))

	// One click changes the organisation, and the page stays.
	s.do("another organisation", chromedp.Click(`.switcher summary`), chromedp.Click(`//div[@class="switcher"]//button[text()="`+café+`"]`), chromedp.WaitVisible(`//summary//strong[text()="`+café+`"]`))
	if path := s.says(`location.pathname`); path != "/health" {
		t.Errorf("the choice leads to %s", path)
	}

	// The first stop of the Tab key is the way past the side bar.
	s.do("the first stop", chromedp.Navigate(s.BaseURL()+"/"), chromedp.KeyEvent("\t"))
	if first := s.says(`document.activeElement.textContent`); first != "Skip to the page" {
		t.Errorf("the first stop is %q", first)
	}
	s.do("past it", chromedp.KeyEvent("\r"))
	if s.says(`document.activeElement.id`) != "main" {
		t.Error("the link does not lead past the side bar")
	}
}

func TestInChromiumTheListOfKeysOpensOnEveryPage(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure).opened(), joinery)
	for _, path := range []string{"/help", "/xero/invoices", "/settings", "/health", "/setup"} {
		s.do(path, chromedp.Navigate(s.BaseURL()+path), chromedp.KeyEvent("?"), chromedp.WaitVisible(`dialog`))
		s.do("and away", chromedp.KeyEvent("\x1b"), chromedp.WaitNotVisible(`dialog`))
	}
	s.do("search where there is no field", chromedp.Navigate(s.BaseURL()+"/health"), press("/"))
	s.sees("it leads to that of the invoices", `location.pathname === "/xero/invoices" && document.activeElement?.matches("input[type=search]")`)
	s.do("a word", chromedp.KeyEvent("x"))
	if typed := s.says(`document.activeElement.value`); typed != "x" {
		t.Errorf("typed %q", typed)
	}
}

func TestInChromiumTheFrameFitsEveryWidth(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure).opened(), joinery)
	s.sees("the figures are there", haveRead)
	for _, width := range []int64{360, 599, 600, 768, 1099, 1100, 1440} {
		s.do("a width", chromedp.EmulateViewport(width, 800))
		if wide := value(t, s.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); wide > width {
			t.Errorf("the page is %d wide on a screen of %d", wide, width)
		}
		names := s.says(`[...document.querySelectorAll("#pages a")].map(a => a.textContent).join(" ")`)
		if !strings.HasPrefix(names, "Dashboard Invoices Contacts") {
			t.Errorf("at %d the pages are named %q", width, names)
		}
	}
	s.do("the menu of a phone", chromedp.EmulateViewport(360, 800), chromedp.WaitNotVisible("#pages"), chromedp.Click("button.menu"), chromedp.WaitVisible("#pages"), chromedp.Click(`//nav//a[@href="/health"]`))
	s.sees("a page of the menu opens", `location.pathname === "/health"`)
}

func TestInChromiumAFingerFindsWhatIsPressed(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure).opened(), joinery)
	s.sees("the figures are there", haveRead)
	for _, width := range []int64{360, 1440} {
		for _, path := range []string{"/", "/xero/invoices", "/xero/contacts", "/settings/programs", "/setup/client"} {
			s.do(path, chromedp.EmulateViewport(width, 900), chromedp.Navigate(s.BaseURL()+path), chromedp.WaitVisible("main"))
			low := s.says(`[...document.querySelectorAll("summary, button, .button, th a, td a, label:has(input), .session a")]
				.filter(e => e.checkVisibility() && Math.min(e.offsetHeight, e.offsetWidth) < 24).map(e => e.textContent.trim() + " " + e.offsetHeight).join(", ")`)
			if low != "" {
				t.Errorf("%s at %d has targets below 24 px: %s", path, width, low)
			}
		}
	}
}

func TestInChromiumWithoutScriptsAPageShowsItsFiguresAndItsMenu(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	s := newScreen(t, b, joinery)
	s.do("no scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Hold, Times: -1})
	s.do("another organisation, with the pages' own list", chromedp.Navigate(b.BaseURL()+"/"), chromedp.Click(`.switcher summary`), chromedp.Click(`//div[@class="switcher"]//button[text()="`+café+`"]`), chromedp.WaitVisible(`.card.loading`))
	b.sim.ClearFaults()
	s.do("the figures come with the next load", chromedp.WaitVisible(`svg.chart .bar`))
	s.do("the menu opens", chromedp.EmulateViewport(360, 800), chromedp.Click("button.menu"), chromedp.WaitVisible("#pages"))
}

func TestInChromiumThePrintedDashboardFitsTwoPagesAndSaysThatItIsTheDemo(t *testing.T) {
	s := newScreen(t, newBench(t, everyFigure, func(b *bench) { b.cfg.Mode = server.Demo }).opened(), joinery)
	s.sees("the figures are there", haveRead)
	s.says(`for (const d of document.querySelectorAll("main details")) d.open = true; ""`)
	pdf := value(t, s.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); pages < 1 || pages > 2 {
		t.Errorf("it takes %d pages of A4", pages)
	}
	s.do("as on paper", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	if seen := s.says(`[".demo", ".dated form", ".side", ".charts summary"].map(q => document.querySelector(q).checkVisibility()).join(" ")`); seen != "true false false false" {
		t.Errorf("on paper are the demo's mark, buttons, side bar, tables: %s", seen)
	}
	s.do("another page on paper", chromedp.Navigate(s.BaseURL()+"/xero/invoices?q=zz"))
	if seen := s.says(`["main input[type=search]", "main form button"].map(q => document.querySelector(q).checkVisibility()).join(" ")`); seen != "true false" {
		t.Errorf("on paper are what was searched for, and its button: %s", seen)
	}
}
