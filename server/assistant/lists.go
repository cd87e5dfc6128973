package assistant

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// whose is the argument that every tool about books takes.
type whose struct {
	Organisation string `json:"organisation,omitempty" jsonschema:"tenant_id or exact name, from the tool organisations; may be left out only where there is exactly one"`
}

type (
	contactsIn struct {
		whose
		Search   string `json:"search,omitempty" jsonschema:"part of the name or the e-mail address"`
		Role     string `json:"role,omitempty" jsonschema:"customer or supplier; both when left out"`
		Archived bool   `json:"include_archived,omitempty" jsonschema:"also contacts in the archive"`
		paged
	}
	contactsOut struct {
		about
		pages
		Contacts []contact `json:"contacts"`
	}
	contact struct {
		ID       string `json:"contact_id"`
		Name     string `json:"name"`
		Email    string `json:"email"`
		Status   string `json:"status"`
		Customer bool   `json:"is_customer"`
		Supplier bool   `json:"is_supplier"`
		Link     string `json:"link" jsonschema:"the page in Xero, empty where it is not known"`
	}

	invoicesIn struct {
		whose
		Kind     string   `json:"kind,omitempty" jsonschema:"sale (invoices to customers) or bill (from suppliers); both when left out"`
		Statuses []string `json:"statuses,omitempty" jsonschema:"of DRAFT, SUBMITTED, AUTHORISED, PAID, VOIDED; all when left out"`
		Contact  string   `json:"contact,omitempty" jsonschema:"contact_id, or part of the contact's name"`
		Search   string   `json:"search,omitempty" jsonschema:"part of the number or the reference"`
		From     string   `json:"from,omitempty" jsonschema:"dated on this day or later, YYYY-MM-DD"`
		To       string   `json:"to,omitempty" jsonschema:"dated on this day or earlier, YYYY-MM-DD"`
		Unpaid   bool     `json:"unpaid_only,omitempty" jsonschema:"only those that are approved and not paid in full"`
		paged
	}
	invoicesOut struct {
		about
		pages
		Invoices []invoice `json:"invoices" jsonschema:"the newest first"`
	}
	invoice struct {
		ID        string `json:"invoice_id"`
		Number    string `json:"number"`
		Reference string `json:"reference"`
		Kind      string `json:"kind" jsonschema:"sale or bill"`
		Status    string `json:"status"`
		ContactID string `json:"contact_id"`
		Contact   string `json:"contact_name"`
		Date      string `json:"date"`
		Due       string `json:"due_date" jsonschema:"empty where there is none"`
		DaysLate  int    `json:"days_late" jsonschema:"0 when it is not late or not open"`
		Currency  string `json:"currency" jsonschema:"of the amounts here"`
		Total     string `json:"total"`
		Paid      string `json:"amount_paid"`
		Credited  string `json:"amount_credited"`
		AmountDue string `json:"amount_due"`
		Base      string `json:"amount_due_base" jsonschema:"in the organisation's base currency; empty where the invoice has no rate"`
		Link      string `json:"link" jsonschema:"the page in Xero, empty where it is not known"`
	}

	invoiceIn struct {
		whose
		Invoice string `json:"invoice" jsonschema:"invoice_id, or the exact number"`
	}
	invoiceOut struct {
		about
		Invoice invoice `json:"invoice"`
		Lines   []line  `json:"lines" jsonschema:"null where Xero could not be asked for them"`
		Trouble string  `json:"lines_problem,omitempty" jsonschema:"why there are no lines"`
	}
	line struct {
		Description string `json:"description"`
		Quantity    string `json:"quantity"`
		Unit        string `json:"unit_amount"`
		Account     string `json:"account_code"`
		Tax         string `json:"tax_amount"`
		Amount      string `json:"line_amount"`
	}

	overdueIn struct {
		whose
		Kind string `json:"kind,omitempty" jsonschema:"sale (customers are late) or bill (the organisation is late); sale when left out"`
		Days int    `json:"days_late_at_least,omitempty" jsonschema:"1 when left out"`
		paged
	}
	overdueOut struct {
		about
		pages
		Overdue  string    `json:"total_overdue" jsonschema:"of all pages, in base currency"`
		Left     int       `json:"without_rate" jsonschema:"invoices in a foreign currency without a rate, which are in no total"`
		Invoices []invoice `json:"invoices" jsonschema:"the latest first"`
	}
)

func (a *asking) addLists() {
	reads(a, true, mcp.Tool{Name: "contacts", Title: "Contacts", Description: "Lists customers and suppliers by name, in pages."}, a.contacts)
	reads(a, true, mcp.Tool{
		Name: "invoices", Title: "Invoices and bills",
		Description: "Lists sales invoices and bills with filters, the newest first, in pages. For what is late use overdue_invoices, for sums by age use ageing.",
	}, a.invoices)
	reads(a, true, mcp.Tool{Name: "invoice", Title: "One invoice", Description: "One invoice or bill with its lines, by its id or exact number."}, a.invoice)
	reads(a, true, mcp.Tool{Name: "overdue_invoices", Title: "Overdue invoices", Description: "Approved invoices, or bills, that are past their due date and not paid, with their total, in pages."}, a.overdue)
}

func (a *asking) contacts(ctx context.Context, in contactsIn) (out contactsOut, err error) {
	if err := oneOf("role", in.Role, "customer", "supplier"); err != nil {
		return out, err
	}
	l, all, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).Contacts)
	if err != nil {
		return out, err
	}
	out.Contacts, out.pages, err = cut(filter(all, func(c books.Contact) bool {
		return (in.Archived || c.Status != "ARCHIVED") && (contains(c.Name, in.Search) || contains(c.Email, in.Search)) &&
			(in.Role != "customer" || c.Customer) && (in.Role != "supplier" || c.Supplier)
	}), func(c books.Contact) string { return c.ID }, in.paged, func(c books.Contact) contact {
		return contact{c.ID, said(c.Name), said(c.Email), c.Status, c.Customer, c.Supplier, l.settings.ContactLink(c.ID)}
	})
	return out, err
}

func filter[R any](all []R, keep func(R) bool) (some []R) {
	for _, r := range all {
		if keep(r) {
			some = append(some, r)
		}
	}
	return some
}

// oneOf refuses an argument that is neither empty nor one of the values.
func oneOf(name, value string, values ...string) error {
	if value == "" || slices.Contains(values, value) {
		return nil
	}
	return wrong(words.Say("assistant.no-value", "Argument", name, "Value", said(value)), words.Say("assistant.values", "Values", strings.Join(values, ", ")))
}

func (a *asking) invoices(ctx context.Context, in invoicesIn) (out invoicesOut, err error) {
	if err := oneOf("kind", in.Kind, "sale", "bill"); err != nil {
		return out, err
	}
	from, to, err := period(in.From, in.To, time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return out, err
	}
	statuses := make([]string, len(in.Statuses))
	for n, s := range in.Statuses {
		statuses[n] = strings.ToUpper(s)
		if err := oneOf("statuses", statuses[n], "DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED"); err != nil {
			return out, err
		}
	}
	l, all, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).Invoices)
	if err != nil {
		return out, err
	}
	out.Invoices, out.pages, err = cut(filter(all, func(i books.Invoice) bool {
		return ofKind(i, in.Kind) && (len(statuses) == 0 || slices.Contains(statuses, i.Status)) &&
			(strings.EqualFold(i.ContactID, in.Contact) || contains(i.ContactName, in.Contact)) &&
			(contains(i.Number, in.Search) || contains(i.Reference, in.Search)) &&
			!i.Date.Before(from) && !i.Date.After(to) && (!in.Unpaid || i.Open())
	}), invoiceID, in.paged, l.write)
	return out, err
}

func invoiceID(i books.Invoice) string { return i.ID }

func ofKind(i books.Invoice, kind string) bool { return kind == "" || i.Sale() == (kind == "sale") }

func (l *ledger) write(i books.Invoice) invoice {
	out := invoice{
		ID: i.ID, Number: said(i.Number), Reference: said(i.Reference), Kind: "bill", Status: i.Status, ContactID: i.ContactID, Contact: said(i.ContactName),
		Date: day(i.Date), Due: day(i.Due), Currency: i.Currency, Total: amount(i.Total, i.Currency), Paid: amount(i.AmountPaid, i.Currency),
		Credited: amount(i.AmountCredited, i.Currency), AmountDue: amount(i.AmountDue, i.Currency), Link: l.settings.Link(i),
	}
	if i.Sale() {
		out.Kind = "sale"
	}
	if i.Open() {
		out.DaysLate = i.DaysLate(l.today)
	}
	if base, ok := l.settings.InBase(i, i.AmountDue); ok {
		out.Base = amount(base, l.settings.Base)
	}
	return out
}

func (a *asking) invoice(ctx context.Context, in invoiceIn) (out invoiceOut, err error) {
	l, all, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).Invoices)
	if err != nil {
		return out, err
	}
	found := filter(all, func(i books.Invoice) bool { return strings.EqualFold(i.ID, in.Invoice) })
	if len(found) == 0 && in.Invoice != "" {
		found = filter(all, func(i books.Invoice) bool { return i.Number == in.Invoice || said(i.Number) == in.Invoice })
	}
	switch len(found) {
	case 1:
	case 0:
		return out, refused{Problem{Problem: xero.Problem{Code: xero.CodeNotFound, Message: words.Say("assistant.no-invoice", "Invoice", said(in.Invoice)), Action: words.Say("assistant.look-for-it")}}}
	default: // suppliers number as they like
		var ids []string
		for _, i := range found[:min(len(found), 10)] {
			ids = append(ids, i.ID)
		}
		return out, wrong(words.Say("assistant.many-invoices", "Invoice", said(in.Invoice)), words.Say("assistant.by-id", "Ids", strings.Join(ids, ", ")))
	}
	out.Invoice = l.write(found[0])
	if out.Lines, err = a.lines(ctx, l, found[0]); err != nil {
		out.Trouble = a.refusal(err).(refused).problem.Message
	}
	return out, nil
}

// lines are asked for each time: the books are kept without them.
func (a *asking) lines(ctx context.Context, l *ledger, i books.Invoice) ([]line, error) {
	body, err := a.caller.Fetch(ctx, l.TenantID(), "Invoices/"+url.PathEscape(i.ID))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Invoices []struct {
			LineItems []struct {
				Description, AccountCode                    string
				Quantity, UnitAmount, TaxAmount, LineAmount decimal.NullDecimal
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Invoices) != 1 {
		return nil, refused{Problem{Problem: xero.Problem{Code: xero.CodeUnreachable, Message: words.Say("common.broken.message"), Action: words.Say("common.broken.action")}}}
	}
	out := []line{}
	written := func(d decimal.NullDecimal, least int32) string { // all digits that there are
		if !d.Valid {
			return ""
		}
		return d.Decimal.StringFixed(max(least, -d.Decimal.Exponent()))
	}
	places := books.Places(i.Currency)
	for _, one := range answer.Invoices[0].LineItems {
		out = append(out, line{
			said(one.Description), written(one.Quantity, 0), written(one.UnitAmount, places), said(one.AccountCode), written(one.TaxAmount, places), written(one.LineAmount, places),
		})
	}
	return out, nil
}

func (a *asking) overdue(ctx context.Context, in overdueIn) (out overdueOut, err error) {
	if err := oneOf("kind", in.Kind, "sale", "bill"); err != nil {
		return out, err
	}
	l, all, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).OpenInvoices)
	if err != nil {
		return out, err
	}
	kind := cmp.Or(in.Kind, "sale")
	late := filter(all, func(i books.Invoice) bool { return ofKind(i, kind) && i.DaysLate(l.today) >= max(1, in.Days) })
	slices.SortStableFunc(late, func(x, y books.Invoice) int { return cmp.Or(x.Due.Compare(y.Due), strings.Compare(x.ID, y.ID)) })
	debts := l.settings.Debts(late, kind == "sale", l.today)
	out.Overdue, out.Left = amount(debts.Overdue, l.settings.Base), debts.Foreign.Unknown
	out.Invoices, out.pages, err = cut(late, invoiceID, in.paged, l.write)
	return out, err
}
