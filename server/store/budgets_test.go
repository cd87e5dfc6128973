package store_test

import (
	"reflect"
	"testing"
	"time"

	"financial-command-center/server/store"
)

func TestABudgetIsKeptInPlaceOfTheOneBeforeAndNotForEver(t *testing.T) {
	every(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		want := func(want ...store.Budget) {
			t.Helper()
			if got, err := s.Budgets(ctx); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		}
		ok(t, s.SaveBudgets(ctx, nil, noon))
		want()
		one, two, app := store.Budget{"app", "one", []byte("1")}, store.Budget{"app", "two", []byte("2")}, store.Budget{Client: "app", Data: []byte("0")}
		ok(t, s.SaveBudgets(ctx, []store.Budget{one, two, app}, noon))
		want(app, one, two)
		one.Data = []byte("newer")
		ok(t, s.SaveBudgets(ctx, []store.Budget{one}, noon.Add(10*24*time.Hour)))
		want(app, one, two)
		ok(t, s.SaveBudgets(ctx, nil, noon.Add(31*24*time.Hour)))
		want(one)
	})
}
