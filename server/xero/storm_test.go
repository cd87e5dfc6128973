package xero_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

var (
	somebody = xero.Caller{Kind: xero.ByPage}
	script   = xero.Caller{Kind: xero.ByKey, Name: "script"}
)

// Pages, a command and programs with 200 requests, of which some have little patience:
// over tokens that expire, a minute that somebody else has used up, and an FCC that
// ends and starts again in the middle, each has its answer or hears when to come again;
// and Xero has to refuse no more than what was under way when that somebody came.
func TestTwoHundredCallersOverAnExpiryAStormAndARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.sim.SlowAPI(300 * time.Millisecond)
		callers := []xero.Caller{somebody, {Kind: xero.ByCommand}, script, {Kind: xero.ByKey, Name: "sheet"}, {Kind: xero.ByFCC}}
		var mu sync.Mutex
		got := map[string]int{}
		all := func(n int) (wait func()) {
			var group sync.WaitGroup
			session := b.session()
			for n := range n {
				patience := []time.Duration{0, 20 * time.Second, 10 * time.Minute}[n%3]
				ctx := xero.WithPatience(xero.WithCaller(t.Context(), callers[n%len(callers)]), patience)
				group.Go(func() {
					began := time.Now()
					resp, err := b.ask(ctx, session, organisationPath)
					took, what := time.Since(began), "failed"
					e, said := err.(*xero.Error)
					switch {
					case err == nil && b.done(resp, nil) == 200:
						what = "answered"
					case err == nil && resp.StatusCode == 429 && resp.Header.Get("Retry-After") != "":
						what = "refused by Xero"
					case said && e.Code == xero.CodeRateLimited && e.RetryAfter >= time.Second && e.RetryAfter <= 4*time.Minute: // at most 200 before it
						what = "told to wait"
						if patience > time.Minute {
							t.Errorf("one with patience is told to wait: %v", e)
						}
					case said && e.Code == xero.CodeNeedsLogin || said && e.Code == xero.CodeUnreachable:
						what = "cut off"
					default:
						t.Errorf("%v %v", resp, err)
					}
					if took > patience+5*time.Second {
						t.Errorf("%s after %v, with a patience of %v", what, took, patience)
					}
					mu.Lock()
					defer mu.Unlock()
					got[what]++
				})
			}
			return group.Wait
		}
		wait := all(70)
		time.Sleep(time.Second)
		b.sim.ExpireAccessTokens()
		wait()
		if refused := b.answers()[429]; refused != 0 {
			t.Errorf("Xero had to refuse %d", refused)
		}
		time.Sleep(time.Minute)

		wait = all(70)
		time.Sleep(time.Second)
		if err := b.sim.UseUp("minute", b.Status().Organisations()[0].Name); err != nil {
			t.Fatal(err)
		}
		wait()
		storm := b.answers()[429]
		if storm > 5 {
			t.Errorf("in the storm Xero had to refuse %d", storm)
		}

		time.Sleep(time.Minute)
		all(57)()
		b.restart() // in the middle of a minute of which little is left
		all(60)()
		if refused := b.answers()[429] - storm; refused != 0 {
			t.Errorf("after the start Xero had to refuse %d", refused)
		}
		if sum := got["answered"] + got["told to wait"] + got["refused by Xero"]; sum != 257 || got["answered"] < 130 || got["refused by Xero"] > 5 {
			t.Errorf("got %v", got)
		}
	})
}

// asOne asks as who, without any patience, and returns the status, or 0 and the error.
func (b *bench) asOne(who xero.Caller) (int, *xero.Error) {
	b.t.Helper()
	resp, err := b.ask(xero.WithPatience(xero.WithCaller(b.t.Context(), who), 0), b.session(), organisationPath)
	if e, said := err.(*xero.Error); said {
		return 0, e
	}
	return b.done(resp, err), nil
}

// Of a day with little left, one call is refused, to hear when the next begins, however
// many want it; and FCC knows it after a start too.
func TestTheEndOfADayCostsOneRefusal(t *testing.T) {
	inBubbleWith(t, xerosim.Options{DayLimit: 31}, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		b.asOne(somebody)
		b.sim.SlowAPI(time.Second)
		w.at(organisationPath, func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond) // of the way
			return real()
		})
		ctx, cancel := context.WithTimeout(xero.WithCaller(t.Context(), somebody), 10*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if resp, err := b.ask(ctx, b.session(), organisationPath); err == nil {
					b.done(resp, nil)
				} else if codeOf(err) != xero.CodeRateLimited {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := b.answers(); got[200] != 31 || got[429] != 1 {
			t.Errorf("Xero answered %v", got)
		}
		b.restart()
		_, err := b.asOne(somebody)
		if got := b.answers(); err == nil || got[429] != 1 || !b.Budget(b.tenant()).Closed.Equal(time.Now().Add(err.RetryAfter)) {
			t.Errorf("after a start %v, and Xero answered %v", err, got)
		}
		if short := b.Status().Short; len(short) != 1 || short[0].Closed.IsZero() || short[0].Organisation.TenantID != b.tenant() {
			t.Errorf("short of calls: %+v", short)
		}
		time.Sleep(err.RetryAfter + time.Minute)
		if short := b.Status().Short; len(short) != 0 {
			t.Errorf("the next day it is short of calls: %+v", short)
		}
	})
}

// saying answers with so many calls left of the day.
func saying(left *int) func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		*left--
		resp := answer(200, "application/json", "{}")
		for name, n := range map[string]int{"X-DayLimit-Remaining": *left, "X-MinLimit-Remaining": 50, "X-AppMinLimit-Remaining": 9000} {
			resp.Header.Set(name, strconv.Itoa(n))
		}
		return resp, nil
	}
}

// Below the reserve programs and FCC itself are told when to come again; people go on,
// and the sign-in is kept alive.
func TestTheLastCallsOfADayAreForPeople(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		left := 54
		w.at(organisationPath, saying(&left))
		for _, who := range []xero.Caller{script, {Kind: xero.ByFCC}, script} { // 53, 52, 51
			if status, err := b.asOne(who); status != 200 {
				t.Fatal(err)
			}
		}
		if status, err := b.asOne(somebody); status != 200 || b.Budget(b.tenant()).Reserve != 50 { // 50
			t.Fatal(err, b.Budget(b.tenant()))
		}
		if status, err := b.asOne(script); status != 200 { // the look, which finds 49
			t.Fatal(err)
		}
		for _, who := range []xero.Caller{script, {Kind: xero.ByFCC}} {
			_, err := b.asOne(who)
			if err == nil || err.Code != xero.CodeRateLimited || !err.Kept || err.RetryAfter != time.Hour || err.Message == "" || err.Action == "" {
				t.Errorf("%v hears %+v", who, err)
			}
		}
		for _, who := range []xero.Caller{somebody, {Kind: xero.ByCommand}} {
			if status, err := b.asOne(who); status != 200 {
				t.Errorf("%v hears %v", who, err)
			}
		}
		renewed := b.renewals()
		time.Sleep(life)
		if b.renewals() == renewed {
			t.Error("the sign-in is not renewed")
		}
		b.restart()
		if _, err := b.asOne(script); err == nil || !err.Kept || err.RetryAfter != time.Hour-life {
			t.Errorf("after a start it hears %+v", err)
		}
		left = 1000 // a new day
		if status, err := b.asOne(somebody); status != 200 {
			t.Error(err)
		}
		if status, err := b.asOne(script); status != 200 {
			t.Error(err)
		}
	})
}

// Who watches hears that the calls run out at 20 %, and then in steps of twenty: not
// of each call.
func TestThatCallsRunOutIsToldInSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		left := 211
		w.at(organisationPath, saying(&left))
		var mu sync.Mutex
		var told []string
		go func() {
			for st := range b.Watch(t.Context()) {
				mu.Lock()
				said := "enough"
				for _, short := range st.Short {
					said = fmt.Sprint(short.Organisation.Name, " ", short.Under)
				}
				told = append(told, said)
				mu.Unlock()
			}
		}()
		synctest.Wait()
		for range 71 {
			b.asOne(somebody)
			synctest.Wait()
		}
		left = 900
		b.asOne(somebody)
		synctest.Wait()
		name := b.Status().Organisations()[0].Name
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"enough", name + " 200", name + " 180", name + " 160", "enough"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if b := b.Budget(b.tenant()); b.Allowance != 1000 || b.Few() {
			t.Errorf("%+v", b)
		}
	})
}

// What has been learnt comes back as it was, until it is over.
func TestWhatWasLearntIsNotKnownForLongerThanItIsTrue(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		left := 4000
		w.at(organisationPath, saying(&left))
		b.asOne(somebody)
		before := b.Budget(b.tenant())
		b.restart()
		if got := b.Budget(b.tenant()); got != before || got.Allowance != 5000 || got.Day != 3999 {
			t.Errorf("%+v became %+v", before, got)
		}
		b.stop()
		learnt := b.learnt
		time.Sleep(25 * time.Hour)
		b.start()
		if got := b.Budget(b.tenant()); got.Known || got.Allowance != 5000 {
			t.Errorf("a day later: %+v", got)
		}
		b.stop()
		b.learnt = learnt
		time.Sleep(25 * time.Hour)
		b.start()
		if got := b.Budget(b.tenant()); got != (xero.Budget{}) {
			t.Errorf("two days later: %+v", got)
		}
		b.asOne(somebody)
		tenants := map[string]int{}
		for _, one := range b.Learnt() {
			tenants[one.Tenant]++
		}
		if want := map[string]int{b.tenant(): 1, "": 1}; !maps.Equal(tenants, want) {
			t.Errorf("learnt of %v", tenants)
		}
	})
}
