package xero_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// refusing answers with 401 for a bad token, or 429 for a minute's calls.
func refusing(status int) *http.Response {
	resp := answer(status, "application/json", "{}")
	if status == http.StatusUnauthorized {
		resp.Header.Set("WWW-Authenticate", "Bearer error=invalid_token")
	} else {
		resp.Header.Set("X-Rate-Limit-Problem", "minute")
		resp.Header.Set("Retry-After", "3")
	}
	return resp
}

func TestWhatCreatesIsSentAgainWithAnIdempotencyKeyOnly(t *testing.T) {
	for _, status := range []int{401, 429} {
		for _, c := range []struct {
			method, key string
			sent        int
		}{
			{"POST", "", 1}, {"POST", "k", 2}, {"PUT", "", 1}, {"PUT", "k", 2}, {"PATCH", "", 1}, {"PATCH", "k", 2},
			{"GET", "", 2}, {"HEAD", "", 2}, {"OPTIONS", "", 2}, {"DELETE", "", 2}, {"MERGE", "", 1}, {"MERGE", "k", 1},
		} {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				var keys []string
				w.at(contactsPath, func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
					keys = append(keys, r.Header.Get("Idempotency-Key"))
					if len(keys) == 1 {
						return refusing(status), nil
					}
					return answer(200, "application/json", "{}"), nil
				})
				r, err := http.NewRequestWithContext(t.Context(), c.method, xeroHost+contactsPath, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				if c.key != "" {
					r.Header.Set("Idempotency-Key", c.key)
				}
				resp, err := b.session().Transport().RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				want := status
				if c.sent == 2 {
					want = 200
				}
				if len(keys) != c.sent || keys[len(keys)-1] != c.key || resp.StatusCode != want {
					t.Errorf("%s with the key %q, refused with %d: sent with %q, answered %d", c.method, c.key, status, keys, resp.StatusCode)
				}
			})
		}
	}
}

// Xero forgets a key after six minutes: a repeat would then be a second invoice.
func TestNothingThatCreatesIsSentAgainAfterFiveMinutes(t *testing.T) {
	for method, most := range map[string]time.Duration{"POST": 5 * time.Minute, "GET": 20 * time.Minute} {
		inBubble(t, func(t *testing.T, b *bench) {
			w := b.withBetween()
			b.signIn()
			var first, last time.Time
			w.at(contactsPath, func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
				if last = time.Now(); first.IsZero() {
					first = last
				}
				resp := refusing(429)
				resp.Header.Set("Retry-After", "59")
				return resp, nil
			})
			ctx, enough := context.WithTimeout(t.Context(), 20*time.Minute)
			defer enough()
			r, err := http.NewRequestWithContext(ctx, method, xeroHost+contactsPath, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Idempotency-Key", "k")
			resp, err := b.session().Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if after := last.Sub(first); resp.StatusCode != 429 || after > most || after < most-time.Minute {
				t.Errorf("%s: %d, sent last %v after the first time", method, resp.StatusCode, after)
			}
		})
	}
}
