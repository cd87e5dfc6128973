package books_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

const someDay = "2026-11-26 09:00"

func TestADashboardCostsFewCalls(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(kauri) // 12,000 invoices
		cold := b.calls(func() { l.Dashboard(t.Context(), time.Minute) })
		if len(cold) > 12 {
			t.Errorf("%d calls for a cold dashboard", len(cold))
		}
		b.wantCalls(0, func() { l.Dashboard(t.Context(), time.Minute) })
		time.Sleep(2 * time.Minute)
		// What has changed of the invoices, the bank, and income and costs, of which a
		// month of 30 days is asked for by itself.
		b.wantCalls(4, func() { l.Dashboard(t.Context(), time.Minute) })
	})
	inBubble(t, "2026-10-05 09:00", func(t *testing.T, b *bench) {
		l := b.ledger(joinery)
		b.wantCalls(4, func() { l.Dashboard(t.Context(), time.Minute) })
		time.Sleep(2 * time.Minute)
		b.wantCalls(3, func() { l.Dashboard(t.Context(), time.Minute) })
	})
}

func TestTenReadersCostOneCall(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		b.sim.SlowAPI(time.Second)
		l := b.ledger(joinery)
		b.wantCalls(1, func() {
			var readers sync.WaitGroup
			for range 10 {
				readers.Go(func() { read(t, l.Contacts(t.Context(), 0)) })
			}
			readers.Wait()
		})
		// Who wants all of the invoices waits for what is read of them, and then asks.
		b.wantCalls(2, func() {
			var readers sync.WaitGroup
			readers.Go(func() {
				if r := l.OpenInvoices(t.Context(), 0); r.At.IsZero() || len(r.Value) == 0 { // the next is under way
					t.Errorf("open: %+v", r)
				}
			})
			synctest.Wait()
			for range 5 {
				readers.Go(func() { read(t, l.Invoices(t.Context(), 0)) })
			}
			readers.Wait()
		})
		// And the other way round all will do.
		time.Sleep(time.Minute)
		b.wantCalls(1, func() {
			var readers sync.WaitGroup
			readers.Go(func() { read(t, l.Invoices(t.Context(), 0)) })
			synctest.Wait()
			readers.Go(func() { read(t, l.OpenInvoices(t.Context(), 0)) })
			readers.Wait()
		})
	})
}

func TestAReadingGoesOnWithoutItsCaller(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		b.sim.SlowAPI(10 * time.Second)
		l := b.ledger(joinery)
		ctx, cancel := context.WithTimeout(xero.WithCaller(t.Context(), xero.Caller{Kind: xero.ByKey, Name: "sheet"}), time.Second)
		defer cancel()
		changed := b.Changed()
		r := l.Contacts(ctx, time.Minute)
		if !r.At.IsZero() || !r.Loading || r.Trouble != nil || r.Value != nil {
			t.Errorf("a reading that is not done: %+v", r)
		}
		<-changed
		changed = b.Changed()
		<-changed // it has ended
		b.wantCalls(0, func() {
			if len(read(t, l.Contacts(ended(), time.Minute))) == 0 {
				t.Error("no contacts")
			}
		})
		b.mu.Lock()
		last := b.asked[len(b.asked)-1]
		b.mu.Unlock()
		if last.Caller.Name != "sheet" || last.TenantID != b.tenant(joinery) || last.Status != 200 {
			t.Errorf("the call is on the list as %+v", last)
		}
		// What is kept is shown meanwhile.
		time.Sleep(time.Hour)
		r = l.Contacts(ended(), time.Minute)
		if r.At.IsZero() || !r.Loading || len(r.Value) == 0 || time.Since(r.At) < time.Hour {
			t.Errorf("a reading under way: at %v, loading %v, %d contacts", r.At, r.Loading, len(r.Value))
		}
		time.Sleep(11 * time.Second)
		r = l.Contacts(ended(), time.Minute)
		if r.Loading || time.Since(r.At) > 12*time.Second {
			t.Errorf("after it: at %v, loading %v", r.At, r.Loading)
		}
	})
}

func TestWhatChangedIsLearnt(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		numbers := func(r books.Reading[[]books.Invoice]) string {
			var all []string
			for _, i := range read(t, r) {
				all = append(all, i.Number+" "+i.Status)
			}
			slices.Sort(all)
			return strings.Join(all, ", ")
		}
		open := numbers(l.OpenInvoices(t.Context(), 0))
		if !strings.Contains(open, "S-1 AUTHORISED") || strings.Contains(open, "S-6") || strings.Contains(open, "S-7") || strings.Contains(open, "S-8") {
			t.Error("open:", open)
		}
		time.Sleep(5 * time.Minute)
		_, err := b.sim.Pay(tally, xerosim.LedgerPayment{Invoice: "S-1", Amount: "115"})
		ok(t, err)
		ok(t, b.sim.Void(tally, "D30"))
		_, err = b.sim.AddInvoice(tally, xerosim.LedgerInvoice{Type: "ACCREC", Number: "NEW", Contact: "Birch Ltd", Lines: []xerosim.LedgerLine{{Account: "200", Net: "7"}}})
		ok(t, err)
		b.wantCalls(1, func() {
			open = numbers(l.OpenInvoices(t.Context(), 0))
		})
		if strings.Contains(open, "S-1 ") || strings.Contains(open, "D30 ") || !strings.Contains(open, "NEW AUTHORISED") {
			t.Error("open, after they changed:", open)
		}
		all := numbers(l.Invoices(t.Context(), 0))
		for _, want := range []string{"S-1 PAID", "D30 VOIDED", "NEW AUTHORISED", "S-7 DRAFT", "S-8 VOIDED", "B-5 SUBMITTED"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s is not among all: %s", want, all)
			}
		}
		// One reading of what has changed serves both.
		time.Sleep(5 * time.Minute)
		b.wantCalls(1, func() {
			l.Invoices(t.Context(), time.Minute)
			l.OpenInvoices(t.Context(), time.Minute)
		})
	})
}

func TestWhatXeroDoesNotTellIsReadOnceADay(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		due := func() string {
			for _, i := range read(t, l.OpenInvoices(t.Context(), time.Minute)) {
				if i.Number == "S-2" { // part paid
					return i.Due.Format(time.DateOnly)
				}
			}
			t.Fatal("S-2 is not open")
			return ""
		}
		role := func() bool {
			for _, c := range read(t, l.Contacts(t.Context(), time.Minute)) {
				if c.Name == "Dogwood Supplies" {
					return c.Customer
				}
			}
			t.Fatal("Dogwood Supplies is not there")
			return false
		}
		before := due()
		if before != "2026-11-11" || role() {
			t.Fatal("at first", before, role())
		}
		time.Sleep(5 * time.Minute)
		read(t, l.Invoices(t.Context(), time.Minute))
		read(t, l.Contacts(t.Context(), time.Minute))
		time.Sleep(5 * time.Minute)
		ok(t, b.sim.SetDue(tally, "S-2", 3))
		ok(t, b.sim.SetRoles(tally, "Dogwood Supplies", true, true))
		time.Sleep(time.Hour)
		if due() != before || role() {
			t.Error("Xero's answer to If-Modified-Since told of it")
		}
		time.Sleep(24 * time.Hour)
		if got := due(); got != "2026-11-29" || !role() {
			t.Errorf("a day later it is due on %s, and a customer: %v", got, role())
		}
	})
}

func TestChangesAreAskedForByXerosClock(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		b.sim.Advance(-time.Hour) // this computer is an hour ahead
		l := b.ledger(tally)
		read(t, l.OpenInvoices(t.Context(), 0))
		time.Sleep(5 * time.Minute)
		_, err := b.sim.Pay(tally, xerosim.LedgerPayment{Invoice: "S-1", Amount: "115"})
		ok(t, err)
		time.Sleep(5 * time.Minute)
		for _, i := range read(t, l.OpenInvoices(t.Context(), 0)) {
			if i.Number == "S-1" {
				t.Error("S-1 was paid, and that was not learnt")
			}
		}
	})
}

func TestRefreshLearnsWhatXeroDoesNotDate(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Invoices(t.Context(), 0))
		_, err := b.sim.Pay(tally, xerosim.LedgerPayment{Invoice: "S-1", Amount: "15"})
		ok(t, err)
		time.Sleep(time.Hour)
		read(t, l.OpenInvoices(t.Context(), 0))
		time.Sleep(time.Hour)
		ok(t, b.sim.SetDue(tally, "S-1", -20)) // part paid: not dated
		_, err = b.sim.Pay(tally, xerosim.LedgerPayment{Invoice: "S-2", Amount: "200"})
		ok(t, err)
		time.Sleep(5 * time.Minute)
		late := func(r books.Reading[[]books.Invoice]) (days int) {
			for _, i := range read(t, r) {
				if i.Number == "S-1" {
					days = i.DaysLate(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
				}
			}
			return days
		}
		if days := late(l.OpenInvoices(t.Context(), 0)); days != 0 {
			t.Fatalf("%d days late: the simulated Xero told of it", days)
		}
		l.Refresh(t.Context())
		if days := late(l.OpenInvoices(t.Context(), time.Minute)); days != 20 {
			t.Errorf("%d days late, want 20", days)
		}
		b.wantCalls(0, func() { // and of all others nothing has to be read anew
			for _, i := range read(t, l.Invoices(t.Context(), time.Minute)) {
				if i.Number == "S-2" && i.Status != "PAID" {
					t.Errorf("S-2 is %s", i.Status)
				}
			}
		})
		time.Sleep(time.Minute)
		b.wantCalls(1, func() { read(t, l.OpenInvoices(t.Context(), 0)) })
	})
}

func TestWhatIsKeptCostsNoCall(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		b.wantCalls(0, func() {
			if r := l.Organisation(t.Context(), books.Kept); !r.At.IsZero() || r.Trouble != nil || r.Loading {
				t.Errorf("nothing is kept: %+v", r)
			}
			if r := l.Invoices(t.Context(), books.Kept); !r.At.IsZero() || r.Trouble != nil || r.Loading {
				t.Errorf("nothing is kept: %+v", r)
			}
		})
		read(t, l.Organisation(t.Context(), 0))
		read(t, l.Invoices(t.Context(), 0))
		b.restart()
		time.Sleep(30 * time.Hour)
		b.wantCalls(0, func() {
			if o := read(t, b.ledger(tally).Organisation(t.Context(), books.Kept)); o.Base != "NZD" {
				t.Errorf("%+v", o)
			}
			if all := read(t, b.ledger(tally).Invoices(t.Context(), books.Kept)); len(all) == 0 {
				t.Error("no invoices")
			}
		})
	})
}

func TestARestartKeepsWhatWasRead(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		day := func(s string) time.Time {
			at, err := time.Parse(time.DateOnly, s)
			ok(t, err)
			return at
		}
		ask := func(maxAge time.Duration) (books.Dashboard, []books.Invoice, []books.Contact, books.Statement) {
			l := b.ledger(tally)
			d := l.Dashboard(t.Context(), maxAge)
			return d, read(t, l.Invoices(t.Context(), maxAge)), read(t, l.Contacts(t.Context(), maxAge)),
				read(t, l.ProfitAndLoss(t.Context(), day("2026-04-01"), day("2026-11-26"), maxAge))
		}
		d, invoices, contacts, statement := ask(time.Minute)
		time.Sleep(time.Hour)
		b.restart()
		b.wantCalls(0, func() {
			d2, invoices2, contacts2, statement2 := ask(2 * time.Hour)
			same(t, "owed", d.Owed.Value, d2.Owed.Value)
			same(t, "cash", d.Cash.Value, d2.Cash.Value)
			same(t, "months", d.Months.Value, d2.Months.Value)
			same(t, "organisation", d.Organisation.Value, d2.Organisation.Value)
			same(t, "invoices", invoices, invoices2)
			same(t, "contacts", contacts, contacts2)
			same(t, "statement", statement, statement2)
			if !d2.Cash.At.Equal(d.Cash.At) || !d2.Owed.At.Equal(d.Owed.At) {
				t.Error("a restart made figures younger")
			}
		})
		b.wantCalls(1, func() { read(t, b.ledger(tally).Invoices(t.Context(), time.Minute)) })
	})
}

func TestAFailureIsRememberedForTenSeconds(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		time.Sleep(time.Hour)
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Fail, Status: 500})
		var r books.Reading[[]books.Contact]
		b.wantCalls(1, func() {
			for range 5 {
				r = l.Contacts(t.Context(), time.Minute)
			}
		})
		if r.Trouble == nil || r.Trouble.Code != xero.CodeUnreachable || len(r.Value) == 0 || time.Since(r.At) < time.Hour || r.Loading {
			t.Errorf("%+v", r.Trouble)
		}
		time.Sleep(11 * time.Second)
		b.wantCalls(1, func() { read(t, l.Contacts(t.Context(), time.Minute)) })
	})
}

func TestADayLimitIsWaitedOutWithoutACall(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		time.Sleep(time.Minute)
		ok(t, b.sim.UseUp("day", tally))
		r := l.Contacts(t.Context(), 0)
		if r.Trouble == nil || r.Trouble.Code != xero.CodeRateLimited || !r.Trouble.Retry.After(time.Now().Add(time.Minute)) || len(r.Value) == 0 {
			t.Fatalf("%+v", r.Trouble)
		}
		wait := time.Until(r.Trouble.Retry)
		b.wantCalls(0, func() {
			for range 5 {
				time.Sleep(wait / 6)
				if r := l.Contacts(t.Context(), 0); r.Trouble == nil {
					t.Error("no trouble")
				}
			}
		})
		time.Sleep(wait/6 + time.Minute)
		read(t, l.Contacts(t.Context(), time.Second))
	})
}

func TestAMissingScopeCostsNoCall(t *testing.T) {
	fewer := func(b *bench) {
		b.scopes = strings.Fields("openid offline_access accounting.settings accounting.transactions.read accounting.reports.banksummary.read")
	}
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		b.wantCalls(3, func() { // a scope that writes will do, and a broad one
			read(t, l.Organisation(t.Context(), 0))
			read(t, l.OpenInvoices(t.Context(), 0))
			read(t, l.Cash(t.Context(), 0))
		})
		b.wantCalls(0, func() {
			r := l.Contacts(t.Context(), 0)
			if r.Trouble == nil || r.Trouble.Scope != "accounting.contacts.read" || r.Trouble.Code != xero.CodeNeedsLogin || !r.At.IsZero() {
				t.Errorf("contacts: %+v", r.Trouble)
			}
			m := l.Months(t.Context(), 0)
			if m.Trouble == nil || m.Trouble.Scope != "accounting.reports.profitandloss.read" || !strings.Contains(m.Trouble.Message, "income and costs") {
				t.Errorf("months: %+v", m.Trouble)
			}
		})
		// Nobody is told of the same trouble twice: a page that repaints would never end.
		changed := b.Changed()
		l.Contacts(t.Context(), 0)
		synctest.Wait()
		select {
		case <-changed:
			t.Error("a change without one")
		default:
		}
		b.scopes = allScopes
		b.connections.SetApp(t.Context(), xero.App{ClientID: xerosim.DemoClientID, Scopes: allScopes})
		b.signIn()
		read(t, l.Contacts(t.Context(), 0))
	}, fewer)
}

func TestARoleIsToldFromOtherRefusals(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		ok(t, b.sim.SetReports("aroha@example.com", false))
		d := l.Dashboard(t.Context(), 0)
		if d.Cash.Trouble == nil || !d.Cash.Trouble.Role || d.Months.Trouble == nil || !d.Months.Trouble.Role {
			t.Errorf("cash %+v, months %+v", d.Cash.Trouble, d.Months.Trouble)
		}
		read(t, d.Owed)
		ok(t, b.sim.SetReports("aroha@example.com", true))
		time.Sleep(time.Minute)
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.WAF})
		if r := l.Cash(t.Context(), 0); r.Trouble == nil || r.Trouble.Role || r.Trouble.Code != xero.CodeUnreachable {
			t.Errorf("Xero's edge: %+v", r.Trouble)
		}
		time.Sleep(time.Minute)
		read(t, l.Cash(t.Context(), 0))
	})
}

func TestTroubleOnTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		do      xerosim.Trouble
		status  int
		code    xero.Code
		message string
	}{
		"hotel":       {xerosim.HTML, 0, xero.CodeUnreachable, "did not come from Xero"},
		"half":        {xerosim.Half, 0, xero.CodeUnreachable, "broke off"},
		"drop":        {xerosim.Drop, 0, xero.CodeUnreachable, "Xero"},
		"maintenance": {xerosim.Fail, 503, xero.CodeUnreachable, "503"},
		"bad request": {xerosim.Fail, 400, xero.CodeBadRequest, "understand"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, someDay, func(t *testing.T, b *bench) {
				b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: c.do, Status: c.status, Times: -1})
				r := b.ledger(tally).OpenInvoices(t.Context(), 0)
				if r.Trouble == nil || r.Trouble.Code != c.code || !strings.Contains(r.Trouble.Message, c.message) || r.Trouble.Action == "" {
					t.Fatalf("%+v", r.Trouble)
				}
			})
		})
	}
}

func TestNobodyIsSignedIn(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		ok(t, b.sim.RevokeGrant(""))
		b.sim.ExpireAccessTokens()
		time.Sleep(time.Hour)
		r := l.Contacts(t.Context(), time.Minute)
		if r.Trouble == nil || r.Trouble.Code != xero.CodeNeedsLogin || r.Trouble.Scope != "" || len(r.Value) == 0 {
			t.Errorf("%+v with %d contacts", r.Trouble, len(r.Value))
		}
		b.signIn()
		read(t, l.Contacts(t.Context(), time.Minute)) // at once
		if r := b.Of("0b42c1de-0000-4000-8000-000000000000").Contacts(t.Context(), 0); r.Trouble == nil || r.Trouble.Code != xero.CodeTenantRequired {
			t.Errorf("an organisation that nobody reaches: %+v", r.Trouble)
		}
	})
}

// What only a person can mend is said at once, also while a reading that failed before
// is not tried again yet.
func TestAnEndedSignInComesBeforeAnOutage(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Fail, Status: 503, Times: -1})
		if r := l.OpenInvoices(t.Context(), 0); r.Trouble == nil || r.Trouble.Code != xero.CodeUnreachable {
			t.Fatalf("%+v", r.Trouble)
		}
		b.sim.ClearFaults()
		ok(t, b.sim.RevokeGrant(""))
		b.sim.ExpireAccessTokens()
		time.Sleep(time.Second)
		for _, r := range []*books.Trouble{l.Contacts(t.Context(), 0).Trouble, l.OpenInvoices(t.Context(), 0).Trouble} {
			if r == nil || r.Code != xero.CodeNeedsLogin {
				t.Errorf("%+v", r)
			}
		}
		b.signIn()
		read(t, l.OpenInvoices(t.Context(), 0)) // at once
	})
}

func TestAnEndDoesNotWaitForXero(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Hold})
		l := b.ledger(tally)
		l.Contacts(ended(), 0)
		synctest.Wait()
		start := time.Now()
		b.stop()
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
		if r := l.Contacts(t.Context(), 0); r.Loading || !r.At.IsZero() {
			t.Errorf("%+v", r)
		}
		b.start()
	})
}

// swapped answers some requests in another way than the simulated Xero.
func swapped(path string, answer func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(*bench) {
	return func(b *bench) {
		b.between = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, path) {
					answer(w, r, next)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}
}

func TestPagesThatMoveWhileTheyAreRead(t *testing.T) {
	// An invoice of the first page is paid before the second is asked for, so the
	// second begins with what was the third one's first.
	var (
		b    *bench
		once sync.Once
	)
	move := swapped("/Invoices", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if q := r.URL.Query(); q.Get("page") == "2" && q.Get("Statuses") != "" {
			once.Do(func() {
				for _, i := range []string{"M-0001", "M-0002", "M-0003"} {
					if _, err := b.sim.Pay("Many Ltd", xerosim.LedgerPayment{Invoice: i, Amount: "10"}); err != nil {
						panic(err)
					}
				}
			})
		}
		next.ServeHTTP(w, r)
	})
	inBubble(t, someDay, func(t *testing.T, it *bench) {
		b = it
		l := b.ledger("Many Ltd")
		read(t, l.Cash(t.Context(), 0)) // the books are made
		time.Sleep(time.Hour)
		var got int
		entries := b.calls(func() { got = len(read(t, l.OpenInvoices(t.Context(), 0))) })
		if got != 1500-3 {
			t.Errorf("%d open invoices, want 1497", got)
		}
		if len(entries) != 6 { // two pages and what changed, twice
			t.Errorf("%d calls", len(entries))
		}
		time.Sleep(time.Minute)
		b.wantCalls(1, func() { read(t, l.OpenInvoices(t.Context(), 0)) })
	}, move, func(b *bench) { b.ledgers = append(b.ledgers, many()) })
}

func TestAFullPageThatDoesNotSayHowManyThereAreIsNotAll(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		r := b.ledger("Many Ltd").OpenInvoices(t.Context(), 0)
		if r.Trouble == nil || r.Trouble.Code != xero.CodeUnreachable || !r.At.IsZero() {
			t.Errorf("%d of 1500 invoices are all, it says: %+v", len(r.Value), r.Trouble)
		}
		read(t, b.ledger(tally).OpenInvoices(t.Context(), 0)) // a page that is not full is all
	}, swapped("/Invoices", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.Code)
		_, _ = io.WriteString(w, strings.Replace(answer.Body.String(), `"pagination"`, `"other"`, 1))
	}), func(b *bench) { b.ledgers = append(b.ledgers, many()) })
}

// many is a ledger of 1,500 open sales of 10.00.
func many() xerosim.Ledger {
	l := xerosim.Ledger{Name: "Many Ltd", Banks: []xerosim.LedgerBank{{Name: "Cheque", Code: "090"}}}
	for n := range 1500 {
		l.Invoices = append(l.Invoices, xerosim.LedgerInvoice{
			Type: "ACCREC", Number: fmt.Sprintf("M-%04d", n+1), Contact: "Everybody", Days: -40, DueDays: 20,
			Lines: []xerosim.LedgerLine{{Account: "200", Net: "10"}},
		})
	}
	return l
}

func TestRefusalsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		challenge    string
		body         string
		code         xero.Code
		scope, words string
	}{
		"a scope that is missing":   {401, "insufficient_scope", `{"Title":"Unauthorized","Status":401,"Detail":"AuthorizationUnsuccessful"}`, xero.CodeNeedsLogin, "accounting.invoices.read", "invoices and bills"},
		"a sign-in that is no good": {401, "", `{"Title":"Unauthorized","Status":401,"Detail":"AuthenticationUnsuccessful"}`, xero.CodeNeedsLogin, "", "does not accept"},
		"an organisation":           {403, "", `{"Type":null,"Title":"Forbidden","Status":403,"Detail":"AuthenticationUnsuccessful"}`, xero.CodeTenantRequired, "", "reach the organisation"},
		"too large for Xero":        {404, "", "", xero.CodeUnreachable, "", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, someDay, func(t *testing.T, b *bench) {
				r := b.ledger(tally).OpenInvoices(t.Context(), 0)
				if r.Trouble == nil || r.Trouble.Code != c.code || r.Trouble.Scope != c.scope || r.Trouble.Role || !strings.Contains(r.Trouble.Message, c.words) || r.Trouble.Action == "" {
					t.Errorf("%+v", r.Trouble)
				}
			}, swapped("/Invoices", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				if c.challenge != "" {
					w.Header().Set("WWW-Authenticate", c.challenge)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
		})
	}
}
