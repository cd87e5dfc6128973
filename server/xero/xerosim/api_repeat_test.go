package xerosim_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// keyed writes with an Idempotency-Key.
func (a *app) keyed(key, method, path, body string) answer {
	a.t.Helper()
	return a.sends(method, path, joinery, map[string]string{"Idempotency-Key": key, "Content-Type": "application/json"}, strings.NewReader(body))
}

func (a *app) contactsCalled(name string) int {
	a.t.Helper()
	var list struct{ Contacts []contact }
	a.read(contactsPath+"?page=1&searchTerm="+name, joinery, &list)
	return len(list.Contacts)
}

func TestARepeatWithAnIdempotencyKeyIsAnsweredAsBefore(t *testing.T) {
	a := newWriter(t)
	const body = `{"Contacts":[{"Name":"Onlyone"}]}`
	first := a.keyed("k1", http.MethodPut, contactsPath, body)
	if first.status != 200 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := a.keyed("k1", http.MethodPut, contactsPath, body); again.status != 200 || again.body != first.body {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	for name, got := range map[string]answer{
		"another body":   a.keyed("k1", http.MethodPut, contactsPath, body+" "),
		"another method": a.keyed("k1", http.MethodPost, contactsPath, body),
		"another path":   a.keyed("k1", http.MethodPut, contactsPath+"?summarizeErrors=false", body),
		"a long key":     a.keyed(strings.Repeat("k", 129), http.MethodPut, contactsPath, body),
	} {
		if got.status != 400 || !strings.Contains(got.body, "Idempotency-Key") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// A refusal is kept as well, though it would be a success by now.
	refused := a.keyed("k2", http.MethodPut, contactsPath, body)
	if err := a.RenameContact(joinery, "Onlyone", "Another"); err != nil {
		t.Fatal(err)
	}
	if again := a.keyed("k2", http.MethodPut, contactsPath, body); refused.status != 400 || again.status != 400 || again.body != refused.body {
		t.Errorf("refused %d %s, again %d %s", refused.status, refused.body, again.status, again.body)
	}
	if n := a.contactsCalled("Onlyone"); n != 0 {
		t.Errorf("%d contacts were made", n)
	}
	// Repeats count.
	if got := a.get(probe, joinery).left()[0]; got != "50" {
		t.Errorf("%s calls are left", got)
	}
	a.Advance(6*time.Minute - 30*time.Second)
	if again := a.keyed("k1", http.MethodPut, contactsPath, body); again.body != first.body {
		t.Errorf("just before its time is over: %d %s", again.status, again.body)
	}
	a.Advance(time.Minute)
	if late := a.keyed("k1", http.MethodPut, contactsPath, body); late.status != 200 || late.body == first.body {
		t.Errorf("after six minutes: %d %s", late.status, late.body)
	}
}

func TestRepeatsAtTheSameTimeAreDoneOnce(t *testing.T) {
	a := newWriter(t)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if got := a.keyed("k", http.MethodPut, contactsPath, `{"Contacts":[{"Name":"Onlyone"}]}`); got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	group.Wait()
	if n := a.contactsCalled("Onlyone"); n != 1 {
		t.Errorf("%d contacts were made", n)
	}
}

func TestARequestThatBrokeOffIsNoFirstOne(t *testing.T) {
	a := newSite(t).narrow("openid accounting.attachments accounting.invoices.read")
	path := "/api.xro/2.0/Invoices/" + a.owed(joinery) + "/Attachments/big.bin"
	key := map[string]string{"Idempotency-Key": "k"}
	broken := io.MultiReader(io.LimitReader(xerosim.Filler(3, 1<<20), 100_000), brokenOff{})
	if got, err := a.stream(http.MethodPut, path, joinery, key, broken); err == nil {
		got.Body.Close()
		t.Fatalf("half a request was answered %d", got.StatusCode)
	}
	if got := a.sends(http.MethodPut, path, joinery, key, xerosim.Filler(3, 1<<20)); got.status != 200 {
		t.Errorf("the whole: %d %s", got.status, got.body)
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
