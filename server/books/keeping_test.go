package books_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

// rows are an organisation's records of one kind, as they lie in the state.
func (b *bench) rows(name, kind string) []store.Record {
	b.t.Helper()
	rows, _, err := b.state.Records(context.Background(), b.tenant(name), kind)
	ok(b.t, err)
	return rows
}

func (b *bench) tenants() int {
	b.t.Helper()
	all, err := b.state.Tenants(context.Background())
	ok(b.t, err)
	return len(all)
}

func TestRecordsAreSealed(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		l.Dashboard(t.Context(), 0)
		read(t, l.Contacts(t.Context(), 0))
		read(t, l.Invoices(t.Context(), 0))
		synctest.Wait()
		if n := len(b.rows(tally, "contacts")); n != 6 {
			t.Errorf("%d contacts are kept", n)
		}
		for _, kind := range []string{"contacts", "invoices", "cash", "months", "organisation"} {
			records, reading, err := b.state.Records(t.Context(), b.tenant(tally), kind)
			ok(t, err)
			all := string(reading)
			for _, r := range records {
				all += string(r.Data)
			}
			if len(reading) == 0 {
				t.Errorf("nothing of %s is kept", kind)
			}
			for _, content := range []string{"Alder", "Birch", "NZD", "Cheque", "AUTHORISED", "2026"} {
				if strings.Contains(all, content) {
					t.Errorf("%s are kept with %q as it is", kind, content)
				}
			}
		}
	})
}

// spoiled changes what is kept of the contacts while FCC is stopped, and wants them
// to be read anew, and to be as they were.
func spoiled(t *testing.T, how string, spoil func(b *bench, rows []store.Record, reading []byte) []byte) {
	t.Run(how, func(t *testing.T) {
		inBubble(t, someDay, func(t *testing.T, b *bench) {
			before := read(t, b.ledger(tally).Contacts(t.Context(), 0))
			synctest.Wait()
			rows, reading, err := b.state.Records(t.Context(), b.tenant(tally), "contacts")
			ok(t, err)
			reading = spoil(b, rows, reading)
			ok(t, b.state.SaveRecords(t.Context(), b.tenant(tally), "contacts", reading, true, rows, nil))
			time.Sleep(5 * time.Minute)
			b.restart()
			b.wantCalls(1, func() { same(t, "contacts", before, read(t, b.ledger(tally).Contacts(t.Context(), time.Hour))) })
			b.restart() // and now they are kept again
			b.wantCalls(0, func() { same(t, "contacts", before, read(t, b.ledger(tally).Contacts(t.Context(), time.Hour))) })
		})
	})
}

func TestWhatDoesNotOpenIsReadAnew(t *testing.T) {
	spoiled(t, "two records in each other's place", func(_ *bench, rows []store.Record, reading []byte) []byte {
		rows[0].Data, rows[1].Data = rows[1].Data, rows[0].Data
		return reading
	})
	spoiled(t, "a bit", func(_ *bench, rows []store.Record, reading []byte) []byte {
		rows[2].Data[len(rows[2].Data)/2] ^= 1
		return reading
	})
	spoiled(t, "cut", func(_ *bench, rows []store.Record, reading []byte) []byte {
		rows[2].Data = rows[2].Data[:5]
		return reading
	})
	spoiled(t, "a record in the reading's place", func(_ *bench, rows []store.Record, _ []byte) []byte { return rows[0].Data })
	spoiled(t, "another key", func(b *bench, _ []store.Record, reading []byte) []byte {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.key = newKey()
		return reading
	})
}

func TestOneOrganisationsRowsDoNotOpenAsAnothers(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		read(t, b.ledger(tally).Cash(t.Context(), 0))
		read(t, b.ledger(café).Organisation(t.Context(), 0))
		synctest.Wait()
		_, reading, err := b.state.Records(t.Context(), b.tenant(tally), "cash")
		ok(t, err)
		ok(t, b.state.SaveRecords(t.Context(), b.tenant(café), "cash", reading, true, nil, nil))
		ok(t, b.state.SaveRecords(t.Context(), b.tenant(tally), "months", reading, true, nil, nil))
		b.wantCalls(1, func() {
			if cash := read(t, b.ledger(café).Cash(t.Context(), time.Hour)); text(cash.Total) == "7525.00" {
				t.Error("the café has the cash of others")
			}
		})
		b.wantCalls(2, func() {
			if months := read(t, b.ledger(tally).Months(t.Context(), time.Hour)); len(months) != 12 {
				t.Errorf("%d months", len(months))
			}
		})
	})
}

func TestAShutKeychainKeepsTheBooksInMemory(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		shut := func(err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.shut = err
		}
		shut(keystore.ErrLocked)
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		synctest.Wait()
		b.wantCalls(0, func() { read(t, l.Contacts(t.Context(), time.Hour)) })
		if b.tenants() != 0 {
			t.Error("something is kept without a key")
		}
		shut(nil)
		time.Sleep(5 * time.Minute)
		read(t, l.Contacts(t.Context(), 0))
		synctest.Wait()
		if n := len(b.rows(tally, "contacts")); n != 6 {
			t.Errorf("%d contacts are kept afterwards", n)
		}
	})
}

func TestAStateThatFailsKeepsTheBooksInMemory(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		ok(t, b.state.Close())
		l := b.ledger(tally)
		all := read(t, l.Invoices(t.Context(), 0))
		b.wantCalls(0, func() { same(t, "invoices", all, read(t, l.Invoices(t.Context(), time.Hour))) })
		if err := b.Forget(t.Context(), b.tenant(tally)); err == nil {
			t.Error("forgotten, it says")
		}
	})
}

func TestForgetDuringAReading(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Invoices(t.Context(), 0))
		read(t, b.ledger(café).Contacts(t.Context(), 0))
		synctest.Wait()
		b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Hold})
		r := l.Contacts(ended(), 0)
		if !r.Loading {
			t.Fatal("no reading is under way")
		}
		synctest.Wait()
		ok(t, b.Forget(t.Context(), strings.ToUpper(b.tenant(tally))))
		b.sim.Release()
		synctest.Wait()
		if n := b.tenants(); n != 1 || len(b.rows(tally, "contacts"))+len(b.rows(tally, "invoices")) != 0 {
			t.Errorf("books of %d organisations are kept, want the café's", n)
		}
		b.wantCalls(2, func() { // nothing is in memory either
			read(t, l.Invoices(t.Context(), time.Hour))
			read(t, l.Contacts(t.Context(), time.Hour))
		})
	})
}

func TestADisconnectedOrganisationIsForgotten(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		for _, name := range []string{tally, café, joinery} {
			read(t, b.ledger(name).Contacts(t.Context(), 0))
		}
		synctest.Wait()
		if b.tenants() != 3 {
			t.Fatal("the books of three are not kept")
		}
		_, err := b.connections.Disconnect(t.Context(), "", b.tenant(café))
		ok(t, err)
		synctest.Wait()
		if b.tenants() != 2 {
			t.Error("one organisation was disconnected, and is kept")
		}
		// In Xero's own pages: the next call finds out.
		ok(t, b.sim.Disconnect(joinery))
		time.Sleep(5 * time.Minute)
		if r := b.ledger(joinery).Contacts(t.Context(), 0); r.Trouble == nil {
			t.Error("it can still be read")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.tenants() != 1 {
			t.Error("one organisation was disconnected at Xero, and is kept")
		}
		_, err = b.connections.Disconnect(t.Context(), "", "")
		ok(t, err)
		synctest.Wait()
		if b.tenants() != 0 {
			t.Error("the sign-in has ended, and books are kept")
		}
	})
}

func TestWhatCouldNotBeDeletedIsTriedAgain(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		synctest.Wait()
		b.disk(nil, errors.New("input/output error"))
		if err := b.Forget(t.Context(), b.tenant(tally)); err == nil {
			t.Fatal("forgotten, it says")
		}
		b.disk(nil, nil)
		if r := l.Contacts(t.Context(), books.Kept); !r.At.IsZero() || b.tenants() != 1 {
			t.Errorf("what should be deleted is shown: %+v", r)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := b.tenants(); n != 0 {
			t.Errorf("the books of %d are still kept", n)
		}
		b.wantCalls(1, func() { read(t, l.Contacts(t.Context(), time.Hour)) })
	})
}

func TestNobodyFindsWhatIsBeingForgotten(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		read(t, l.Contacts(t.Context(), 0))
		synctest.Wait()
		// The disk is slow, and a page asks meanwhile.
		opened := make(chan struct{})
		b.disk(opened, nil)
		done := make(chan error)
		go func() { done <- b.Forget(t.Context(), b.tenant(tally)) }()
		synctest.Wait()
		b.disk(nil, nil)
		l.Contacts(t.Context(), time.Hour)
		close(opened)
		ok(t, <-done)
		synctest.Wait()
		b.wantCalls(1, func() { read(t, l.Contacts(t.Context(), time.Hour)) })
	})
}

func TestAStartWithoutANetworkForgetsNothing(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		before := read(t, b.ledger(tally).Contacts(t.Context(), 0))
		synctest.Wait()
		b.stop()
		b.pipes.cut(true)
		b.start()
		time.Sleep(time.Hour)
		r := b.ledger(tally).Contacts(t.Context(), time.Minute)
		if r.Trouble == nil || b.tenants() != 1 {
			t.Errorf("%d organisations are kept, and trouble is %+v", b.tenants(), r.Trouble)
		}
		same(t, "contacts", before, r.Value)

		// Nor one to which its organisations are not known.
		b.stop()
		b.mu.Lock()
		clear(b.profiles)
		b.mu.Unlock()
		b.start()
		time.Sleep(time.Hour)
		if b.tenants() != 1 {
			t.Error("a sign-in whose organisations were never read has lost books")
		}

		// Nor one whose keychain does not open.
		b.stop()
		b.keychain = locked{b.keychain}
		b.start()
		time.Sleep(time.Hour)
		if b.tenants() != 1 {
			t.Error("a keychain that is shut has lost books")
		}
		b.keychain = b.keychain.(locked).Store
		b.pipes.cut(false)
		b.restart()
		b.wantCalls(0, func() { read(t, b.ledger(tally).Contacts(t.Context(), 24*time.Hour)) })
	})
}

// locked is a keychain that does not open.
type locked struct{ keystore.Store }

func (locked) Get(context.Context, string) (keystore.Secret, error) {
	return keystore.Secret{}, errors.Join(keystore.ErrLocked)
}
