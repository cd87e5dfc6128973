package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/xero"
)

// silent is a Xero that reads what it gets and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// slow takes a while for each of its parts.
type slow struct{ parts int }

func (s *slow) Read(p []byte) (int, error) {
	if s.parts == 0 {
		return 0, io.EOF
	}
	s.parts--
	time.Sleep(time.Minute)
	return copy(p, "x"), nil
}

func TestWhoWaitsForXeroIsToldWithin35Seconds(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		took time.Duration // of the caller's own
	}{
		"without a body":                   {nil, 0},
		"a caller who takes three minutes": {&slow{3}, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.example/", c.body)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = (&patient{t.Context(), silent{}, xeroPatience}).RoundTrip(r)
				if waited := time.Since(start) - c.took; waited < 30*time.Second || waited > 35*time.Second {
					t.Errorf("waited %v for Xero", waited)
				}
				if f, ok := errors.AsType[*failure](err); !ok || f.Code != xero.CodeUnreachable {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestACallerWhoLeavesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err = (&patient{ctx, silent{}, xeroPatience}).RoundTrip(r); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// An answer that has begun may take as long as it takes.
func TestABodyIsNotHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answering := func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: &bound{r.Context(), &slow{10}}}, nil
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.example/", &slow{1})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&patient{t.Context(), roundTrip(answering), xeroPatience}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); err != nil || len(body) != 10 {
			t.Errorf("%q %v", body, err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bound is a body that ends with its request's context, as net/http's do.
type bound struct {
	ctx context.Context
	io.Reader
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.ctx.Err() != nil {
		return 0, b.ctx.Err()
	}
	return n, err
}

func (b *bound) Close() error { return nil }
