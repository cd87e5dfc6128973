package xerosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// oddities are what the API does on demand, behind Sim.mu.
type oddities struct {
	slow          time.Duration
	unknownValues bool
	missingFields bool
}

// SlowAPI makes every call to an organisation take d, in which it counts as in
// progress.
func (s *Sim) SlowAPI(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.api.odd.slow = d
}

// Strange makes the API answer with enumeration values that nobody has heard of,
// and without the fields that Xero may leave out.
func (s *Sim) Strange(unknownValues, missingFields bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.api.odd.unknownValues, s.api.odd.missingFields = unknownValues, missingFields
}

// UseUp leaves nothing of a limit, "minute" or "day" of an organisation (by name
// or tenant id) or "appminute", to any app. It lasts until the limit's window ends.
func (s *Sim) UseUp(limit, organisation string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for _, c := range s.clients {
		if limit == "appminute" {
			app, _ := s.appMinute(c, now)
			app.used = appMinuteLimit
			continue
		}
		o, err := s.organisation(organisation)
		if err != nil {
			return err
		}
		m := s.meter(c, o.tenantID)
		switch limit {
		case "minute":
			m.minute.turn(now, time.Minute, o.tenantID)
			m.minute.used = minuteLimit
		case "day":
			m.day.turn(now, day, o.tenantID)
			m.day.used = s.dayLimit()
		default:
			return fmt.Errorf("simulated Xero: no limit is called %q", limit)
		}
	}
	return nil
}

// ConnectPractice adds a tenant that is no organisation to what every person has
// connected, as an accountant's login has.
func (s *Sim) ConnectPractice() {
	s.mu.Lock()
	defer s.mu.Unlock()
	practice := &organisation{tenantID: newGUID(), name: "Pōhutukawa Accountants", kind: "PRACTICE"}
	for _, g := range s.grants {
		g.connect(practice, newGUID(), s.Now())
	}
}

func (s *Sim) slowness() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.api.odd.slow
}

// unheardOf are values that an enumeration may gain without notice.
var unheardOf = map[string]string{
	"Status": "HIBERNATING", "ContactStatus": "DORMANT", "Type": "BARTER", "Class": "GALAXY", "PaymentType": "TELEPATHY",
	"OrganisationType": "COLONY", "BankAccountType": "COWRIES", "LineAmountTypes": "Perhaps",
}

// kept are the fields that a record keeps when Xero leaves out what it may.
var kept = []string{
	"InvoiceID", "Type", "Status", "Contact", "Date", "DateString", "Total", "AmountDue", "CurrencyCode", "ContactID", "Name", "ContactStatus",
	"AccountID", "PaymentID", "Amount", "OrganisationID", "BaseCurrency", "UpdatedDateUTC",
}

// strange changes a good answer as Strange wants it.
func (s *Sim) strange(a *response) {
	s.mu.Lock()
	odd := s.api.odd
	s.mu.Unlock()
	if a.status != http.StatusOK || !odd.unknownValues && !odd.missingFields {
		return
	}
	var outer map[string]any
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	if err := decoder.Decode(&outer); err != nil {
		panic(err) // our own answer
	}
	for _, list := range outer {
		list, _ := list.([]any)
		for n, record := range list {
			record, _ := record.(map[string]any)
			for field := range record {
				switch value, known := unheardOf[field]; {
				case odd.unknownValues && known && n%2 == 0:
					record[field] = value
				case odd.missingFields && !slices.Contains(kept, field):
					delete(record, field)
				}
			}
		}
	}
	a.body = encode(outer)
}
