package store_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/store"
)

func TestAnswersAreKeptTheNewestOfThem(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		save := func(tenant, id string, minute, size, most int, bytes int64) {
			t.Helper()
			ok(t, s.SaveAnswer(t.Context(), tenant, store.Answer{
				ID: []byte(id), At: noon.Add(time.Duration(minute) * time.Minute), Data: []byte(strings.Repeat(id, size)),
			}, most, bytes))
		}
		want := func(tenant, ids string) {
			t.Helper()
			var got []string
			for _, id := range strings.Split("abcdef", "") {
				data, err := s.Answer(t.Context(), tenant, []byte(id))
				ok(t, err)
				if data != nil {
					got = append(got, fmt.Sprint(id, len(data)))
				}
			}
			if strings.Join(got, " ") != ids {
				t.Errorf("%s has %v, want %s", tenant, got, ids)
			}
		}
		want("t", "")
		save("t", "a", 1, 10, 3, 100)
		save("u", "a", 1, 11, 3, 100)
		save("t", "b", 2, 10, 3, 100)
		save("t", "c", 3, 10, 3, 100)
		want("t", "a10 b10 c10")
		save("t", "a", 4, 20, 3, 100) // in its place, and the newest now
		save("t", "d", 5, 10, 3, 100)
		want("t", "a20 c10 d10")
		save("t", "e", 6, 25, 9, 40) // d is in, a would be too much
		want("t", "d10 e25")
		save("t", "f", 7, 41, 9, 40) // alone too much
		want("t", "")
		want("u", "a11")
		save("t", "a", 8, 1, 9, 40)
		save("t", "b", 9, 1, 9, 40)
		ok(t, s.SweepAnswers(t.Context(), noon.Add(9*time.Minute)))
		want("t", "b1")
		want("u", "")
		save("u", "a", 1, 11, 3, 100)
		ok(t, s.DropAnswers(t.Context(), "t"))
		want("t", "")
		want("u", "a11")
		tenants, err := s.Tenants(t.Context())
		if ok(t, err); strings.Join(tenants, " ") != "u" {
			t.Errorf("organisations: %v", tenants)
		}
		ok(t, s.DeleteBooks(t.Context(), "u"))
		want("u", "")
	})
}

func TestAnAnswerThatDoesNotFitIsNotHalfKept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	first := store.Answer{ID: []byte("a"), At: noon, Data: []byte("first")}
	ok(t, s.SaveAnswer(t.Context(), "t", first, 9, 1<<30))
	ok(t, s.LimitPages(t.Context()))
	is(t, s.SaveAnswer(t.Context(), "t", store.Answer{ID: []byte("a"), At: noon, Data: make([]byte, 1<<20)}, 9, 1<<30), store.ErrFull)
	data, err := s.Answer(t.Context(), "t", []byte("a"))
	if ok(t, err); !bytes.Equal(data, first.Data) {
		t.Errorf("%q is kept", data)
	}
}
