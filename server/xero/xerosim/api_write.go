package xerosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// mostBody is Xero's limit of a request, in bytes.
const mostBody = 10 << 20

// records reads the request: an object with the list under its name, or one
// record as it is.
func records[T any](c *call, name string) ([]T, error) {
	body, err := io.ReadAll(io.LimitReader(c.request.Body, mostBody+1))
	switch {
	case err != nil:
		return nil, errEndedEarly
	case len(body) > mostBody:
		return nil, errTooLarge
	}
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(body, &outer); err != nil {
		return nil, badData(err.Error())
	}
	if outer == nil {
		return nil, badData("an object is wanted")
	}
	list, ok := outer[name]
	if !ok {
		list = slices.Concat([]byte("["), body, []byte("]"))
	}
	var all []T
	decoder := json.NewDecoder(bytes.NewReader(list))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		return nil, badData(err.Error())
	}
	if len(all) == 0 {
		return nil, badData("no " + name + " were given")
	}
	return all, nil
}

// badData is the answer to a body that cannot be read.
func badData(message string) error {
	return &apiError{status: http.StatusBadRequest, json: errorJSON{ErrorNumber: 17, Type: "PostDataInvalidException", Message: message}}
}

// A verdict is what became of one record of a request.
type verdict[T any] struct {
	save    func() T // nil when it is invalid
	invalid T        // the record as it was sent, with its ValidationErrors
}

// settle saves the records if all are valid. Otherwise it saves none and says
// what is wrong, or with summarizeErrors=false saves those that are.
func settle[T any](c *call, verdicts []verdict[T]) ([]T, error) {
	each := strings.EqualFold(c.request.URL.Query().Get("summarizeErrors"), "false")
	var wrong []any
	for _, v := range verdicts {
		if v.save == nil {
			wrong = append(wrong, v.invalid)
		}
	}
	if len(wrong) > 0 && !each {
		return nil, &apiError{status: http.StatusBadRequest, json: errorJSON{
			ErrorNumber: 10, Type: "ValidationException", Message: "A validation exception occurred", Elements: wrong,
		}}
	}
	var out []T
	for _, v := range verdicts {
		if v.save == nil {
			out = append(out, v.invalid)
		} else {
			out = append(out, v.save())
		}
	}
	return out, nil
}

// save judges each record that the request gives, and settles what becomes of it.
func save[In, Out any](c *call, name string, judge func(In) verdict[Out]) ([]Out, error) {
	given, err := records[In](c, name)
	if err != nil {
		return nil, err
	}
	c.books.lock()
	defer c.books.mu.Unlock()
	verdicts := make([]verdict[Out], len(given))
	for n, in := range given {
		verdicts[n] = judge(in)
	}
	return settle(c, verdicts)
}

func messages(texts []string) []messageJSON {
	var out []messageJSON
	for _, t := range texts {
		out = append(out, messageJSON{t})
	}
	return out
}

// contactIn is what a request says of a contact. What it leaves out stays.
type contactIn struct {
	ContactID, ContactNumber, AccountNumber, Name, FirstName, LastName, EmailAddress, TaxNumber, DefaultCurrency, ContactStatus *string
}

// saveContacts creates contacts, or changes those that are named by id or
// number; POST knows them by name too, PUT refuses a name that is taken.
func saveContacts(c *call) (any, error) {
	names := map[string]bool{} // of this request
	out, err := save(c, "Contacts", func(in contactIn) verdict[contactJSON] { return c.judgeContact(in, names) })
	return contactsJSON{c.head(), out}, err
}

func (c *call) judgeContact(in contactIn, names map[string]bool) verdict[contactJSON] {
	b := c.books
	var wrong []string
	name := strings.TrimSpace(value(in.Name))
	known, found := b.knownContact(in, c.key)
	if !found {
		wrong = append(wrong, "The contact does not exist in this organisation.")
	}
	taken := first(b.contacts, func(o *contact) bool { return o != known && !o.archived && strings.EqualFold(o.name, name) })
	if known == nil && taken != nil && c.request.Method == http.MethodPost && !names[strings.ToLower(name)] {
		known, taken = taken, nil
	}
	switch {
	case known == nil && name == "", in.Name != nil && name == "":
		wrong = append(wrong, "The Contact Name must be specified.")
	case taken != nil || names[strings.ToLower(name)] && known == nil:
		wrong = append(wrong, fmt.Sprintf(
			"The contact name %s is already assigned to another contact. The contact name must be unique across all active contacts.", name))
	}
	names[strings.ToLower(name)] = true
	for field, text := range map[string]*string{"Name": in.Name, "FirstName": in.FirstName, "LastName": in.LastName, "EmailAddress": in.EmailAddress} {
		if utf8.RuneCountInString(value(text)) > 255 {
			wrong = append(wrong, "A "+field+" may have 255 characters at most.")
		}
	}
	if email := value(in.EmailAddress); email != "" && !strings.Contains(email, "@") {
		wrong = append(wrong, fmt.Sprintf("Email address %s is invalid.", email))
	}
	if currency := value(in.DefaultCurrency); currency != "" && !b.profile.deals(currency) {
		wrong = append(wrong, fmt.Sprintf("Organisation is not subscribed to currency %s", currency))
	}
	if wrong != nil {
		slices.Sort(wrong)
		invalid := contactJSON{ContactID: noID, Name: name, HasValidationErrors: true, ValidationErrors: messages(wrong), StatusAttributeString: "ERROR"}
		if known != nil {
			invalid.ContactID = known.id
		}
		return verdict[contactJSON]{invalid: invalid}
	}
	return verdict[contactJSON]{save: func() contactJSON {
		if known == nil {
			known = &contact{id: b.id(), currency: b.profile.base, country: b.profile.country}
			b.addContact(known)
		}
		for to, from := range map[*string]*string{
			&known.name: in.Name, &known.number: in.ContactNumber, &known.accountNumber: in.AccountNumber, &known.first: in.FirstName,
			&known.last: in.LastName, &known.email: in.EmailAddress, &known.taxNumber: in.TaxNumber, &known.currency: in.DefaultCurrency,
		} {
			if from != nil {
				*to = strings.TrimSpace(*from)
			}
		}
		known.archived = strings.EqualFold(value(in.ContactStatus), "ARCHIVED") || in.ContactStatus == nil && known.archived
		known.updated = c.now
		return known.json(full, c.today())
	}}
}

// noID stands for the id of what was not saved.
const noID = "00000000-0000-0000-0000-000000000000"

// knownContact finds the contact that a request means by id or number; key is
// from its path. found is false where it names one that is not there.
func (b *books) knownContact(in contactIn, key string) (known *contact, found bool) {
	id := key
	if id == "" {
		id = value(in.ContactID)
	}
	if id != "" {
		known = b.findContact(id)
		return known, known != nil
	}
	if number := value(in.ContactNumber); number != "" {
		known = first(b.contacts, func(o *contact) bool { return strings.EqualFold(o.number, number) })
	}
	return known, true
}

// deals reports whether the organisation has the currency.
func (p *profile) deals(currency string) bool {
	_, foreign := p.currencies[currency]
	return foreign || currency == p.base
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
