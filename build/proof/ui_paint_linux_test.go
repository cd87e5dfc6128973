//go:build proof

package proof

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheFirstPaintNeedsFewRequestsAndNothingMoves: one for the page, one for its
// styles, at most two for scripts, when the figures are there and when they are not.
func TestTheFirstPaintNeedsFewRequestsAndNothingMoves(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port}, "--books", "testdata/books.json")
	sim.control(t, "slow", url.Values{"by": {"900ms"}}, nil) // longer than the page waits
	f := install(t, port, sim.settings()...).start(t)
	b := openWatched(t, profileFolder(t))
	b.follow(t, f.link)
	b.signIn(t, joinery, café, oaks)
	b.state(t, "Signed in to Xero")
	ids := map[string]string{}
	for _, o := range f.connected(t, f.addKey(t, "sheet")).Connections[0].Organisations {
		ids[o.Name] = o.TenantID
	}
	// What moves is asked of the page itself, from its beginning on.
	const watch = `window.moved = []; new PerformanceObserver(list => {
		for (const e of list.getEntries()) if (!e.hadRecentInput) window.moved.push(e.value + " " + e.sources.map(s => s.node?.outerHTML?.slice(0, 60)).join(", "));
	}).observe({type: "layout-shift", buffered: true}); true`
	var last string
	for _, at := range []struct {
		width        int64
		organisation string
	}{{360, joinery}, {768, café}, {1440, oaks}} {
		b.do(t, "a screen", chromedp.EmulateViewport(at.width, 900))
		b.visit(t, "about:blank")
		last = f.base() + "/?tenant=" + ids[at.organisation]
		b.open(t, last, http.StatusOK)
		evaluate[bool](t, b.browser, watch)
		if !evaluate[bool](t, b.browser, `!!document.querySelector("[aria-busy]")`) {
			t.Errorf("%d wide, the figures were there at once: nothing is seen of how they come", at.width)
		}
		comes(t, b.browser, "all figures", `!document.querySelector("[aria-busy]")`, func(all bool) bool { return all })
		evaluate[bool](t, b.browser, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
		if moved := evaluate[[]string](t, b.browser, `window.moved`); len(moved) > 0 {
			t.Errorf("%d wide, something moved when the figures came:\n\t%s", at.width, strings.Join(moved, "\n\t"))
		}
	}
	b.quiet(t, "the first paint")

	// Everything is kept now.
	b.visit(t, "about:blank")
	b.open(t, last, http.StatusOK)
	kinds := map[string]int{}
	for _, address := range b.asked() {
		switch path := strings.TrimPrefix(address, f.base()); {
		case address == last:
			kinds["page"]++
		case strings.HasSuffix(path, ".css"):
			kinds["style"]++
		case strings.HasSuffix(path, ".js"):
			kinds["script"]++
		case path == "/events" || path == "/favicon.ico": // after the paint
		default:
			t.Errorf("the dashboard asks for %s", path)
		}
	}
	if kinds["page"] != 1 || kinds["style"] != 1 || kinds["script"] > 2 {
		t.Errorf("the dashboard's first paint needs %v", kinds)
	}
}

func TestTheDashboardPrintsOnTwoPages(t *testing.T) {
	l := openLedger(t, joinery)
	l.browser.do(t, "a screen", chromedp.EmulateViewport(1440, 900))
	l.figures(t, "/api/dashboard") // they are there now
	l.browser.open(t, l.base()+"/", http.StatusOK)
	pdf, err := chromedp.Run(l.browser.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil {
		t.Fatal(err)
	}
	pages := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1))
	if pages < 1 || pages > 2 {
		t.Errorf("the dashboard prints on %d pages", pages)
	}
}
