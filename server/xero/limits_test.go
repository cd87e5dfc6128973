package xero_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

const organisationPath = "/api.xro/2.0/Organisation"

// ask asks for the first organisation through s.
func (b *bench) ask(ctx context.Context, s *xero.Session, path string) (*http.Response, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, xeroHost+path, nil)
	if err != nil {
		b.t.Error(err)
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("xero-tenant-id", b.tenant())
	return s.Transport().RoundTrip(req)
}

func (b *bench) tenant() string { return b.Status().Organisations()[0].TenantID }

// done reads an answer to its end, and returns its status.
func (b *bench) done(resp *http.Response, err error) int {
	b.t.Helper()
	if err != nil {
		b.t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		b.t.Error(err)
	}
	return resp.StatusCode
}

// answers counts what the API of the simulated Xero answered, by status.
func (b *bench) answers() map[int]int {
	got := map[int]int{}
	for _, e := range b.sim.Journal() {
		if e.Point == xerosim.PointAPI {
			got[e.Status]++
		}
	}
	return got
}

// The limits are the app's: two people's sign-ins share them. Who says for how long
// he waits is answered; who does not is answered, or told to come again.
func TestTwoHundredCallersAtOnceAreNeverTooManyForXero(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		if _, err := b.signInAs("ben@example.com"); err != nil {
			t.Fatal(err)
		}
		var both []*xero.Session
		for _, c := range b.Status().Connections {
			s, _ := b.Get(c.ID)
			both = append(both, s)
		}
		b.sim.SlowAPI(400 * time.Millisecond)
		patient, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var mu sync.Mutex
		got := map[string]int{}
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				ctx, kind := patient, "patient"
				if n%2 == 0 {
					ctx, kind = t.Context(), "other"
				}
				began := time.Now()
				resp, err := b.ask(ctx, both[n%4/2], organisationPath)
				what := "failed"
				e, limited := err.(*xero.Error)
				switch {
				case err == nil && b.done(resp, nil) == 200:
					what = "answered"
				case limited && e.Code == xero.CodeRateLimited && e.RetryAfter >= time.Second && e.RetryAfter <= 4*time.Minute && e.Message != "" && e.Action != "":
					what = "told to wait"
					if e.RetryAfter > time.Minute {
						what = "told to wait longer" // others have their turn before
					}
				default:
					t.Errorf("%v %v", resp, err)
				}
				if took := time.Since(began); kind == "other" && took > 35*time.Second {
					t.Errorf("%s after %v", what, took)
				}
				mu.Lock()
				defer mu.Unlock()
				got[kind+" "+what]++
			})
		}
		all.Wait()
		longer := got["other told to wait longer"]
		if got["patient answered"] != 100 || got["other answered"] < 10 || longer == 0 || got["other answered"]+got["other told to wait"]+longer != 100 {
			t.Errorf("got %v", got)
		}
		if answers := b.answers(); answers[429] != 0 || answers[200] != got["patient answered"]+got["other answered"] {
			t.Errorf("Xero answered %v, for %v", answers, got)
		}
	})
}

// waitFor starts a request and returns what becomes of it.
func (b *bench) waitFor(ctx context.Context, path string) <-chan error {
	got := make(chan error, 1)
	go func() {
		resp, err := b.ask(ctx, b.session(), path)
		if err == nil && b.done(resp, nil) != 200 {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		got <- err
	}()
	synctest.Wait()
	return got
}

func TestAMinuteThatIsUsedUpIsWaitedOut(t *testing.T) {
	for _, limit := range []string{"minute", "appminute"} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.signIn()
			if err := b.sim.UseUp(limit, b.Status().Organisations()[0].Name); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			began := time.Now()
			first, second := b.waitFor(ctx, organisationPath), b.waitFor(ctx, organisationPath)
			if err := <-first; err != nil {
				t.Error(err)
			}
			if err := <-second; err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > time.Minute+time.Second {
				t.Errorf("%s: took %v", limit, took)
			}
			if got := b.answers(); got[429] != 1 || got[200] != 2 {
				t.Errorf("%s: Xero answered %v; the second was to wait for what the first had learnt", limit, got)
			}
		})
	}
}

// limited answers every request with a 429 so long as times is above nothing.
func limited(times *int, problem, retryAfter string) func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return func(_ *http.Request, real func() (*http.Response, error)) (*http.Response, error) {
		if *times--; *times < 0 {
			return real()
		}
		resp := answer(429, "", "as it came")
		for name, value := range map[string]string{"X-Rate-Limit-Problem": problem, "Retry-After": retryAfter} {
			if value != "" {
				resp.Header.Set(name, value)
			}
		}
		return resp, nil
	}
}

func TestARefusalIsRepeatedWhereThatIsInTime(t *testing.T) {
	const never = 100
	for name, c := range map[string]struct {
		problem, retryAfter string
		times               int // refused so often
		body                io.Reader
		status              int
		sent                int
		takes               time.Duration
	}{
		"a minute":                        {"minute", "22", 1, nil, 200, 2, 22 * time.Second},
		"a minute that is too long":       {"minute", "40", 1, nil, 429, 1, 0},
		"a minute that begins too late":   {"minute", "22", never, nil, 429, 2, 22 * time.Second},
		"the app's minute":                {"appminute", "9", 2, nil, 200, 3, 18 * time.Second},
		"too many at once":                {"concurrent", "", 1, nil, 200, 2, 500 * time.Millisecond},
		"too many at once, and again":     {"concurrent", "", 3, nil, 200, 4, 3500 * time.Millisecond},
		"a day":                           {"day", "66975", 1, nil, 429, 1, 0},
		"nobody's words, with a time":     {"", "5", 1, nil, 200, 2, 5 * time.Second},
		"nobody's words, without":         {"", "", 1, nil, 429, 1, 0},
		"nobody's words, tomorrow":        {"", "66975", 1, nil, 429, 1, 0},
		"a body that is there again":      {"minute", "22", 1, strings.NewReader("{}"), 200, 2, 22 * time.Second},
		"a body that cannot be had again": {"minute", "22", 1, io.MultiReader(strings.NewReader("{}")), 429, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				sent, times := 0, c.times
				refuse := limited(&times, c.problem, c.retryAfter)
				w.at(organisationPath, func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
					sent++
					body := ""
					if req.Body != nil {
						read, err := io.ReadAll(req.Body)
						if err != nil {
							t.Error(err)
						}
						body = string(read)
					}
					if c.body != nil && body != "{}" {
						t.Errorf("Xero got %q", body)
					}
					return refuse(req, func() (*http.Response, error) { return answer(200, "application/json", "{}"), nil })
				})
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, xeroHost+organisationPath, c.body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("xero-tenant-id", b.tenant())
				req.Header.Set("Idempotency-Key", "k")
				began := time.Now()
				resp, err := b.session().Transport().RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode == 429 && string(body) != "as it came" {
					t.Errorf("%q, %v", body, err)
				}
				if took := time.Since(began); resp.StatusCode != c.status || sent != c.sent || took != c.takes {
					t.Errorf("%d after %v, sent %d times; want %d after %v, %d times", resp.StatusCode, took, sent, c.status, c.takes, c.sent)
				}
			})
		})
	}
}

func TestADayThatIsUsedUpFailsAtOnceAndIsRemembered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		if got := b.Budget(b.tenant()); got != (xero.Budget{}) {
			t.Errorf("before the first answer: %+v", got)
		}
		b.done(b.ask(t.Context(), b.session(), organisationPath))
		if got := b.Budget(strings.ToUpper(b.tenant())); !got.Known || got.Day != 999 || got.Minute != 59 || !got.At.Equal(time.Now()) || !got.Closed.IsZero() {
			t.Errorf("after the first answer: %+v", got)
		}
		if err := b.sim.UseUp("day", b.Status().Organisations()[0].Name); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		resp, err := b.ask(t.Context(), b.session(), organisationPath)
		if b.done(resp, err) != 429 || resp.Header.Get("X-Rate-Limit-Problem") != "day" {
			t.Fatalf("%v %v, want the 429 as it came", resp, err)
		}
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil {
			t.Fatal(err)
		}
		opens := began.Add(time.Duration(seconds) * time.Second)
		before := b.answers()[429]
		_, err = b.ask(t.Context(), b.session(), organisationPath)
		e, ok := err.(*xero.Error)
		if !ok || e.Code != xero.CodeRateLimited || !time.Now().Add(e.RetryAfter).Equal(opens) || !strings.Contains(e.Message, "calls again at "+opens.Local().Format("15:04")+".") {
			t.Errorf("%+v, want to hear of %v", err, opens)
		}
		if time.Since(began) != 0 || b.answers()[429] != before {
			t.Errorf("it took %v, and Xero was asked", time.Since(began))
		}
		if got := b.Budget(b.tenant()); got.Day != 0 || !got.Closed.Equal(opens) {
			t.Errorf("while it is closed: %+v", got)
		}
		// Other organisations have a day of their own.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, xeroHost+organisationPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("xero-tenant-id", b.Status().Organisations()[1].TenantID)
		if status := b.done(b.session().Transport().RoundTrip(req)); status != 200 {
			t.Errorf("another organisation: %d", status)
		}
		time.Sleep(time.Until(opens))
		if status := b.done(b.ask(t.Context(), b.session(), organisationPath)); status != 200 {
			t.Errorf("the next day: %d", status)
		}
		if got := b.Budget(b.tenant()); got.Day != 999 || !got.Closed.IsZero() {
			t.Errorf("the next day: %+v", got)
		}
	})
}

// Who leaves the queue keeps nobody waiting, and the others keep their order.
func TestCallersWaitInTheOrderTheyCameAndMayLeave(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		let := make(chan struct{})
		var mu sync.Mutex
		order := []string{}
		w.at(organisationPath, func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			mu.Lock()
			order = append(order, req.URL.RawQuery)
			mu.Unlock()
			<-let
			return answer(200, "application/json", "{}"), nil
		})
		var done []<-chan error
		leaving, leave := context.WithCancel(t.Context())
		for n := range 12 {
			ctx := t.Context()
			if n == 6 {
				ctx = leaving
			}
			done = append(done, b.waitFor(ctx, organisationPath+"?"+strconv.Itoa(n)))
		}
		mu.Lock()
		if len(order) != 5 {
			t.Errorf("%d at once", len(order))
		}
		mu.Unlock()
		leave()
		for range 11 {
			let <- struct{}{}
			synctest.Wait()
		}
		for n, got := range done {
			if err := <-got; (err == nil) != (n != 6) {
				t.Errorf("%d: %v", n, err)
			}
		}
		if want := []string{"0", "1", "2", "3", "4", "5", "7", "8", "9", "10", "11"}; !slices.Equal(order, want) {
			t.Errorf("in the order %v", order)
		}
	})
}

// Whose five answers are not read has a sixth all the same, half a minute later; and
// whose Xero never answers is told so, those who waited behind them too.
func TestFiveThatDawdleDoNotShutOthersOutForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.say(organisationPath, 200, "application/json", "{}")
		began := time.Now()
		for n := range 6 {
			resp, err := b.ask(t.Context(), b.session(), organisationPath)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if took := time.Since(began); n < 5 && took != 0 || n == 5 && took != 30*time.Second {
				t.Errorf("number %d after %v", n, took)
			}
		}
		time.Sleep(time.Minute)
		w.at(organisationPath, silent)
		began = time.Now()
		var done []<-chan error
		for range 6 {
			done = append(done, b.waitFor(t.Context(), organisationPath))
		}
		for n, got := range done {
			want := xero.CodeUnreachable
			if n == 5 {
				want = xero.CodeRateLimited
			}
			if err := <-got; codeOf(err) != want {
				t.Errorf("number %d: %v", n, err)
			}
		}
		if took := time.Since(began); took > 35*time.Second {
			t.Errorf("told after %v", took)
		}
	})
}

// An upstream that says nothing of limits has none but five at once.
func TestWithoutHeadersOnlyTheFiveAtOnceCount(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		busy, most := 0, 0
		var mu sync.Mutex
		w.at(organisationPath, func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			busy--
			mu.Unlock()
			return answer(200, "application/json", "{}"), nil
		})
		began := time.Now()
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() { b.done(b.ask(t.Context(), b.session(), organisationPath)) })
		}
		all.Wait()
		if took := time.Since(began); took != 10*time.Second || most != 5 {
			t.Errorf("500 calls took %v, %d at once", took, most)
		}
		if b.Budget(b.tenant()).Known {
			t.Error("a budget that nobody told")
		}
	})
}
