package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

type saleOrBill struct {
	InvoiceID, InvoiceNumber, Type, Status string
	Contact                                person
}

// documents are the open sales and bills of the simulated books.
func (a *asker) documents() (sales, bills []saleOrBill) {
	a.t.Helper()
	var all struct{ Invoices []saleOrBill }
	a.of("/api.xro/2.0/Invoices?page=1&Statuses=AUTHORISED", &all)
	for _, one := range all.Invoices {
		if one.Type == "ACCPAY" {
			bills = append(bills, one)
		} else {
			sales = append(sales, one)
		}
	}
	if len(sales) == 0 || len(bills) == 0 {
		a.t.Fatal("the simulated books have nothing to write to")
	}
	return sales, bills
}

// What a program writes so that the card says something else than Xero does.
func TestACardIsNotDeceived(t *testing.T) {
	a := newAsker(t)
	sales, bills := a.documents()
	sale, bill, other := sales[0], bills[0], sales[1]
	bare := strings.ReplaceAll(sale.InvoiceID, "-", "")
	var owner struct {
		Contacts []struct{ ContactStatus string }
	}
	a.of("/api.xro/2.0/Contacts/"+bill.Contact.ContactID, &owner)
	const contents = `"Contact":{"Name":"Moana"},"LineItems":[{"Description":"x","UnitAmount":9}]`
	const twoWays = "What is sent can be read in two ways"
	nested := func(contact string) string {
		return `{"Invoices":[{"Type":"ACCREC","Contact":{"Name":"Moana",` + contact + `},"LineItems":[{"UnitAmount":9}]}]}`
	}
	is := "Change invoice " + sale.InvoiceNumber
	for _, c := range []cardTest{
		{name: "an id of 32 digits", path: "/api.xro/2.0/Invoices", body: `{"Invoices":[{"InvoiceID":"` + bare + `","Status":"AUTHORISED",` + contents + `}]}`, want: []string{is, "Open in Xero"}},
		{name: "an id in braces", path: "/api.xro/2.0/Invoices", body: `{"InvoiceID":"{` + strings.ToUpper(sale.InvoiceID) + `}","Reference":"new"}`, want: []string{is, "Reference", "new"}},
		{name: "an id of 32 digits in the address", path: "/api.xro/2.0/Invoices/" + strings.ToUpper(bare), body: `{"Reference":"new",` + contents + `}`, want: []string{is}},
		{name: "a key that is no id", path: "/api.xro/2.0/Invoices", body: `{"InvoiceID":"{0x1,0x2}",` + contents + `}`, want: []string{"Change invoice (one that FCC could not read)", "FCC could not read how it is now"}, not: []string{"Draft", "Make"}},
		{name: "a number in the address that is nobody's", path: "/api.xro/2.0/Invoices/NOBODY-1", body: `{"Status":"AUTHORISED",` + contents + `}`, not: []string{"Draft", "Make and approve"}},
		{name: "a contact's id that is none", path: "/api.xro/2.0/Contacts", body: `{"ContactID":"what","Name":"Moana"}`, want: []string{"Change the contact", "FCC could not read how it is now"}},
		{name: "two records", path: "/api.xro/2.0/Invoices/" + sale.InvoiceID, body: `{"Invoices":[{"InvoiceID":"` + other.InvoiceID + `","Status":"VOIDED"}]}`, want: []string{"The address names one record, and what is sent another"}, not: []string{"Void invoice"}},
		{name: "the same record twice", path: "/api.xro/2.0/Invoices/" + bare, body: `{"InvoiceID":"` + sale.InvoiceID + `","Reference":"new"}`, want: []string{is}},

		{name: "a credit note by number", path: "/api.xro/2.0/CreditNotes", body: `{"CreditNotes":[{"Type":"ACCRECCREDIT","CreditNoteNumber":"CN-1",` + contents + `}]}`, want: []string{
			"Make or change a credit note", "If Xero has a credit note of this number already, that one is changed.", "x: £9.00",
		}},

		{name: "a contact's bank account in an invoice", path: "/api.xro/2.0/Invoices", body: nested(`"EmailAddress":"evil@example.com","BankAccountDetails":"00-1111-2222"`), want: []string{
			"The contact may be changed with it.", "This changes the bank account money is paid to.", "Contact · Email address evil@example.com", "Contact · Bank account details 00-1111-2222",
		}},
		{name: "payments to another account in an invoice", path: "/api.xro/2.0/Invoices", body: nested(`"BatchPayments":{"BankAccountNumber":"1"}`), want: []string{"This changes the bank account money is paid to.", "Contact · Batch payments · Bank account number 1"}},
		{name: "a contact's bank account in the change of a bill", path: "/api.xro/2.0/Invoices", body: `{"InvoiceID":"` + bill.InvoiceID + `","Reference":"r","Contact":{"ContactID":"` + bill.Contact.ContactID + `","BankAccountDetails":"66-6666"}}`, want: []string{
			"The contact may be changed with it.", "This changes the bank account money is paid to.", "Contact · Bank account details", "66-6666",
		}},
		{name: "a contact's bank account in money spent", method: "PUT", path: "/api.xro/2.0/BankTransactions", body: `{"Type":"SPEND","Contact":{"Name":"F","BankAccountDetails":"1"},"LineItems":[{"UnitAmount":1}]}`, want: []string{"This changes the bank account money is paid to."}},
		{name: "a contact as it is", path: "/api.xro/2.0/Invoices", body: `{"InvoiceID":"` + bill.InvoiceID + `","Reference":"r","Contact":{"ContactID":"` + bill.Contact.ContactID + `","Name":"` + bill.Contact.Name + `","ContactStatus":"` + owner.Contacts[0].ContactStatus + `"}}`, not: []string{"The contact may be changed"}},

		{name: "JSON that is a form", path: "/api.xro/2.0/Invoices", kind: "application/x-www-form-urlencoded", body: `{"Type":"ACCREC","Reference":"&xml=%3CInvoice%2F%3E&y=",` + contents + `}`, want: []string{twoWays, `"&xml=%3CInvoice%2F%3E&y="`}, not: []string{"Draft an invoice"}},
		{name: "a form with more than XML", path: "/api.xro/2.0/Invoices", kind: "application/x-www-form-urlencoded", body: `Type=ACCREC&xml=%3CInvoice%2F%3E`, want: []string{twoWays, "&xml=%3CInvoice%2F%3E"}, not: []string{"Draft an invoice"}},
		{name: "another charset", path: "/api.xro/2.0/Invoices", kind: "application/json; charset=utf-7", body: `{` + contents + `}`, want: []string{twoWays, `"UnitAmount":9`}, not: []string{"Draft an invoice"}},
		{name: "another namespace", path: "/api.xro/2.0/Invoices", kind: "text/xml", body: `<Invoice xmlns:o="urn:o"><Type>ACCREC</Type><o:Status>AUTHORISED</o:Status></Invoice>`, want: []string{twoWays, "<o:Status>AUTHORISED</o:Status>"}, not: []string{"Draft an invoice"}},

		{name: "a file for the customer", path: "/api.xro/2.0/Invoices/" + bare + "/Attachments/a.pdf?includeonline=true", kind: "application/pdf", body: "x", want: []string{"The file is shown to the customer", sale.InvoiceNumber}},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := map[string]string{}
			if c.kind != "" {
				header["Content-Type"] = c.kind
			}
			text, _ := a.card(ask{method: c.method, path: c.path, header: header, body: strings.NewReader(c.body)})
			has(t, "the card", text, c.want...)
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("the card says %q:\n%s", not, text)
				}
			}
		})
	}
}

func TestTwoContentTypesAreRefused(t *testing.T) {
	a := newAsker(t)
	r := a.request(ask{method: "POST", path: "/api.xro/2.0/Invoices", key: a.key, body: strings.NewReader(draftInvoice)})
	r.Header["Content-Type"] = []string{"application/json", "application/x-www-form-urlencoded"}
	g, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Body.Close()
	if g.StatusCode != 400 || a.Waits() != 0 || a.writes() != 0 {
		t.Errorf("%d, %d wait, %d were sent", g.StatusCode, a.Waits(), a.writes())
	}
}

// What is not shown cannot be allowed.
func TestACardThatIsCutHasNoAllow(t *testing.T) {
	a := newAsker(t)
	var records []string
	for n := range 10 {
		records = append(records, fmt.Sprintf(`{"Name":"Good %d"}`, n))
	}
	records = append(records, `{"Name":"Evil","BankAccountDetails":"66-6666"}`)
	many := map[string]string{}
	for n := range 80 {
		many[fmt.Sprintf("A%02d", n)] = "v"
	}
	fields, _ := json.Marshal(many)
	for name, c := range map[string]struct {
		w    ask
		want string
	}{
		"records": {ask{method: "PUT", path: "/api.xro/2.0/Contacts", body: strings.NewReader(`{"Contacts":[` + strings.Join(records, ",") + `]}`)}, "In what is not shown here: This changes the bank account money is paid to."},
		"fields":  {ask{method: "POST", path: "/api.xro/2.0/BankTransfers", body: strings.NewReader(string(fields))}, "and 30 more"},
		"text":    {ask{method: "POST", path: "/api.xro/2.0/BankTransfers", body: strings.NewReader("{" + strings.Repeat("x", 3000))}, "more"},
	} {
		answer := a.send(c.w)
		page, text, ids := a.asked(1)
		has(t, name, text, c.want, "Show all", "Allow is on the page that shows all of it.")
		if strings.Contains(page, `action="/approvals/allow"`) || !strings.Contains(page, `action="/approvals/refuse"`) {
			t.Errorf("%s: a cut card can be allowed, or not refused", name)
		}
		g := a.decide("allow", ids[0])
		if g.status != 400 || !strings.Contains(g.body, `href="/approvals/request?id=`+ids[0]+`"`) {
			t.Errorf("%s: allowed unseen, it says %d", name, g.status)
		}
		has(t, name, textOf(t, g.body), "is too long for the list", "Show all")
		whole := a.ask(ask{path: "/approvals/request?id=" + ids[0], cookie: a.cookie, page: true}).body
		if !strings.Contains(whole, `action="/approvals/allow"`) || strings.Contains(whole, "In what is not shown") {
			t.Errorf("%s: the whole cannot be allowed", name)
		}
		if g := a.decide("allow", ids[0]); g.status != 303 {
			t.Errorf("%s: seen whole it is not allowed: %d %s", name, g.status, g.body)
		}
		if g := <-answer; g.code == "write_refused" {
			t.Errorf("%s: the program is refused: %s", name, g.body)
		}
		a.past()
	}
}

// All of it has to have been shown in the browser that allows it, by a page that was
// there to be looked at.
func TestWhatWasShownElsewhereIsNotAllowedHere(t *testing.T) {
	a := newAsker(t)
	answer := a.send(ask{path: "/api.xro/2.0/BankTransfers", body: strings.NewReader("{" + strings.Repeat("x", 3000))})
	_, _, ids := a.asked(1)
	own := ask{path: "/approvals/request?id=" + ids[0], cookie: a.cookie, page: true}
	head, prefetch, prerender, other := own, own, own, own
	head.method = http.MethodHead
	prefetch.header = map[string]string{"Sec-Purpose": "prefetch"}
	prerender.header = map[string]string{"Sec-Purpose": "prefetch;prerender"}
	other.cookie = a.visit()
	for name, look := range map[string]ask{"HEAD": head, "a prefetch": prefetch, "a prerender": prerender, "another browser": other} {
		if g := a.ask(look); g.status != 200 {
			t.Errorf("%s gets %d", name, g.status)
		}
		if g := a.decide("allow", ids[0]); g.status != 400 || a.Waits() != 1 || a.writes() != 0 {
			t.Errorf("after %s it can be allowed: %d, %d wait, %d were sent", name, g.status, a.Waits(), a.writes())
		}
	}
	a.ask(own)
	a.ask(other) // takes nothing away
	if g := a.decide("allow", ids[0]); g.status != 303 {
		t.Errorf("shown whole it is not allowed: %d %s", g.status, g.body)
	}
	if g := <-answer; g.code == "write_refused" {
		t.Errorf("the program is refused: %s", g.body)
	}
}

// The looks that a card needs are calls of its program, and leave it the one that the
// write needs itself.
func TestLooksBeforeACardCountAsTheKeys(t *testing.T) {
	a := newAsker(t)
	const id = "00000000-0000-4000-8000-000000000001"
	change := func(key string) ask {
		return ask{key: key, path: "/api.xro/2.0/Invoices", body: strings.NewReader(`{"InvoiceID":"` + id + `","Reference":"x","Contact":{"ContactID":"` + id + `"}}`)}
	}
	a.card(change(a.key)) // how the organisation writes amounts is known from now on
	a.past()
	looks := func() (n int) {
		a.far.mu.Lock()
		defer a.far.mu.Unlock()
		for _, r := range a.far.sent {
			if strings.Contains(r.URL.Path, id) {
				n++
			}
		}
		return n
	}
	if n := looks(); n != 2 {
		t.Fatalf("%d looks of a key without a limit", n)
	}
	for want := range 3 {
		daily := want + 1
		key := a.addKey(store.Key{Name: fmt.Sprint("small ", daily), Write: true, Ask: true, Daily: daily})
		before, written := looks(), a.writes()
		answer := a.send(change(key))
		_, text, ids := a.asked(1)
		if n := looks() - before; n != want {
			t.Errorf("%d looks of a key with %d calls a day", n, daily)
		}
		if !strings.Contains(text, "FCC could not read how it is now") && !strings.Contains(text, "the contact with the id "+id) {
			t.Errorf("the card says %s", text)
		}
		if g := <-a.send(change(key)); g.status != 429 || g.code != "key_limit" || g.header.Get("Retry-After") == "" {
			t.Errorf("another, of a key with %d calls a day, is answered %d %s", daily, g.status, g.body)
		}
		a.decide("allow", ids[0])
		if g := <-answer; a.writes() != written+1 {
			t.Errorf("the write of a key with %d calls a day did not reach Xero: %d %s", daily, g.status, g.body)
		}
		if g := <-a.send(change(key)); g.status != 429 || g.code != "key_limit" || looks() != before+want {
			t.Errorf("the next is answered %d %s", g.status, g.body)
		}
		a.past()
	}
}

// What waits sets its call aside for as long as it waits.
func TestARefusedWriteGivesItsCallBack(t *testing.T) {
	a := newAsker(t)
	key := a.addKey(store.Key{Name: "small", Write: true, Ask: true, Daily: 1})
	for range 2 {
		answer := a.send(ask{key: key, path: "/api.xro/2.0/Contacts", body: strings.NewReader(`{"Name":"Kiri"}`)})
		_, _, ids := a.asked(1)
		g := a.ask(ask{path: invoices, key: key})
		after, _ := strconv.Atoi(g.header.Get("Retry-After"))
		if g.status != 429 || g.code != "key_limit" || after < 10 || after > 120 || !strings.Contains(g.body, "kept for a change that waits for consent") {
			t.Errorf("reading meanwhile: %d, after %d %s", g.status, after, g.body)
		}
		a.decide("refuse", ids[0])
		<-answer
		a.past()
	}
	if g := a.ask(ask{path: invoices, key: key}); g.status != 200 {
		t.Errorf("reading afterwards: %d %s", g.status, g.body)
	}
}

// Who allows a write has it sent, whatever else its program asks in that moment.
func TestAnAllowedWriteKeepsItsCall(t *testing.T) {
	a := newAsker(t)
	for n := range 5 {
		who := xero.Caller{Kind: xero.ByKey, Name: fmt.Sprint("small ", n)}
		key := a.addKey(store.Key{Name: who.Name, Write: true, Ask: true, Daily: 1})
		answer := a.send(ask{key: key, path: "/api.xro/2.0/Contacts", body: strings.NewReader(`{"Name":"Kiri"}`)})
		_, _, ids := a.asked(1)
		over, taken := make(chan struct{}), make(chan bool, 1)
		go func() {
			for {
				select {
				case <-over:
					taken <- false
					return
				default:
				}
				if a.MayCall(who) == nil {
					taken <- true
					return
				}
			}
		}()
		a.decide("allow", ids[0])
		if g := <-answer; g.status != 200 {
			t.Errorf("the write: %d %s", g.status, g.body)
		}
		close(over)
		if <-taken {
			t.Error("another could have had the call that is kept for the write")
		}
		a.past()
	}
}

func TestAnAssistantsAllowedWriteKeepsItsCall(t *testing.T) {
	a := newAsker(t)
	a.addKey(store.Key{Name: "small", Write: true, Ask: true, Daily: 1})
	held, err := a.RequestWrite(t.Context(), "small", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Kiri"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	a.decide("allow", held.ID)
	a.until("it was sent", func() bool {
		now, err := a.WriteOutcome(t.Context(), held.ID, "small")
		if err != nil {
			t.Fatal(err)
		}
		return now.State == "sent"
	})
}

// A program that hangs up again and again does not fill the memory.
func TestWhatHasEndedIsSmall(t *testing.T) {
	a := newAsker(t)
	var b strings.Builder
	b.WriteString(`{"x":[{}`)
	for n := range 8000 {
		fmt.Fprintf(&b, `,{"LongFieldNameOfTheBook":"%d aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, n)
	}
	body := b.String() + `]}`
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 22 {
		ctx, hangUp := context.WithCancel(t.Context())
		r := a.request(ask{method: "POST", path: "/api.xro/2.0/BankTransfers", key: a.key, body: strings.NewReader(body)})
		r.Header.Set("Content-Type", "application/json")
		left := make(chan struct{})
		go func() {
			defer close(left)
			if answer, err := client.Do(r.WithContext(ctx)); err == nil {
				_ = answer.Body.Close()
			}
		}()
		a.until("it waits", func() bool { return a.Waits() == 1 })
		hangUp()
		<-left
		a.until("it waits no more", func() bool { return a.Waits() == 0 })
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20; grown > 12 { // kept whole they are 30
		t.Errorf("the heap is %d MB larger", grown)
	}
	page, ids := a.approvals()
	if len(ids) != 20 || strings.Contains(page, "LongFieldName") || strings.Contains(page, "It has no content.") {
		t.Errorf("%d cards of what has ended, or one with its values", len(ids))
	}
	has(t, "a card", textOf(t, page), "Change something in Xero: bank transfers", "The program did not wait: not sent.")
}

// Names that stand before each of many values are not written out without end.
func TestLongNamesAreNotMultiplied(t *testing.T) {
	a := newAsker(t)
	body := `{"` + strings.Repeat("n", 500_000) + `":{"v":[1` + strings.Repeat(",1", 15_000) + `]}}`
	if g := <-a.post("/api.xro/2.0/BankTransfers", body); g.status != 413 || g.code != "too_large" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

// A body that is still on its way has a place already.
func TestAPlaceIsTakenBeforeTheBodyIsRead(t *testing.T) {
	a := newAsker(t)
	var ends []func()
	for range 3 { // of 10 MB each at most, and unknown size
		reads, writes := io.Pipe()
		r := a.request(ask{method: "POST", path: "/files.xro/1.0/Files", key: a.key, body: reads})
		over := make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		go func() {
			defer close(over)
			if g, err := client.Do(r.WithContext(ctx)); err == nil {
				_ = g.Body.Close()
			}
		}()
		ends = append(ends, func() { hangUp(); _ = writes.Close(); <-over })
		if len(ends) < 3 {
			a.until("it has a place", func() bool { return a.Places() == len(ends) })
			continue
		}
		<-over // while its body is open
	}
	if n := a.Places(); n != 2 {
		t.Errorf("%d bodies of a key are read at once", n)
	}
	for _, end := range ends {
		end()
	}
	a.until("the places are free", func() bool { return a.Places() == 0 })
}

func TestANewKeyOfAnOldNameIsToldNothing(t *testing.T) {
	a := newAsker(t)
	held, err := a.RequestWrite(t.Context(), "helper", http.MethodPost, "/api.xro/2.0/Contacts", `{"Contacts":[{"Name":"Kiri"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	revoke := func() {
		if g := a.ask(ask{method: "POST", path: "/settings/programs/revoke", cookie: a.cookie, form: url.Values{"name": {"helper"}}}); g.status != 303 {
			t.Fatal(g.status)
		}
	}
	a.decide("refuse", held.ID)
	a.card(ask{path: "/api.xro/2.0/Contacts", body: strings.NewReader(`{"Name":"x"}`)})
	if told, err := a.WriteOutcome(t.Context(), held.ID, "helper"); err != nil || told.State != "refused" {
		t.Fatalf("its own key is told %+v %v", told, err)
	}
	revoke()
	a.addKey(store.Key{Name: "helper", Write: true, Ask: true})
	if told, err := a.WriteOutcome(t.Context(), held.ID, "helper"); server.Code(err) != "not_found" {
		t.Errorf("another key of its name is told %+v %v", told, err)
	}
	a.Past()
	if told, err := a.WriteOutcome(t.Context(), held.ID, "helper"); server.Code(err) != "not_found" {
		t.Errorf("from the disk another key of its name is told %+v %v", told, err)
	}
}

// A program of the same user can open the page too: that leaves a trace.
func TestABrowserThatIsNewIsTold(t *testing.T) {
	a := newAsker(t)
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	_, _, ids := a.asked(1)
	a.cookie = a.visit()
	a.decide("allow", ids[0])
	if g := <-answer; g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	a.lists("Allowed, done", "answered in a browser that FCC knew for ")
	form := textOf(t, a.ask(ask{path: "/settings/programs", cookie: a.cookie, page: true}).body)
	has(t, "the form of a key", form, "what runs under your own name could open that page itself")
}

func TestTheTrayIsToldWhatASingleOneIs(t *testing.T) {
	a := newAsker(t)
	waits := make(chan string, 20)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for c := range a.Waiting(ctx) {
			waits <- fmt.Sprintf("%d %s|%s|%s", c.N, c.Program, c.Title, c.Amount)
		}
	}()
	next := func(want string) {
		t.Helper()
		for {
			select {
			case is := <-waits:
				if is == want {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("it is never told %q", want)
			}
		}
	}
	next("0 ||")
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	next("1 helper|Draft an invoice to Moana <b>Nui</b> & Co|£1,250.00 before tax")
	other := a.post("/api.xro/2.0/Contacts", `{"Name":"x"}`)
	next("2 ||")
	_, _, ids := a.asked(2)
	for _, id := range ids {
		a.decide("refuse", id)
	}
	next("0 ||")
	<-answer
	<-other
}
