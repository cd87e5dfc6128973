package server_test

import (
	"strings"
	"testing"

	"financial-command-center/server/store"
)

func TestWhatWaitsStandsFirstAndWhatWasAnsweredWarnsNoMore(t *testing.T) {
	a := newAsker(t)
	text, page := a.card(ask{path: "/api.xro/2.0/Invoices", body: strings.NewReader(`{"Invoices":[{"Type":"ACCREC","Status":"VOIDED","status":"DRAFT"}]}`)})
	has(t, "the card that waits", text, "Refuse it unless you know why.")
	if !strings.Contains(page, `action="/approvals/allow"`) {
		t.Errorf("it cannot be allowed:\n%s", page)
	}
	_, text, _ = a.asked(1)
	has(t, "the page", text, "Nothing waits for your consent", "Answered lately", "Refused at ")
	if strings.Contains(text, "Refuse it unless") {
		t.Errorf("an answered card warns:\n%s", text)
	}
	answer := a.post("/api.xro/2.0/Contacts", `{"Name":"Kiri","BankAccountDetails":"00-1"}`)
	_, text, ids := a.asked(2)
	waits, answered := strings.Index(text, "Kiri"), strings.Index(text, "Answered lately")
	if strings.Contains(text, "Nothing waits") || waits < 0 || answered < waits {
		t.Errorf("what waits is not what the page begins with:\n%s", text)
	}
	a.decide("refuse", ids[0])
	<-answer
}

func TestTheListSaysWhatWasDoneOnlyOfWhatWasDone(t *testing.T) {
	a := newAsker(t, withRights("accounting.contacts.read accounting.invoices accounting.settings.read"))
	var sales struct {
		Invoices []struct{ InvoiceID, InvoiceNumber string }
	}
	a.of("/api.xro/2.0/Invoices?page=1&Statuses=AUTHORISED&where=Type%3D%3D%22ACCREC%22", &sales)
	sale := sales.Invoices[0]
	a.card(ask{path: "/api.xro/2.0/Invoices/" + sale.InvoiceID, body: strings.NewReader(`{"Status":"VOIDED"}`)})
	a.lists("What programs asked to change", "Void an invoice "+sale.InvoiceNumber, "Refused")

	free := a.addKey(store.Key{Name: "free", Write: true})
	if g := <-a.send(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: free, body: strings.NewReader(`{"Name":"Kiri"}`)}); g.status != 401 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	a.lists("Make a contact", "Refused: the sign-in may not", "Choose what FCC may do")
	for _, not := range []string{"Invoice voided", "Contact made"} {
		if text := a.changes(); strings.Contains(text, not) {
			t.Errorf("it says %q:\n%s", not, text)
		}
	}
}
