package server_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// of reads records of the organisation through the gateway.
func (a *asker) of(path string, into any) {
	a.t.Helper()
	g := a.ask(ask{path: path, key: a.key, header: map[string]string{"Accept": "application/json"}})
	if g.status != 200 {
		a.t.Fatalf("%s: %d %s", path, g.status, g.body)
	}
	decode(a.t, g.body, into)
}

// card is what is shown of one request, which is then refused.
func (a *asker) card(w ask) (text, page string) {
	a.t.Helper()
	_, before := a.approvals()
	answer := a.send(w)
	var ids []string
	a.until("it is shown", func() bool {
		select {
		case g := <-answer:
			a.t.Fatalf("%s: nobody is asked: %d %s", w.path, g.status, g.body)
		default:
		}
		page, ids = a.approvals()
		return len(ids) > len(before)
	})
	id := ids[len(ids)-1]
	page = page[strings.Index(page, `id="ask-`+id):]
	page, _, _ = strings.Cut(page, "</section>")
	a.decide("refuse", id)
	if g := <-answer; g.code != "write_refused" {
		a.t.Errorf("%s: %d %s", w.path, g.status, g.body)
	}
	return textOf(a.t, "<p "+page), page
}

// A cardTest is a request and what has to be shown of it.
type cardTest struct {
	name, method, path, kind, body string
	want                           []string
	not                            []string
}

type person struct{ ContactID, Name, EmailAddress string }

func TestACardSaysInAnAccountantsWordsWhatWouldChange(t *testing.T) {
	a := newAsker(t)
	type document struct {
		InvoiceID, InvoiceNumber, Type, Status, CurrencyCode string
		Contact                                              person
		Total                                                float64
		Payments                                             []struct{ PaymentID string }
	}
	var open, drafts, bills struct{ Invoices []document }
	a.of("/api.xro/2.0/Invoices?page=1&Statuses=AUTHORISED&where=Type%3D%3D%22ACCREC%22", &open)
	a.of("/api.xro/2.0/Invoices?page=1&Statuses=AUTHORISED&where=Type%3D%3D%22ACCPAY%22", &bills)
	a.of("/api.xro/2.0/Invoices?page=1&Statuses=DRAFT", &drafts)
	var people struct{ Contacts []person }
	a.of("/api.xro/2.0/Contacts?page=1", &people)
	var accounts struct {
		Accounts []struct{ AccountID, Code, Name, Type string }
	}
	a.of("/api.xro/2.0/Accounts?where=Type%3D%3D%22BANK%22", &accounts)
	if len(open.Invoices) == 0 || len(drafts.Invoices) == 0 || len(bills.Invoices) == 0 || len(people.Contacts) < 2 || len(accounts.Accounts) == 0 {
		t.Fatal("the simulated books have nothing to write to")
	}
	sale, bill, draft, one, account := open.Invoices[0], bills.Invoices[0], drafts.Invoices[0], people.Contacts[0], accounts.Accounts[0]
	other := people.Contacts[slices.IndexFunc(people.Contacts, func(p person) bool { return p.Name != sale.Contact.Name })]
	noun, to := "invoice", "to"
	if draft.Type == "ACCPAY" {
		noun, to = "bill", "from"
	}
	// The contact's card has what is kept of its name only once the books were read.
	a.ask(ask{path: "/api/xero/contacts", key: a.key})

	for _, c := range []cardTest{
		{name: "approve", path: "/api.xro/2.0/Invoices/" + draft.InvoiceID, body: `{"Status":"AUTHORISED"}`, want: []string{
			"Approve " + noun + " " + orNone(draft.InvoiceNumber) + " " + to + " " + draft.Contact.Name, "Amount £", "Status Draft Awaiting payment", "Open in Xero",
		}, not: []string{"before tax"}},
		{name: "void", path: "/api.xro/2.0/Invoices", body: `{"Invoices":[{"InvoiceID":"` + strings.ToUpper(sale.InvoiceID) + `","Status":"VOIDED"}]}`, want: []string{
			"Void invoice " + sale.InvoiceNumber + " to " + sale.Contact.Name, "Status Awaiting payment Voided",
		}},
		{name: "by number", path: "/api.xro/2.0/Invoices", body: `{"Type":"ACCREC","InvoiceNumber":"` + sale.InvoiceNumber + `","DueDate":"2031-01-02","Reference":"new one"}`, want: []string{
			"Change invoice " + sale.InvoiceNumber, "Due date", "2 Jan 2031", "Reference", "new one",
		}, not: []string{"Invoice number"}},
		{name: "a new number", path: "/api.xro/2.0/Invoices", body: `{"Type":"ACCREC","InvoiceNumber":"NEW-1","Contact":{"Name":"Ana"},"Status":"AUTHORISED","LineAmountTypes":"Inclusive","CurrencyCode":"NZD","LineItems":[{"Description":"a","Quantity":"3","UnitAmount":"10","DiscountRate":10}]}`, want: []string{
			"Make and approve an invoice to Ana", "NZ$27.00 with tax", "Number NEW-1",
		}},
		{name: "no such invoice", path: "/api.xro/2.0/Invoices/00000000-1111-4111-8111-000000000000", body: `{"Status":"VOIDED"}`, want: []string{
			"Void invoice without a number to nobody named", "Xero has no such record.",
		}},
		{name: "a lie about whose it is", path: "/api.xro/2.0/Invoices", body: `{"Type":"ACCPAY","Contact":{"ContactID":"` + one.ContactID + `","Name":"Somebody trusted"},"LineItems":[{"LineAmount":5}]}`, want: []string{
			"Draft a bill from " + one.Name,
		}, not: []string{"Draft a bill from Somebody"}},
		{name: "other lines", path: "/api.xro/2.0/Invoices/" + draft.InvoiceID, body: `{"LineItems":[{"Description":"only this","Quantity":1,"UnitAmount":1}]}`, want: []string{
			"Change " + noun, "£1.00", "Line item 1 · Description", "only this",
		}},

		{name: "a contact's address", path: "/api.xro/2.0/Contacts/" + one.ContactID, body: `{"EmailAddress":"new@example.com","BankAccountDetails":"00-1234-5678901-00"}`, want: []string{
			"Change the contact " + one.Name, "Email address " + orEmpty(one.EmailAddress) + " new@example.com", "This changes the bank account money is paid to.",
		}},
		{name: "a contact by name", path: "/api.xro/2.0/Contacts", body: `{"Contacts":[{"Name":"` + strings.ToUpper(one.Name) + `","EmailAddress":"other@example.com"}]}`, want: []string{
			"Change the contact " + one.Name, orEmpty(one.EmailAddress) + " other@example.com",
		}},
		{name: "a new contact", method: "PUT", path: "/api.xro/2.0/Contacts", body: `{"Name":"Hana","Phones":[{"PhoneType":"MOBILE","PhoneNumber":"021"}]}`, want: []string{
			"Make a contact: Hana", "Phone 1 · Phone number 021",
		}},
		{name: "an old contact", path: "/api.xro/2.0/Contacts", body: `{"ContactID":"` + one.ContactID + `","ContactStatus":"ARCHIVED"}`, want: []string{"Archive the contact " + one.Name}},

		{name: "a payment of a bill", method: "PUT", path: "/api.xro/2.0/Payments", body: `{"Payments":[{"Invoice":{"InvoiceID":"` + bill.InvoiceID + `"},"Account":{"AccountID":"` + account.AccountID + `"},"Amount":12.5,"Date":"2026-11-20"}]}`, want: []string{
			"Record the payment of bill", bill.Contact.Name, "Amount", "12.50", "Bank account " + account.Code + " " + account.Name, "20 Nov 2026", "Still to pay on it",
		}},
		{name: "a payment of an invoice", path: "/api.xro/2.0/Payments", body: `{"Invoice":{"InvoiceNumber":"` + sale.InvoiceNumber + `"},"Account":{"Code":"090"},"Amount":1}`, want: []string{
			"Record that " + sale.Contact.Name + " paid invoice " + sale.InvoiceNumber, "Bank account 090 ",
		}},
		{name: "money spent", method: "PUT", path: "/api.xro/2.0/BankTransactions", body: `{"Type":"SPEND","Contact":{"Name":"Fuel & Go"},"BankAccount":{"AccountID":"` + account.AccountID + `"},"LineItems":[{"Description":"diesel","UnitAmount":80}]}`, want: []string{
			"Record money spent: Fuel & Go", "£80.00", "Bank account " + account.Code + " " + account.Name, "diesel: £80.00",
		}},
		{name: "an account that is not there", path: "/api.xro/2.0/Payments", body: `{"Invoice":{"InvoiceNumber":"` + sale.InvoiceNumber + `"},"Account":{"Code":"no such"},"Amount":1}`, want: []string{
			"the account with the code no such",
		}},
		{name: "another contact", path: "/api.xro/2.0/Invoices/" + sale.InvoiceID, body: `{"Contact":{"ContactID":"` + other.ContactID + `"}}`, want: []string{
			"Change invoice " + sale.InvoiceNumber + " (" + sale.Contact.Name + ")", "Contact " + sale.Contact.Name + " " + other.Name,
		}},
		{name: "a credit note", method: "PUT", path: "/api.xro/2.0/CreditNotes", body: `{"Type":"ACCPAYCREDIT","Status":"AUTHORISED","Contact":{"Name":"Mill"},"LineItems":[{"Description":"back","LineAmount":3}]}`, want: []string{
			"Make and approve a credit note from Mill", "£3.00 before tax",
		}},
		{name: "a journal", path: "/api.xro/2.0/ManualJournals", body: `{"Narration":"Year's end","Status":"POSTED","JournalLines":[{"LineAmount":100,"AccountCode":"400","Description":"stock"},{"LineAmount":-100,"AccountCode":"630"}]}`, want: []string{
			"Post a manual journal: Year's end", "Debits £100.00", "400 Advertising · stock: debit £100.00", "630 Inventory: credit £100.00",
		}},
		{name: "a file", path: "/api.xro/2.0/Invoices/" + sale.InvoiceID + "/Attachments/receipt%20one.pdf?IncludeOnline=true", kind: "application/pdf", body: "%PDF" + strings.Repeat("x", 34000), want: []string{
			"Attach a file", "File receipt one.pdf", "Size 34 KB", "Type application/pdf", "To Invoice · " + sale.InvoiceNumber + " · " + sale.Contact.Name, "The file is shown to the customer",
		}, not: []string{"%PDF"}},
		{name: "an email", path: "/api.xro/2.0/Invoices/" + sale.InvoiceID + "/Email", body: `{}`, want: []string{
			"Send invoice " + sale.InvoiceNumber + " by email to " + sale.Contact.Name,
		}},

		{name: "what FCC does not know", path: "/api.xro/2.0/Quotes", body: `{"Quotes":[{"Title":"Deck","Contact":{"Name":"x"},"Terms":null}]}`, want: []string{
			"Change something in Xero: quotes", "FCC does not know what this does", "Quotes[1].Title Deck", "Quotes[1].Terms",
		}},
		{name: "an end", method: "DELETE", path: "/api.xro/2.0/ContactGroups/" + one.ContactID, want: []string{"Delete something in Xero: contact groups", "DELETE /api.xro/2.0/ContactGroups/" + one.ContactID, "It has no content."}},
		{name: "two meanings", path: "/api.xro/2.0/Invoices", body: `{"InvoiceID":"` + sale.InvoiceID + `","Status":"DRAFT","status":"VOIDED"}`, want: []string{
			"What is sent can be read in two ways", "Status DRAFT", "status VOIDED",
		}},
		{name: "a list and something beside it", path: "/api.xro/2.0/Contacts", body: `{"Contacts":[{"Name":"x"}],"ContactID":"` + one.ContactID + `"}`, want: []string{"FCC does not know what this does"}},
		{name: "no JSON", path: "/api.xro/2.0/Invoices", body: `{"Invoices":[{]}`, want: []string{"FCC cannot read what is sent.", `{"Invoices":[{]}`}},
		{name: "no text", path: "/api.xro/2.0/Invoices", kind: "application/json", body: "\x00\x01\xff", want: []string{"FCC cannot read what is sent.", "3 bytes that are no text."}},
		{name: "hidden letters", path: "/api.xro/2.0/Contacts", body: `{"Name":"Safe\u202eevil\u200b","FirstName":"<script>alert(1)</script>"}`, want: []string{"Safe[U+202E]evil[U+200B]", "<script>alert(1)</script>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := map[string]string{}
			if c.kind != "" {
				header["Content-Type"] = c.kind
			}
			text, page := a.card(ask{method: c.method, path: c.path, header: header, body: strings.NewReader(c.body)})
			has(t, "the card", text, c.want...)
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("the card says %q:\n%s", not, text)
				}
			}
			if strings.Contains(page, "<script") || strings.ContainsAny(page, "\u202e\u200b") {
				t.Errorf("what the program wrote is not escaped:\n%s", page)
			}
		})
	}
	if a.writes() != 0 {
		t.Error("something was sent")
	}
}

func orNone(number string) string {
	if number == "" {
		return "without a number"
	}
	return number
}

func orEmpty(value string) string {
	if value == "" {
		return "(empty)"
	}
	return value
}

func TestABodySaysTheSameInEachOfItsForms(t *testing.T) {
	a := newAsker(t)
	xml := `<?xml version="1.0" encoding="utf-8"?>
		<Invoices xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Invoice><Type>ACCREC</Type><Contact><Name>Tane &amp; Sons</Name></Contact>
		<DueDate>2026-12-24T00:00:00</DueDate><LineItems><LineItem><Description>Work</Description><Quantity>2</Quantity><UnitAmount>10.00</UnitAmount></LineItem></LineItems></Invoice></Invoices>`
	for kind, body := range map[string]string{
		"application/json":                  `{"Invoices":[{"Type":"ACCREC","Contact":{"Name":"Tane & Sons"},"DueDate":"\/Date(1798070400000+0000)\/","LineItems":[{"Description":"Work","Quantity":2,"UnitAmount":10.00}]}]}`,
		"text/xml":                          xml,
		"application/x-www-form-urlencoded": url.Values{"xml": {xml}}.Encode(),
	} {
		text, _ := a.card(ask{path: "/api.xro/2.0/Invoices", header: map[string]string{"Content-Type": kind}, body: strings.NewReader(body)})
		has(t, kind, text, "Draft an invoice to Tane & Sons", "£20.00 before tax", "24 Dec 2026", "Work: £20.00", "Invoices[1].LineItems[1].Quantity 2")
	}
	for name, body := range map[string]string{
		"an entity":     `<!DOCTYPE x [<!ENTITY e "y">]><Invoice><Type>&e;</Type></Invoice>`,
		"an attribute":  `<Invoice><Type of="other">ACCREC</Type></Invoice>`,
		"twice":         `<Invoice><Type>ACCREC</Type><Type>ACCPAY</Type></Invoice>`,
		"two documents": `<Invoice><Type>ACCREC</Type></Invoice><Invoice/>`,
	} {
		text, _ := a.card(ask{path: "/api.xro/2.0/Invoices", header: map[string]string{"Content-Type": "application/xml"}, body: strings.NewReader(body)})
		if !strings.Contains(text, "FCC cannot read what is sent.") && !strings.Contains(text, "can be read in two ways") {
			t.Errorf("%s: %s", name, text)
		}
	}
	var file bytes.Buffer
	parts := multipart.NewWriter(&file)
	part, err := parts.CreateFormFile("upload", "scan.png")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(part, strings.Repeat("\xff\xd8", 600))
	_ = parts.Close()
	text, _ := a.card(ask{method: http.MethodPost, path: "/files.xro/1.0/Files", header: map[string]string{"Content-Type": parts.FormDataContentType()}, body: &file})
	has(t, "a form with a file", text, "Change something in Xero: files", "upload file scan.png, 1 KB")
}
