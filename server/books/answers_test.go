package books_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
)

func question(text string) books.Question { return sha256.Sum256([]byte(text)) }

// answer is one that is asked for now.
func answer(text string) *books.Answer {
	return &books.Answer{At: time.Now(), Header: http.Header{"Content-Type": {"application/json"}, "X-Two": {"1", "2"}}, Body: []byte(text)}
}

// keep keeps an answer in the edition of now, and waits until the disk has it.
func keep(l *books.Ledger, q, text string) {
	l.KeepAnswer(question(q), l.Edition(), answer(text))
	synctest.Wait()
}

// known fails the test unless this is the answer that is kept and young enough, "" for
// none.
func known(t *testing.T, l *books.Ledger, q string, maxAge time.Duration, want string) {
	t.Helper()
	got := ""
	if a := l.Answer(context.Background(), question(q), maxAge); a != nil {
		got = string(a.Body)
	}
	if got != want {
		t.Errorf("to %s no older than %v the answer is %.50q, want %.50q", q, maxAge, got, want)
	}
}

func TestAnAnswerIsAsOldAsItSays(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		known(t, l, "q", books.Kept, "")
		keep(l, "q", "one")
		for range 2 { // in memory, and from the disk
			known(t, l, "q", time.Second, "one")
			time.Sleep(time.Minute)
			known(t, l, "q", time.Minute-time.Second, "")
			known(t, l, "q", time.Minute, "one")
			known(t, l, "Q", books.Kept, "")
			known(t, b.ledger(café), "q", books.Kept, "")
			a := l.Answer(t.Context(), question("q"), books.Kept)
			if age, sure := a.Age(time.Now()); age != time.Minute || !sure {
				t.Errorf("its age is %v (%v)", age, sure)
			}
			if a.Header.Get("Content-Type") != "application/json" || len(a.Header["X-Two"]) != 2 {
				t.Errorf("its header is %v", a.Header)
			}
			keep(l, "q", "one")
			b.restart()
			l = b.ledger(tally)
		}
		// A newer answer stays, whichever comes first.
		old := answer("old")
		time.Sleep(time.Second)
		keep(l, "q", "new")
		l.KeepAnswer(question("q"), l.Edition(), old)
		known(t, l, "q", books.Kept, "new")
		// Nobody gets one that is a month old.
		for _, q := range []string{"a month", "more"} {
			a := answer(q)
			if a.At = a.At.AddDate(0, 0, -30); q == "more" {
				a.At = a.At.Add(-time.Second)
			}
			l.KeepAnswer(question(q), l.Edition(), a)
		}
		known(t, l, "a month", books.Kept, "a month")
		known(t, l, "more", books.Kept, "")
	})
}

func TestAnAgeIsNotMadeUpWhenTheClockIsSet(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		what string
		at   time.Time // with a running clock, or as it lay on the disk
		age  time.Duration
		sure bool
	}{
		{"a minute", now.Add(-time.Minute), time.Minute, true},
		{"from the disk", now.Add(-time.Minute).Round(0), time.Minute, true},
		{"a little in the future", now.Add(30 * time.Second).Round(0), 0, true},
		{"in the future", now.Add(time.Hour).Round(0), 0, false},
	} {
		a := &books.Answer{At: c.at}
		if age, sure := a.Age(now); age != c.age || sure != c.sure {
			t.Errorf("%s: %v (%v)", c.what, age, sure)
		}
	}
}

// onDisk counts how often text stands in the files of the state.
func (b *bench) onDisk(text string) (n int) {
	b.t.Helper()
	for _, path := range []string{b.path, b.path + "-wal"} {
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			b.t.Fatal(err)
		}
		n += bytes.Count(data, []byte(text))
	}
	return n
}

func TestAnswersAreSealedAndBound(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l, tenant := b.ledger(tally), b.tenant(tally)
		one, two := question("one"), question("two")
		keep(l, "one", "what Alder owes")
		keep(l, "two", "what Birch owes")
		sealed, err := b.state.Answer(t.Context(), tenant, one[:])
		ok(t, err)
		if len(sealed) == 0 || b.onDisk(string(sealed[:32])) == 0 {
			t.Fatal("nothing is kept")
		}
		for _, text := range []string{"Alder", "Birch", "application/json", "X-Two"} {
			if b.onDisk(text) != 0 {
				t.Errorf("%q is on the disk as it is", text)
			}
		}
		// In another question's or organisation's place it does not open.
		b.restart()
		put := func(tenant string, q books.Question, data []byte) {
			t.Helper()
			ok(t, b.state.SaveAnswer(t.Context(), tenant, store.Answer{ID: q[:], At: time.Now(), Data: data}, 99, 1<<30))
		}
		put(tenant, two, sealed)
		put(b.tenant(café), one, sealed)
		put(tenant, question("three"), nil)
		put(tenant, question("four"), sealed[:20])
		known(t, b.ledger(tally), "two", books.Kept, "")
		known(t, b.ledger(café), "one", books.Kept, "")
		known(t, b.ledger(tally), "three", books.Kept, "")
		known(t, b.ledger(tally), "four", books.Kept, "")
		known(t, b.ledger(tally), "one", books.Kept, "what Alder owes")
		b.mu.Lock()
		b.key = newKey()
		b.mu.Unlock()
		b.restart()
		known(t, b.ledger(tally), "one", books.Kept, "")
		keep(b.ledger(tally), "one", "anew")
		b.restart()
		known(t, b.ledger(tally), "one", books.Kept, "anew")
	})
}

func TestAWriteDropsAnswers(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		keep(l, "q", "before")
		keep(b.ledger(café), "q", "the café's")
		before := l.Edition()
		b.Wrote(strings.ToUpper(b.tenant(tally)))
		known(t, l, "q", books.Kept, "")
		l.KeepAnswer(question("q"), before, answer("late"))
		synctest.Wait()
		known(t, l, "q", books.Kept, "")
		known(t, b.ledger(café), "q", books.Kept, "the café's")
		b.restart()
		known(t, b.ledger(tally), "q", books.Kept, "")
		known(t, b.ledger(café), "q", books.Kept, "the café's")
		keep(b.ledger(tally), "q", "after")
		known(t, b.ledger(tally), "q", books.Kept, "after")
	})
}

// A disk that does not let go of answers from before a write does not bring them back.
func TestAWriteDropsAnswersAlsoWhenTheDiskFails(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		keep(l, "q", "before")
		keep(l, "other", "before")
		b.disk(nil, errors.New("no disk"))
		b.Wrote(b.tenant(tally))
		known(t, l, "q", books.Kept, "")
		keep(l, "q", "after")
		known(t, l, "q", books.Kept, "after")
		b.disk(nil, nil)
		known(t, l, "other", books.Kept, "")
		keep(l, "q", "later") // and what is from before is deleted first
		known(t, l, "q", books.Kept, "later")
		b.restart()
		known(t, b.ledger(tally), "q", books.Kept, "later")
		known(t, b.ledger(tally), "other", books.Kept, "")
	})
}

func TestAnswersAreForgottenWithTheBooks(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l, q := b.ledger(tally), question("q")
		keep(l, "q", "before")
		keep(b.ledger(café), "q", "the café's")
		sealed, err := b.state.Answer(t.Context(), b.tenant(tally), q[:])
		ok(t, err)
		edition := l.Edition()
		ok(t, b.Forget(t.Context(), b.tenant(tally)))
		l.KeepAnswer(q, edition, answer("late"))
		synctest.Wait()
		known(t, b.ledger(tally), "q", books.Kept, "")
		if n := b.onDisk(string(sealed[len(sealed)-16:])); n != 0 {
			t.Error("it is still in the file")
		}
		known(t, b.ledger(café), "q", books.Kept, "the café's")
		// Of an organisation that was disconnected at Xero too, though nothing else is kept.
		keep(b.ledger(joinery), "q", "the joinery's")
		if n := b.tenants(); n != 2 {
			t.Errorf("something is kept of %d organisations", n)
		}
		ok(t, b.sim.Disconnect(joinery))
		time.Sleep(2 * time.Hour)
		if n := b.tenants(); n != 1 {
			t.Errorf("then of %d", n)
		}
		known(t, b.ledger(joinery), "q", books.Kept, "")
	})
}

func TestAShutKeychainKeepsAnswersInMemory(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		b.mu.Lock()
		b.shut = keystore.ErrLocked
		b.mu.Unlock()
		keep(b.ledger(tally), "q", "one")
		known(t, b.ledger(tally), "q", books.Kept, "one")
		if b.tenants() != 0 {
			t.Error("something is kept without a key")
		}
		b.restart()
		known(t, b.ledger(tally), "q", books.Kept, "")
	})
}

// What was used last stays in memory, up to a size; the rest is on the disk.
func TestAnswersInMemoryAreBounded(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(tally)
		large := strings.Repeat("x", 2<<20)
		for _, q := range strings.Split("abcdefghijklmnopqrst", "") { // 40 MB
			keep(l, q, q+large)
			time.Sleep(time.Second)
			known(t, l, "a", books.Kept, "a"+large)
		}
		b.disk(nil, errors.New("no disk"))
		known(t, l, "a", books.Kept, "a"+large)
		known(t, l, "b", books.Kept, "")
		known(t, l, "t", books.Kept, "t"+large)
		b.disk(nil, nil)
		known(t, l, "b", books.Kept, "b"+large)
		for _, q := range strings.Split("ABCDEFGHIJKLMNOPQRST", "") {
			keep(l, q, q+large)
			time.Sleep(time.Second)
		}
		// And 64 MB on the disk.
		b.restart()
		known(t, b.ledger(tally), "b", books.Kept, "")
		known(t, b.ledger(tally), "T", books.Kept, "T"+large)
		ok(t, b.SweepAnswers(t.Context(), time.Now().Add(31*24*time.Hour)))
		if b.tenants() != 0 {
			t.Error("what is too old is still there")
		}
	})
}
