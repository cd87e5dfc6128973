package books

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// invoices are asked for without their lines and payments, which nobody here needs.
var invoices = kind[Invoice]{
	name: "invoices", need: needInvoices, path: "Invoices",
	query:  url.Values{"summaryOnly": {"true"}, "order": {"InvoiceID"}},
	filter: url.Values{"Statuses": {"AUTHORISED"}},
	some:   func(i Invoice) bool { return i.Status == "AUTHORISED" },
	shown:  Invoice.Open,
	decode: func(body []byte) (page[Invoice], error) {
		var answer struct {
			Pagination pagination `json:"pagination"`
			Invoices   []struct {
				InvoiceID, InvoiceNumber, Reference, Type, Status, CurrencyCode string
				Contact                                                         struct{ ContactID, Name string }
				Date, DateString, DueDate, DueDateString                        day
				CurrencyRate, Total, AmountDue, AmountPaid, AmountCredited      amount
				UpdatedDateUTC                                                  moment
			}
		}
		if err := parse(body, &answer); err != nil {
			return page[Invoice]{}, err
		}
		p := page[Invoice]{pagination: answer.Pagination}
		for _, i := range answer.Invoices {
			if i.InvoiceID == "" {
				return p, errors.New("an invoice without an id")
			}
			p.rows = append(p.rows, Invoice{
				ID: i.InvoiceID, Number: i.InvoiceNumber, Reference: i.Reference, Type: i.Type, Status: i.Status,
				ContactID: i.Contact.ContactID, ContactName: i.Contact.Name,
				Date: first(i.DateString, i.Date), Due: first(i.DueDateString, i.DueDate),
				Currency: i.CurrencyCode, Rate: i.CurrencyRate.Decimal, Total: i.Total.Decimal, AmountDue: i.AmountDue.Decimal,
				AmountPaid: i.AmountPaid.Decimal, AmountCredited: i.AmountCredited.Decimal, Updated: i.UpdatedDateUTC.Time,
			})
		}
		return p, nil
	},
	id:      func(i Invoice) string { return i.ID },
	updated: func(i Invoice) time.Time { return i.Updated },
	dead:    func(i Invoice) bool { return i.Status == "DELETED" },
	compare: func(a, b Invoice) int {
		return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(b.Number, a.Number), cmp.Compare(a.ID, b.ID))
	},
}

func first(a, b day) time.Time {
	if a.IsZero() {
		return b.Time
	}
	return a.Time
}

// contacts are asked for with all their fields: what summaryOnly leaves out is not
// written down anywhere.
var contacts = kind[Contact]{
	name: "contacts", need: needContacts, path: "Contacts",
	query: url.Values{"includeArchived": {"true"}, "order": {"ContactID"}},
	decode: func(body []byte) (page[Contact], error) {
		var answer struct {
			Pagination pagination `json:"pagination"`
			Contacts   []struct {
				ContactID, Name, EmailAddress, ContactStatus string
				IsSupplier, IsCustomer                       truth
				UpdatedDateUTC                               moment
			}
		}
		if err := parse(body, &answer); err != nil {
			return page[Contact]{}, err
		}
		p := page[Contact]{pagination: answer.Pagination}
		for _, c := range answer.Contacts {
			if c.ContactID == "" {
				return p, errors.New("a contact without an id")
			}
			p.rows = append(p.rows, Contact{
				ID: c.ContactID, Name: c.Name, Email: c.EmailAddress, Status: c.ContactStatus,
				Customer: bool(c.IsCustomer), Supplier: bool(c.IsSupplier), Updated: c.UpdatedDateUTC.Time,
			})
		}
		return p, nil
	},
	id:      func(c Contact) string { return c.ID },
	updated: func(c Contact) time.Time { return c.Updated },
	dead:    func(Contact) bool { return false },
	compare: func(a, b Contact) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	},
}

func readOrganisation(ctx context.Context, a *asking) (Organisation, error) {
	body, _, err := a.get(ctx, "Organisation", nil, time.Time{})
	if err != nil {
		return Organisation{}, err
	}
	var answer struct {
		Organisations []struct {
			Name, BaseCurrency, CountryCode, ShortCode, Timezone string
			FinancialYearEndDay, FinancialYearEndMonth           amount
			IsDemoCompany                                        truth
		}
	}
	if err := parse(body, &answer); err != nil {
		return Organisation{}, unread(err)
	}
	if len(answer.Organisations) != 1 {
		return Organisation{}, unread(errors.New("not one organisation"))
	}
	o := answer.Organisations[0]
	return Organisation{
		TenantID: a.tenant, Name: o.Name, Base: o.BaseCurrency, Country: o.CountryCode, ShortCode: o.ShortCode, Timezone: o.Timezone,
		YearEndDay: whole(o.FinancialYearEndDay.Decimal), YearEndMonth: time.Month(whole(o.FinancialYearEndMonth.Decimal)), IsDemo: bool(o.IsDemoCompany),
	}, nil
}

func whole(d decimal.Decimal) int { return int(d.IntPart()) }
