package books_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// panics is a bench's bad: it panics at the nth of what, and from then on.
func panics(what string, n int64) func(string) {
	var met atomic.Int64
	return func(at string) {
		if at == what && met.Add(1) >= n {
			panic("a mistake")
		}
	}
}

// Whatever a reading runs into is its own error: those who wait are told, FCC goes on,
// and ten seconds later it is tried again.
func TestAPanicIsAnErrorOfItsReading(t *testing.T) {
	for name, bad := range map[string]func(string){
		"the first call": panics("call", 1), "one of several pages": panics("call", 2),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, someDay, func(t *testing.T, b *bench) {
				l := b.ledger("Many Ltd")
				b.goesBad(bad)
				var readers sync.WaitGroup
				for range 10 {
					readers.Go(func() {
						if r := l.Invoices(t.Context(), time.Minute); !r.At.IsZero() || r.Loading || r.Trouble == nil || r.Trouble.Code != xero.CodeInternal ||
							r.Trouble.Message == "" || r.Trouble.Action == "" {
							t.Errorf("%d invoices at %v, %+v", len(r.Value), r.At, r.Trouble)
						}
					})
				}
				readers.Wait()
				synctest.Wait()
				b.mu.Lock()
				log := b.log.String()
				b.mu.Unlock()
				if n := strings.Count(log, `"msg":"panic"`); n < 1 || !strings.Contains(log, "a mistake") || !strings.Contains(log, "safely_test.go") {
					t.Errorf("%d panics in the log:\n%.1000s", n, log)
				}
				b.goesBad(nil)
				if r := l.Invoices(t.Context(), time.Minute); r.Trouble == nil {
					t.Error("it is not remembered")
				}
				time.Sleep(11 * time.Second)
				if n := len(read(t, l.Invoices(t.Context(), time.Minute))); n != 1500 {
					t.Errorf("then %d invoices", n)
				}
			}, func(b *bench) { b.ledgers = append(b.ledgers, many()) })
		})
	}
}

// What came half into memory is not shown as all there is, and what could not be kept
// is kept the next time.
func TestAPanicLeavesNothingHalf(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(joinery)
		all := len(read(t, l.Contacts(t.Context(), time.Minute)))
		b.goesBad(panics("state", 1)) // while it is kept
		time.Sleep(25 * time.Hour)    // all is read anew
		read(t, l.Contacts(t.Context(), time.Minute))
		synctest.Wait()
		b.goesBad(nil)
		left := 3
		good := books.SpoilContacts(func() {
			if left--; left < 0 {
				panic("a mistake")
			}
		})
		time.Sleep(25 * time.Hour)
		r := l.Contacts(t.Context(), time.Minute)
		good()
		if !r.At.IsZero() || r.Trouble == nil || r.Trouble.Code != xero.CodeInternal {
			t.Errorf("half of it: %d of %d contacts at %v, %+v", len(r.Value), all, r.At, r.Trouble)
		}
		time.Sleep(11 * time.Second)
		if n := len(read(t, l.Contacts(t.Context(), time.Minute))); n != all {
			t.Errorf("%d contacts, not %d", n, all)
		}
		synctest.Wait()
		b.restart()
		if n := len(read(t, b.ledger(joinery).Contacts(t.Context(), books.Kept))); n != all {
			t.Errorf("%d contacts are kept of %d", n, all)
		}
	})
}

// What is kept and cannot be taken in is read anew, as what does not open: it would be
// in the way each time.
func TestAPanicOverWhatIsKeptIsNothingKept(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		contacts, cash := len(read(t, b.ledger(joinery).Contacts(t.Context(), time.Minute))), read(t, b.ledger(joinery).Cash(t.Context(), time.Minute))
		synctest.Wait()
		b.restart()
		b.goesBad(panics("state", 1))
		l := b.ledger(joinery)
		if r := l.Contacts(t.Context(), books.Kept); !r.At.IsZero() || r.Loading || r.Trouble != nil {
			t.Errorf("%d kept contacts at %v, %+v", len(r.Value), r.At, r.Trouble)
		}
		b.mu.Lock()
		log := b.log.String()
		b.mu.Unlock()
		if !strings.Contains(log, `"msg":"panic"`) || !strings.Contains(log, "a mistake") || !strings.Contains(log, "safely_test.go") {
			t.Errorf("the log does not say where:\n%.1000s", log)
		}
		if n := len(read(t, l.Contacts(t.Context(), time.Hour))); n != contacts {
			t.Errorf("%d contacts are read, not %d", n, contacts)
		}
		same(t, "the cash", cash, read(t, l.Cash(t.Context(), time.Hour)))
		synctest.Wait()
		b.goesBad(nil)
		time.Sleep(25 * time.Hour)
		read(t, l.Contacts(t.Context(), time.Minute))
		synctest.Wait()
		b.restart()
		if n := len(read(t, b.ledger(joinery).Contacts(t.Context(), books.Kept))); n != contacts {
			t.Errorf("%d contacts are kept of %d", n, contacts)
		}
	})
}

func TestTogetherPanicsAsItsCaller(t *testing.T) {
	other := false
	defer func() {
		v, _ := recover().(string)
		if !strings.Contains(v, "a mistake") || !strings.Contains(v, "safely_test.go") || !other {
			t.Errorf("recovered %q, the other was done: %v", v, other)
		}
	}()
	books.Together(func() { panic("a mistake") }, func() { other = true })
}
