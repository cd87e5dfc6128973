package server

import (
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero"
)

func TestATroubleBeginsOnceAndEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s standing
		if s.problem() != nil || s.since() != nil {
			t.Error("it says something before anything is known")
		}
		full, shut := &xero.Problem{Code: "a"}, &xero.Problem{Code: "b"}
		begun := time.Now()
		for _, c := range []struct {
			problem *xero.Problem
			news    bool
			since   time.Duration
		}{
			{nil, true, 0}, {nil, false, 0}, {full, true, 2 * time.Minute}, {&xero.Problem{Code: "a"}, false, 2 * time.Minute},
			{shut, true, 4 * time.Minute}, {nil, true, 5 * time.Minute},
		} {
			if news := s.is(c.problem); news != c.news {
				t.Errorf("%v is news: %t", c.problem, news)
			}
			if got := s.since().Sub(begun); got != c.since {
				t.Errorf("%v stands since %v, want %v", c.problem, got, c.since)
			}
			time.Sleep(time.Minute)
		}
	})
}
