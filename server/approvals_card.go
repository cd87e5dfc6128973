package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/xero"
)

// An askedCard is what a person sees of a write before it is sent.
type askedCard struct {
	Title   string
	Sum     string // of all records, "" where they have none in common
	Records []askedRecord
	Unclear string      // why FCC cannot say what it does
	Lines   []fieldLine // every value of the body
	Raw     string      // the body, where it has no fields
	what    string      // its kind, see store.Write
	ids     []string    // of records that are there already
	many    int         // records
	amount  string      // of a single record
	number  string      // Xero's, of the one record that it is about
}

// size is about how many bytes c takes.
func (c askedCard) size() int64 {
	n := len(c.Raw)
	for _, line := range c.Lines {
		n += len(line.Path) + len(line.Text)
	}
	return int64(n)
}

// ended is what is kept of a card when nothing is to be decided any more.
func (c askedCard) ended() askedCard {
	return askedCard{Title: c.Title, Sum: c.Sum, what: c.what, number: c.number, ids: slices.Clone(c.ids[:min(len(c.ids), mostIDs)]), many: c.many}
}

// A askedRecord is what would become of one record.
type askedRecord struct {
	Title    string
	Facts    []askedFact
	Lines    []string // of the document
	Changes  []askedChange
	Warnings []string
	Link     string // to it in Xero

	what   string
	id     string
	number string // Xero's, of the record that it is about
	amount decimal.NullDecimal
	money  string // the amount's currency
	before bool   // it is before tax
}

type askedFact struct{ Label, Value string }

// A askedChange is a value that would be another.
type askedChange struct{ Label, Before, After string }

// A target is what an address of Xero's names.
type target struct {
	family, resource string
	key              string // of one record
	part, name       string // of that one: Attachments and a file's
}

// accountingPath is what the addresses of the Accounting API begin with.
const accountingPath = "/api.xro/2.0/"

func targetOf(path string) target {
	t := target{family: familyOf(path)}
	rest, ok := strings.CutPrefix(path, accountingPath)
	if !ok {
		rest = path[strings.LastIndex(path, "/")+1:]
	}
	parts := append(strings.SplitN(rest, "/", 4), "", "", "")
	t.resource, t.key, t.part, t.name = parts[0], parts[1], parts[2], parts[3]
	for _, known := range []string{"Invoices", "CreditNotes", "Contacts", "Payments", "BankTransactions", "ManualJournals"} {
		if ok && strings.EqualFold(t.resource, known) {
			t.resource = known
		}
	}
	return t
}

// A describer finds the words for one request.
type describer struct {
	*look
	target
	method string
	books  books.Organisation
	habits books.Habits
	named  func(name string) (contactID string)
	// accounts are the chart of accounts, as far as it is kept or can be read in time.
	accounts func() []books.Account
}

// A kindOf describes the records of one resource: first it says what it wants to know
// of Xero, then what it makes of it.
type kindOf struct {
	wants    func(*describer, field)
	describe func(*describer, field) askedRecord
}

var kinds map[string]kindOf

func init() { // they use each other
	kinds = map[string]kindOf{
		"Invoices":         {(*describer).wantsInvoice, (*describer).invoice},
		"CreditNotes":      {(*describer).wantsInvoice, (*describer).invoice},
		"Contacts":         {(*describer).wantsContact, (*describer).contact},
		"Payments":         {(*describer).wantsPayment, (*describer).payment},
		"BankTransactions": {(*describer).wantsBank, (*describer).bank},
		"ManualJournals":   {(*describer).wantsJournal, (*describer).journal},
	}
}

// mostFields is how many values a request may have that a person is asked about, and
// mostShown how many bytes they may come to with the names before each of them.
const (
	mostFields = 20_000
	mostShown  = 4 << 20
)

// describe makes the card of a request. What it cannot ask Xero in time it leaves out,
// and says so. A body with more values than a person can be shown is refused.
func (s *Server) describe(ctx context.Context, key *apiKey, o xero.Organisation, r proposal) (askedCard, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	look, err := s.lookFor(ctx, key, o)
	if err != nil {
		return askedCard{}, err
	}
	ledger := s.books.Of(o.TenantID)
	organisation := ledger.Organisation(ctx, lookAge).Value
	d := &describer{
		look: look, target: targetOf(r.path), method: r.method, books: organisation, habits: organisation.Habits(),
		named: func(name string) string {
			for _, contact := range ledger.Contacts(ended, books.Kept).Value {
				if contact.Status != "ARCHIVED" && strings.EqualFold(contact.Name, strings.TrimSpace(name)) {
					return contact.ID
				}
			}
			return ""
		},
		accounts: sync.OnceValue(func() []books.Account { return ledger.Accounts(look.ctx, lookAge).Value }),
	}
	if d.isFile() {
		return d.attachment(r), nil
	}
	body, err := fieldsOf(r.contentType, r.body)
	if r.encoded && len(r.body) > 0 {
		body, err = field{}, errNotRead
	}
	c, whole := askedCard{}, true
	if !errors.Is(err, errNotRead) && (err == nil || body.kind != valueField) {
		c.Lines, whole = body.lines()
	}
	if !whole {
		return askedCard{}, fail(codeTooLarge).saying(words.Say("approvals.too-many", "N", mostFields), words.Say("approvals.too-large-action"))
	}
	switch {
	case errors.Is(err, errTwoMeanings):
		c.Unclear = words.Say("approvals.two-meanings")
		if start := bytes.TrimSpace(r.body); len(c.Lines) == 0 || start[0] != '{' && start[0] != '[' { // its values are not all there is
			c.Raw = rawText(r.body)
		}
	case err != nil && len(r.body) > 0:
		c.Unclear, c.Raw = words.Say("approvals.not-read"), rawText(r.body)
	}
	if kind, ok := kinds[d.resource]; ok && c.Unclear == "" && d.family == "accounting" {
		records, ok := body.records(d.resource)
		switch {
		case !ok || len(records) == 0 || !d.describes(records):
		case d.differs(records[0]):
			c.Unclear = words.Say("approvals.two-records")
		default:
			d.describeAll(&c, kind, records)
			return c, nil
		}
	}
	if d.part == "Email" && d.resource == "Invoices" && c.Unclear == "" {
		c.one(d.email())
		return c, nil
	}
	c.what = "other-save"
	thing := visible(resourceWords(d.path()))
	c.Title = words.Say("approvals.ask.other-save", "Thing", thing)
	if d.method == http.MethodDelete {
		c.what, c.Title = "other-delete", words.Say("approvals.ask.other-delete", "Thing", thing)
	}
	if c.Unclear == "" {
		c.Unclear = words.Say("approvals.not-known")
	}
	return c, nil
}

// describes reports whether the request is of the plain kind: records to save.
func (d *describer) describes(records []field) bool {
	saves := d.method == http.MethodPost || d.method == http.MethodPut
	return saves && d.part == "" && (d.key == "" || len(records) == 1)
}

// differs reports whether the address names another record than what is sent.
func (d *describer) differs(record field) bool {
	id := idOf(d.resource, record)
	return d.key != "" && id != "" && id != plainID(d.key)
}

func (d *describer) path() string {
	if d.part != "" {
		return d.resource + "/" + d.part
	}
	return d.resource
}

func (d *describer) describeAll(c *askedCard, kind kindOf, records []field) {
	for _, one := range records {
		kind.wants(d, one)
	}
	d.fetch()
	for _, one := range records { // of what the first answers name
		kind.wants(d, one)
	}
	d.fetch()
	sum, money, summed := decimal.Zero, "", true
	for i, one := range records {
		record := kind.describe(d, one)
		c.Records = append(c.Records, record)
		if record.id != "" {
			c.ids = append(c.ids, record.id)
		}
		summed = summed && record.amount.Valid && (i == 0 || record.money == money && record.before == c.Records[0].before)
		money, sum = record.money, sum.Add(record.amount.Decimal)
	}
	c.what, c.Title, c.many = c.Records[0].what, c.Records[0].Title, len(records)
	money = d.habits.In(money).Money(sum)
	if c.Records[0].before {
		money = words.Say("approvals.before-tax", "Amount", money)
	}
	if len(records) == 1 {
		if summed {
			c.amount = money
		}
		c.number = c.Records[0].number
		return
	}
	for _, record := range c.Records {
		if record.what != c.what {
			c.what = "other-save"
		}
	}
	c.Title = words.Say("approvals.many", "N", len(records))
	if summed {
		c.Sum = money
	}
}

// one makes a card of a single record.
func (c *askedCard) one(r askedRecord) {
	c.Records, c.Title, c.what, c.number, c.many = []askedRecord{r}, r.Title, r.what, r.number, 1
	if r.id != "" {
		c.ids = []string{r.id}
	}
}

// ask is the title of a record's card by its kind.
func (r *askedRecord) ask(what, name, number string) {
	r.what = what
	r.Title = words.Say("approvals.ask."+what, "Name", cmp.Or(name, words.Say("approvals.no-name")), "Number", cmp.Or(short(number), words.Say("approvals.no-number")))
}

func (r *askedRecord) fact(id, value string) {
	if value != "" {
		r.Facts = append(r.Facts, askedFact{words.Say("approvals.fact." + id), value})
	}
}

func (r *askedRecord) warn(id string) {
	r.Warnings = append(r.Warnings, words.Say("approvals.warn."+id))
}

// isFile reports whether the request is a file for a record.
func (d *describer) isFile() bool {
	saves := d.method == http.MethodPost || d.method == http.MethodPut
	return saves && d.attaches() && d.name != ""
}

func (d *describer) attachment(r proposal) askedCard {
	var c askedCard
	record := askedRecord{id: plainID(d.key)}
	d.want(d.resource, d.key)
	d.fetch()
	record.ask("attachment-new", "", "")
	record.fact("file", short(d.name))
	record.fact("size", sizeWords(int64(len(r.body))))
	record.fact("type", short(r.contentType))
	owner, there, _ := d.record(d.resource, d.key)
	of := fieldWords(singular(d.resource))
	if there {
		record.number = numberOf(owner)
		number := cmp.Or(record.number, owner.at("Name").text, owner.at("Narration").text)
		of = strings.Join(slices.DeleteFunc([]string{of, short(number), short(owner.at("Contact", "Name").text)}, func(s string) bool { return s == "" }), " · ")
	}
	record.fact("to", of)
	for name, values := range r.query {
		if strings.EqualFold(name, "IncludeOnline") && slices.ContainsFunc(values, func(v string) bool { return !strings.EqualFold(v, "false") }) {
			record.warn("online")
		}
	}
	c.one(record)
	return c
}

func (d *describer) email() askedRecord {
	record := askedRecord{id: plainID(d.key)}
	d.want("Invoices", d.key)
	d.fetch()
	invoice, there, _ := d.record("Invoices", d.key)
	number := invoice.at("InvoiceNumber").text
	if !there {
		number = words.Say("approvals.unread")
	}
	d.want("Contacts", invoice.at("Contact", "ContactID").text)
	d.fetch()
	contact, _, _ := d.record("Contacts", invoice.at("Contact", "ContactID").text)
	record.number = numberOf(invoice)
	record.ask("email-send", short(invoice.at("Contact", "Name").text), number)
	record.fact("to", short(contact.at("EmailAddress").text))
	record.Link = d.books.InvoiceLink(record.id)
	return record
}

// rawText is a body that has no fields: as it is when people can read it.
func rawText(body []byte) string {
	text := visible(string(body))
	if strings.ContainsRune(string(body), 0) || strings.Count(text, "\ufffd") > 8 {
		return words.Say("approvals.binary", "Size", sizeWords(int64(len(body))))
	}
	return text
}

// A proposal is a request that changes the books, whole.
type proposal struct {
	method, path string
	query        url.Values
	address      string // path and query as they came
	contentType  string
	encoded      bool // the body is compressed
	body         []byte
}
