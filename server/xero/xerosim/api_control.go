package xerosim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// controlsAPI are the API half's own switches under /_sim/.
func (s *Sim) controlsAPI() []control {
	return []control{
		{"slow", "by", "make every call to an organisation take so long, 2s; 0 ends it", func(f url.Values) (any, error) {
			by, err := time.ParseDuration(f.Get("by"))
			if err != nil {
				return nil, err
			}
			s.SlowAPI(by)
			return nil, nil
		}},
		{"use-up", "limit [organisation]", "leave nothing of limit=minute, day or appminute until its window ends", func(f url.Values) (any, error) {
			return nil, s.UseUp(f.Get("limit"), f.Get("organisation"))
		}},
		{"strange", "[values] [missing]", "answer with unheard-of values=true, or without the optional fields missing=true", func(f url.Values) (any, error) {
			values, err1 := strconv.ParseBool(cmp.Or(f.Get("values"), "false"))
			missing, err2 := strconv.ParseBool(cmp.Or(f.Get("missing"), "false"))
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			s.Strange(values, missing)
			return nil, nil
		}},
		{"practice", "", "connect a tenant that is no organisation", done(s.ConnectPractice)},
		{"elsewhere", "organisations", "count so many organisations of other people as connected to the app", func(f url.Values) (any, error) {
			n, err := strconv.Atoi(f.Get("organisations"))
			if err == nil {
				s.ConnectElsewhere(n)
			}
			return nil, err
		}},
		{"other-apps", "organisation apps", "connect so many uncertified apps of others to it", func(f url.Values) (any, error) {
			n, err := strconv.Atoi(f.Get("apps"))
			if err != nil {
				return nil, err
			}
			return nil, s.ConnectOtherApps(f.Get("organisation"), n)
		}},
	}
}

// controlsBooks change the books as people do in Xero. Records are JSON, shaped as
// in the file of build sim --books.
func (s *Sim) controlsBooks() []control {
	return []control{
		{"add-contact", "organisation contact", "add a contact: {\"Name\":\"A\"}; answers {id}", added(s.AddContact, "contact")},
		{"add-invoice", "organisation invoice", "add an invoice; answers {id}", added(s.AddInvoice, "invoice")},
		{"pay", "organisation payment", "pay an invoice: {\"Invoice\":\"INV-1\"}; answers {id}", added(s.Pay, "payment")},
		{"add-bank-transaction", "organisation transaction", "add money spent or received: {\"Type\":\"SPEND\"}; answers {id}", added(s.AddMoney, "transaction")},
		{"void", "organisation invoice", "void an invoice (number or id) on which nothing was paid", func(f url.Values) (any, error) {
			return nil, s.Void(f.Get("organisation"), f.Get("invoice"))
		}},
		{"due", "organisation invoice days", "make it due so many days from today; undated by Xero where a part was paid", func(f url.Values) (any, error) {
			days, err := strconv.Atoi(f.Get("days"))
			if err != nil {
				return nil, err
			}
			return nil, s.SetDue(f.Get("organisation"), f.Get("invoice"), days)
		}},
		{"sent", "organisation invoice is", "mark it as sent, is=true; undated by Xero where a part was paid", func(f url.Values) (any, error) {
			is, err := strconv.ParseBool(f.Get("is"))
			if err != nil {
				return nil, err
			}
			return nil, s.SetSent(f.Get("organisation"), f.Get("invoice"), is)
		}},
		{"rename", "organisation contact name", "give a contact (name or id) another name", func(f url.Values) (any, error) {
			return nil, s.RenameContact(f.Get("organisation"), f.Get("contact"), f.Get("name"))
		}},
		{"roles", "organisation contact [customer] [supplier]", "set IsCustomer and IsSupplier, which Xero does not date", func(f url.Values) (any, error) {
			customer, err1 := strconv.ParseBool(cmp.Or(f.Get("customer"), "false"))
			supplier, err2 := strconv.ParseBool(cmp.Or(f.Get("supplier"), "false"))
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			return nil, s.SetRoles(f.Get("organisation"), f.Get("contact"), customer, supplier)
		}},
	}
}

// added reads a record of a form, and answers the id that add gave it.
func added[T any](add func(organisation string, record T) (string, error), name string) func(url.Values) (any, error) {
	return func(f url.Values) (any, error) {
		var record T
		read := json.NewDecoder(bytes.NewReader([]byte(f.Get(name))))
		read.DisallowUnknownFields()
		if err := read.Decode(&record); err != nil {
			return nil, err
		}
		id, err := add(f.Get("organisation"), record)
		if err != nil {
			return nil, err
		}
		return map[string]string{"id": id}, nil
	}
}
