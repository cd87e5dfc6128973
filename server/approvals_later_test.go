package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
)

func TestAnAssistantsWriteGoesOnAfterItsCallHasEnded(t *testing.T) {
	a := newAsker(t)
	call, over := context.WithCancel(t.Context())
	first, err := a.RequestWrite(call, "helper", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Kiri"}]}`)
	if err != nil || first.State != "waiting_for_approval" || first.ID == "" {
		t.Fatalf("%+v %v", first, err)
	}
	over()
	if now, err := a.WriteOutcome(t.Context(), first.ID, "helper"); err != nil || now.State != "waiting_for_approval" {
		t.Errorf("before anybody answered: %+v %v", now, err)
	}
	if _, err := a.WriteOutcome(t.Context(), first.ID, "another"); server.Code(err) != "not_found" {
		t.Errorf("another program is told %v", err)
	}
	_, text, _ := a.asked(1)
	has(t, "the card", text, "Make or change a contact: Kiri", "If Xero has a contact of this name already")
	a.decide("allow", first.ID)
	var done server.Written
	a.until("it was sent", func() bool {
		done, err = a.WriteOutcome(t.Context(), first.ID, "helper")
		return err != nil || done.State != "waiting_for_approval"
	})
	if err != nil || done.State != "sent" || done.Status != 200 || !strings.Contains(string(done.Body), `"Name":"Kiri"`) {
		t.Fatalf("%+v %s %v", done, done.Body, err)
	}
	if key := a.far.last().Header.Get("Idempotency-Key"); key != "once-helper" {
		t.Errorf("Xero gets the Idempotency-Key %q", key)
	}
	a.lists("Contact made or changed", "Allowed, done")

	no, err := a.RequestWrite(t.Context(), "helper", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Nobody"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	a.decide("refuse", no.ID)
	told, err := a.WriteOutcome(t.Context(), no.ID, "helper")
	var body struct {
		Error struct{ Code, Message string }
	}
	if err != nil || told.State != "refused" || told.Status != 403 || json.Unmarshal(told.Body, &body) != nil || body.Error.Code != "write_refused" ||
		!strings.Contains(body.Error.Message, "refused this write at") {
		t.Errorf("%+v %s %v", told, told.Body, err)
	}

	a.addKey(store.Key{Name: "free", Write: true})
	at, err := a.RequestWrite(t.Context(), "free", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"At once"}]}`)
	if err != nil || at.State != "sent" || at.Status != 200 || at.ID != "" {
		t.Errorf("%+v %v", at, err)
	}
	a.addKey(store.Key{Name: "reader"})
	if _, err := a.RequestWrite(t.Context(), "reader", http.MethodPost, "/api.xro/2.0/Contacts", `{}`); server.Code(err) != "key_read_only" {
		t.Errorf("a key that reads: %v", err)
	}
}

// A fault of FCC's own in a write that nobody waits for is that write's, and not the end of
// FCC.
func TestAPanicInAWriteThatNobodyWaitsForEndsNothingElse(t *testing.T) {
	a := newAsker(t)
	a.far.answer = func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			panic("a fault in " + r.Method)
		}
		return http.DefaultTransport.RoundTrip(r)
	}
	held, err := a.RequestWrite(t.Context(), "helper", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Kiri"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	a.decide("allow", held.ID)
	a.until("it has failed", func() bool {
		_, err = a.WriteOutcome(t.Context(), held.ID, "helper")
		return server.Code(err) == "internal"
	})
	a.lists("No answer from Xero")
	if log := a.log.String(); !strings.Contains(log, "a fault in POST") || !strings.Contains(log, "approvals_later.go") {
		t.Errorf("the log has %s", log)
	}
}

func TestWhatWaitsAtARestartIsGoneAndSaysSo(t *testing.T) {
	a := newAsker(t)
	held, err := a.RequestWrite(t.Context(), "helper", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Late"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	a.asked(2)
	a.stop()
	if g := <-answer; g.status == 200 {
		t.Errorf("the program that waited gets %d %s", g.status, g.body)
	}
	a.start()
	a.opened()
	told, err := a.WriteOutcome(t.Context(), held.ID, "helper")
	if err != nil || told.State != "refused" || !strings.Contains(string(told.Body), "FCC stopped before anybody answered") {
		t.Errorf("%+v %s %v", told, told.Body, err)
	}
	if _, err := a.WriteOutcome(t.Context(), "NEVER", "helper"); server.Code(err) != "not_found" {
		t.Errorf("one that never was: %v", err)
	}
	a.cookie = a.visit()
	a.lists("Make or change a contact", "Draft an invoice", "The program did not wait")
	if a.writes() != 0 {
		t.Error("something was sent")
	}
}

func TestNobodyAnswersForTwoMinutes(t *testing.T) {
	withWeeks(t, func(t *testing.T, on func() *server.Server, _ keystore.Store, off func(time.Duration)) {
		s := on()
		counts := []int{}
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			for n := range s.Waiting(ctx) {
				counts = append(counts, n.N)
			}
		}()
		synctest.Wait()
		began := time.Now()
		err := s.Hold(t.Context(), "A")
		if waited := time.Since(began); server.Code(err) != "write_refused" || waited != 2*time.Minute {
			t.Errorf("after %v: %v", waited, err)
		}
		cookie := enter(t, s)
		if g := handled(s, "/approvals", cookie); !strings.Contains(g.body, "Nobody answered within two minutes: not sent.") {
			t.Errorf("the page says\n%s", g.body)
		}
		time.Sleep(2 * time.Minute)
		if g := handled(s, "/approvals", cookie); !strings.Contains(g.body, "Nothing waits for your consent</h1>") {
			t.Errorf("later the page says\n%s", g.body)
		}
		if g := handled(s, "/activity/changes", cookie); !strings.Contains(g.body, "Nobody answered") {
			t.Errorf("the list says\n%s", g.body)
		}
		stop()
		synctest.Wait()
		if len(counts) == 0 || counts[0] != 0 || counts[len(counts)-1] != 0 {
			t.Errorf("so many wait: %v", counts)
		}
		off(29 * 24 * time.Hour)
		if g := handled(on(), "/activity/changes", enter(t, on())); !strings.Contains(g.body, "Nobody answered") {
			t.Errorf("before a month has gone the list says\n%s", g.body)
		}
		off(2 * 24 * time.Hour)
		if g := handled(on(), "/activity/changes", enter(t, on())); !strings.Contains(g.body, "No program has asked for a change.") {
			t.Errorf("after a month the list says\n%s", g.body)
		}
	})
}

// A handler may outlive the server, and come to ask when FCC is ending or has ended.
func TestNobodyIsAskedAnyMoreWhenFCCEnds(t *testing.T) {
	withWeeks(t, func(t *testing.T, on func() *server.Server, _ keystore.Store, off func(time.Duration)) {
		s := on()
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		if err := s.Hold(ctx, "A"); server.Code(err) != "write_refused" {
			t.Errorf("before: %v", err)
		}
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() {
				for range 3 { // the first waits when the end comes
					if err := s.Hold(t.Context(), "B"); server.Code(err) != "write_refused" {
						t.Errorf("it is told %v", err)
					}
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		off(firstTick)
		asking.Wait()
		if s.Waits() != 0 {
			t.Errorf("%d wait", s.Waits())
		}
		if took := time.Since(began); took > firstTick {
			t.Errorf("an end of FCC is waited for %v", took)
		}
	})
}

// A body that a program made to confuse is read or it is not: FCC does not fall over it,
// and what it says of it can be seen.
func FuzzFieldsOfABody(f *testing.F) {
	for _, body := range []string{
		draftInvoice, `{"a":{"b":[1,{"c":null},[]]},"A":2}`, `[[[[`, `<a><b>1</b><b x="2"/></a>`, `<?xml version="1.0"?><Phones><Phone/></Phones>`,
		`xml=%3Ca%2F%3E`, `a=1&a=2`, "{\"\u202e\":\"\u200b\"}", `--x` + "\r\n\r\n", `1e999999999`,
	} {
		for kind := range 5 {
			f.Add(kind, body)
		}
	}
	kinds := []string{"", "application/json", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}
	f.Fuzz(func(t *testing.T, kind int, body string) {
		if kind < 0 || kind >= len(kinds) {
			return
		}
		lines, _ := server.Fields(kinds[kind], []byte(body))
		for _, line := range lines {
			if !utf8.ValidString(line) || strings.ContainsAny(line, "\u202e\u200b\u0000\u2066") {
				t.Errorf("%q is shown", line)
			}
		}
	})
}
