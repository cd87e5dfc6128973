package server_test

import (
	"testing"
	"time"

	"financial-command-center/server"
)

// A day begins with the first moment that the calendar calls it: where clocks go forward
// at midnight that is one o'clock, and where they go back over it, the first midnight.
func TestADayBeginsWithItsFirstMoment(t *testing.T) {
	const step = 15 * time.Minute // all changes of clocks are at such times
	for _, name := range []string{"UTC", "Europe/London", "America/Santiago", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Atlantic/Azores", "Asia/Amman", "Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2020, time.December, 31, 12, 0, 0, 0, zone)
		_, _, today := at.Date()
		for at.Year() < 2028 {
			at = at.Add(step)
			if year, month, day := at.Date(); day != today {
				today = day
				if got := server.DayBegins(year, month, day, zone); !got.Equal(at) {
					t.Errorf("%s: %s begins at %s, want %s", name, at.Format(time.DateOnly), got, at)
				}
				if got := server.DayBegins(year, month-1, day+time.Date(year, month, 0, 0, 0, 0, 0, time.UTC).Day(), zone); !got.Equal(at) {
					t.Errorf("%s: %s, counted from the month before, begins at %s", name, at.Format(time.DateOnly), got)
				}
			}
		}
	}
}
