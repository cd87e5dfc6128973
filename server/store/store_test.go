package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// noon has more than milliseconds, which are all that is kept.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 123_456_789, time.UTC)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// every runs test over a Store in a file and over one in memory.
func every(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Run("file", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "state.db"))) })
	t.Run("memory", func(t *testing.T) {
		s, err := store.OpenMemory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(t, s)
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func session(name string, expires time.Time) store.Session {
	return store.Session{Hash: sha256.Sum256([]byte(name)), Data: []byte(name), Created: noon, Expires: expires}
}

func TestASessionIsKeptReplacedAndEnded(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		first := session("a", noon.Add(time.Hour))
		_, err := s.Session(ctx, first.Hash)
		is(t, err, store.ErrNotFound)
		ok(t, s.SaveSession(ctx, first))
		got, err := s.Session(ctx, first.Hash)
		ok(t, err)
		if string(got.Data) != "a" || got.Hash != first.Hash ||
			!got.Created.Equal(noon.Truncate(time.Millisecond)) || got.Created.Location() != time.UTC ||
			!got.Expires.Equal(first.Expires.Truncate(time.Millisecond)) {
			t.Errorf("read back %+v", got)
		}
		first.Data, first.Expires = nil, noon.Add(2*time.Hour)
		ok(t, s.SaveSession(ctx, first))
		got, err = s.Session(ctx, first.Hash)
		ok(t, err)
		if len(got.Data) != 0 || !got.Expires.Equal(first.Expires.Truncate(time.Millisecond)) {
			t.Errorf("after the second save %+v", got)
		}
		ok(t, s.DeleteSession(ctx, first.Hash))
		ok(t, s.DeleteSession(ctx, first.Hash))
		_, err = s.Session(ctx, first.Hash)
		is(t, err, store.ErrNotFound)
	})
}

func TestASweepEndsTheExpiredAndThenTheOldest(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i := range 10 {
			ok(t, s.SaveSession(ctx, session(fmt.Sprint(i), noon.Add(time.Duration(i)*time.Minute))))
		}
		ended, err := s.SweepSessions(ctx, noon.Add(2*time.Minute), 4)
		ok(t, err)
		if ended != 6 {
			t.Errorf("ended %d sessions, want 3 expired and 3 over the limit", ended)
		}
		for i := range 10 {
			_, err := s.Session(ctx, session(fmt.Sprint(i), noon).Hash)
			if kept := err == nil; kept != (i >= 6) {
				t.Errorf("session %d: %v", i, err)
			}
		}
		ended, err = s.SweepSessions(ctx, noon.Add(2*time.Minute), 4)
		if ok(t, err); ended != 0 {
			t.Errorf("a second sweep ended %d", ended)
		}
	})
}

func TestAKeyIsKnownByItsNameAndItsHash(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		excel := store.Key{Name: "excel", Hash: sha256.Sum256([]byte("1")), Write: true, Ask: true, Tenants: []string{"t-1", "t-2"}, Families: []string{"accounting"}, AnyUser: true,
			Expires: noon.Add(time.Hour).Truncate(time.Millisecond), Daily: 100, MaxAge: time.Minute, Stale: true, Created: noon.Truncate(time.Millisecond), Program: "Excel/16"}
		ok(t, s.AddKey(ctx, excel))
		is(t, s.AddKey(ctx, store.Key{Name: "excel", Hash: sha256.Sum256([]byte("2"))}), store.ErrExists)
		is(t, s.AddKey(ctx, store.Key{Name: "other", Hash: excel.Hash}), store.ErrExists)
		assistant := store.Key{Name: "assistant", Hash: sha256.Sum256([]byte("3")), Tenants: []string{}, Families: []string{}, Created: noon.Truncate(time.Millisecond)}
		ok(t, s.AddKey(ctx, assistant))
		keys, err := s.Keys(ctx)
		ok(t, err)
		if !reflect.DeepEqual(keys, []store.Key{assistant, excel}) {
			t.Errorf("keys are %+v", keys)
		}
		changed := assistant
		changed.Write, changed.Ask, changed.Tenants, changed.Families, changed.AnyUser = true, true, []string{"t-3"}, []string{"files"}, true
		changed.Expires, changed.Daily, changed.MaxAge, changed.Stale = noon.Truncate(time.Millisecond), 7, time.Hour, true
		other := changed // what a change does not touch
		other.Hash, other.Created, other.LastUsed, other.Program = excel.Hash, noon.Add(time.Hour), noon, "x"
		ok(t, s.ChangeKey(ctx, other))
		is(t, s.ChangeKey(ctx, store.Key{Name: "none"}), store.ErrNotFound)
		keys, err = s.Keys(ctx)
		ok(t, err)
		if !reflect.DeepEqual(keys, []store.Key{changed, excel}) {
			t.Errorf("changed to %+v", keys)
		}
		ok(t, s.RevokeKey(ctx, "excel"))
		is(t, s.RevokeKey(ctx, "excel"), store.ErrNotFound)
		ok(t, s.AddKey(ctx, excel))
	})
}

func TestTheLastUseOfAKeyNeverGoesBack(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, name := range []string{"a", "b", "c"} {
			ok(t, s.AddKey(ctx, store.Key{Name: name, Hash: sha256.Sum256([]byte(name)), Created: noon}))
		}
		at := noon.Truncate(time.Millisecond)
		ok(t, s.TouchKeys(ctx, map[string]store.Use{"a": {at, "curl/8"}, "b": {at, "curl/8"}, "gone": {at, "curl/8"}}))
		ok(t, s.TouchKeys(ctx, map[string]store.Use{"a": {at.Add(-time.Hour), "older"}, "b": {at.Add(time.Hour), ""}}))
		ok(t, s.TouchKeys(ctx, nil))
		keys, err := s.Keys(ctx)
		ok(t, err)
		used := map[string]store.Use{}
		for _, key := range keys {
			used[key.Name] = store.Use{At: key.LastUsed, Program: key.Program}
		}
		if want := map[string]store.Use{"a": {at, "curl/8"}, "b": {at.Add(time.Hour), ""}, "c": {}}; !maps.Equal(used, want) {
			t.Errorf("last used %v, want %v", used, want)
		}
	})
}

func TestRenewalsAreKeptNinetyDays(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const day = 24 * time.Hour
		at := noon.Truncate(time.Millisecond)
		for _, age := range []time.Duration{91 * day, 89 * day, day, 0} {
			ok(t, s.AddRenewal(ctx, store.Renewal{Connection: "c", At: at.Add(-age), Outcome: "renewed", Reason: "ahead"}))
		}
		all, err := s.Renewals(ctx, time.Time{})
		ok(t, err)
		if len(all) != 3 || all[2] != (store.Renewal{Connection: "c", At: at, Outcome: "renewed", Reason: "ahead"}) {
			t.Errorf("kept %+v", all)
		}
		recent, err := s.Renewals(ctx, at.Add(-day))
		ok(t, err)
		if len(recent) != 2 || !recent[0].At.Before(recent[1].At) {
			t.Errorf("since yesterday %+v", recent)
		}
	})
}

func TestAProfileIsKeptAndReplaced(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_, err := s.Profile(ctx, "c")
		is(t, err, store.ErrNotFound)
		ok(t, s.SaveProfile(ctx, "c", []byte("one")))
		ok(t, s.SaveProfile(ctx, "c", []byte("two")))
		data, err := s.Profile(ctx, "c")
		if ok(t, err); string(data) != "two" {
			t.Errorf("profile is %q", data)
		}
		ok(t, s.DeleteProfile(ctx, "c"))
		ok(t, s.DeleteProfile(ctx, "c"))
		_, err = s.Profile(ctx, "c")
		is(t, err, store.ErrNotFound)
	})
}

// A query that its caller gave up must not take the state in memory with it.
func TestACancelledCallChangesNothing(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ok(t, s.SaveProfile(t.Context(), "c", []byte("kept")))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		is(t, s.SaveProfile(gone, "c", []byte("lost")), context.Canceled)
		is(t, s.AddRenewal(gone, store.Renewal{Connection: "c", At: noon}), context.Canceled)
		data, err := s.Profile(t.Context(), "c")
		if ok(t, err); string(data) != "kept" {
			t.Errorf("profile is %q", data)
		}
	})
}

func TestTwoStoresOnOneFileSeeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	// Both at once, so that they also meet over the new file.
	var opening sync.WaitGroup
	stores := make([]*store.Store, 2)
	errs := make([]error, 2)
	for i := range stores {
		opening.Go(func() { stores[i], errs[i] = store.Open(t.Context(), path) })
	}
	opening.Wait()
	ok(t, errors.Join(errs...))
	defer stores[0].Close()
	defer stores[1].Close()

	var writing sync.WaitGroup
	failed := make(chan error, 100)
	for i := range 100 {
		writing.Go(func() {
			if err := stores[i%2].SaveSession(t.Context(), session(fmt.Sprint(i), noon)); err != nil {
				failed <- err
			}
		})
	}
	writing.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	for i := range 100 {
		_, err := stores[(i+1)%2].Session(t.Context(), session(fmt.Sprint(i), noon).Hash)
		ok(t, err)
	}
	ok(t, stores[0].RevokeKey(t.Context(), addKey(t, stores[1])))
}

func addKey(t *testing.T, s *store.Store) string {
	t.Helper()
	ok(t, s.AddKey(t.Context(), store.Key{Name: "shared", Hash: sha256.Sum256([]byte("shared")), Created: noon}))
	return "shared"
}

// A path may hold what a URI would take for its own.
func TestStateSurvivesReopeningUnderAnOddName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Käthe's books 100% #1 & more")
	ok(t, os.Mkdir(folder, 0o700))
	path := filepath.Join(folder, "state.db")
	s := open(t, path)
	ok(t, s.SaveProfile(t.Context(), "c", []byte("kept")))
	ok(t, s.Close())
	data, err := open(t, path).Profile(t.Context(), "c")
	if ok(t, err); string(data) != "kept" {
		t.Errorf("profile is %q", data)
	}
}

// written makes a closed database with something in it and returns its bytes.
func written(t *testing.T, path string) []byte {
	t.Helper()
	s := open(t, path)
	for i := range 200 {
		ok(t, s.SaveSession(t.Context(), session(fmt.Sprint(i), noon)))
	}
	ok(t, s.Close())
	data, err := os.ReadFile(path)
	ok(t, err)
	return data
}

func TestADamagedFileIsRefusedAndLeftAsItIs(t *testing.T) {
	sound := written(t, filepath.Join(t.TempDir(), "state.db"))
	damage := map[string]func([]byte) []byte{
		"not a database":   func([]byte) []byte { return []byte("{\"this\": \"is settings.json\"}\n") },
		"cut in its head":  func(b []byte) []byte { return b[:60] },
		"cut in half":      func(b []byte) []byte { return b[:len(b)/2] },
		"zeros in between": func(b []byte) []byte { clear(b[4096 : 3*4096]); return b },
		"a page of noise": func(b []byte) []byte {
			copy(b[4096:], bytes.Repeat([]byte{0xa5}, 4096))
			return b
		},
		"encrypted": func(b []byte) []byte {
			for i := range b {
				b[i] ^= byte(i*7 + 1)
			}
			return b
		},
	}
	for what, change := range damage {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			bad := change(bytes.Clone(sound))
			ok(t, os.WriteFile(path, bad, 0o600))
			_, err := store.Open(t.Context(), path)
			is(t, err, store.ErrDamaged)
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// Version 2 had one organisation or all in a key, and none of its other limits.
func TestAFileOfVersionTwoKeepsItsKeysAndCalls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	hash := sha256.Sum256([]byte("1"))
	other := sha256.Sum256([]byte("2"))
	ok(t, store.MakeOlder(path, 2, fmt.Sprintf(`
		INSERT INTO keys (name, hash, writes, tenant, any_user, created, last_used) VALUES ('locked', x'%x', 1, 'AAA', 0, 5, 0), ('reads', x'%x', 0, '', 1, 5, 7);
		INSERT INTO calls (at, caller, name, tenant, method, resource, status, code, took) VALUES (1000, 'key', 'reads', 'a', 'GET', '/one', 200, '', 5)`, hash, other)))
	s := open(t, path)
	keys, err := s.Keys(t.Context())
	ok(t, err)
	made := time.UnixMilli(5).UTC()
	if want := []store.Key{
		{Name: "locked", Hash: hash, Write: true, Tenants: []string{"AAA"}, Families: []string{}, Created: made},
		{Name: "reads", Hash: other, Tenants: []string{}, Families: []string{}, AnyUser: true, Created: made, LastUsed: time.UnixMilli(7).UTC()},
	}; !reflect.DeepEqual(keys, want) {
		t.Errorf("keys are %+v", keys)
	}
	calls, all, err := s.Calls(t.Context(), store.Which{}, 0, 9)
	if err != nil || all != 1 || len(calls) != 1 || calls[0].Resource != "/one" || calls[0].Took != 5*time.Millisecond || calls[0].Waited != 0 {
		t.Errorf("%d calls: %+v %v", all, calls, err)
	}
	changed := keys[0]
	changed.Ask, changed.Daily = true, 3
	ok(t, s.ChangeKey(t.Context(), changed))
	ok(t, s.Close())
	s = open(t, path) // as it is now, it is not brought up again
	if keys, err = s.Keys(t.Context()); err != nil || !reflect.DeepEqual(keys[0], changed) {
		t.Errorf("opened again: %+v %v", keys, err)
	}
}

func TestAFileOfANewerVersionIsRefusedAndLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	ok(t, s.SetVersion(t.Context(), 99))
	ok(t, s.Close())
	before, err := os.ReadFile(path)
	ok(t, err)
	_, err = store.Open(t.Context(), path)
	is(t, err, store.ErrNewer)
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// The newer version may still be running, its last writes only in the log.
func TestAFileThatANewerVersionHasOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	ok(t, s.SetVersion(t.Context(), 99))
	ok(t, s.SaveProfile(t.Context(), "c", []byte("kept")))
	before, err := os.ReadFile(path)
	ok(t, err)
	_, err = store.Open(t.Context(), path)
	is(t, err, store.ErrNewer)
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
		t.Errorf("the file was changed (%v)", err)
	}
	_, err = s.Profile(t.Context(), "c")
	ok(t, err)
}

// The limit of pages makes SQLite say what it says when write(2) says ENOSPC.
func TestAFullDiskIsToldApartAndLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	ok(t, s.SaveProfile(t.Context(), "c", []byte("kept")))
	ok(t, s.LimitPages(t.Context()))
	is(t, s.SaveProfile(t.Context(), "c", bytes.Repeat([]byte("x"), 1<<20)), store.ErrFull)
	data, err := s.Profile(t.Context(), "c")
	if ok(t, err); string(data) != "kept" {
		t.Errorf("profile is %.20q", data)
	}
	ok(t, s.Close())
	s = open(t, path)
	ok(t, s.SaveProfile(t.Context(), "c", bytes.Repeat([]byte("x"), 1<<20)))
}

func TestAMissingFolderIsAnErrorAndNotMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "missing")
	if _, err := store.Open(t.Context(), filepath.Join(folder, "state.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder was made")
	}
}
