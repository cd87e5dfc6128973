package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"financial-command-center/server/store"
)

func TestWritesAreKeptOnceListedNewestFirstAndSwept(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		first := store.Write{
			ID: "A", At: noon.Truncate(time.Millisecond), Name: "script", Tenant: "t", What: "invoice-void", Path: "/api.xro/2.0/Invoices", Many: 2,
			Records: []string{"one", "two"}, Number: "INV 1", Key: [32]byte{1, 2}, Asked: true, Known: 3 * time.Second, Outcome: "sent", Status: 200,
		}
		second := store.Write{ID: "B", At: first.At.Add(time.Hour), Name: "other", What: "other-save", Outcome: "refused", Records: []string{}}
		ok(t, s.AddWrites(ctx, nil))
		ok(t, s.AddWrites(ctx, []store.Write{first, second}))
		again := first
		again.Outcome = "refused"
		ok(t, s.AddWrites(ctx, []store.Write{again}))
		all, n, err := s.Writes(ctx, 0, 9)
		ok(t, err)
		if n != 2 || !reflect.DeepEqual(all, []store.Write{second, first}) {
			t.Errorf("%d: %+v", n, all)
		}
		page, n, err := s.Writes(ctx, 1, 1)
		ok(t, err)
		if n != 2 || len(page) != 1 || page[0].ID != "A" {
			t.Errorf("%d: %+v", n, page)
		}
		one, err := s.Write(ctx, "A")
		ok(t, err)
		if !reflect.DeepEqual(one, first) {
			t.Errorf("%+v", one)
		}
		ok(t, s.SweepWrites(ctx, second.At))
		if _, err := s.Write(ctx, "A"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after the sweep: %v", err)
		}
		if _, err := s.Write(ctx, "B"); err != nil {
			t.Error(err)
		}
	})
}
