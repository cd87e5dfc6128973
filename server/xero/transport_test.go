package xero_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero"
)

func TestATokenThatXeroRefusesIsRenewedOnceAndTheRequestSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.sim.ExpireAccessTokens()
		resp := b.get("/api.xro/2.0/Organisation")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, want 200", resp.StatusCode)
		}
		if n := b.renewals(); n != 1 {
			t.Errorf("%d renewals, want 1", n)
		}
		if got := b.notes.last(); got.Reason != xero.ReasonRefused {
			t.Errorf("reported as %+v", got)
		}
	})
}

func TestA401ForAMissingScopeIsHandedBackWithoutARenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		resp := b.get("/api.xro/2.0/Payments") // the bench's scopes have no payments
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", resp.StatusCode)
		}
		if n := b.renewals(); n != 0 {
			t.Errorf("%d renewals, want none", n)
		}
	})
}

func TestABodyThatCannotBeSentAgainIsNotSentTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		b.sim.ExpireAccessTokens()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, xeroHost+"/api.xro/2.0/Contacts", io.NopCloser(strings.NewReader(`{}`)))
		if err != nil {
			t.Fatal(err)
		}
		before := len(b.sim.Journal())
		resp, err := b.session().Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		posts := 0
		for _, e := range b.sim.Journal()[before:] {
			if e.Path == "/api.xro/2.0/Contacts" {
				posts++
			}
		}
		if resp.StatusCode != http.StatusUnauthorized || posts != 1 {
			t.Errorf("status %d after %d posts, want 401 after 1", resp.StatusCode, posts)
		}
		if b.renewals() != 1 {
			t.Error("the next request would meet the same refused token")
		}
	})
}

func TestTheTokenGoesToTheAPIAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		for _, address := range []string{"http://localhost:9001/api.xro/2.0/Invoices", "https://localhost:9000/", "http://example.com/"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := b.session().Transport().RoundTrip(req); err == nil {
				resp.Body.Close()
				t.Errorf("%s was sent to", address)
			}
		}
	})
}

func TestTheCallersRequestIsLeftAsItWas(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, xeroHost+"/connections", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.session().Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if req.Header.Get("Authorization") != "" {
			t.Error("the token was put into the caller's own request")
		}
	})
}

func TestOtherAnswersAreHandedBackAsTheyCame(t *testing.T) {
	for status, kind := range map[int]string{403: "application/json", 429: "", 500: "text/html", 503: "text/plain"} {
		inBubble(t, func(t *testing.T, b *bench) {
			w := b.withBetween()
			b.signIn()
			w.say("/api.xro/2.0/Invoices", status, kind, "as it came")
			resp := b.get("/api.xro/2.0/Invoices")
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != status || string(body) != "as it came" {
				t.Errorf("%d became %d %q, %v", status, resp.StatusCode, body, err)
			}
			b.wantState(xero.Connected, "")
		})
	}
}

func TestAnAnswerThatNeverComesIsUnreachableWithin35Seconds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/api.xro/2.0/Invoices", func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, xeroHost+"/api.xro/2.0/Invoices", nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err = b.session().Transport().RoundTrip(req)
		if codeOf(err) != xero.CodeUnreachable || time.Since(begun) > 35*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestAnOrganisationThatIsGoneLeavesTheListAndNoOtherTakesItsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		gone := b.Status().Organisations()[0]
		if err := b.sim.Disconnect(gone.TenantID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if resp := b.get("/api.xro/2.0/Organisation"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("status %d, want 403", resp.StatusCode)
		}
		time.Sleep(time.Second)
		if _, found := b.Find(gone.TenantID); found {
			t.Error("it is still in the list")
		}
		if n := len(b.Status().Organisations()); n != 2 {
			t.Errorf("%d organisations, want 2", n)
		}
		b.wantState(xero.Connected, "")
	})
}

func TestACallerHearsThatTheSignInEndedRatherThanXeros401(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.signIn()
		if err := b.sim.RevokeGrant("aroha@example.com"); err != nil {
			t.Fatal(err)
		}
		b.sim.ExpireAccessTokens()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, xeroHost+"/api.xro/2.0/Organisation", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.session().Transport().RoundTrip(req); codeOf(err) != xero.CodeNeedsLogin {
			t.Errorf("%v, want needs_login", err)
		}
		b.wantState(xero.NeedsLogin, xero.CodeNeedsLogin)
	})
}

// Whatever the refusal of an API may mean, a token that was renewed for it and is
// refused too is not renewed again and again.
func TestAnAPIThatRefusesEveryTokenDoesNotCauseEndlessRenewals(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/connections", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			resp := answer(401, "application/json", `{}`)
			resp.Header.Set("WWW-Authenticate", "Bearer error=invalid_token")
			return resp, nil
		})
		time.Sleep(time.Hour)
		if n := b.renewals(); n > 4 {
			t.Errorf("%d renewals in an hour", n)
		}
		b.wantState(xero.Connected, "")
		w.at("/connections", nil)
		time.Sleep(2 * time.Minute)
		if n := len(b.Status().Organisations()); n != 3 {
			t.Errorf("%d organisations, want 3", n)
		}
	})
}

// A refusal that comes late, then a renewal that never ends: the contract promises
// an answer within 35 seconds all the same.
func TestALateRefusalAndASlowRenewalTakeNoMoreThan35Seconds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/api.xro/2.0/Invoices", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			time.Sleep(20 * time.Second)
			resp := answer(401, "application/json", `{}`)
			resp.Header.Set("WWW-Authenticate", "Bearer error=invalid_token")
			return resp, nil
		})
		w.at("/connect/token", func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, xeroHost+"/api.xro/2.0/Invoices", nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err = b.session().Transport().RoundTrip(req)
		if took := time.Since(begun); codeOf(err) != xero.CodeUnreachable || took > 35*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// An API that knows none of our tokens is not asked for another with every call.
func TestCallersOfAnAPIThatRefusesEveryTokenDoNotSpendARenewalEach(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at("/api.xro/2.0/Organisation", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			resp := answer(401, "application/json", `{}`)
			resp.Header.Set("WWW-Authenticate", "Bearer error=invalid_token")
			return resp, nil
		})
		for range 60 {
			if resp := b.get("/api.xro/2.0/Organisation"); resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("status %d, want Xero's own 401", resp.StatusCode)
			}
			time.Sleep(10 * time.Second)
		}
		if n := b.renewals(); n < 1 || n > 11 {
			t.Errorf("%d renewals for 60 calls in ten minutes, want at most one a minute", n)
		}
		w.at("/api.xro/2.0/Organisation", nil)
		b.sim.ExpireAccessTokens()
		time.Sleep(time.Minute + time.Second)
		if resp := b.get("/api.xro/2.0/Organisation"); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d when the API is well again", resp.StatusCode)
		}
	})
}
