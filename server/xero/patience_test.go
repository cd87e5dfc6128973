package xero_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"financial-command-center/server/xero"
)

const contactsPath = "/api.xro/2.0/Contacts"

// silent reads what it gets and never answers.
func silent(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
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

// post sends a body through the session.
func (b *bench) post(ctx context.Context, body io.Reader) (*http.Response, error) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, xeroHost+contactsPath, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.session().Transport().RoundTrip(r)
}

func TestTheTimeACallerTakesForABodyDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		took time.Duration // of the caller's own
	}{
		"without a body":                   {nil, 0},
		"a caller who takes three minutes": {&slow{3}, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				w := b.withBetween()
				b.signIn()
				w.at(contactsPath, silent)
				start := time.Now()
				_, err := b.post(t.Context(), c.body)
				if waited := time.Since(start) - c.took; waited < 30*time.Second || waited > 35*time.Second {
					t.Errorf("waited %v for Xero", waited)
				}
				if codeOf(err) != xero.CodeUnreachable {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestACallerWhoLeavesIsNotWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at(contactsPath, silent)
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		start := time.Now()
		if _, err := b.post(ctx, nil); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// An answer that has begun may take as long as it takes.
func TestAnAnswerThatHasBegunIsNotHurried(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		w := b.withBetween()
		b.signIn()
		w.at(contactsPath, func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &bound{r.Context(), &slow{10}}}, nil
		})
		resp, err := b.post(t.Context(), &slow{1})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || len(body) != 10 {
			t.Errorf("%q %v", body, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

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
