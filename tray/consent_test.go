package tray

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero"
)

func TestWhatWaitsForConsentHasALineAndTheIcon(t *testing.T) {
	v := view{status: status(xero.Connected, "", connection(xero.Connected, kauri))}
	quiet := menuFor(v)
	if slices.ContainsFunc(labels(quiet), func(l string) bool { return strings.Contains(l, "onsent") }) || quiet.icon != iconSignedIn {
		t.Errorf("nothing waits, and the menu says %q", labels(quiet))
	}
	v.waiting = 2
	m := menuFor(v)
	at := slices.IndexFunc(m.lines, func(l line) bool { return l.label == "Waiting for your consent (2)" })
	if at < 0 || m.order(position{at, -1}) != "/approvals" || m.lines[at].hidden {
		t.Errorf("the menu says %q", labels(m))
	}
	if m.icon != iconAttention || !strings.HasSuffix(m.tooltip, "a change waits for your consent") || len(m.lines) != len(quiet.lines) {
		t.Errorf("icon %d, tooltip %q, %d lines", m.icon, m.tooltip, len(m.lines))
	}
}

func TestEachChangeThatWaitsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		icon := make(chan struct{})
		close(icon)
		counts := make(chan int)
		var did []string
		states, notices, click := hears(t, Config{
			Open: func(path string) { did = append(did, path) },
			Waiting: func(ctx context.Context) iter.Seq[int] {
				return func(yield func(int) bool) {
					for n := range counts {
						if !yield(n) {
							return
						}
					}
				}
			},
		}, true, icon)
		states <- status(xero.Connected, "", connection(xero.Connected, kauri))
		// The second is over before it could be told, the third is another.
		for _, n := range []int{0, 1, 2, 0} {
			counts <- n
		}
		time.Sleep(time.Minute)
		counts <- 1
		time.Sleep(time.Minute)
		title := "A program wants to change your books"
		var told int
		for _, n := range notices() {
			if n.title == title {
				told++
			}
		}
		if told != 2 {
			t.Errorf("it is told %d times: %v", told, notices())
		}
		click(title)
		if !slices.Equal(did, []string{"/approvals"}) {
			t.Errorf("the click did %q", did)
		}
		close(counts)
	})
}
