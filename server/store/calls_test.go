package store_test

import (
	"slices"
	"testing"
	"time"

	"financial-command-center/server/store"
)

func TestCallsAreListedNewestFirstAndFoundByWhoWhatAndWhen(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ok(t, s.AddCalls(ctx, nil))
		all := []store.Call{
			{At: noon, Caller: "page", Tenant: "a", Method: "GET", Resource: "/one", Status: 200, Took: 1500 * time.Millisecond, Waited: 12 * time.Second},
			{At: noon.Add(time.Minute), Caller: "key", Name: "script", Tenant: "b", Method: "POST", Resource: "/two", Status: 429},
			{At: noon.Add(time.Minute), Caller: "key", Name: "other", Tenant: "b", Method: "GET", Resource: "/three", Code: "xero_unreachable"},
			{At: noon.Add(time.Hour), Caller: "fcc", Method: "GET", Resource: "/four", Status: 304},
		}
		ok(t, s.AddCalls(ctx, all[:1]))
		ok(t, s.AddCalls(ctx, all[1:]))
		for name, test := range map[string]struct {
			which      store.Which
			skip, most int
			want       []string
			all        int
		}{
			"all":             {store.Which{}, 0, 9, []string{"/four", "/three", "/two", "/one"}, 4},
			"a page of them":  {store.Which{}, 1, 2, []string{"/three", "/two"}, 4},
			"behind the last": {store.Which{}, 9, 9, nil, 4},
			"of a caller":     {store.Which{Caller: "key", Name: "script"}, 0, 9, []string{"/two"}, 1},
			"of none":         {store.Which{Caller: "key"}, 0, 9, nil, 0},
			"of a tenant":     {store.Which{Tenant: "b"}, 0, 9, []string{"/three", "/two"}, 2},
			"answered":        {store.Which{Outcome: store.Answered}, 0, 9, []string{"/four", "/one"}, 2},
			"refused":         {store.Which{Outcome: store.Refused}, 0, 9, []string{"/two"}, 1},
			"reached":         {store.Which{Outcome: store.Reached}, 0, 9, []string{"/four", "/two", "/one"}, 3},
			"not answered":    {store.Which{Outcome: store.NoAnswer}, 0, 9, []string{"/three"}, 1},
			"between":         {store.Which{From: noon.Add(time.Minute), To: noon.Add(time.Hour)}, 0, 9, []string{"/three", "/two"}, 2},
		} {
			calls, n, err := s.Calls(ctx, test.which, test.skip, test.most)
			ok(t, err)
			var got []string
			for _, c := range calls {
				got = append(got, c.Resource)
			}
			if !slices.Equal(got, test.want) || n != test.all {
				t.Errorf("%s: %v of %d, want %v of %d", name, got, n, test.want, test.all)
			}
		}
		calls, _, err := s.Calls(ctx, store.Which{Caller: "page"}, 0, 1)
		ok(t, err)
		want := all[0]
		want.At = noon.Truncate(time.Millisecond)
		if len(calls) != 1 || calls[0] != want {
			t.Errorf("read back %+v, want %+v", calls, want)
		}

		ok(t, s.AddCalls(ctx, all[:1]))
		counts, err := s.CountCalls(ctx, store.Which{To: noon.Add(time.Hour)})
		ok(t, err)
		if want := []store.CallCount{{"key", "other", "b", 1}, {"key", "script", "b", 1}, {"page", "", "a", 2}}; !slices.Equal(counts, want) {
			t.Errorf("counted %v, want %v", counts, want)
		}

		ok(t, s.SweepCalls(ctx, noon.Add(time.Minute)))
		if _, n, err := s.Calls(ctx, store.Which{}, 0, 9); err != nil || n != 3 {
			t.Errorf("%d are left, %v", n, err)
		}
	})
}

func TestAllSessionsButOneEnd(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, name := range []string{"a", "b", "c"} {
			ok(t, s.SaveSession(ctx, session(name, noon)))
		}
		ok(t, s.DeleteOtherSessions(ctx, session("b", noon).Hash))
		for name, want := range map[string]error{"a": store.ErrNotFound, "b": nil, "c": store.ErrNotFound} {
			_, err := s.Session(ctx, session(name, noon).Hash)
			is(t, err, want)
		}
	})
}
