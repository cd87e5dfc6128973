package server

import "time"

// The days here are those of this computer's calendar. Where clocks go forward at
// midnight, as in Santiago and Havana, a day has no midnight and begins at one o'clock;
// what time.Date makes of it is a time of the day before.

// dayBegins is when a day begins in zone; a day beyond a month's end is one of the next.
func dayBegins(year int, month time.Month, day int, zone *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, zone)
	start, end := midnight.ZoneBounds()
	if want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Day(); midnight.Day() != want {
		return end // the clocks pass it over
	} else if midnight.Hour() > 0 {
		return start
	}
	if !start.IsZero() { // where the clocks went back over it, it comes twice
		_, before := start.Add(-time.Nanosecond).Zone()
		_, now := midnight.Zone()
		if first := midnight.Add(time.Duration(now-before) * time.Second); first.Before(start) {
			return first
		}
	}
	return midnight
}

// midnight is when the day of t began.
func midnight(t time.Time) time.Time { return daysLater(t, 0) }

// daysLater is when the day begins that is so many days after that of t.
func daysLater(t time.Time, days int) time.Time {
	year, month, day := t.Local().Date()
	return dayBegins(year, month, day+days, time.Local)
}

// ParseDay reads a day, as 2027-03-31: when it begins, and when it ends.
func ParseDay(text string) (begins, ends time.Time, err error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return begins, ends, err
	}
	year, month, n := day.Date()
	return dayBegins(year, month, n, time.Local), dayBegins(year, month, n+1, time.Local), nil
}

// LastDay is a time of the last day before end, and whole whether end is where that day
// ends.
func LastDay(end time.Time) (day time.Time, whole bool) {
	return end.Add(-time.Nanosecond).Local(), end.Equal(midnight(end))
}
