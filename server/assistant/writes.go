package assistant

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

type (
	// repeatable asks for what must not happen twice.
	repeatable struct {
		Key string `json:"idempotency_key,omitempty" jsonschema:"give the same one again to repeat a call whose answer was lost: within six minutes Xero then does it once; made anew when left out"`
	}

	draftIn struct {
		whose
		Kind      string      `json:"kind" jsonschema:"sale (an invoice to a customer) or bill (from a supplier)"`
		ContactID string      `json:"contact_id" jsonschema:"from the tool contacts"`
		Lines     []draftLine `json:"lines" jsonschema:"at least one"`
		Date      string      `json:"date,omitempty" jsonschema:"YYYY-MM-DD; today when left out"`
		Due       string      `json:"due_date,omitempty" jsonschema:"YYYY-MM-DD"`
		Number    string      `json:"number,omitempty" jsonschema:"of a bill: the supplier's number; of a sale leave it out, Xero numbers it"`
		Reference string      `json:"reference,omitempty" jsonschema:"of a sale"`
		Currency  string      `json:"currency,omitempty" jsonschema:"ISO 4217; the contact's or the organisation's when left out"`
		TaxIn     bool        `json:"amounts_include_tax,omitempty" jsonschema:"the unit amounts include tax; they do not when left out"`
		repeatable
	}
	draftLine struct {
		Description string `json:"description"`
		Quantity    string `json:"quantity,omitempty" jsonschema:"a decimal number as a string; 1 when left out"`
		Unit        string `json:"unit_amount" jsonschema:"a decimal number as a string"`
		Account     string `json:"account_code,omitempty" jsonschema:"from the tool accounts; may be left out in a draft"`
		TaxType     string `json:"tax_type,omitempty" jsonschema:"as the account has it when left out"`
	}

	newContactIn struct {
		whose
		Name  string `json:"name" jsonschema:"unique among the organisation's contacts"`
		Email string `json:"email,omitempty"`
		First string `json:"first_name,omitempty"`
		Last  string `json:"last_name,omitempty"`
		repeatable
	}
	contactChangeIn struct {
		whose
		ContactID string `json:"contact_id" jsonschema:"from the tool contacts"`
		Name      string `json:"name,omitempty" jsonschema:"stays as it is when left out, as all the others"`
		Email     string `json:"email,omitempty"`
		First     string `json:"first_name,omitempty"`
		Last      string `json:"last_name,omitempty"`
		repeatable
	}

	writeOut struct {
		Notice       string       `json:"notice" jsonschema:"how to read what follows"`
		Organisation organisation `json:"organisation" jsonschema:"whose books these are"`
		State        string       `json:"state" jsonschema:"sent (it is done), waiting_for_approval, or refused (nothing was written)"`
		ID           string       `json:"write_id,omitempty" jsonschema:"of one that waits: ask write_status with it"`
		Says         string       `json:"says" jsonschema:"what to tell the person"`
		Record       string       `json:"record_id,omitempty" jsonschema:"of what was made or changed"`
		Number       string       `json:"number,omitempty" jsonschema:"that Xero gave it"`
		Link         string       `json:"link,omitempty" jsonschema:"the page in Xero, or where the person approves"`
		Key          string       `json:"idempotency_key,omitempty" jsonschema:"to repeat exactly this"`
	}

	statusIn struct {
		whose
		ID string `json:"write_id" jsonschema:"from the answer of the tool that wrote; name the same organisation"`
	}
)

// mostKey is how long Xero lets an idempotency key be.
const mostKey = 128

// writingTools are those that are not read-only.
var writingTools = []string{"draft_invoice", "create_contact", "update_contact"}

// addWrites adds the tools that write, and the one that tells what became of it.
func (a *asking) addWrites() {
	writes(a, false, mcp.Tool{
		Name: "draft_invoice", Title: "Draft an invoice or bill",
		Description: "Makes an invoice or bill in status DRAFT. It is sent to nobody and changes no balance until a person approves it in Xero. Confirm contact, lines and amounts with the person first. Not repeated by FCC: see idempotency_key.",
	}, a.draft)
	writes(a, false, mcp.Tool{
		Name: "create_contact", Title: "Make a contact",
		Description: "Makes a contact. Look with contacts whether there is one already: a name that is taken is refused.",
	}, func(ctx context.Context, in newContactIn) (writeOut, error) {
		if strings.TrimSpace(in.Name) == "" {
			return writeOut{}, wrong(words.Say("assistant.needs", "Argument", "name"), words.Say("assistant.again"))
		}
		return a.contact(ctx, in.Organisation, http.MethodPut, "Contacts", in.Key, person{in.Name, in.Email, in.First, in.Last})
	})
	writes(a, true, mcp.Tool{
		Name: "update_contact", Title: "Change a contact",
		Description: "Changes the name, e-mail address or person of one contact. What is given replaces what was there.",
	}, func(ctx context.Context, in contactChangeIn) (writeOut, error) {
		if !isID(in.ContactID) {
			return writeOut{}, wrong(words.Say("assistant.needs", "Argument", "contact_id"), words.Say("assistant.look-for-contact"))
		}
		return a.contact(ctx, in.Organisation, http.MethodPost, "Contacts/"+in.ContactID, in.Key, person{in.Name, in.Email, in.First, in.Last})
	})
	reads(a, false, mcp.Tool{
		Name: "write_status", Title: "What became of a write",
		Description: "Tells whether a write that waits for a person's consent was sent, refused, or still waits.",
	}, func(ctx context.Context, in statusIn) (writeOut, error) {
		l, err := a.open(ctx, in.Organisation)
		if err != nil {
			return writeOut{}, err
		}
		done, err := a.caller.Written(ctx, l.TenantID(), in.ID)
		if err != nil {
			return writeOut{}, err
		}
		return a.outcome(l, done, "")
	})
}

// writes adds a tool that changes the books at Xero. destroys says that it may replace
// what is there. None does nothing when it is called again.
func writes[In any](a *asking, destroys bool, t mcp.Tool, do func(context.Context, In) (writeOut, error)) {
	t.Annotations = &mcp.ToolAnnotations{Title: t.Title, DestructiveHint: new(destroys), OpenWorldHint: new(true)}
	add(a, t, do)
}

func (a *asking) draft(ctx context.Context, in draftIn) (out writeOut, err error) {
	switch err := oneOf("kind", in.Kind); {
	case err != nil:
		return out, err
	case in.Kind == "":
		return out, wrong(words.Say("assistant.needs", "Argument", "kind"), words.Say("assistant.values", "Values", "sale, bill"))
	case !isID(in.ContactID):
		return out, wrong(words.Say("assistant.needs", "Argument", "contact_id"), words.Say("assistant.look-for-contact"))
	case len(in.Lines) == 0 || len(in.Lines) > mostPage:
		return out, wrong(words.Say("assistant.needs", "Argument", "lines"), words.Say("assistant.again"))
	}
	l, err := a.open(ctx, in.Organisation)
	if err != nil {
		return out, err
	}
	dated, err := date("date", in.Date, l.today)
	if err != nil {
		return out, err
	}
	due, err := date("due_date", in.Due, time.Time{})
	if err != nil {
		return out, err
	}
	type item struct {
		Description string
		Quantity    json.Number
		UnitAmount  json.Number
		AccountCode string `json:",omitempty"`
		TaxType     string `json:",omitempty"`
	}
	invoice := struct {
		Type, Status    string
		Contact         struct{ ContactID string }
		Date            string
		DueDate         string `json:",omitempty"`
		InvoiceNumber   string `json:",omitempty"`
		Reference       string `json:",omitempty"`
		CurrencyCode    string `json:",omitempty"`
		LineAmountTypes string
		LineItems       []item
	}{
		Type: "ACCREC", Status: "DRAFT", Date: day(dated), DueDate: day(due), InvoiceNumber: in.Number, Reference: in.Reference,
		CurrencyCode: strings.ToUpper(in.Currency), LineAmountTypes: "Exclusive",
	}
	if in.Kind == "bill" {
		invoice.Type = "ACCPAY"
	}
	if in.TaxIn {
		invoice.LineAmountTypes = "Inclusive"
	}
	invoice.Contact.ContactID = in.ContactID
	for _, one := range in.Lines {
		quantity, err := number("quantity", one.Quantity, "1")
		if err != nil {
			return out, err
		}
		unit, err := number("unit_amount", one.Unit, "")
		if err != nil {
			return out, err
		}
		invoice.LineItems = append(invoice.LineItems, item{one.Description, quantity, unit, one.Account, one.TaxType})
	}
	return a.send(ctx, l, http.MethodPut, "Invoices", in.Key, map[string]any{"Invoices": []any{invoice}})
}

// number reads a decimal, so that what is sent are digits and nothing else.
func number(name, text, otherwise string) (json.Number, error) {
	if text == "" {
		text = otherwise
	}
	d, err := decimal.NewFromString(strings.TrimSpace(text))
	if err != nil || len(text) > 40 || d.Exponent() < -6 || d.Exponent() > 12 {
		return "", wrong(words.Say("assistant.no-number", "Argument", name), words.Say("assistant.a-number"))
	}
	return json.Number(d.String()), nil
}

// isID reports whether text can be the id of a record: it goes into a path.
func isID(text string) bool {
	return len(text) == 36 && strings.Trim(text, "0123456789abcdefABCDEF-") == ""
}

// person is what is said of a contact; what is empty is left out.
type person struct {
	Name         string `json:",omitempty"`
	EmailAddress string `json:",omitempty"`
	FirstName    string `json:",omitempty"`
	LastName     string `json:",omitempty"`
}

func (a *asking) contact(ctx context.Context, named, method, path, key string, p person) (writeOut, error) {
	l, err := a.open(ctx, named)
	if err != nil {
		return writeOut{}, err
	}
	if p == (person{}) {
		return writeOut{}, wrong(words.Say("assistant.needs", "Argument", "name"), words.Say("assistant.again"))
	}
	return a.send(ctx, l, method, path, key, map[string]any{"Contacts": []any{p}})
}

func (a *asking) send(ctx context.Context, l *ledger, method, path, key string, record any) (writeOut, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return writeOut{}, err
	}
	if key == "" {
		key = rand.Text()
	}
	if len(key) > mostKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) { // it goes into a header
		return writeOut{}, wrong(words.Say("assistant.bad-key"), words.Say("assistant.again"))
	}
	resource, _, _ := strings.Cut(path, "/")
	done, err := a.caller.Send(ctx, Write{
		TenantID: l.TenantID(), Method: method, Path: path, Body: body, IdempotencyKey: key, Scope: "accounting." + strings.ToLower(resource),
	})
	if err != nil {
		return writeOut{}, err
	}
	return a.outcome(l, done, key)
}

// outcome is what became of a write.
func (a *asking) outcome(l *ledger, done Written, key string) (writeOut, error) {
	out := writeOut{
		Notice: notice, Organisation: organisation{l.organisation.TenantID, said(l.organisation.Name)},
		State: done.State, ID: done.ID, Key: key,
	}
	switch {
	case done.State == Waiting:
		out.Says, out.Link = words.Say("assistant.waits"), a.cfg.Address+"/approvals"
		return out, nil
	case done.State == Refused:
		out.Says = words.Say("assistant.refused", "Reason", objections(done))
		return out, nil
	case done.Status/100 != 2:
		return out, refused{Problem{quotes: true, Problem: xero.Problem{
			Code: xero.CodeBadRequest, Message: words.Say("assistant.xero-refused", "Reasons", objections(done)), Action: words.Say("assistant.correct"),
		}}}
	}
	var answer struct {
		Invoices []struct{ InvoiceID, InvoiceNumber, Type string }
		Contacts []struct{ ContactID string }
	}
	_ = json.Unmarshal(done.Body, &answer) // it is done, whatever the answer looks like
	switch {
	case len(answer.Invoices) == 1:
		i := answer.Invoices[0]
		out.Says, out.Record, out.Number = words.Say("assistant.drafted"), i.InvoiceID, said(i.InvoiceNumber)
		out.Link = l.settings.InvoiceLink(i.InvoiceID)
	case len(answer.Contacts) == 1:
		out.Says, out.Record = words.Say("assistant.contact-saved"), answer.Contacts[0].ContactID
		out.Link = l.settings.ContactLink(out.Record)
	default:
		out.Says = words.Say("assistant.written")
	}
	return out, nil
}

// objections are the reasons against a write: Xero's in its words, or why FCC did not
// send it.
func objections(done Written) string {
	type message struct{ Message string }
	var answer struct {
		Error           struct{ Message string } // FCC's own
		Message, Detail string
		Elements        []struct{ ValidationErrors []message }
	}
	_ = json.Unmarshal(done.Body, &answer) // else there are none
	var all []string
	for _, e := range answer.Elements {
		for _, m := range e.ValidationErrors {
			all = append(all, said(m.Message))
		}
	}
	for _, text := range []string{answer.Error.Message, answer.Detail, answer.Message, http.StatusText(done.Status)} {
		if len(all) == 0 && text != "" {
			all = append(all, said(text))
		}
	}
	return strings.Join(all[:min(len(all), 10)], " ")
}
