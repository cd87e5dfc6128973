package books_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFullDiskKeepsTheBooksInMemory(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("fcc-test", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatalf("a small disk cannot be mounted (%v). As root run: go run ./build test", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(disk, "filler")
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		l := b.ledger(joinery)
		before := read(t, l.Contacts(t.Context(), 0))
		synctest.Wait()
		f, err := os.Create(filler)
		ok(t, err)
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		ok(t, f.Close())
		all := read(t, l.Invoices(t.Context(), 0))
		synctest.Wait()
		b.wantCalls(0, func() { same(t, "invoices", all, read(t, l.Invoices(t.Context(), time.Hour))) })
		b.mu.Lock()
		if strings.Count(b.log.String(), "the disk is full") != 1 {
			t.Errorf("the log: %s", b.log.String())
		}
		b.mu.Unlock()
		if n := len(b.rows(joinery, "invoices")); n != 0 {
			t.Errorf("%d invoices are kept on a full disk", n)
		}
		ok(t, os.Remove(filler))
		time.Sleep(5 * time.Minute)
		read(t, l.Invoices(t.Context(), 0))
		synctest.Wait()
		if n := len(b.rows(joinery, "invoices")); n != len(all) {
			t.Errorf("%d of %d invoices are kept afterwards", n, len(all))
		}
		b.restart()
		b.wantCalls(0, func() {
			same(t, "contacts", before, read(t, b.ledger(joinery).Contacts(t.Context(), time.Hour)))
			same(t, "invoices", all, read(t, b.ledger(joinery).Invoices(t.Context(), time.Hour)))
		})
	}, func(b *bench) { b.path = filepath.Join(disk, "state.db") })
}
