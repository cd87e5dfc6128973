package server_test

import (
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server"
)

// Havana's clocks went from midnight to one o'clock on 2 April 2000. The zone is the process's, so
// that this runs in one of its own.
func TestDaysWithoutAMidnight(t *testing.T) {
	const zone = "TZ=America/Havana"
	if os.Getenv("TZ") != zone[3:] {
		again := exec.Command(os.Args[0], "-test.run=^TestDaysWithoutAMidnight$")
		again.Env = append(os.Environ(), zone)
		if said, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return
	}
	at := func(text string) time.Time {
		moment, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment // UTC
	}
	begins, ends := at("2000-04-02 05:00:00"), at("2000-04-03 04:00:00")
	synctest.Test(t, func(t *testing.T) {
		var day server.KeyDay
		for _, step := range []struct {
			at    time.Time
			wait  time.Duration // until the key may call again
			first bool          // it is the first call of a day
		}{
			{begins.Add(-30 * time.Minute), 30 * time.Minute, true},
			{begins.Add(-time.Millisecond), time.Second, false},
			{begins, 23 * time.Hour, true},
			{ends.Add(-time.Minute), time.Minute, false},
			{ends, 24 * time.Hour, true},
		} {
			time.Sleep(time.Until(step.at))
			done, ok := day.Take("k", 1)
			if ok != step.first {
				t.Errorf("at %s a call is let in: %t", time.Now(), ok)
			}
			if ok {
				done(true)
			}
			if wait := day.Wait("k", 1); wait != step.wait {
				t.Errorf("at %s the next may come in %v, want %v", time.Now(), wait, step.wait)
			}
		}
	})
	if from, to, err := server.CallsOf("2000-04-02", ends.Add(time.Hour)); err != nil || !from.Equal(begins) || !to.Equal(ends) {
		t.Errorf("the list of the day is from %s to %s: %v", from, to, err)
	}
	if from, to, err := server.CallsOf("2000-04-01", ends.Add(time.Hour)); err != nil || !from.Equal(begins.Add(-24*time.Hour)) || !to.Equal(begins) {
		t.Errorf("the list of the day before is from %s to %s: %v", from, to, err)
	}
	for last, want := range map[string]time.Time{"2000-04-01": begins, "2000-04-02": ends} {
		_, expires, err := server.ParseDay(last)
		if shown, whole := server.LastDay(expires); err != nil || !expires.Equal(want) || shown.Format(time.DateOnly) != last || !whole {
			t.Errorf("a key whose last day is %s ends at %s, and shows %s: %v", last, expires, shown, err)
		}
		if words := server.LastWords(expires); words != want.Add(-12*time.Hour).Format("2 January 2006") {
			t.Errorf("a key whose last day is %s ended %s", last, words)
		}
	}
}
