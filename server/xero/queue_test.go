package xero

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A crowd is callers at the gates of one app, each seen as it is let in.
type crowd struct {
	l       *limits
	mu      sync.Mutex
	waiting map[Caller][]string // names of those who wait, in the order they came
	let     []string            // in the order they were let in
	in      []*pass
	failed  error
}

// comes has one more caller wait, and returns when it was let in or waits.
func (c *crowd) comes(ctx context.Context, who Caller, tenant, name string) {
	c.mu.Lock()
	c.waiting[who] = append(c.waiting[who], name)
	c.mu.Unlock()
	w := newWaiter(WithPatience(WithCaller(ctx, who), time.Hour), "app", tenant)
	go func() {
		p, err := c.l.wait(ctx, w)
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			if ctx.Err() == nil {
				c.failed = err
			}
			return
		}
		c.in = append(c.in, p)
		c.let = append(c.let, name)
		if c.waiting[who][0] != name {
			c.failed = fmt.Errorf("%s before %s", name, c.waiting[who][0])
		}
		c.waiting[who] = c.waiting[who][1:]
	}()
	synctest.Wait()
}

// Whoever comes whenever, with however many requests: within a caller the order is
// that of coming, no caller has two turns while another of its kind waits all along,
// and people and programs take turns as long as both wait.
func TestCallersTakeTurns(t *testing.T) {
	callers := []Caller{{ByPage, ""}, {ByCommand, ""}, {ByKey, "sheet"}, {ByKey, "script"}, {ByKey, "assistant"}, {Kind: ByFCC}}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(-4, len(callers)-1), 10, 120).Draw(rt, "who comes, or below zero that one ends")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer synctest.Wait()
			defer cancel()
			c := &crowd{l: &limits{}, waiting: map[Caller][]string{}}
			turns := map[Caller]map[Caller]int{} // of others, since the first of these began to wait
			var before *Caller                   // who had the last turn, if others waited then
			for n, step := range steps {
				if step >= 0 {
					who := callers[step]
					if len(c.waiting[who]) == 0 {
						turns[who] = map[Caller]int{}
					}
					c.comes(ctx, who, "tenant", strconv.Itoa(n))
					if len(c.waiting[who]) == 0 {
						delete(turns, who)
						before = nil
					}
					continue
				}
				waited := map[Caller]int{}
				for who, names := range c.waiting {
					waited[who] = len(names)
				}
				if len(c.in) == 0 {
					continue
				}
				over := c.in[0]
				c.in = c.in[1:]
				over.end()
				synctest.Wait()
				var next *Caller
				for who, n := range waited {
					switch now := len(c.waiting[who]); {
					case now == n:
					case next != nil || now != n-1:
						wrong = fmt.Errorf("step %d: two were let in for one that ended", n)
					default:
						next = &who
					}
				}
				if next == nil {
					for _, n := range waited {
						if n > 0 {
							wrong = errors.New("nobody was let in, though some wait")
						}
					}
					continue
				}
				people, programs := 0, 0
				for who, n := range waited {
					if n == 0 {
						continue
					}
					if who.person() {
						people++
					} else {
						programs++
					}
					if who == *next {
						turns[who] = map[Caller]int{}
						if len(c.waiting[who]) == 0 {
							delete(turns, who)
						}
					} else if turns[who][*next]++; turns[who][*next] > 1 && who.person() == next.person() {
						wrong = fmt.Errorf("step %d: %v had two turns while %v waited", n, *next, who)
					}
				}
				if people > 0 && programs > 0 && before != nil && before.person() == next.person() {
					wrong = fmt.Errorf("step %d: %v after %v, though others waited", n, *next, *before)
				}
				before = next
				if c.failed != nil {
					wrong = c.failed
				}
			}
			for _, p := range c.in {
				p.end()
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

// The app's minute is shared by its organisations: of what is left of it none gets
// more than one call before another that waits.
func TestOrganisationsTakeTurnsUnderTheAppsMinute(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.IntRange(0, 12), 2, 8).Draw(rt, "callers of each organisation")
		left := rapid.IntRange(0, 20).Draw(rt, "calls left of the app's minute")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer synctest.Wait()
			defer cancel()
			c := &crowd{l: &limits{}, waiting: map[Caller][]string{}}
			app, _ := c.l.gateLocked("app", "")
			app.minute.begin(0, time.Now(), 0)
			for of, n := range want {
				for range n {
					c.comes(ctx, Caller{ByKey, strconv.Itoa(of)}, strconv.Itoa(of), strconv.Itoa(of))
				}
			}
			c.l.mu.Lock()
			app.minute.low = left
			c.l.lookLocked(app)
			c.l.mu.Unlock()
			synctest.Wait()
			got := make([]int, len(want))
			for _, name := range c.let {
				of, _ := strconv.Atoi(name)
				got[of]++
			}
			if c.failed != nil || len(c.let) == 0 && left > 0 && slices.Max(want) > 0 {
				wrong = fmt.Errorf("of %v callers nobody was let in: %v", want, c.failed)
			}
			most := slices.Max(got)
			for of, n := range got {
				if all := min(want[of], atOnce); n > all || n < min(all, most-1) {
					wrong = fmt.Errorf("of %v callers %v were let in", want, got)
				}
			}
			for _, p := range c.in {
				p.end()
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

// Nobody waits longer than it wants to, and who is told when to come again may call
// then, and not before.
func TestACallerWaitsWithinItsPatience(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seconds := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(rt, name)) * time.Second
		}
		own, opens := seconds("patience", 0, 90), seconds("the minute is over after", 1, 60)
		deadline, leaves := seconds("its context ends after", 1, 400), seconds("it hangs up after", 1, 400)
		limit := rapid.SampledFrom([]string{"minute", "appminute", "day", "busy"}).Draw(rt, "limit")
		who := Caller{rapid.SampledFrom([]CallerKind{ByPage, ByKey}).Draw(rt, "who"), ""}
		synctest.Test(t, func(t *testing.T) {
			l := &limits{}
			app, g := l.gateLocked("app", "tenant")
			switch now := time.Now(); limit {
			case "minute":
				g.minute.refused(opens, now, 0)
			case "appminute":
				app.minute.refused(opens, now, 0)
			case "day":
				g.closed = now.Add(opens)
			case "busy":
				for range atOnce {
					p, _ := l.wait(t.Context(), newWaiter(t.Context(), "app", "tenant"))
					time.AfterFunc(opens, p.end)
				}
			}
			ctx, cancel := context.WithTimeout(WithPatience(WithCaller(t.Context(), who), own), deadline)
			defer cancel()
			ctx, leave := context.WithCancel(ctx)
			defer leave()
			time.AfterFunc(leaves, leave)
			began := time.Now()
			p, err := l.wait(ctx, newWaiter(ctx, "app", "tenant"))
			took := time.Since(began)
			var e *Error
			switch limited := errors.As(err, &e); {
			case took > own || took > deadline || took > leaves:
				rt.Errorf("it waited for %v", took)
			case limit == "day" && (!limited || took != 0):
				rt.Errorf("a day: %v after %v", err, took)
			case err == nil:
				if took != opens {
					rt.Errorf("let in after %v", took)
				}
				p.end()
			case limited && e.Code == CodeRateLimited && e.RetryAfter >= time.Second:
				if limit == "busy" { // nobody knows when that ends
					break
				}
				if own > opens && deadline > opens+leastTime && leaves > opens && limit != "day" {
					rt.Errorf("it could have waited")
				}
				if took != 0 {
					rt.Errorf("it waited for %v in vain", took)
				}
				at := began.Add(opens)
				if !time.Now().Add(e.RetryAfter).Equal(at) {
					rt.Errorf("it is to come again in %v", e.RetryAfter)
				}
				again := func() error {
					ctx := WithPatience(t.Context(), 0)
					p, err := l.wait(ctx, newWaiter(ctx, "app", "tenant"))
					if err == nil {
						p.end()
					}
					return err
				}
				time.Sleep(time.Until(at) - time.Millisecond)
				if again() == nil {
					rt.Errorf("it could have come before")
				}
				time.Sleep(time.Millisecond)
				if err := again(); err != nil {
					rt.Errorf("it came when it was told to: %v", err)
				}
			case !errors.Is(err, ctx.Err()) || took != min(deadline, leaves):
				rt.Errorf("%v after %v", err, took)
			}
			time.Sleep(2 * time.Minute) // those who were busy
		})
	})
}
