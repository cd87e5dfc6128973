package xero_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

func TestTwoPeopleAndTwoAppsAreThreeConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first := b.signIn()
		second, err := b.signInAs("ben@example.com")
		if err != nil || !second.New || second.Connection == first.Connection {
			t.Fatalf("the second person: %+v, %v", second, err)
		}
		if err := b.SetApp(t.Context(), xero.App{ClientID: otherApp, Secret: keystore.NewSecret(xerosim.DemoClientSecret), Scopes: scopes}); err != nil {
			t.Fatal(err)
		}
		third := b.signIn()
		if !third.New {
			t.Fatalf("through the second app: %+v", third)
		}
		again, err := b.signInAs("ben@example.com")
		if err != nil || !again.New { // Ben, but through the second app
			t.Fatalf("the second person through the second app: %+v, %v", again, err)
		}
		b.wantState(xero.Connected, "")
		if _, err := b.Disconnect(t.Context(), "", ""); codeOf(err) != xero.CodeBadRequest {
			t.Errorf("disconnecting nobody in particular: %v, want bad_request", err)
		}
		for range 3 {
			time.Sleep(life)
			b.restart()
			b.wantState(xero.Connected, "")
			if n := len(b.Status().Connections); n != 4 {
				t.Fatalf("%d connections after a restart, want 4", n)
			}
		}
		if n := len(b.Status().Organisations()); n != 3 {
			t.Errorf("%d organisations in all, want 3", n)
		}
		for _, o := range b.Status().Organisations() {
			if s, ok := b.Find(strings.ToUpper(o.TenantID)); !ok {
				t.Errorf("%s is not found", o.Name)
			} else if _, err := s.Token(t.Context()); err != nil {
				t.Errorf("%s: %v", o.Name, err)
			}
		}
	})
}

// signInAs signs in as another person than the first.
func (b *bench) signInAs(email string) (xero.SignIn, error) {
	b.t.Helper()
	attempt, err := b.Begin(b.t.Context(), "browser", "/")
	if err != nil {
		return xero.SignIn{}, err
	}
	back, err := b.sim.Approve(attempt.URL + "&login_hint=" + url.QueryEscape(email))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Finish(b.t.Context(), callback(b.t, back))
}

func TestOneEndedSignInLeavesTheOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		ben, err := b.signInAs("ben@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.sim.RevokeGrant("ben@example.com"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(life)
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		for _, c := range b.Status().Connections {
			want := xero.Connected
			if c.ID == ben.Connection {
				want = xero.NeedsLogin
			}
			if c.State != want {
				t.Errorf("%s is %s, want %s", c.Person.Name, c.State, want)
			}
		}
		// The café is reached by both: the one that stands better serves.
		for _, o := range b.Status().Organisations() {
			if s, ok := b.Find(o.TenantID); !ok || s.ID() == ben.Connection {
				t.Errorf("%s is served by the ended sign-in", o.Name)
			}
		}
	})
}

func TestWatchGivesThePresentAtOnceAndThenOnlyChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var seen []xero.State
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for st := range b.Watch(t.Context()) {
				seen = append(seen, st.State)
				if st.State == xero.NeedsLogin {
					return
				}
			}
		}()
		synctest.Wait()
		if !slices.Equal(seen, []xero.State{xero.Disconnected}) {
			t.Fatalf("at once %v, want the present", seen)
		}
		b.signIn()
		synctest.Wait()
		n := len(seen)
		time.Sleep(10 * time.Minute) // nothing happens
		synctest.Wait()
		if len(seen) > n+1 { // an attempt's end may count
			t.Errorf("%d changes while nothing changed", len(seen)-n)
		}
		if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(life)
		<-ended
		if last := seen[len(seen)-1]; last != xero.NeedsLogin {
			t.Errorf("the last seen is %s", last)
		}
	})
}

func TestAStatusIsAValueThatLaterChangesDoNotReach(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		held := b.Status()
		told := func() string {
			whole, err := json.Marshal(held)
			if err != nil {
				t.Fatal(err)
			}
			c := held.Connections[0]
			return fmt.Sprintf("%s %v %v %v", whole, held.Organisations(), c.Scopes, c.Held)
		}
		before := told()
		gone := b.Status().Organisations()[1]
		if _, err := b.Disconnect(t.Context(), "", gone.TenantID); err != nil {
			t.Fatal(err)
		}
		if _, err := b.signInAs("ben@example.com"); err != nil {
			t.Fatal(err)
		}
		if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(life)
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
		if now := b.Status(); len(now.Connections) != 2 || len(held.Organisations()) != 3 {
			t.Errorf("now there are %d connections, held are %d organisations; want 2 and 3", len(now.Connections), len(held.Organisations()))
		}
		if after := told(); after != before {
			t.Errorf("a status that was held became\n%s, was\n%s", after, before)
		}
	})
}

func TestDisconnectTellsXeroFirstAndForgetsLast(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		id := onlyID(t, b)
		before := len(b.sim.Journal())
		result, err := b.Disconnect(t.Context(), "", "")
		if err != nil || len(result.Organisations) != 3 || len(result.Untold) != 0 {
			t.Fatalf("%+v, %v", result, err)
		}
		var order []string
		for _, e := range b.sim.Journal()[before:] {
			switch {
			case e.Method == http.MethodDelete:
				order = append(order, "delete")
			case e.Path == "/connect/revocation":
				order = append(order, "revoke")
			}
		}
		if !slices.Equal(order, []string{"delete", "delete", "delete", "revoke"}) {
			t.Errorf("Xero was told %v", order)
		}
		if _, err := b.keychain.Store.Get(t.Context(), "connection-"+id); err == nil {
			t.Error("the grant is still in the keychain")
		}
		if _, kept := b.notes.recall(t.Context(), id); kept {
			t.Error("who it was is still remembered")
		}
		b.wantState(xero.Disconnected, "")
		b.restart()
		b.wantState(xero.Disconnected, "")
	})
}

func TestADisconnectThatXeroCannotBeToldIsToldLaterAlsoAfterARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		id := onlyID(t, b)
		b.far.cut(true)
		result, err := b.Disconnect(t.Context(), id, "")
		if err != nil || len(result.Untold) == 0 {
			t.Fatalf("%+v, %v; want what Xero was not told", result, err)
		}
		b.wantState(xero.Disconnected, "")
		b.restart()
		b.wantState(xero.Disconnected, "")
		b.far.cut(false)
		time.Sleep(10 * time.Minute)
		if _, err := b.keychain.Store.Get(t.Context(), "connection-"+id); err == nil {
			t.Error("the grant is still in the keychain")
		}
		told := slices.ContainsFunc(b.sim.Journal(), func(e xerosim.Entry) bool { return e.Path == "/connect/revocation" && e.Status == 200 })
		if !told {
			t.Error("Xero was never told")
		}
	})
}

func TestOneOrganisationIsDisconnectedAndTheSignInStays(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		gone := b.Status().Organisations()[1]
		result, err := b.Disconnect(t.Context(), "", strings.ToUpper(gone.TenantID))
		if err != nil || len(result.Organisations) != 1 || result.Organisations[0].TenantID != gone.TenantID {
			t.Fatalf("%+v, %v", result, err)
		}
		if n := len(b.Status().Organisations()); n != 2 {
			t.Errorf("%d organisations are left, want 2", n)
		}
		for _, e := range b.sim.Journal() {
			if e.Path == "/connect/revocation" {
				t.Error("the grant was revoked")
			}
		}
		b.wantState(xero.Connected, "")
		if _, err := b.Disconnect(t.Context(), "", gone.TenantID); codeOf(err) != xero.CodeNotFound {
			t.Errorf("again: %v, want not_found", err)
		}
	})
}

func TestADamagedRecordAsksForASignInAndIsLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		item := "connection-" + onlyID(t, b)
		b.stop()
		for _, damage := range []string{"{", `{"v":2,"refresh_token":"x"}`, `{"v":1}`} {
			if err := b.keychain.Store.Set(t.Context(), item, keystore.NewSecret(damage)); err != nil {
				t.Fatal(err)
			}
			b.start()
			b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
			b.stop()
			if kept, _ := b.keychain.Store.Get(t.Context(), item); kept.Reveal() != damage {
				t.Errorf("%q was overwritten", damage)
			}
		}
		b.start()
	})
}
