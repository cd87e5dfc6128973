package xerosim_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// inALimitsBubble runs f with an app that is signed in for days.
func inALimitsBubble(t *testing.T, dayLimit int, f func(t *testing.T, a *app)) {
	inABubble(t, func(t *testing.T, s *site) { f(t, &app{s, s.signInThere().AccessToken}) }, func(o *xerosim.Options) {
		o.DayLimit, o.TokenLife = dayLimit, 100*time.Hour
	})
}

// left are the three counters of an answer.
func (got answer) left() [3]string {
	return [3]string{got.header.Get("X-MinLimit-Remaining"), got.header.Get("X-DayLimit-Remaining"), got.header.Get("X-AppMinLimit-Remaining")}
}

// limited checks a 429 and returns its Retry-After.
func (got answer) limited(t *testing.T, problem string) time.Duration {
	t.Helper()
	if got.status != http.StatusTooManyRequests || got.body != "" || got.header.Get("X-Rate-Limit-Problem") != problem {
		t.Fatalf("got %d %q, problem %q; want an empty 429 by %s", got.status, got.body, got.header.Get("X-Rate-Limit-Problem"), problem)
	}
	for n, counter := range got.left() {
		if counter == "" {
			t.Errorf("counter %d is not told", n)
		}
	}
	text := got.header.Get("Retry-After")
	if text == "" {
		return 0
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After is %q", text)
	}
	return time.Duration(seconds) * time.Second
}

const probe = "/api.xro/2.0/Organisation"

func TestEveryAnswerTellsWhatIsLeft(t *testing.T) {
	inALimitsBubble(t, 5000, func(t *testing.T, a *app) {
		a.get(probe, joinery)
		if got, want := a.get(probe, joinery).left(), [3]string{"58", "4998", "9998"}; got != want {
			t.Errorf("after two calls %v are left, want %v", got, want)
		}
		// Another organisation counts on its own, the app's minute counts all.
		if got, want := a.get(probe, cafe).left(), [3]string{"59", "4999", "9997"}; got != want {
			t.Errorf("for another organisation %v are left, want %v", got, want)
		}
		if got, want := a.get("/connections", "").left(), [3]string{"", "", "9996"}; got != want {
			t.Errorf("for none %v are left, want %v", got, want)
		}
	})
}

func TestTheSixtyFirstCallInAFixedMinuteIsRefused(t *testing.T) {
	inALimitsBubble(t, 0, func(t *testing.T, a *app) {
		began := time.Now()
		// To the start of a window, wherever that is: the count of what is left
		// rises to 59 again.
		for a.get(probe, joinery).left()[0] != "59" || time.Since(began) < time.Second {
			time.Sleep(time.Second)
		}
		start := time.Now()
		time.Sleep(20 * time.Second)
		for range 59 {
			if got := a.get(probe, joinery); got.status != 200 {
				t.Fatalf("within the limit: %d", got.status)
			}
		}
		wait := a.get(probe, joinery).limited(t, "minute")
		if end := time.Since(start) + wait; end < 59*time.Second || end > 60*time.Second {
			t.Errorf("the window ends %v after it began", end)
		}
		if got := a.get(probe, cafe); got.status != 200 {
			t.Errorf("another organisation: %d", got.status)
		}
		// A fixed window is whole again at once, though 59 calls were 40 seconds ago.
		time.Sleep(wait)
		if got := a.get(probe, joinery); got.status != 200 || got.left()[0] != "59" {
			t.Errorf("after Retry-After: %d, %v left", got.status, got.left())
		}
	})
}

func TestTheDayOfAStarterAppHasAThousandCalls(t *testing.T) {
	inALimitsBubble(t, 0, func(t *testing.T, a *app) {
		for range 20 {
			time.Sleep(time.Minute)
			for range 50 {
				if got := a.get(probe, joinery); got.status != 200 {
					t.Fatalf("within the limit: %d %v", got.status, got.header)
				}
			}
		}
		wait := a.get(probe, joinery).limited(t, "day")
		if wait <= time.Minute || wait > 24*time.Hour {
			t.Errorf("Retry-After is %v", wait)
		}
		time.Sleep(wait)
		if got := a.get(probe, joinery); got.status != 200 || got.left()[1] != "999" {
			t.Errorf("the next day: %d, %v left", got.status, got.left())
		}
	})
}

func TestTheSixthCallAtOnceIsRefusedWithoutARetryAfter(t *testing.T) {
	inALimitsBubble(t, 0, func(t *testing.T, a *app) {
		a.SlowAPI(10 * time.Second)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if got := a.get(probe, joinery); got.status != 200 {
					t.Errorf("one of five: %d", got.status)
				}
			})
		}
		synctest.Wait()
		if wait := a.get(probe, joinery).limited(t, "concurrent"); wait != 0 {
			t.Errorf("Retry-After is %v, want none", wait)
		}
		group.Go(func() {
			if got := a.get(probe, cafe); got.status != 200 {
				t.Errorf("another organisation: %d", got.status)
			}
		})
		group.Wait()
		if got := a.get(probe, joinery); got.status != 200 || got.left()[0] != "54" {
			t.Errorf("when the five are done: %d, %v left", got.status, got.left())
		}
	})
}

func TestLimitsCountForEachAppApart(t *testing.T) {
	a := newApp(t)
	v := verifier()
	form := codeForm(a.approve(a.authorizeURL(v, "client_id", webClientID)).Get("code"), v)
	form.Del("client_id")
	other := &app{a.site, a.ask(form, webClientID, xerosim.DemoClientSecret).AccessToken}
	a.get(probe, joinery)
	if got, want := other.get(probe, joinery).left(), [3]string{"59", "999", "9999"}; got != want {
		t.Errorf("another app has %v left, want %v", got, want)
	}
}

func TestALimitCanBeUsedUpByAControl(t *testing.T) {
	for _, limit := range []string{"minute", "day", "appminute"} {
		t.Run(limit, func(t *testing.T) {
			inALimitsBubble(t, 0, func(t *testing.T, a *app) {
				if err := a.UseUp(limit, joinery); err != nil {
					t.Fatal(err)
				}
				wait := a.get(probe, joinery).limited(t, limit)
				if limit == "appminute" {
					if got := a.get("/connections", ""); got.status != 429 || got.header.Get("X-Rate-Limit-Problem") != "appminute" {
						t.Errorf("/connections: %d", got.status)
					}
				}
				time.Sleep(wait)
				if got := a.get(probe, joinery); got.status != 200 {
					t.Errorf("after %v: %d", wait, got.status)
				}
			})
		})
	}
	a := newApp(t)
	if a.UseUp("week", joinery) == nil || a.UseUp("day", "Nobody Ltd") == nil {
		t.Error("a limit or organisation that is not there was used up")
	}
}
