package xero_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"financial-command-center/server/xero"
)

func TestEveryCallIsToldWithWhoAskedAndWhatBecameOfIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		before := time.Now()
		b.notes.called()
		who := xero.Caller{Kind: xero.ByKey, Name: "sheet"}
		asked := func(path string) {
			t.Helper()
			resp, err := b.ask(xero.WithCaller(t.Context(), who), b.session(), path)
			if err == nil {
				resp.Body.Close()
			}
		}
		want := func(calls ...xero.Call) {
			t.Helper()
			got := slices.DeleteFunc(b.notes.called(), func(c xero.Call) bool { return c.Caller.Kind == xero.ByFCC })
			if len(got) != len(calls) {
				t.Fatalf("told of %+v", got)
			}
			for n, c := range calls {
				if c.Resource == "" {
					c.Resource = organisationPath
				}
				c.Caller, c.TenantID, c.Method = who, b.tenant(), http.MethodGet
				at := got[n].At
				got[n].At = time.Time{}
				if got[n] != c || at.Before(before) || at.After(time.Now()) || at.Location() != time.UTC {
					t.Errorf("told of %+v at %v, want %+v", got[n], at, c)
				}
			}
		}

		b.sim.SlowAPI(2 * time.Second)
		asked("/api.xro/2.0/Contacts/5040915e-8ce7-4177-8d08-fde416232f18?where=secret")
		want(xero.Call{Status: 404, Resource: "/api.xro/2.0/Contacts", Took: 2 * time.Second})
		b.sim.SlowAPI(0)

		b.sim.ExpireAccessTokens()
		asked(organisationPath)
		want(xero.Call{Status: 401}, xero.Call{Status: 200})

		times := 1
		w.at(organisationPath, limited(&times, "minute", "3"))
		asked(organisationPath)
		want(xero.Call{Status: 429}, xero.Call{Status: 200, Waited: 3 * time.Second})
		times = 1
		w.at(organisationPath, limited(&times, "day", "3"))
		asked(organisationPath)
		asked(organisationPath)
		want(xero.Call{Status: 429}, xero.Call{Code: xero.CodeRateLimited})
		time.Sleep(3 * time.Second)

		w.at(organisationPath, func(*http.Request, func() (*http.Response, error)) (*http.Response, error) { return nil, errNoNetwork })
		asked(organisationPath)
		want(xero.Call{Code: xero.CodeUnreachable})
	})
}

func TestWhatFCCAsksForItselfIsItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		time.Sleep(2 * life)
		looks, calls := 0, b.notes.called()
		for _, c := range calls {
			if c.Caller == (xero.Caller{Kind: xero.ByFCC}) && c.Resource == "/connections" && c.TenantID == "" && c.Status == 200 {
				looks++
			}
		}
		if looks < 2 || looks != len(calls) {
			t.Errorf("told of %+v", calls)
		}
	})
}
