package server

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
)

func (d *describer) wantsPayment(f field) {
	d.wantsIt(f)
	key, _ := d.keyFor(f)
	before, _, _ := d.record("Payments", key)
	for _, of := range []field{f, before} {
		d.want("Invoices", cmp.Or(of.at("Invoice", "InvoiceID").text, of.at("Invoice", "InvoiceNumber").text))
		d.want("CreditNotes", of.at("CreditNote", "CreditNoteID").text)
		d.want("Accounts", of.at("Account", "AccountID").text)
	}
}

// payment describes a payment, or the end of one: what is there of it cannot be changed
// otherwise (Xero-OpenAPI, accounting, Payments).
func (d *describer) payment(f field) (r askedRecord) {
	before, made, _ := d.before(f)
	of := f
	if !made {
		of = before
	}
	document, _, _ := d.record("Invoices", cmp.Or(of.at("Invoice", "InvoiceID").text, of.at("Invoice", "InvoiceNumber").text))
	number := cmp.Or(document.at("InvoiceNumber").text, of.at("Invoice", "InvoiceNumber").text)
	kind := "payment-new"
	switch t := document.at("Type"); {
	case !made && f.at("Status").is("DELETED"):
		kind = "payment-delete"
	case !made:
		kind = "payment-change"
	case t.is("ACCREC"):
		kind = "payment-in"
	case t.is("ACCPAY"):
		kind = "payment-out"
	}
	if note, there, _ := d.record("CreditNotes", of.at("CreditNote", "CreditNoteID").text); there {
		document, number = note, note.at("CreditNoteNumber").text
	}
	r.number = numberOf(document)
	r.ask(kind, short(document.at("Contact", "Name").text), number)
	r.money = cmp.Or(document.at("CurrencyCode").text, d.books.Base)
	if amount, ok := of.at("Amount").number(); ok {
		r.amount = decimal.NewNullDecimal(amount)
		r.fact("amount", d.habits.In(r.money).Money(amount))
	}
	if due, ok := document.at("AmountDue").number(); ok && made {
		r.fact("open", d.habits.In(r.money).Money(due))
	}
	r.fact("account", d.account(of.at("Account")))
	r.fact("date", d.day(cmp.Or(f.at("Date").text, before.at("Date").text)))
	r.fact("reference", short(of.at("Reference").text))
	if made && len(document.below) == 0 {
		r.warn("no-document")
	}
	d.compare(&r, f, before, made, cmp.Or(idOf("Payments", f), plainID(d.key)))
	return r
}

// account is the code and name of an account. As with contacts, Xero goes by the id.
func (d *describer) account(f field) string {
	id, code := f.at("AccountID").text, f.at("Code").text
	found, there, _ := d.record("Accounts", id)
	switch {
	case there:
		return short(found.at("Code").text + " " + found.at("Name").text)
	case id != "":
		return words.Say("approvals.account-id", "ID", short(id))
	case code != "":
		return cmp.Or(d.coded(code), words.Say("approvals.account-code", "Code", short(code)))
	}
	return ""
}

// coded is an account by its code, "" for one that FCC does not know.
func (d *describer) coded(code string) string {
	for _, account := range d.accounts() {
		if code != "" && strings.EqualFold(account.Code, code) {
			return short(account.Code + " " + account.Name)
		}
	}
	return ""
}

func (d *describer) wantsBank(f field) {
	d.wantsIt(f)
	d.want("Contacts", f.at("Contact", "ContactID").text)
	d.want("Accounts", f.at("BankAccount", "AccountID").text)
}

// bank describes money spent or received without an invoice.
func (d *describer) bank(f field) (r askedRecord) {
	before, made, _ := d.before(f)
	t := field{text: cmp.Or(f.at("Type").text, before.at("Type").text)}
	kind := "bank-change"
	switch {
	case f.at("Status").is("DELETED", "VOIDED"):
		kind = "bank-delete"
	case made && t.is("SPEND", "SPEND-OVERPAYMENT", "SPEND-PREPAYMENT", "SPEND-TRANSFER"):
		kind = "bank-spend"
	case made:
		kind = "bank-receive"
	}
	r.ask(kind, d.whose(f, before), "")
	r.money = cmp.Or(f.at("CurrencyCode").text, before.at("CurrencyCode").text, d.books.Base)
	d.amount(&r, f, before, "LineItems")
	r.fact("account", cmp.Or(d.account(f.at("BankAccount")), short(before.at("BankAccount", "Name").text)))
	r.fact("date", d.day(cmp.Or(f.at("Date").text, before.at("DateString").text)))
	r.fact("reference", short(cmp.Or(f.at("Reference").text, before.at("Reference").text)))
	if made {
		r.Lines = d.documentLines(f.at("LineItems"), r.money)
	}
	d.compare(&r, f, before, made, cmp.Or(idOf("BankTransactions", f), plainID(d.key)))
	d.contactToo(&r, f.at("Contact"))
	return r
}

// lineName is what a line of a document is about: its account and its description.
func (d *describer) lineName(line field) string {
	code := line.at("AccountCode").text
	parts := []string{cmp.Or(d.coded(code), short(code)), short(line.at("Description").text)}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return cmp.Or(strings.Join(parts, " · "), words.Say("approvals.no-description"))
}

func (d *describer) wantsJournal(f field) { d.wantsIt(f) }

func (d *describer) journal(f field) (r askedRecord) {
	before, made, _ := d.before(f)
	act := "change"
	switch status := f.at("Status"); {
	case status.is("VOIDED"):
		act = "void"
	case status.is("DELETED"):
		act = "delete"
	case status.is("POSTED") && !before.at("Status").is("POSTED"):
		act = "post"
	case made:
		act = "draft"
	}
	r.ask("journal-"+act, short(cmp.Or(before.at("Narration").text, f.at("Narration").text)), "")
	r.money = d.books.Base
	lines := f.at("JournalLines")
	if lines.kind != listField {
		lines = before.at("JournalLines")
	}
	debit := decimal.Zero
	for i, line := range lines.below {
		amount, ok := line.at("LineAmount").number()
		if !ok {
			continue
		}
		if amount.IsPositive() {
			debit = debit.Add(amount)
		}
		if i < mostLines && made {
			side := "credit"
			if amount.IsPositive() {
				side = "debit"
			}
			r.Lines = append(r.Lines, words.Say("approvals.line-"+side, "Line", d.lineName(line), "Amount", d.habits.Money(amount.Abs())))
		}
	}
	if more := len(lines.below) - mostLines; more > 0 && made {
		r.Lines = append(r.Lines, words.Say("approvals.more-lines", "N", more))
	}
	r.amount = decimal.NewNullDecimal(debit)
	r.fact("debit", d.habits.Money(debit))
	r.fact("date", d.day(cmp.Or(f.at("Date").text, before.at("Date").text)))
	d.compare(&r, f, before, made, cmp.Or(idOf("ManualJournals", f), plainID(d.key)))
	return r
}
