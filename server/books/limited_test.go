package books_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// A key with a daily limit ends its own readings and nobody else's: who waits for the
// same part reads on.
func TestTheEndOfAKeysDayIsNobodyElses(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		as := func(name string) context.Context {
			return xero.WithCaller(t.Context(), xero.Caller{Kind: xero.ByKey, Name: name})
		}
		isOver := func(what string, r books.Reading[[]books.Invoice]) {
			t.Helper()
			if r.Trouble == nil || r.Trouble.Code != xero.CodeKeyLimit || r.Trouble.Message != "The day of small is over." || time.Until(r.Trouble.Retry) != time.Hour {
				t.Errorf("%s: %+v", what, r.Trouble)
			}
		}
		b.sim.SlowAPI(time.Second)
		b.left = map[string]int{"small": 1} // of the three that it takes
		l := b.ledger("Many Ltd")
		entries := b.calls(func() {
			var readers sync.WaitGroup
			readers.Go(func() { isOver("who began", l.OpenInvoices(as("small"), time.Minute)) })
			synctest.Wait()
			readers.Go(func() { isOver("who began, again", l.OpenInvoices(as("small"), time.Minute)) })
			for _, name := range []string{"other", "page"} {
				readers.Go(func() {
					if n := len(read(t, l.OpenInvoices(as(name), time.Minute))); n != 1500 {
						t.Errorf("%s reads %d invoices", name, n)
					}
				})
			}
			readers.Wait()
		})
		if len(entries) != 4 {
			t.Errorf("%d calls", len(entries))
		}
		// What others have read costs it nothing; for more it is refused at once, with what
		// is known, and without a word to those who watch.
		changed := b.Changed()
		b.wantCalls(0, func() {
			if n := len(read(t, l.OpenInvoices(as("small"), time.Hour))); n != 1500 {
				t.Errorf("it reads %d invoices", n)
			}
			r := l.OpenInvoices(as("small"), 0)
			isOver("what is kept", r)
			if len(r.Value) != 1500 || r.Loading {
				t.Errorf("%d invoices are left, loading: %t", len(r.Value), r.Loading)
			}
		})
		select {
		case <-changed:
			t.Error("those who watch are told of it")
		default:
		}
		if r := l.OpenInvoices(ended(), books.Kept); r.Trouble != nil {
			t.Errorf("the part has trouble: %+v", r.Trouble)
		}
	}, func(b *bench) { b.ledgers = append(b.ledgers, many()) })
}
