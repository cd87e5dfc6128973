package server

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"financial-command-center/server/xero"
)

const (
	// A request is shown at the latest so long after it came, with what Xero has said
	// until then of the records that it is about.
	lookTime = 6 * time.Second
	// So many records are looked up at once by their ids, which have to fit into an
	// address of 2,048 characters, and mostLooks times.
	lookBatch = 40
	mostLooks = 6
)

// lookAge is how old the organisation's own settings may be: how it writes amounts.
const lookAge = 24 * time.Hour

// A look is at records as Xero has them now, for a person who is to decide what becomes
// of them. What is wanted of one resource is read together.
type look struct {
	ctx    context.Context
	api    *url.URL
	way    http.RoundTripper
	tenant string

	wanted map[string][]string         // ids and numbers by resource
	found  map[string]map[string]field // by resource, and by id or number in lower case
	asked  map[string]bool             // resource/id: Xero has said whether there is one
	looks  int
}

// batched are the resources that are found by several ids, and by what their numbers
// are found.
var batched = map[string]struct{ ids, number, numbers string }{
	"Invoices": {"IDs", "InvoiceNumber", "InvoiceNumbers"},
	"Contacts": {ids: "IDs"},
}

// isID reports whether text is an id of Xero's as plainID writes it.
func isID(text string) bool {
	return len(text) == 36 && strings.Trim(text, "0123456789abcdef-") == "" && strings.Count(text, "-") == 4
}

// plainID is an id in the one spelling that FCC uses. Xero takes those of .NET's Guid:
// in upper case, without dashes, in braces or parentheses. Other texts are as they were.
func plainID(text string) string {
	text = strings.TrimSpace(text)
	digits := text
	for _, around := range []string{"{}", "()"} {
		if len(digits) > 2 && digits[:1] == around[:1] && digits[len(digits)-1:] == around[1:] {
			digits = digits[1 : len(digits)-1]
			break
		}
	}
	if digits = strings.ToLower(strings.ReplaceAll(digits, "-", "")); len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return text
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// want has the record read at the next fetch. Only invoices are known by number too.
func (l *look) want(resource, key string) {
	key = plainID(key)
	if key == "" || !isID(key) && (batched[resource].numbers == "" || strings.Contains(key, ",")) ||
		slices.Contains(l.wanted[resource], key) || l.asked[resource+"/"+key] {
		return
	}
	l.wanted[resource] = append(l.wanted[resource], key)
}

// record is what was fetched. known is false where Xero was not asked or did not answer:
// there may be such a record.
func (l *look) record(resource, key string) (record field, there, known bool) {
	key = plainID(key)
	record, there = l.found[resource][strings.ToLower(key)]
	return record, there, there || l.asked[resource+"/"+key]
}

// fetch reads what is wanted.
func (l *look) fetch() {
	for resource, keys := range l.wanted {
		if l.found[resource] == nil {
			l.found[resource] = map[string]field{}
		}
		isNumber := func(key string) bool { return !isID(key) }
		ids, numbers := slices.DeleteFunc(slices.Clone(keys), isNumber), slices.DeleteFunc(slices.Clone(keys), isID)
		by := batched[resource]
		if by.ids == "" || len(keys) == 1 && len(ids) == 1 {
			for _, id := range ids {
				l.get(resource, []string{id}, "/"+id, nil)
			}
		} else {
			for part := range slices.Chunk(ids, lookBatch) {
				l.get(resource, part, "", url.Values{by.ids: {strings.Join(part, ",")}})
			}
		}
		for part := range slices.Chunk(numbers, lookBatch) {
			l.get(resource, part, "", url.Values{by.numbers: {strings.Join(part, ",")}})
		}
	}
	clear(l.wanted)
}

// get reads the records with these keys.
func (l *look) get(resource string, keys []string, below string, query url.Values) {
	if l.looks++; l.looks > mostLooks {
		return
	}
	if query != nil {
		query.Set("page", "1") // with their lines
		query.Set("pageSize", "100")
		query.Set("includeArchived", "true")
	}
	address := *l.api
	address.Path, address.RawQuery = "/api.xro/2.0/"+resource+below, query.Encode()
	r, err := http.NewRequestWithContext(l.ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Xero-Tenant-Id", l.tenant)
	answer, err := l.way.RoundTrip(r)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil || answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNotFound {
		return
	}
	var fields field
	if answer.StatusCode == http.StatusOK {
		if fields, err = jsonFields(body); err != nil {
			return
		}
	}
	for _, key := range keys {
		l.asked[resource+"/"+key] = true
	}
	for _, one := range fields.at(resource).below {
		l.found[resource][strings.ToLower(idOf(resource, one))] = one
		if number := one.at(batched[resource].number).text; number != "" {
			l.found[resource][strings.ToLower(number)] = one
		}
	}
}

// idOf is the id of a record of the resource.
func idOf(resource string, record field) string {
	return plainID(record.at(singular(resource) + "ID").text)
}

// numberOf is the number that a record has in Xero, or that of what a payment pays.
func numberOf(record field) string {
	return cmp.Or(record.at("InvoiceNumber").text, record.at("CreditNoteNumber").text,
		record.at("Invoice", "InvoiceNumber").text, record.at("CreditNote", "CreditNoteNumber").text)
}

// singular is the name of one record: an Invoice of the Invoices.
func singular(resource string) string {
	if rest, ok := strings.CutSuffix(resource, "ies"); ok {
		return rest + "y"
	}
	return strings.TrimSuffix(resource, "s")
}

// lookFor is a look with the sign-in that reaches the organisation. The program is the
// cause of its calls: they count as those of its key, and wait as those do.
func (s *Server) lookFor(ctx context.Context, key *apiKey, o xero.Organisation) (*look, error) {
	session, ok := s.cfg.Connections.Find(o.TenantID)
	if !ok {
		return nil, fail(xero.CodeNeedsLogin)
	}
	ctx = xero.WithPatience(xero.WithCaller(ctx, xero.Caller{Kind: xero.ByKey, Name: key.Name}), lookTime)
	return &look{
		ctx: ctx, api: s.cfg.Connections.API(), way: session.Transport(), tenant: o.TenantID,
		wanted: map[string][]string{}, found: map[string]map[string]field{}, asked: map[string]bool{},
	}, nil
}
