package xero

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// modelXero counts as Xero does: in fixed minutes, with so many calls at once.
type modelXero struct {
	mu      sync.Mutex
	offset  time.Duration // of its minutes
	perMin  int
	minute  time.Time
	used    int
	busy    int
	refused int
	most    int // calls at once
}

func (m *modelXero) turn() {
	if start := time.Now().Add(-m.offset).Truncate(time.Minute).Add(m.offset); !start.Equal(m.minute) {
		m.minute, m.used = start, 0
	}
}

// enter answers the head of a call; leave follows when it was not refused.
func (m *modelXero) enter() *http.Response {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}
	switch {
	case m.busy >= 5:
		resp.StatusCode = 429
		resp.Header.Set("X-Rate-Limit-Problem", "concurrent")
	case m.used >= m.perMin:
		resp.StatusCode = 429
		resp.Header.Set("X-Rate-Limit-Problem", "minute")
		left := time.Until(m.minute.Add(time.Minute))
		resp.Header.Set("Retry-After", strconv.Itoa(int((left+time.Second-1)/time.Second)))
	default:
		m.used++
		m.busy++
	}
	if resp.StatusCode == 429 {
		m.refused++
	}
	m.most = max(m.most, m.busy)
	resp.Header.Set("X-MinLimit-Remaining", strconv.Itoa(m.perMin-m.used))
	resp.Header.Set("X-DayLimit-Remaining", "1000")
	resp.Header.Set("X-AppMinLimit-Remaining", "9000")
	return resp
}

func (m *modelXero) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy--
}

// Whatever the calls' number, pace and delays, and whenever Xero's minutes begin,
// Xero never has to refuse one for ours, and none waits much longer than it must.
func TestXeroNeverHasToRefuseACall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		calls := rapid.IntRange(1, 250).Draw(rt, "calls")
		perMin := rapid.SampledFrom([]int{20, 60}).Draw(rt, "calls a minute")
		offset := time.Duration(rapid.IntRange(0, 59_999).Draw(rt, "offset")) * time.Millisecond
		spread := time.Duration(rapid.SampledFrom([]int{0, 10, 100, 300}).Draw(rt, "arrive within")) * time.Second
		delay := time.Duration(rapid.SampledFrom([]int{1, 50, 400, 3000}).Draw(rt, "delay")) * time.Millisecond
		lossy := rapid.SampledFrom([]int{0, 0, 10}).Draw(rt, "answers lost in a hundred")
		before := rapid.SampledFrom([]int{0, 0, 10, 20}).Draw(rt, "calls of an earlier FCC in this minute")
		leaving := rapid.SampledFrom([]int{0, 0, 30}).Draw(rt, "callers in a hundred who may leave")
		seed := rapid.Uint64().Draw(rt, "seed")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			luck := rand.New(rand.NewPCG(seed, 1))
			some := func(most time.Duration) time.Duration { return time.Duration(luck.Int64N(int64(most) + 1)) }
			m := &modelXero{offset: offset, perMin: perMin}
			m.turn()
			m.used = before
			l := &limits{}
			var mu sync.Mutex
			begun := time.Now()
			last, longest := begun, time.Duration(0) // when a call was let through, and the longest pause
			waiting := 0
			fail := func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if wrong == nil {
					wrong = err
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			var group sync.WaitGroup
			type fate struct {
				there, work, back, reading time.Duration
				lost                       bool
			}
			fates := map[uint64]fate{} // by the number of the call: callers come in no order
			for n := range 2 * calls {
				fates[uint64(n)+1] = fate{some(delay), some(delay), some(delay), some(delay), luck.IntN(100) < lossy}
			}
			for range calls {
				arrives, stays := some(spread), 24*time.Hour
				if luck.IntN(100) < leaving {
					stays = some(3 * time.Minute)
				}
				group.Go(func() {
					time.Sleep(arrives)
					mu.Lock()
					if waiting == 0 {
						last = time.Now()
					}
					waiting++
					mu.Unlock()
					ctx, cancel := context.WithTimeout(ctx, stays)
					defer cancel()
					w := newWaiter(ctx, "app", "tenant")
					for {
						p, err := l.wait(ctx, w)
						if err != nil {
							if stays == 24*time.Hour {
								fail(err)
							}
							break
						}
						mu.Lock()
						longest = max(longest, time.Since(last))
						last = time.Now()
						mu.Unlock()
						luck := fates[p.number]
						time.Sleep(luck.there)
						resp := m.enter()
						if resp.StatusCode == 200 {
							resp.Body = nil // there is one to read
							time.Sleep(luck.work)
							m.leave()
						}
						time.Sleep(luck.back)
						if luck.lost {
							p.answered(nil)
							break
						}
						if !p.answered(resp) {
							time.Sleep(luck.reading)
							p.end()
							break
						}
					}
					mu.Lock()
					waiting--
					mu.Unlock()
				})
			}
			group.Wait()
			// All in a row, then a minute for each so many calls, and one more at both ends.
			// A lost answer may cost the rest of its minute.
			most := spread + time.Duration(calls)*delay + time.Duration((before+calls)/perMin+2)*(time.Minute+6*delay)
			if lossy > 0 {
				most *= 2
			}
			switch {
			case wrong != nil:
			case m.refused > min(before, 2*atOnce): // what an earlier one used is learnt from the first answers
				wrong = fmt.Errorf("%d of %d calls refused", m.refused, calls)
			case m.most > 5:
				wrong = fmt.Errorf("%d at once", m.most)
			case longest > time.Minute+5*delay:
				wrong = fmt.Errorf("nobody was let through for %v", longest)
			case time.Since(begun) > most:
				wrong = fmt.Errorf("%d calls took %v", calls, time.Since(begun))
			}
			for _, app := range l.apps {
				for _, g := range app.gates {
					if g.busy != 0 || g.minute.flying != 0 || app.minute.flying != 0 || g.day.flying != 0 || g.waiting != 0 || len(app.crowd) != 0 {
						wrong = fmt.Errorf("left behind: %+v", g)
					}
				}
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}
