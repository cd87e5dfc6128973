package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

// everyFigure has sign-ins ask for all that the dashboard shows.
func everyFigure(b *bench) {
	b.xero.App.Scopes = append(b.xero.App.Scopes, "accounting.settings.read", "accounting.reports.banksummary.read", "accounting.reports.profitandloss.read")
}

// worksIn signs a browser in and has it choose an organisation.
func (b *bench) worksIn(organisation string) (cookie string) {
	b.t.Helper()
	cookie = b.signIn(b.visit())
	b.choose(cookie, organisation)
	return cookie
}

func (b *bench) choose(cookie, organisation string) {
	b.t.Helper()
	if g := b.ask(ask{method: "POST", path: "/profile", cookie: cookie, form: url.Values{"tenant": {b.tenant(organisation)}}}); g.status != http.StatusSeeOther {
		b.t.Fatalf("the choice of %s gets %d", organisation, g.status)
	}
}

// dashboard is the page once nothing is missing in it.
func (b *bench) dashboard(cookie, path string) (page string) {
	b.t.Helper()
	b.until("the figures are there", func() bool {
		page = b.ask(ask{path: path, cookie: cookie, page: true}).body
		return strings.Contains(page, `class="figures"`) && !strings.Contains(page, "Reading the books")
	})
	return page
}

// aCard is the text of one card.
func aCard(t *testing.T, page, heading string) string {
	t.Helper()
	for part := range strings.SplitSeq(page, "<section") {
		part, _, _ = strings.Cut(part, "</section>")
		if strings.Contains(part, "<h2>"+heading+"</h2>") {
			text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString("<section"+part, " "))
			return strings.Join(strings.Fields(text), " ")
		}
	}
	t.Fatalf("no card is called %q in\n%s", heading, page)
	return ""
}

// amounts are the amounts of money in a text, as JSON writes them.
func amounts(text string) (all []string) {
	for _, found := range regexp.MustCompile(`−?[^\d\s−]?[\d,]+\.\d\d`).FindAllString(text, -1) {
		number := strings.Map(func(r rune) rune {
			switch {
			case r == '−':
				return '-'
			case r >= '0' && r <= '9', r == '.':
				return r
			}
			return -1
		}, found)
		all = append(all, number)
	}
	return all
}

type figuresJSON struct {
	TenantID string `json:"tenant_id"`
	Currency string
	Today    string
	Settings struct {
		AsOf    *time.Time `json:"as_of"`
		Problem *struct{ Code, Scope string }
	}
	Cash struct {
		AsOf     *time.Time `json:"as_of"`
		Problem  *struct{ Code, Scope string }
		Total    string
		Accounts []struct{ Name, Balance string }
	}
	Owed  debtsJSON `json:"owed_to_you"`
	Owing debtsJSON `json:"you_owe"`
	Due   struct {
		Weeks []struct{ From, To, In, Out, Net string }
	}
	Months struct {
		Problem *struct{ Code, Scope string }
		Months  []struct{ Month, Income, Costs, Profit string }
	}
	Overdue struct {
		Count    int
		Total    string
		Invoices []struct {
			Number string `json:"invoice_number"`
			Base   string `json:"amount_due_base"`
			Link   string
		}
	}
}

type debtsJSON struct {
	AsOf    *time.Time `json:"as_of"`
	Count   int
	Total   string
	Overdue string
	Ages    []struct{ Age, Amount string }
}

func TestTheDashboardAndTheJSONSayTheSame(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(kauri) // with debts in several currencies
	page := b.dashboard(cookie, "/")
	var said figuresJSON
	answer := b.ask(ask{path: "/api/dashboard", cookie: cookie})
	decode(t, answer.body, &said)
	if said.TenantID != b.tenant(kauri) || said.Currency != "NZD" || len(said.Due.Weeks) != 8 || len(said.Months.Months) != 12 || len(said.Owed.Ages) != 5 || said.Cash.AsOf == nil || said.Owed.AsOf == nil {
		t.Fatalf("%s", answer.body)
	}
	same := func(card string, want ...string) {
		t.Helper()
		if got := amounts(aCard(t, page, card)); !slices.Equal(got, want) {
			t.Errorf("%s: the page says\n%v and the JSON\n%v", card, got, want)
		}
	}
	some := func(overdue string) []string {
		if overdue == "0.00" {
			return nil
		}
		return []string{overdue}
	}
	same("Cash in bank", said.Cash.Total)
	same("Owed to you", append([]string{said.Owed.Total}, some(said.Owed.Overdue)...)...)
	same("You owe", append([]string{said.Owing.Total}, some(said.Owing.Overdue)...)...)
	var accounts, due, months, overdue []string
	for _, a := range said.Cash.Accounts {
		accounts = append(accounts, a.Balance)
	}
	same("Cash by account", append(accounts, said.Cash.Total)...)
	sums := amounts(aCard(t, page, "What falls due, next eight weeks"))[:2] // of the description
	table := aCard(t, page, "What falls due, next eight weeks")
	_, table, _ = strings.Cut(table, "Show as table")
	for _, w := range said.Due.Weeks {
		due = append(due, w.In, w.Out)
	}
	if got := amounts(table); !slices.Equal(got, due) || len(sums) != 2 {
		t.Errorf("what falls due: the page says\n%v and the JSON\n%v", got, due)
	}
	_, table, _ = strings.Cut(aCard(t, page, "Income and costs, twelve months"), "Show as table")
	for _, m := range said.Months.Months {
		months = append(months, m.Income, m.Costs)
	}
	if got := amounts(table); !slices.Equal(got, months) {
		t.Errorf("the months: the page says\n%v and the JSON\n%v", got, months)
	}
	_, table, _ = strings.Cut(aCard(t, page, "How old the debts are"), "Show as table")
	var ages []string
	for i := range said.Owed.Ages {
		ages = append(ages, said.Owed.Ages[i].Amount, said.Owing.Ages[i].Amount)
	}
	ages = append(ages, said.Owed.Total, said.Owing.Total)
	if got := amounts(table); !slices.Equal(got, ages) {
		t.Errorf("the ages: the page says\n%v and the JSON\n%v", got, ages)
	}
	for _, i := range said.Overdue.Invoices {
		overdue = append(overdue, i.Base)
		if !strings.Contains(page, html.EscapeString(i.Link)) || !strings.HasPrefix(i.Link, "https://go.xero.com/") {
			t.Errorf("%s leads to %q, and the page does not", i.Number, i.Link)
		}
	}
	if len(overdue) == 0 || said.Overdue.Total != said.Owed.Overdue {
		t.Errorf("overdue are %v, %s in all, and by age %s", overdue, said.Overdue.Total, said.Owed.Overdue)
	}
	same("Largest overdue", overdue...)

	// A key gets the same, and cash flow is a part of it.
	key := b.addKey(store.Key{Name: "script", Tenants: []string{b.tenant(kauri)}})
	withKey := b.ask(ask{path: "/api/dashboard", key: key})
	var byKey, flow figuresJSON
	decode(t, withKey.body, &byKey)
	decode(t, b.ask(ask{path: "/api/cash-flow", key: key}).body, &flow)
	if byKey.Cash.Total != said.Cash.Total || !slices.Equal(byKey.Due.Weeks, said.Due.Weeks) {
		t.Errorf("a key gets %s", withKey.body)
	}
	if flow.Cash.Total != said.Cash.Total || !slices.Equal(flow.Due.Weeks, said.Due.Weeks) || !slices.Equal(flow.Months.Months, said.Months.Months) {
		t.Error("cash flow is another")
	}
}

func TestAMissingScopeTakesAwayItsCardsAndNotThePage(t *testing.T) {
	b := newBench(t, func(b *bench) { b.xero.App.Scopes = append(b.xero.App.Scopes, "accounting.settings.read") }).opened()
	cookie := b.worksIn(joinery)
	page := b.dashboard(cookie, "/")
	for card, scope := range map[string]string{
		"Cash in bank": "banksummary", "Cash by account": "banksummary", "Income and costs, twelve months": "profitandloss", "Profit last month": "profitandloss",
	} {
		if text := aCard(t, page, card); !strings.Contains(text, "does not allow") || len(amounts(text)) != 0 {
			t.Errorf("%s says %q", card, text)
		}
		if !strings.Contains(page, "/login?next=%2F&amp;scope=accounting.reports."+scope+".read") {
			t.Errorf("%s offers no way to add its scope", card)
		}
	}
	if text := aCard(t, page, "Owed to you"); len(amounts(text)) != 2 {
		t.Errorf("what is owed: %q", text)
	}
	var said figuresJSON
	g := b.ask(ask{path: "/api/dashboard", cookie: cookie})
	decode(t, g.body, &said)
	if g.status != 200 || said.Cash.AsOf != nil || said.Cash.Problem == nil || said.Cash.Problem.Scope != "accounting.reports.banksummary.read" || said.Owed.AsOf == nil {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestWithoutItsSettingsTheFiguresSayWhatTheyLack(t *testing.T) {
	lacks := "amounts stand without their currency, nothing leads into Xero, and days are by this computer's clock."
	said := func(b *bench, cookie string) (page string, json figuresJSON) {
		decode(b.t, b.ask(ask{path: "/api/dashboard", cookie: cookie}).body, &json) // waits for all
		return html.UnescapeString(b.dashboard(cookie, "/")), json
	}
	// The scope is missing.
	b := newBench(t, everyFigure, func(b *bench) {
		b.xero.App.Scopes = slices.DeleteFunc(b.xero.App.Scopes, func(s string) bool { return s == "accounting.settings.read" })
	}).opened()
	cookie := b.worksIn(joinery)
	page, figures := said(b, cookie)
	if strings.Count(page, lacks) != 1 || !strings.Contains(page, "does not allow FCC to read the organisation's settings. For now amounts") || !strings.Contains(page, "/login?next=%2F&scope=accounting.settings.read") {
		t.Errorf("without the scope the page says\n%s", page)
	}
	if text := aCard(t, page, "Owed to you"); len(amounts(text)) != 2 {
		t.Errorf("what is owed: %q", text)
	}
	if p := figures.Settings.Problem; p == nil || p.Scope != "accounting.settings.read" || figures.Settings.AsOf != nil || figures.Currency != "" || figures.Owed.AsOf == nil {
		t.Errorf("without the scope the JSON says %+v", figures)
	}
	b.ask(ask{path: "/api/xero/invoices", cookie: cookie}) // waits for all
	if list := b.ask(ask{path: "/xero/invoices", cookie: cookie, page: true}); strings.Count(html.UnescapeString(list.body), lacks) != 1 {
		t.Errorf("without the scope the list says\n%s", list.body)
	}
	// Xero is in trouble just then, and later it is not.
	var once sync.Once
	b = newBench(t, everyFigure, through(&far{answer: func(r *http.Request) (answer *http.Response, err error) {
		if strings.HasSuffix(r.URL.Path, "/Organisation") {
			once.Do(func() { answer, err = answering(503, nil, http.NoBody)(r) })
		}
		if answer == nil {
			answer, err = http.DefaultTransport.RoundTrip(r)
		}
		return answer, err
	}})).opened()
	cookie = b.worksIn(joinery)
	page, figures = said(b, cookie)
	if strings.Count(page, lacks) != 1 || !strings.Contains(page, "Xero is in trouble: it answered 503.") || figures.Settings.Problem == nil || figures.Settings.Problem.Code != "xero_unreachable" {
		t.Errorf("the JSON says %+v, and the page\n%s", figures.Settings, page)
	}
	b.stop() // a failure is not tried again within ten seconds, but by a new start
	b.start()
	b.opened()
	page, figures = said(b, cookie)
	if strings.Contains(page, lacks) || figures.Currency != "NZD" || figures.Settings.Problem != nil {
		t.Errorf("later the JSON says %+v, and the page\n%s", figures, page)
	}
}

func TestARoleThatSeesNoReportsIsSaid(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	if err := b.sim.SetReports("aroha@example.com", false); err != nil {
		t.Fatal(err)
	}
	page := b.dashboard(b.worksIn(joinery), "/")
	if text := aCard(t, page, "Income and costs, twelve months"); !strings.Contains(text, "Your role in Xero") || strings.Contains(text, "Allow it") {
		t.Errorf("%q", text)
	}
}

func TestRefreshReadsAnew(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(café)
	before := aCard(t, b.dashboard(cookie, "/"), "You owe")
	if _, err := b.sim.AddInvoice(café, xerosim.LedgerInvoice{Type: "ACCPAY", Number: "B-1", Contact: "Beans", DueDays: 5, Lines: []xerosim.LedgerLine{{Account: "310", Net: "987654.00", Tax: "0.32"}}}); err != nil {
		t.Fatal(err)
	}
	if kept := aCard(t, b.dashboard(cookie, "/"), "You owe"); kept != before {
		t.Errorf("within ten minutes Xero was asked again: %q", kept)
	}
	if g := b.ask(ask{method: "POST", path: "/refresh", cookie: cookie, form: url.Values{"next": {"https://evil.example/"}}}); g.status != http.StatusSeeOther || g.location != "/" {
		t.Errorf("%d to %q", g.status, g.location)
	}
	b.until("the new bill is counted", func() bool {
		now := amounts(aCard(t, b.dashboard(cookie, "/"), "You owe"))
		return len(now) > 0 && now[0] > "9" && len(now[0]) >= len("987654.32")
	})
	// Another organisation that is only looked at is the one that is read.
	g := b.ask(ask{method: "POST", path: "/refresh?tenant=" + b.tenant(joinery), cookie: cookie, form: url.Values{"next": {"/?tenant=" + b.tenant(joinery)}}})
	if g.status != http.StatusSeeOther || g.location != "/?tenant="+b.tenant(joinery) {
		t.Errorf("%d to %q", g.status, g.location)
	}
}

func TestWithoutAnyFiguresTheJSONIsAnError(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(joinery)
	if g := b.ask(ask{path: "/api/dashboard", cookie: b.visit()}); g.code != "tenant_required" {
		t.Errorf("without a choice: %d %s", g.status, g.body)
	}
	if err := b.sim.UseUp("day", joinery); err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: "/api/dashboard", cookie: cookie})
	if g.status != http.StatusTooManyRequests || g.code != "rate_limited" || g.header.Get("Retry-After") == "" {
		t.Errorf("at the day's limit: %d, Retry-After %q, %s", g.status, g.header.Get("Retry-After"), g.body)
	}
	page := b.dashboard(cookie, "/")
	if strings.Count(page, "The figures come by themselves then.") != 1 || !strings.Contains(aCard(t, page, "Owed to you"), "No figures yet.") {
		t.Errorf("the page at the day's limit:\n%s", page)
	}
}

func TestASignInThatEndedLeavesTheFiguresThatAreKept(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(joinery)
	before := aCard(t, b.dashboard(cookie, "/"), "Owed to you")
	if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
		t.Fatal(err)
	}
	b.sim.ExpireAccessTokens()
	b.ask(ask{method: "POST", path: "/refresh", cookie: cookie, form: url.Values{}})
	var page string
	b.until("the sign-in has ended", func() bool {
		page = b.dashboard(cookie, "/")
		return strings.Contains(page, ">Sign in again</a>")
	})
	if after := aCard(t, page, "Owed to you"); amounts(after)[0] != amounts(before)[0] || !strings.Contains(page, "Sign in to Xero again") {
		t.Errorf("before %q, after %q", before, after)
	}
}

func TestASlowXeroHoldsUpNoPage(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	cookie := b.worksIn(joinery)
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Hold, Times: -1})
	next := b.streamOf(cookie)
	next("status")
	page := b.ask(ask{path: "/", cookie: cookie, page: true}).body
	if !strings.Contains(aCard(t, page, "Owed to you"), "Reading the books…") || !strings.Contains(page, `<noscript><meta http-equiv="refresh"`) {
		t.Fatalf("the page waited, or does not say that it has no figures yet:\n%s", page)
	}
	b.sim.ClearFaults()
	for len(amounts(aCard(t, page, "Owed to you"))) == 0 {
		next("figures") // as long as there is more to come
		page = b.ask(ask{path: "/", cookie: cookie, page: true}).body
	}
}
