package tray

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// second is another sign-in than the first.
func second(state xero.State, organisations ...xero.Organisation) xero.ConnectionStatus {
	c := connection(state, organisations...)
	c.ID = "c2"
	return c
}

func since(c xero.ConnectionStatus, at time.Time) xero.ConnectionStatus {
	c.Since = at
	return c
}

func TestFewThingsAreWorthANotification(t *testing.T) {
	const (
		kauriIn     = "Signed in to Xero: Kauri & Sons is connected. FCC renews the sign-in by itself."
		kauriNeeded = "Sign in to Xero again: Kauri & Sons needs a sign-in since 3 March. A click here begins it."
		back        = "All is well again: Xero was not reached from 09:31 on. FCC is signed in and works as before."
	)
	minutes := func(n int) time.Time { return morning.Add(time.Duration(n) * time.Minute) }
	starting := status(xero.Starting, "")
	out := status(xero.Disconnected, "")
	in := status(xero.Connected, "", connection(xero.Connected, kauri))
	retrying := status(xero.Retrying, xero.CodeUnreachable, connection(xero.Retrying, kauri))
	needed := status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri))
	shut := status(xero.Starting, xero.CodeKeystoreUnavailable)
	type heard struct {
		minute int
		st     xero.Status
		want   string // notices, by lines
	}
	for name, events := range map[string][]heard{
		"a start that finds all well":        {{0, starting, ""}, {0, in, ""}},
		"a start that finds nobody":          {{0, starting, ""}, {0, out, ""}},
		"a start that needs a sign-in":       {{0, starting, ""}, {0, needed, kauriNeeded}, {1, needed, ""}},
		"the first sign-in":                  {{0, starting, ""}, {0, out, ""}, {1, signingIn(out), ""}, {2, in, kauriIn}, {3, in, ""}},
		"one that did not work":              {{0, out, ""}, {1, signingIn(out), ""}, {2, status(xero.Disconnected, xero.CodeLoginFailed), ""}},
		"a sign-in that reaches nothing":     {{0, out, ""}, {1, status(xero.Connected, "", connection(xero.Connected)), "Signed in to Xero: No organisation was ticked there: sign in again and tick one."}},
		"a second sign-in":                   {{0, in, ""}, {1, status(xero.Connected, "", connection(xero.Connected, kauri), second(xero.Connected, cafe, kauri)), "Signed in to Xero: 2 organisations are connected. FCC renews the sign-in by itself."}},
		"a sign-in that ends and is renewed": {{0, in, ""}, {1, needed, kauriNeeded}, {2, needed, ""}, {3, signingIn(needed), ""}, {4, in, kauriIn}},
		"the same once more": {{0, in, ""}, {1, needed, kauriNeeded}, {4, in, kauriIn},
			{5, status(xero.NeedsLogin, xero.CodeNeedsLogin, since(connection(xero.NeedsLogin, kauri), minutes(5))), kauriNeeded}},
		"two that end": {{0, status(xero.Connected, "", connection(xero.Connected, kauri), second(xero.Connected, cafe)), ""},
			{1, status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri), second(xero.NeedsLogin, cafe)),
				"Sign in to Xero again: 2 organisations need a sign-in since 3 March. A click here begins it."}},
		"the other one ends too": {{0, status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri), second(xero.Connected, cafe)), kauriNeeded},
			{1, status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri), second(xero.NeedsLogin, cafe)),
				"Sign in to Xero again: Tūī Street Café needs a sign-in since 3 March. A click here begins it."}},
		"Xero away for a moment":           {{0, in, ""}, {1, retrying, ""}, {5, retrying, ""}, {5, in, ""}},
		"Xero away for long":               {{0, in, ""}, {1, retrying, ""}, {5, retrying, ""}, {6, in, back}, {7, in, ""}},
		"Xero away twice, each time short": {{0, in, ""}, {1, retrying, ""}, {4, in, ""}, {5, retrying, ""}, {9, in, ""}},
		"away for long, then needed":       {{0, in, ""}, {1, retrying, ""}, {20, needed, kauriNeeded}, {30, in, kauriIn}},
		"away when the program starts":     {{1, retrying, ""}, {30, in, back}},
		"away for days":                    {{1, retrying, ""}, {3000, in, strings.Replace(back, "09:31", "3 March, 09:31", 1)}},
		"a keychain that is opened late":   {{0, shut, ""}, {10, in, "All is well again: The keychain was shut from 09:30 on. FCC is signed in and works as before."}},
		"one that is opened at once":       {{0, shut, ""}, {1, in, ""}},
		"a keychain that shuts later": {{0, in, ""}, {1, status(xero.Connected, xero.CodeKeystoreUnavailable, connection(xero.Connected, kauri)), ""},
			{7, in, strings.Replace(back, "Xero was not reached", "The keychain was shut", 1)}},
		"a disconnection":            {{0, in, ""}, {1, out, ""}, {2, in, kauriIn}},
		"one of two is disconnected": {{0, status(xero.Connected, "", connection(xero.Connected, kauri), second(xero.Connected, cafe)), ""}, {1, in, ""}},
	} {
		var h herald
		for i, e := range events {
			var got []string
			for _, n := range h.hear(e.st, minutes(e.minute)) {
				got = append(got, n.title+": "+n.text)
				if n.order == "" || len(n.title) > 63 || len(n.text) > 255 {
					t.Errorf("%s: notice %+v", name, n)
				}
			}
			if s := strings.Join(got, "\n"); s != e.want {
				t.Errorf("%s, event %d: notices\n%s\nwanted\n%s", name, i, s, e.want)
			}
		}
	}
}

func TestANoticeNamesNobodyAndNothingOdd(t *testing.T) {
	c := connection(xero.NeedsLogin, xero.Organisation{TenantID: "1", Name: "A\nlong \u202ename " + strings.Repeat("x", 300)})
	c.Person = &xero.Person{Name: "Aroha Ngata", Email: "aroha@example.com"}
	c.Problem = &xero.Problem{Code: xero.CodeNeedsLogin, Message: "Aroha Ngata …"}
	var h herald
	for _, state := range []xero.State{xero.Connected, xero.NeedsLogin, xero.Connected} {
		c.State = state
		for _, n := range h.hear(status(state, "", c), morning) {
			all := n.title + n.text
			if strings.Contains(all, "Aroha") || strings.Contains(all, "aroha") || strings.ContainsAny(all, "\n\u202e") || len(n.text) > 255 {
				t.Errorf("%+v", n)
			}
		}
	}
}

// A told notice, and when.
type told struct {
	title string
	after time.Duration
}

// hears runs a tray whose notices are noted down. The tray ends with the test.
func hears(t *testing.T, cfg Config, needsIcon bool, icon <-chan struct{}) (states chan<- xero.Status, notices func() []told, click func(title string)) {
	begun := time.Now()
	var all []told
	clicks := map[string]func(){}
	in := make(chan xero.Status)
	cfg.Log = slog.New(slog.DiscardHandler)
	cfg.Watch = func(ctx context.Context) iter.Seq[xero.Status] {
		return func(yield func(xero.Status) bool) {
			for {
				select {
				case st := <-in:
					if !yield(st) {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}
	}
	n := notifier{needsIcon: needsIcon, notify: func(_ context.Context, n notice, clicked func()) {
		all = append(all, told{n.title, time.Since(begun)})
		clicks[n.title] = clicked
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx, cfg, &ignorant{}, n, func() bool {
			select {
			case <-icon:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return in, func() []told { synctest.Wait(); return all }, func(title string) { synctest.Wait(); clicks[title](); synctest.Wait() }
}

// ignorant is a display that nobody looks at.
type ignorant struct{}

func (*ignorant) run(ctx context.Context, _ menu, _ chan<- position, shown func()) {
	shown()
	<-ctx.Done()
}
func (*ignorant) update(menu) {}

func TestNoticesComeOneAfterTheOtherAndEachOnce(t *testing.T) {
	for _, needsIcon := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			icon := make(chan struct{})
			offers := make(chan []desktop.Offer)
			var did []string
			update := desktop.Offer{Label: "Install", Title: "There is a new version", Take: func() { t.Error("a notification installs a program") }}
			states, notices, click := hears(t, Config{
				Note: "Port 8000 is taken", Moved: "Port 18000 · x has 8000", FirstStart: true,
				Open: func(path string) { did = append(did, path) },
				Offers: func(ctx context.Context) iter.Seq[[]desktop.Offer] {
					return func(yield func([]desktop.Offer) bool) {
						for o := range offers {
							if !yield(o) {
								return
							}
						}
					}
				},
			}, needsIcon, icon)
			states <- status(xero.NeedsLogin, "", connection(xero.NeedsLogin, kauri))
			synctest.Wait()
			for range 2 {
				offers <- []desktop.Offer{{Label: "Without words"}, update}
			}
			time.Sleep(time.Minute)
			elsewhere := []told{{"FCC is at another address", 0}, {"Sign in to Xero again", apart}, {"There is a new version", 2 * apart}}
			if got := notices(); needsIcon && got != nil || !needsIcon && !slices.Equal(got, elsewhere) {
				t.Errorf("without the icon: %v", got)
			}
			close(icon)
			time.Sleep(time.Minute)
			first := told{"Financial Command Center runs here", time.Minute}
			want := append(elsewhere, first)
			if needsIcon {
				want = []told{first}
				for _, n := range elsewhere {
					want = append(want, told{n.title, n.after + apart + time.Minute})
				}
			}
			if got := notices(); !slices.Equal(got, want) {
				t.Errorf("with the icon: %v, wanted %v", got, want)
			}
			for _, title := range []string{"Sign in to Xero again", "There is a new version", "FCC is at another address"} {
				click(title)
			}
			if want := []string{"/login", "/", "/health"}; !slices.Equal(did, want) {
				t.Errorf("the clicks did %q, wanted %q", did, want)
			}
			close(offers)
		})
	}
}

func TestWhoWantsNoNotificationsGetsAnswersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		icon := make(chan struct{})
		close(icon)
		quiet := true
		states, notices, _ := hears(t, Config{Note: "x", Moved: "y", FirstStart: true, Quiet: func() bool { return quiet }}, true, icon)
		states <- status(xero.NeedsLogin, "", connection(xero.NeedsLogin, kauri))
		time.Sleep(time.Minute)
		if got := notices(); got != nil {
			t.Errorf("%v", got)
		}
		quiet = false
		states <- status(xero.Connected, "", connection(xero.Connected, kauri))
		if got := notices(); len(got) != 1 || got[0].title != "Signed in to Xero" {
			t.Errorf("%v", got)
		}
	})
}

func TestASwitchThatCannotBeTurnedIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []notice
		var sets []string
		cfg := Config{
			Log: slog.New(slog.DiscardHandler), Quiet: func() bool { return true },
			Switches: []desktop.Switch{{}, {
				Label: "Start at sign-in",
				Watch: func(context.Context) iter.Seq[bool] { return func(yield func(bool) bool) { yield(true) } },
				Set:   func(on bool) error { sets = append(sets, fmt.Sprint(on)); return errors.New("read only") },
			}},
			Watch: func(context.Context) iter.Seq[xero.Status] {
				return func(yield func(xero.Status) bool) {
					yield(status(xero.Connected, "", connection(xero.Connected, kauri)))
				}
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		r := &recorder{updates: make(chan menu, 9)}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			run(ctx, cfg, r, notifier{notify: func(_ context.Context, n notice, _ func()) { heard = append(heard, n) }}, here)
		}()
		synctest.Wait()
		m := <-r.updates
		for len(r.updates) > 0 {
			m = <-r.updates
		}
		at := slices.IndexFunc(m.lines, func(l line) bool { return l.label == "Start at sign-in" })
		if at < 0 || !m.lines[at].on || slices.IndexFunc(m.lines, func(l line) bool { return l.checks }) != at {
			t.Fatalf("the menu says %q", labels(m))
		}
		r.clicks <- position{at, -1}
		synctest.Wait()
		if len(heard) != 1 || heard[0].title != "“Start at sign-in” stays as it was" || heard[0].text != "It could not be turned off. The log says why." || !slices.Equal(sets, []string{"false"}) {
			t.Errorf("it says %v, after %q", heard, sets)
		}
		cancel()
		<-ended
	})
}
