package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
)

// drip answers bit by bit, for as long as somebody listens.
func drip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	go func() {
		for r.Context().Err() == nil {
			if _, err := writer.Write([]byte("x")); err != nil {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		_ = writer.CloseWithError(r.Context().Err())
	}()
	return answering(200, http.Header{"Content-Type": {"application/octet-stream"}}, reader)(r)
}

// What a key no longer may breaks off within a second, whatever it is in the middle of.
func TestAKeysStreamsEndWithIt(t *testing.T) {
	const file = "/files.xro/1.0/Files/1/Content"
	for name, c := range map[string]struct {
		life time.Duration // of the key; 0 for one that does not end
		end  func(*testing.T, *bench)
	}{
		"revoked": {0, func(t *testing.T, b *bench) { isNil(t, b.RevokeKey(t.Context(), "sheet")) }},
		"revoked by another process": {0, func(t *testing.T, b *bench) {
			other, err := store.Open(t.Context(), b.cfg.StatePath)
			isNil(t, err)
			defer other.Close()
			isNil(t, other.RevokeKey(t.Context(), "sheet"))
		}},
		"made anew": {0, func(t *testing.T, b *bench) {
			isNil(t, b.RevokeKey(t.Context(), "sheet"))
			b.addKey(store.Key{Name: "sheet"})
		}},
		"over":                  {2 * time.Second, func(*testing.T, *bench) {}},
		"kept from the files":   {0, change(store.Key{Families: []string{"accounting"}})},
		"kept from the company": {0, change(store.Key{Tenants: []string{joinery}})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, time.Second, func() time.Duration {
				f := &far{answer: drip, all: true}
				b := newBench(t, mayWrite, through(f)).opened()
				b.signIn(b.visit(), café, joinery)
				key, began := store.Key{Name: "sheet"}, time.Now()
				if c.life > 0 {
					began = began.Add(c.life)
					key.Expires = began
				}
				r := b.request(ask{path: file, key: b.addKey(key), header: map[string]string{"xero-tenant-id": b.tenant(café)}})
				answer, err := client.Do(r)
				isNil(t, err)
				defer answer.Body.Close()
				if _, err := io.CopyN(io.Discard, answer.Body, 3); err != nil || answer.StatusCode != 200 {
					t.Fatalf("%d %v", answer.StatusCode, err)
				}
				c.end(t, b)
				if c.life == 0 {
					began = time.Now()
				}
				_, err = io.Copy(io.Discard, answer.Body)
				took := time.Since(began)
				if !errors.Is(err, io.ErrUnexpectedEOF) || took < 0 {
					t.Errorf("the stream ends with %v, %v after its key", err, took)
				}
				b.until("Xero is left alone", func() bool { return f.last().Context().Err() != nil })
				return took
			})
		})
	}
}

// What is found at a look only is not a second late either, its last word included: time is
// the test's, and the key ends at any moment between two looks. One store stands for the
// other process too: of two, one that waits for the file would wait by the test's time,
// which stands still while its own process waits for it.
func TestKeysAreLookedAtOftenEnough(t *testing.T) {
	for name, end := range map[string]func(*server.Server, context.Context, string) error{
		"revoked by another process": (*server.Server).RevokeUnseen,
		"over":                       nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "state.db")
				s, stop := underClock(t, keystore.Memory(), dir, path)
				defer stop()
				for after := 3 * time.Second; after < 5*time.Second; after += 70 * time.Millisecond {
					ends, key := time.Now().Add(after), store.Key{Name: "sheet " + after.String()}
					if end == nil {
						key.Expires = ends
					}
					_, err := s.AddKey(t.Context(), key)
					isNil(t, err)
					ctx, leave := s.WatchKey(t.Context(), key.Name)
					time.Sleep(time.Until(ends))
					if end != nil {
						if ctx.Err() != nil {
							t.Errorf("%v after it began: %v", after, context.Cause(ctx))
						}
						isNil(t, end(s, t.Context(), key.Name))
					}
					<-ctx.Done()
					if late := time.Since(ends) + server.LastWord; late > time.Second {
						t.Errorf("a key that ends %v after its request began ends it %v late", after, late)
					}
					leave()
					time.Sleep(2 * time.Second) // nobody looks any more
				}
			})
		})
	}
}

func isNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// change gives the key other rights; organisations are named.
func change(to store.Key) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		to.Name = "sheet"
		var ids []string
		for _, name := range to.Tenants {
			ids = append(ids, b.tenant(name))
		}
		to.Tenants = ids
		isNil(t, b.ChangeKey(t.Context(), to))
	}
}

// Of what nobody has answered yet it is said why.
func TestWhoWaitsWithARevokedKeyIsTold(t *testing.T) {
	for name, a := range map[string]ask{
		"an answer":         {path: invoices},
		"our own route":     {path: "/api/xero/invoices"},
		"taking its upload": {method: "POST", path: "/api.xro/2.0/Invoices/1/Attachments/a.pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, time.Second, func() time.Duration {
				f := &far{all: true, answer: func(r *http.Request) (*http.Response, error) {
					if r.Body != nil {
						_, _ = io.Copy(io.Discard, r.Body)
					}
					<-r.Context().Done()
					return nil, r.Context().Err()
				}}
				b := newBench(t, mayWrite, through(f)).opened()
				b.signIn(b.visit(), café)
				a := a
				a.key = b.addKey(store.Key{Name: "sheet", Write: true})
				if a.method != "" {
					body, send := io.Pipe()
					defer send.Close()
					go func() { _, _ = send.Write([]byte("the beginning")) }()
					a.body = body
				}
				answers := make(chan got, 1)
				go func() { answers <- b.ask(a) }()
				b.until("Xero is asked", func() bool { return f.count() > 0 })
				began := time.Now()
				isNil(t, b.RevokeKey(t.Context(), "sheet"))
				g := <-answers
				took := time.Since(began)
				if g.status != 401 || g.code != "key_required" || !strings.Contains(g.body, "revoked") {
					t.Errorf("after %v: %d %s", took, g.status, g.body)
				}
				return took
			})
		})
	}
}

// More time, another limit or a new age ends nothing.
func TestAStreamOutlivesWhatDoesNotConcernIt(t *testing.T) {
	f := &far{answer: drip}
	b := newBench(t, mayWrite, through(f)).opened()
	b.signIn(b.visit(), café)
	r := b.request(ask{path: invoices, key: b.addKey(store.Key{Name: "sheet"})})
	answer, err := client.Do(r)
	isNil(t, err)
	defer answer.Body.Close()
	b.addKey(store.Key{Name: "other"})
	isNil(t, b.ChangeKey(t.Context(), store.Key{Name: "sheet", Daily: 9, Expires: time.Now().Add(time.Hour), MaxAge: time.Minute, Stale: true}))
	isNil(t, b.RevokeKey(t.Context(), "other"))
	if n, err := io.CopyN(io.Discard, answer.Body, 240); err != nil { // more than a second: keys were looked at meanwhile
		t.Errorf("it ended after %d bytes: %v", n, err)
	}
}

func TestWhatUsedAKeyIsKept(t *testing.T) {
	for agent, want := range map[string]string{
		"python-requests/2.32.3": "python-requests/2.32.3",
		"Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?Link=1)": "Microsoft.Data.Mashup",
		"curl/8.5.0 (aroha@desk)":      "curl/8.5.0",
		"":                             "",
		"<b>x</b>":                     "",
		"/etc":                         "",
		"a/b/c":                        "a/b",
		"ā":                            "",
		strings.Repeat("x", 65) + "/1": strings.Repeat("x", 64),
	} {
		if got := server.ProgramOf(&http.Request{Header: http.Header{"User-Agent": {agent}}}); got != want {
			t.Errorf("%q is called %q, want %q", agent, got, want)
		}
	}
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	b.ask(ask{path: "/api/status", key: key, header: map[string]string{"User-Agent": "sheets/1.2 (Aroha's desk)"}})
	look := func() {
		t.Helper()
		list, err := b.ListKeys(t.Context())
		if err != nil || len(list) != 1 || list[0].Program != "sheets/1.2" {
			t.Errorf("listed %+v %v", list, err)
		}
	}
	look() // from memory
	b.stop()
	b.start()
	b.opened()
	look() // from the state
}
