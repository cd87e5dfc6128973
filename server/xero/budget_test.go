package xero

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// modelDay counts as Xero does in fixed days, and in fixed minutes beside.
type modelDay struct {
	minute        modelXero
	offset        time.Duration // of its days
	allowance     int
	day           time.Time
	used, refused int
}

func (m *modelDay) left() int {
	if start := time.Now().Add(-m.offset).Truncate(24 * time.Hour).Add(m.offset); !start.Equal(m.day) {
		m.day, m.used = start, 0
	}
	return m.allowance - m.used
}

// call answers a call.
func (m *modelDay) call() *http.Response {
	if m.left() > 0 {
		answer := m.minute.enter()
		if answer.StatusCode == http.StatusOK {
			m.minute.leave()
			m.used++
		}
		answer.Header.Set("X-DayLimit-Remaining", strconv.Itoa(m.left()))
		return answer
	}
	m.refused++
	answer := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody}
	answer.Header.Set("X-Rate-Limit-Problem", "day")
	seconds := (time.Until(m.day.Add(24*time.Hour)) + time.Second - 1) / time.Second
	answer.Header.Set("Retry-After", strconv.Itoa(int(seconds)))
	for name, n := range map[string]int{"X-DayLimit-Remaining": 0, "X-MinLimit-Remaining": 60, "X-AppMinLimit-Remaining": 9000} {
		answer.Header.Set(name, strconv.Itoa(n))
	}
	return answer
}

// Whenever Xero's day begins, whatever was used of it before, however hard programs
// call and however often FCC starts anew: below the reserve they get a call only an
// hour after anybody's last; people are let through for as long as Xero lets them,
// which has to refuse one call a day at most; and of a new day programs have calls
// within the hour.
func TestTheReserveIsForPeople(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &modelDay{
			minute:    modelXero{perMin: 60},
			offset:    time.Duration(rapid.IntRange(0, 24*60-1).Draw(rt, "minutes to its day")) * time.Minute,
			allowance: rapid.SampledFrom(tiers).Draw(rt, "allowance"),
		}
		before := rapid.IntRange(0, m.allowance).Draw(rt, "used before")
		programs := time.Duration(rapid.SampledFrom([]int{20, 60, 300}).Draw(rt, "seconds between a program's calls")) * time.Second
		people := time.Duration(rapid.SampledFrom([]int{1, 2, 20, 200, 2000}).Draw(rt, "minutes between a person's calls")) * time.Minute
		starts := time.Duration(rapid.SampledFrom([]int{1, 11, 100}).Draw(rt, "hours between starts")) * time.Hour
		const again = 10 * time.Minute // of a program that was refused
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			m.left()
			m.used = before
			l := &limits{}
			_, g := l.gateLocked("app", "tenant")
			start := time.Now()
			begun, program, person := start, start, start.Add(people/2)
			var looked, today time.Time
			refused := 0
			for wrong == nil && time.Since(start) < 30*time.Hour {
				who := Caller{Kind: ByPage}
				if program.Before(person) {
					who = Caller{ByKey, "script"}
					time.Sleep(time.Until(program))
					program = program.Add(programs)
				} else {
					time.Sleep(time.Until(person))
					person = person.Add(people)
				}
				now := time.Now()
				if now.Sub(begun) > starts {
					again := &limits{}
					again.recall(l.learnt(), now)
					l, begun = again, now
					_, g = l.gateLocked("app", "tenant")
				}
				if left := m.left(); !m.day.Equal(today) {
					today, refused = m.day, m.refused
				} else if left < 0 {
					t.Fatal(left)
				}
				known, reserve := g.day.known, g.allowance/reservePart
				ctx := WithCaller(t.Context(), who)
				p, err := l.wait(ctx, newWaiter(ctx, "app", "tenant"))
				if err != nil {
					var e *Error
					switch late := now.Sub(m.day); {
					case !errors.As(err, &e) || e.RetryAfter < time.Second || e.RetryAfter > daySpan+time.Second:
						wrong = fmt.Errorf("%v: %+v", who, err)
					case who.person() && m.left() > 0 && late > time.Second:
						wrong = fmt.Errorf("a person is refused while %d are left", m.left())
					case !who.person() && m.left() > reserve && late > lookAgain+again+programs:
						wrong = fmt.Errorf("programs are shut out of a day that began %v ago, with %d left", late, m.left())
					}
					if !who.person() {
						program = now.Add(again)
					}
					continue
				}
				left := m.left()
				switch {
				case !known || left > reserve:
				case !who.person() && now.Sub(looked) < lookAgain:
					wrong = fmt.Errorf("a program has one of %d, %v after the last", left, now.Sub(looked))
				default:
					looked = now
				}
				p.answered(m.call())
				if m.refused > refused+1 {
					wrong = fmt.Errorf("Xero had to refuse %d calls in a day", m.refused-refused)
				}
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}
