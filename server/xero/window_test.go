package xero

import (
	"testing"
	"time"
)

// step is one thing that happens to a window: sent by number, or answered.
type step struct {
	at     time.Duration
	send   bool
	number uint64
	left   int // -1: no answer
	open   int // how many more may be sent after it; -1: nobody knows
}

func TestWhatAnswersSayOfAMinute(t *testing.T) {
	const unknown = -1
	send := func(n uint64, open int) step { return step{send: true, number: n, open: open} }
	back := func(at time.Duration, n uint64, left, open int) step {
		return step{at: at, number: n, left: left, open: open}
	}
	for name, steps := range map[string][]step{
		"less what is under way":                  {send(1, unknown), send(2, unknown), back(1, 1, 10, 9), send(3, 8), back(1, 3, 8, 7), back(1, 2, 9, 8)},
		"an answer that is late says nothing new": {send(1, unknown), send(2, unknown), back(1, 2, 8, 7), back(1, 1, 9, 8)},
		"others call too":                         {send(1, unknown), back(1, 1, 10, 10), send(2, 9), back(1, 2, 3, 3)},
		"what is lost may have been counted":      {send(1, unknown), back(1, 1, 10, 10), send(2, 9), back(1, 2, -1, 9), send(3, 8), back(1, 3, 9, 9)},
		"it is over a minute after its first":     {send(1, unknown), back(1, 1, 10, 10), send(2, 9), back(50, 2, 9, 9), {at: 61, number: 0, open: unknown}},
		"more is left: a new one":                 {send(1, unknown), back(1, 1, 10, 10), send(2, 9), back(50, 2, 59, 59), {at: 61, number: 0, open: 59}, {at: 110, number: 0, open: unknown}},
		"as much is left: a new one":              {send(1, unknown), back(1, 1, 59, 59), send(2, 58), back(50, 2, 59, 59), {at: 61, number: 0, open: 59}},
		"two together left too little": { // 59 and 58 in the old minute; 59 and 58 again, the other way round
			send(1, unknown), back(1, 1, 59, 59), send(2, 58), send(3, 57), back(50, 3, 58, 57), back(50, 2, 59, 58), {at: 61, number: 0, open: 58},
		},
		"a late one of the minute before": {send(1, unknown), back(1, 1, 2, 2), send(2, 1), send(3, 0), back(50, 3, 59, 58), back(50, 2, 1, 58), send(4, 57), back(51, 4, 57, 57)},
		"one under way may be of the next": { // it was sent before the first answer came
			send(1, unknown), send(2, unknown), back(1, 1, 1, 0), back(5, 2, 0, 0), {at: 61, number: 0, open: 0}, {at: 65, number: 0, open: unknown},
		},
		"a lost one may be of the next": {send(1, unknown), back(1, 1, 1, 1), send(2, 0), back(50, 2, -1, 0), {at: 61, number: 0, open: 0}, {at: 110, number: 0, open: unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			var w window
			var last uint64
			begun := time.Now()
			for n, s := range steps {
				now := begun.Add(s.at * time.Second)
				switch {
				case s.send:
					last = s.number
					w.flying++
				case s.number > 0:
					w.answered(s.number, s.left, false, now, last)
				}
				open, got := w.open(now, last), unknown
				if w.known {
					got = w.low - w.flying - w.lost
				}
				if got != s.open || open != (got != 0) {
					t.Fatalf("step %d: open %v for %d, want %d", n+1, open, got, s.open)
				}
			}
		})
	}
}

func TestAMinuteEndsWhenXeroSays(t *testing.T) {
	var w window
	now := time.Now()
	w.flying = 2
	w.answered(1, 0, true, now, 2)
	w.refused(22*time.Second, now, 2)
	w.answered(2, 0, true, now.Add(time.Second), 2) // does not put it off
	if w.open(now.Add(21*time.Second), 2) || !w.open(now.Add(22*time.Second), 2) {
		t.Error("not open after 22 seconds, or before")
	}
	w = window{flying: 1}
	w.answered(1, -1, true, now, 1)
	w.refused(0, now, 1)
	if w.open(now.Add(59*time.Second), 1) || !w.open(now.Add(time.Minute), 1) {
		t.Error("not open after a minute, or before")
	}
}

func TestAPassThatIsGivenBackCostsNothing(t *testing.T) {
	var l limits
	for range 3 * atOnce {
		p, err := l.wait(t.Context(), newWaiter(t.Context(), "app", "tenant"))
		if err != nil {
			t.Fatal(err)
		}
		p.giveBack()
	}
	app, g := l.gateLocked("app", "tenant")
	if g.busy != 0 || g.minute.flying != 0 || app.minute.flying != 0 || g.minute.lost != 0 {
		t.Errorf("left behind: %+v", g)
	}
}
