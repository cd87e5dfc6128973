package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) apiRoutes() []route {
	return []route{
		{pattern: "GET /api/status", who: sessionOrKey, handle: s.status},
		{pattern: "GET /api/xero/contacts", who: sessionOrKey, handle: s.onTerms(apiAge, s.contacts)},
		{pattern: "GET /api/xero/invoices", who: sessionOrKey, handle: s.onTerms(apiAge, s.invoices)},
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
	if c.key != nil && len(c.key.Tenants) > 0 {
		status.Connections = seenBy(c.key, status.Connections)
	}
	writeJSON(w, http.StatusOK, status)
	return nil
}

// seenBy leaves what a locked key may know: its own organisations, and the sign-ins
// that reach them.
func seenBy(k *apiKey, all []xero.ConnectionStatus) []xero.ConnectionStatus {
	seen := []xero.ConnectionStatus{}
	for _, connection := range all {
		connection.Organisations = slices.DeleteFunc(slices.Clone(connection.Organisations), func(o xero.Organisation) bool { return !k.Reaches(o.TenantID) })
		if len(connection.Organisations) > 0 {
			seen = append(seen, connection)
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

// apiAge is how old what a program is given may be, unless it says so.
const apiAge = time.Minute

// contacts answers with all contacts of the organisation but those in the archive,
// as Xero does who is not asked for them.
func (s *Server) contacts(w http.ResponseWriter, _ *http.Request, t *terms) error {
	all, err := given(t, t.ledger.Contacts)
	if err != nil {
		return err
	}
	list := make([]contact, 0, len(all.Value))
	for _, one := range all.Value {
		if one.Status == "ARCHIVED" {
			continue
		}
		list = append(list, contact{one.ID, one.Name, one.Email, one.Status, one.Supplier, one.Customer})
	}
	t.tell(w.Header())
	writeJSON(w, http.StatusOK, struct {
		Success  bool      `json:"success"`
		Contacts []contact `json:"contacts"`
		Count    int       `json:"count"`
		TenantID string    `json:"tenant_id"`
	}{true, list, len(list), t.ledger.TenantID()})
	return nil
}

// Of the Python original: what it showed when it was not asked for anything.
const (
	defaultStatuses = "DRAFT,SUBMITTED,AUTHORISED"
	defaultLimit    = 50
)

// invoices answers with the newest invoices of the statuses, up to the limit, and
// says how many there are.
func (s *Server) invoices(w http.ResponseWriter, r *http.Request, t *terms) error {
	type filters struct {
		Status string `json:"status"`
		Limit  int    `json:"limit"`
	}
	query := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(query.Get("limit"), strconv.Itoa(defaultLimit)))
	if err != nil || limit < 1 {
		return fail(codeBadRequest).saying(words.Say("requests.limit.message"), words.Say("requests.limit.action"))
	}
	asked := filters{strings.ToUpper(strings.ReplaceAll(cmp.Or(query.Get("status"), defaultStatuses), " ", "")), limit}
	all, err := given(t, t.ledger.Invoices)
	if err != nil {
		return err
	}
	statuses := strings.Split(asked.Status, ",")
	list, available := []invoice{}, 0
	for _, one := range all.Value {
		if !slices.Contains(statuses, one.Status) {
			continue
		}
		if available++; available <= limit {
			list = append(list, invoice{
				one.ID, one.Number, one.Type, one.Status, json.Number(one.Total.StringFixed(max(2, -one.Total.Exponent()))), one.Currency,
				day(one.Date), day(one.Due), one.ContactName,
			})
		}
	}
	t.tell(w.Header())
	writeJSON(w, http.StatusOK, struct {
		Success        bool      `json:"success"`
		Invoices       []invoice `json:"invoices"`
		Count          int       `json:"count"`
		TotalAvailable int       `json:"total_available"`
		Filters        filters   `json:"filters"`
	}{true, list, len(list), available, asked})
	return nil
}

// day is a calendar day as programs read it, nil where there is none.
func day(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.Format(time.DateOnly))
}
