package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"financial-command-center/server/xero"
)

func (s *Server) apiRoutes() []route {
	return []route{
		{pattern: "GET /api/status", who: sessionOrKey, handle: s.status},
		{pattern: "GET /api/xero/contacts", who: sessionOrKey, handle: s.contacts},
		{pattern: "GET /api/xero/invoices", who: sessionOrKey, handle: s.invoices},
	}
}

// Status is /api/status: how all stands.
type Status struct {
	Version string `json:"version"`
	Mode    Mode   `json:"mode"`
	xero.Status
}

// Status is how the sign-ins stand, or what stands in the way of the server where
// they have no problem of their own.
func (s *Server) Status() Status { return s.statusOf(s.cfg.Connections.Status()) }

func (s *Server) statusOf(now xero.Status) Status {
	if now.Problem == nil {
		now.Problem = s.Trouble()
	}
	return Status{s.cfg.Version, s.cfg.Mode, now}
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request, c *call) error {
	status := s.Status()
	if c.key != nil && c.key.Tenant != "" {
		status.Connections = seenBy(c.key, status.Connections)
	}
	writeJSON(w, http.StatusOK, status)
	return nil
}

// seenBy leaves what a locked key may know: its own organisation, and the sign-ins
// that reach it.
func seenBy(k *apiKey, all []xero.ConnectionStatus) []xero.ConnectionStatus {
	seen := []xero.ConnectionStatus{}
	for _, connection := range all {
		for _, o := range connection.Organisations {
			if strings.EqualFold(o.TenantID, k.Tenant) {
				connection.Organisations = []xero.Organisation{o}
				seen = append(seen, connection)
				break
			}
		}
	}
	return seen
}

// Contact and invoice are what scripts of the Python original read. Amounts keep
// the digits that Xero wrote.
type (
	contact struct {
		ID         string `json:"contact_id"`
		Name       string `json:"name"`
		Email      string `json:"email"`
		Status     string `json:"status"`
		IsSupplier bool   `json:"is_supplier"`
		IsCustomer bool   `json:"is_customer"`
	}
	invoice struct {
		ID          string      `json:"invoice_id"`
		Number      string      `json:"invoice_number"`
		Type        string      `json:"type"`
		Status      string      `json:"status"`
		Total       json.Number `json:"total"`
		Currency    string      `json:"currency_code"`
		Date        *string     `json:"date"` // a calendar day, YYYY-MM-DD
		DueDate     *string     `json:"due_date"`
		ContactName string      `json:"contact_name"`
	}
)

// pagination is lower case in an answer that is not (Xero-OpenAPI, accounting).
type pagination struct {
	PageCount int `json:"pageCount"`
	ItemCount int `json:"itemCount"`
}

const pageSize = 1000 // the most that Xero gives

// contacts answers with all contacts of the organisation.
func (s *Server) contacts(w http.ResponseWriter, r *http.Request, c *call) error {
	organisation, session, err := s.organisation(r, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), xeroPatience)
	defer cancel()
	list := []contact{}
	for page := 1; ; page++ {
		var got struct {
			Pagination pagination `json:"pagination"`
			Contacts   []struct {
				ContactID, Name, EmailAddress, ContactStatus string
				IsSupplier, IsCustomer                       truth
			}
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(pageSize)}}
		if err := s.ask(ctx, session, organisation.TenantID, "/api.xro/2.0/Contacts", query, &got); err != nil {
			return err
		}
		for _, one := range got.Contacts {
			list = append(list, contact{one.ContactID, one.Name, one.EmailAddress, one.ContactStatus, bool(one.IsSupplier), bool(one.IsCustomer)})
		}
		if page >= got.Pagination.PageCount {
			break
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Success  bool      `json:"success"`
		Contacts []contact `json:"contacts"`
		Count    int       `json:"count"`
		TenantID string    `json:"tenant_id"`
	}{true, list, len(list), organisation.TenantID})
	return nil
}

// Of the Python original: what it showed when it was not asked for anything.
const (
	defaultStatuses = "DRAFT,SUBMITTED,AUTHORISED"
	defaultLimit    = 50
)

// invoices answers with the newest invoices of the statuses, up to the limit, and
// says how many there are.
func (s *Server) invoices(w http.ResponseWriter, r *http.Request, c *call) error {
	type filters struct {
		Status string `json:"status"`
		Limit  int    `json:"limit"`
	}
	query := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(query.Get("limit"), strconv.Itoa(defaultLimit)))
	if err != nil || limit < 1 {
		return fail(codeBadRequest).saying("The limit is no number of invoices.", "Give a whole number from 1, as limit=50.")
	}
	asked := filters{strings.ToUpper(strings.ReplaceAll(cmp.Or(query.Get("status"), defaultStatuses), " ", "")), limit}
	organisation, session, err := s.organisation(r, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), xeroPatience)
	defer cancel()
	list, available := []invoice{}, 0
	size := min(limit, pageSize)
	for page := 1; len(list) < limit; page++ {
		var got struct {
			Pagination pagination `json:"pagination"`
			Invoices   []struct {
				InvoiceID, InvoiceNumber, Type, Status, CurrencyCode, DateString, DueDateString string
				Total                                                                           json.Number
				Contact                                                                         struct{ Name string }
			}
		}
		query := url.Values{
			"Statuses": {asked.Status}, "order": {"Date DESC"}, "summaryOnly": {"true"},
			"page": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(size)},
		}
		if err := s.ask(ctx, session, organisation.TenantID, "/api.xro/2.0/Invoices", query, &got); err != nil {
			return err
		}
		available = got.Pagination.ItemCount
		for _, one := range got.Invoices {
			list = append(list, invoice{
				one.InvoiceID, one.InvoiceNumber, one.Type, one.Status, cmp.Or(one.Total, "0"), one.CurrencyCode,
				day(one.DateString), day(one.DueDateString), one.Contact.Name,
			})
		}
		if page >= got.Pagination.PageCount {
			break
		}
	}
	list = list[:min(limit, len(list))]
	writeJSON(w, http.StatusOK, struct {
		Success        bool      `json:"success"`
		Invoices       []invoice `json:"invoices"`
		Count          int       `json:"count"`
		TotalAvailable int       `json:"total_available"`
		Filters        filters   `json:"filters"`
	}{true, list, len(list), available, asked})
	return nil
}

// day is the calendar day of a DateString, which has no zone: it is not shifted.
func day(text string) *string {
	date, _, _ := strings.Cut(text, "T")
	if date == "" {
		return nil
	}
	return &date
}

// truth is a boolean that some of Xero's answers have in quotes.
type truth bool

func (t *truth) UnmarshalJSON(text []byte) error {
	*t = strings.Trim(string(text), `"`) == "true"
	return nil
}

// mostAnswer bounds what is read of one answer: a page of a thousand records is a
// few MB.
const mostAnswer = 64 << 20

// ask reads JSON from Xero's API for our own routes. tenantID is "" for what is no
// organisation's.
func (s *Server) ask(ctx context.Context, session *xero.Session, tenantID, path string, query url.Values, into any) error {
	u := s.cfg.Connections.API().JoinPath(path)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json") // Xero answers XML else
	if tenantID != "" {
		r.Header.Set("Xero-Tenant-Id", tenantID)
	}
	answer, err := session.Transport().RoundTrip(r)
	switch {
	case err != nil && ctx.Err() != nil: // too late, or nobody waits for it any more
		return fail(xero.CodeUnreachable).saying("Xero did not answer in time.", "Try again. If it goes on, look at Xero's status page.").because(err)
	case err != nil:
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusedByXero(answer)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(into); err != nil {
		return fail(xero.CodeUnreachable).saying("The answer broke off, or did not come from Xero.", "Try again. On a hotel's or an airport's network, open any web page first.").because(errors.New("an answer that is no JSON"))
	}
	return nil
}

// refusedByXero says in our words why Xero refused what a route of ours asked. Its
// body is not passed on: through the gateway it would be.
func refusedByXero(answer *http.Response) error {
	cause := fmt.Errorf("xero answered %d (correlation id %s)", answer.StatusCode, answer.Header.Get("Xero-Correlation-Id"))
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		f := fail(codeRateLimited).because(cause)
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			seconds = 1
		}
		f.retryAfter = time.Duration(seconds) * time.Second
		return f
	case status == http.StatusUnauthorized:
		return fail(xero.CodeNeedsLogin).saying("The sign-in to Xero does not allow this.", widerScopes).offering("Choose what FCC may do", "/setup/app#access").because(cause)
	case status == http.StatusForbidden && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
		// Xero's edge, which has not looked at the sign-in.
		return fail(xero.CodeUnreachable).saying("Xero turns this computer away for now.", "Try again in a few minutes.").because(cause)
	case status == http.StatusForbidden:
		return fail(xero.CodeTenantRequired).saying("Xero does not let this sign-in reach the organisation, or this part of it.", "Choose another organisation, or ask who looks after it in Xero.").because(cause)
	case status == http.StatusBadRequest:
		return fail(codeBadRequest).saying("Xero does not understand this request.", "Check the values that were sent with it.").because(cause)
	}
	return fail(xero.CodeUnreachable).saying(fmt.Sprintf("Xero is in trouble: it answered %d.", answer.StatusCode), "Try again in a few minutes.").because(cause)
}
