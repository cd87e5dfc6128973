package server_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

// reached is how many requests for organisations' data the simulated Xero has seen.
func (b *bench) reached() (n int) {
	for _, e := range b.sim.Journal() {
		if strings.HasPrefix(e.Path, "/api.xro/") {
			n++
		}
	}
	return n
}

// A dayStep is something that happens to a key's day.
type dayStep struct {
	do   string // begin, aside, end, limit, time
	name string
	n    int // of those under way; the other limit; hours
	sent bool
}

// Whatever begins, ends, fails, and however time goes by: a day never sees more calls
// than its limit, and what is refused had no room.
func TestTheDailyLimitIsKeptWhateverHappens(t *testing.T) {
	steps := rapid.SliceOf(rapid.Custom(func(rt *rapid.T) dayStep {
		return dayStep{
			rapid.SampledFrom([]string{"begin", "begin", "begin", "aside", "end", "end", "limit", "time"}).Draw(rt, "do"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name"),
			rapid.IntRange(0, 30).Draw(rt, "n"), rapid.Bool().Draw(rt, "sent"),
		}
	}))
	rapid.Check(t, func(rt *rapid.T) {
		plan := steps.Draw(rt, "steps")
		wrong := ""
		synctest.Test(t, func(*testing.T) { wrong = runDay(plan) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// runDay compares the count with one that is made by going through all calls.
func runDay(plan []dayStep) (wrong string) {
	type flight struct {
		name string
		done func(bool)
		kept bool // for a write, and given back
	}
	type sent struct{ day, name string }
	var (
		day    server.KeyDay
		flying []flight
		calls  []sent
	)
	most := map[string]int{"a": 2, "b": 0}
	today := func() string { return time.Now().Local().Format(time.DateOnly) }
	made := func(name string) (n int) {
		for _, c := range calls {
			if c == (sent{today(), name}) {
				n++
			}
		}
		return n
	}
	for i, step := range plan {
		name := step.name
		switch {
		case step.do == "begin" || step.do == "aside":
			under := 0
			for _, f := range flying {
				if f.name == name {
					under++
				}
			}
			room := most[name] == 0 || made(name)+under < most[name]
			kept := step.do == "aside"
			begin := day.Take
			if kept {
				begin = func(name string, most int) (func(bool), bool) {
					giveBack, ok := day.Aside(name, most, time.Minute)
					return func(bool) { giveBack() }, ok
				}
			}
			done, ok := begin(name, most[name])
			if ok != room {
				return fmt.Sprintf("step %d: %s, of %d: %d made, %d under way, let in: %t", i, name, most[name], made(name), under, ok)
			}
			if ok {
				flying = append(flying, flight{name, done, kept})
			}
		case step.do == "end" && len(flying) > 0:
			n := step.n % len(flying)
			flying[n].done(step.sent)
			if step.sent && !flying[n].kept {
				calls = append(calls, sent{today(), flying[n].name})
			}
			flying = slices.Delete(flying, n, n+1)
		case step.do == "limit":
			most[name] = step.n % 5
		case step.do == "time":
			time.Sleep(time.Duration(step.n) * time.Hour)
		}
		if day.Made("a") != made("a") || day.Made("b") != made("b") {
			return fmt.Sprintf("step %d: made %d and %d, told as %d and %d", i, made("a"), made("b"), day.Made("a"), day.Made("b"))
		}
	}
	return ""
}

func TestManyCallersTogetherGetExactlyADaysCalls(t *testing.T) {
	const most, callers = 100, 16
	var day server.KeyDay
	var under, worst, let atomic.Int64
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() {
			for i := range most {
				done, ok := day.Take("k", most)
				if !ok {
					continue
				}
				now := under.Add(1)
				for w := worst.Load(); now > w && !worst.CompareAndSwap(w, now); w = worst.Load() {
				}
				sent := (n+i)%3 != 0
				if sent {
					let.Add(1)
				} else {
					under.Add(-1)
				}
				done(sent)
			}
		})
	}
	all.Wait()
	if worst.Load() > most || let.Load() != most || day.Made("k") != most {
		t.Errorf("of %d a day %d were sent, %d counted, %d at most with those under way", most, let.Load(), day.Made("k"), worst.Load())
	}
}

// Calls under way may yet not count: who comes meanwhile is not sent away until midnight.
func TestWhoOnlyWaitsForCallsUnderWayMayComeAgainSoon(t *testing.T) {
	var day server.KeyDay
	first, _ := day.Take("k", 2)
	second, _ := day.Take("k", 2)
	first(true)
	if wait := day.Wait("k", 2); wait != time.Second {
		t.Errorf("with one sent and one under way: %v", wait)
	}
	second(false)
	if wait := day.Wait("k", 2); wait != 0 {
		t.Errorf("with room for one: %v", wait)
	}
	if wait := day.Wait("k", 1); wait <= time.Minute && time.Now().Local().Format("15:04") < "23:58" {
		t.Errorf("with all sent: %v", wait)
	}
}

// What is kept for a write may be free once the person has decided, and that takes longer.
func TestWhoOnlyWaitsForAPersonIsToldHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var day server.KeyDay
		sent, _ := day.Take("k", 3)
		sent(true)
		later, _ := day.Aside("k", 3, 2*time.Minute)
		sooner, _ := day.Aside("k", 3, time.Minute)
		time.Sleep(10 * time.Second)
		if _, ok := day.Aside("k", 3, time.Minute); ok {
			t.Error("another write has a call")
		}
		if wait := day.Wait("k", 3); wait != 50*time.Second {
			t.Errorf("with two kept: %v", wait)
		}
		sooner()
		sooner()
		flying, _ := day.Take("k", 3)
		if wait := day.Wait("k", 3); wait != time.Second {
			t.Errorf("with one kept and one under way: %v", wait)
		}
		flying(true)
		if wait := day.Wait("k", 3); wait != 110*time.Second {
			t.Errorf("with one kept: %v", wait)
		}
		later()
		if wait := day.Wait("k", 3); wait != 0 {
			t.Errorf("with none: %v", wait)
		}
	})
}

func TestAKeysDayEndsAtItsLimitOverTheGatewayAndOverOurOwnRoutes(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", Daily: 4})
	free := b.addKey(store.Key{Name: "free"})
	before := b.reached()
	for n := range 3 {
		if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
			t.Fatalf("call %d: %d %s", n+1, g.status, g.body)
		}
	}
	// The fourth is one that our own route causes; what that has read is then given out
	// without another.
	for range 2 {
		if g := b.ask(ask{path: "/api/xero/contacts", key: key}); g.status != 200 || b.reached() != before+4 {
			t.Fatalf("our own route: %d, %d calls\n%s", g.status, b.reached()-before, g.body)
		}
	}
	now := time.Now()
	for _, path := range []string{invoices, "/api/xero/invoices"} {
		g := b.ask(ask{path: path, key: key})
		after, _ := strconv.Atoi(g.header.Get("Retry-After"))
		midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.Local)
		if g.status != 429 || g.code != "key_limit" || !strings.Contains(g.body, "may ask Xero 4 times a day") || now.Add(time.Duration(after)*time.Second).Sub(midnight).Abs() > time.Minute {
			t.Errorf("%s: %d, Retry-After %d\n%s", path, g.status, after, g.body)
		}
	}
	if n := b.reached() - before; n != 4 {
		t.Errorf("%d calls have reached Xero", n)
	}
	// Its end is nobody else's.
	if g := b.ask(ask{path: "/api/xero/invoices", key: free}); g.status != 200 {
		t.Errorf("another key: %d %s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/xero/invoices", cookie: cookie, page: true}); g.status != 200 || strings.Contains(g.body, "times a day") {
		t.Errorf("a page: %d\n%s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/status", key: key}); g.status != 200 {
		t.Errorf("what asks nobody: %d %s", g.status, g.body)
	}

	// It outlives the process, and a key may be given more.
	b.stop()
	b.start()
	b.opened()
	if g := b.ask(ask{path: invoices, key: key}); g.status != 429 {
		t.Errorf("after a restart: %d %s", g.status, g.body)
	}
	if err := b.ChangeKey(t.Context(), store.Key{Name: "sheet", Daily: 5}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{200, 429} {
		if g := b.ask(ask{path: invoices, key: key}); g.status != want {
			t.Errorf("with one more: %d, want %d", g.status, want)
		}
	}
}

func TestTwentyCallersAtOnceReachXeroNotOnceTooOften(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", Daily: 7})
	before := b.reached()
	statuses := make(chan int, 20)
	for range cap(statuses) {
		go func() { statuses <- b.ask(ask{path: invoices, key: key}).status }()
	}
	got := map[int]int{}
	for range cap(statuses) {
		got[<-statuses]++
	}
	if got[200] != 7 || got[429] != 13 || b.reached()-before != 7 {
		t.Errorf("answers %v, %d calls at Xero", got, b.reached()-before)
	}
}

// What was repeated has reached Xero twice.
func TestARepeatedCallCountsTwice(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet", Daily: 3})
	b.sim.ExpireAccessTokens()
	before := b.reached()
	for _, want := range []int{200, 200, 429} {
		if g := b.ask(ask{path: invoices, key: key}); g.status != want {
			t.Errorf("%d, want %d", g.status, want)
		}
	}
	if n := b.reached() - before; n != 3 {
		t.Errorf("%d calls have reached Xero", n)
	}
}

func TestAKeyReachesTheAPIsItIsFor(t *testing.T) {
	f := &far{}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit(), café)
	accounting, payroll := b.addKey(store.Key{Name: "a", Families: []string{"accounting"}}), b.addKey(store.Key{Name: "p", Families: []string{"payroll", "files"}})
	const status, connections, contacts, employees = "/api/status", "/connections", "/api/xero/contacts", "/payroll.xro/1.0/Employees"
	for _, c := range []struct {
		key     string
		path    string
		allowed bool
	}{
		{accounting, invoices, true}, {accounting, contacts, true}, {accounting, status, true}, {accounting, connections, true},
		{accounting, employees, false}, {accounting, "/files.xro/1.0/Files", false},
		{payroll, employees, true}, {payroll, status, true}, {payroll, connections, true}, {payroll, "/health", true},
		{payroll, invoices, false}, {payroll, contacts, false}, {payroll, "/api/dashboard", false}, {payroll, "/api/export/excel", false},
	} {
		sent := len(b.sim.Journal())
		g := b.ask(ask{path: c.path, key: c.key})
		if refused := g.status == 403 && g.code == "key_family"; refused == c.allowed {
			t.Errorf("%s: %d %s", c.path, g.status, g.body)
		}
		if !c.allowed && len(b.sim.Journal()) != sent {
			t.Errorf("%s: something was sent", c.path)
		}
	}
}

func TestAKeyEnds(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit(), café)
	var soon time.Time
	var key string
	for life := 500 * time.Millisecond; !time.Now().Before(soon); life *= 2 { // again, where the answer came too late to tell
		_ = b.RevokeKey(t.Context(), "sheet")
		soon = time.Now().Add(life)
		key = b.addKey(store.Key{Name: "sheet", Expires: soon})
		if g := b.ask(ask{path: invoices, key: key}); g.status != 200 && time.Now().Before(soon) {
			t.Fatalf("before: %d %s", g.status, g.body)
		}
	}
	b.until("it ends", func() bool { return b.ask(ask{path: "/api/status", key: key}).status == 401 })
	g := b.ask(ask{path: invoices, key: key})
	if g.code != "key_required" || !strings.Contains(g.body, "This key ended on "+soon.Format("2 January 2006, 15:04")) || time.Now().Before(soon) {
		t.Errorf("after: %d %s", g.status, g.body)
	}
	// It may go on, with the same secret, to the end of a day.
	today := time.Now()
	if err := b.ChangeKey(t.Context(), store.Key{Name: "sheet", Expires: time.Date(today.Year(), today.Month(), today.Day()+2, 0, 0, 0, 0, time.Local)}); err != nil {
		t.Fatal(err)
	}
	if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
		t.Errorf("given more time: %d %s", g.status, g.body)
	}
	if _, _, said, err := b.AddKeySaying(context.Background(), store.Key{Name: "late", Expires: today.Add(-time.Hour)}); err == nil || !strings.Contains(said, "cannot end in the past") {
		t.Errorf("one that has ended before it began: %q %v", said, err)
	}
}
