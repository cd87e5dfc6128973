package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"financial-command-center/server/store"
)

func TestRecordsOfBooks(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	want := func(tenant, kind, reading, records string) {
		t.Helper()
		all, note, err := s.Records(t.Context(), tenant, kind)
		ok(t, err)
		var got []string
		for _, r := range all {
			got = append(got, r.ID+"="+string(r.Data))
		}
		slices.Sort(got)
		if string(note) != reading || strings.Join(got, " ") != records {
			t.Errorf("%s of %s: %q and %q, want %q and %q", kind, tenant, note, got, reading, records)
		}
	}
	records := func(text string) (all []store.Record) {
		for _, one := range strings.Fields(text) {
			id, data, _ := strings.Cut(one, "=")
			all = append(all, store.Record{ID: id, Data: []byte(data)})
		}
		return all
	}
	want("t", "invoices", "", "")
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", []byte("first"), true, records("a=1 b=2 c=3"), nil))
	ok(t, s.SaveRecords(t.Context(), "t", "contacts", []byte("other"), true, records("a=9"), nil))
	ok(t, s.SaveRecords(t.Context(), "u", "invoices", []byte("u"), true, records("a=8"), nil))
	want("t", "invoices", "first", "a=1 b=2 c=3")
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", []byte("second"), false, records("b=20 d=4"), []string{"a", "none"}))
	want("t", "invoices", "second", "b=20 c=3 d=4")
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", []byte("third"), true, records("e=5"), nil))
	want("t", "invoices", "third", "e=5")
	want("t", "contacts", "other", "a=9")
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", nil, true, nil, nil))
	want("t", "invoices", "", "")
	tenants, err := s.Tenants(t.Context())
	if ok(t, err); strings.Join(tenants, " ") != "t u" {
		t.Errorf("organisations: %v", tenants)
	}
	ok(t, s.DeleteBooks(t.Context(), "t"))
	ok(t, s.DeleteBooks(t.Context(), "none"))
	want("t", "contacts", "", "")
	want("u", "invoices", "u", "a=8")
}

func TestBooksThatDoNotFitAreNotHalfKept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", []byte("first"), true, []store.Record{{ID: "a", Data: []byte("1")}}, nil))
	ok(t, s.LimitPages(t.Context()))
	is(t, s.SaveRecords(t.Context(), "t", "invoices", []byte("second"), true, []store.Record{{ID: "b", Data: []byte("2")}, {ID: "c", Data: make([]byte, 1<<20)}}, nil), store.ErrFull)
	all, reading, err := s.Records(t.Context(), "t", "invoices")
	if ok(t, err); len(all) != 1 || all[0].ID != "a" || string(reading) != "first" {
		t.Errorf("%v and %q are kept", all, reading)
	}
}

func TestDeletedBooksAreNotLeftInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	marker := []byte("what was sealed of them")
	var all []store.Record
	for n := range 500 {
		all = append(all, store.Record{ID: fmt.Sprint(n), Data: bytes.Repeat(marker, 20)})
	}
	ok(t, s.SaveRecords(t.Context(), "t", "invoices", marker, true, all, nil))
	ok(t, s.SaveRecords(t.Context(), "u", "invoices", []byte("others'"), true, nil, nil))
	found := func() (n int) {
		for _, file := range []string{path, path + "-wal"} {
			data, err := os.ReadFile(file)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			n += bytes.Count(data, marker)
		}
		return n
	}
	if found() < 500*20 {
		t.Fatal("the records are in none of the files")
	}
	ok(t, s.DeleteBooks(t.Context(), "t"))
	if n := found(); n != 0 {
		t.Errorf("%d pieces of deleted records are left", n)
	}
}
