package xerosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// api is what the API half keeps in a Sim, behind Sim.mu.
type api struct {
	books  map[string]*shelf // by tenant id: a demo reset starts new books
	meters map[meterKey]*meter
	apps   map[*client]*window // calls a minute of an app to all organisations
	odd    oddities

	repeats map[repeatKey]*repeatable
}

// shelf holds books that are made when they are first opened.
type shelf struct {
	once  sync.Once
	books *books
}

// openAPI makes nothing but room: books are made when somebody asks.
func (s *Sim) openAPI() error {
	s.api = api{books: map[string]*shelf{}, meters: map[meterKey]*meter{}, apps: map[*client]*window{}, repeats: map[repeatKey]*repeatable{}}
	return nil
}

// routesAPI adds what api.xero.com answers: /connections and Xero's APIs.
func (s *Sim) routesAPI(mux *http.ServeMux) {
	for _, path := range []string{"/connections", "/Connections"} { // Xero takes both, its SDKs use both
		mux.HandleFunc("GET "+path, s.listConnections)
		mux.HandleFunc("DELETE "+path+"/{id}", s.deleteConnection)
	}
	for _, base := range []string{"/api.xro/", "/assets.xro/", "/files.xro/", "/payroll.xro/", "/projects.xro/"} {
		mux.HandleFunc(base, s.gateway)
	}
}

// A resource is one collection of an API. Of its scopes any will do, and those
// that write may read. A nil function is a method that the simulated Xero does not
// have. What a function returns is written as JSON, unless it is a response.
type resource struct {
	scopes []string // without .read
	list   func(*call) (any, error)
	one    func(*call) (any, error)
	save   func(*call) (any, error) // POST and PUT, to the list or to one
	remove func(*call) (any, error)
	escape bool // writes \/Date(0)\/
}

// apis are those that are simulated, by the path of their server. The older ones
// write XML to who does not ask for JSON.
var apis = []struct {
	base string
	xml  bool
	find func(name, key string) resource
}{
	{"/api.xro/2.0/", true, findAccounting},
	{"/assets.xro/1.0/", false, findAssets},
	{"/files.xro/1.0/", false, findFiles},
	{"/payroll.xro/1.0/", true, findPayrollAU},
	{"/payroll.xro/2.0/", false, findPayroll},
	{"/projects.xro/2.0/", false, findProjects},
}

// find takes a path apart. Names are told apart without case, as at Xero. xml
// reports whether the answer is XML unless JSON is asked for.
func find(path string) (found resource, key string, xml bool) {
	for _, api := range apis {
		if rest, ok := strings.CutPrefix(path, api.base); ok {
			name, key, _ := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
			return api.find(strings.ToLower(name), key), key, api.xml
		}
	}
	return resource{}, "", true
}

func findAccounting(name, key string) (found resource) {
	switch name {
	case "organisation":
		found = resource{scopes: []string{"accounting.settings"}, list: showOrganisation}
	case "accounts":
		found = resource{scopes: []string{"accounting.settings"}, list: listAccounts, one: oneAccount, escape: true}
	case "contacts":
		found = resource{scopes: []string{"accounting.contacts"}, list: listContacts, one: oneContact, save: saveContacts}
	case "invoices":
		if isAttachment(key) {
			return attachmentResource
		}
		found = resource{scopes: []string{"accounting.invoices", "accounting.transactions"}, list: listInvoices, one: oneInvoice, save: saveInvoices}
	case "payments":
		found = resource{scopes: []string{"accounting.payments", "accounting.transactions"}, list: listPayments, one: onePayment, save: savePayments, escape: true}
	case "banktransactions":
		found = resource{scopes: []string{"accounting.banktransactions", "accounting.transactions"}, list: listBankTransactions, one: oneBankTransaction, escape: true}
	case "reports":
		found = reportResource(key)
	}
	return found
}

func (r resource) open(scopes []string, write bool) bool {
	return len(r.scopes) == 0 || slices.ContainsFunc(r.scopes, func(scope string) bool {
		return slices.Contains(scopes, scope) || !write && slices.Contains(scopes, scope+".read")
	})
}

// A call is a request that may see the books it asks for.
type call struct {
	request *http.Request
	access  *access
	tenant  string // id
	reports bool   // the person's role reaches reports
	books   *books
	now     time.Time
	key     string // of one record; empty: the list
}

// today is the organisation's calendar day.
func (c *call) today() time.Time { return c.books.profile.today(c.now) }

// An apiError is an answer other than 200.
type apiError struct {
	status     int
	kind, body string // Content-Type, and a body that needs no request to be known
	json       any    // instead of body
}

func (e *apiError) Error() string { return http.StatusText(e.status) + ": " + e.body }

// Bodies as users pasted them, for example github.com/XeroAPI/Xero-OpenAPI/issues/163
// and XeroAPI/Xero-Net/issues/347.
var (
	errNotFound = &apiError{status: http.StatusNotFound, kind: "text/html; charset=utf-8", body: "The resource you're looking for cannot be found"}
	errRole     = &apiError{status: http.StatusForbidden, kind: "text/html; charset=utf-8",
		body: "You are not permitted to access this resource without the reporting role or higher privileges."}
	errMethod = &apiError{status: http.StatusNotImplemented, kind: "text/plain; charset=utf-8", body: "The simulated Xero does not do this."}
)

// mostQuery is what Xero's web server takes: a longer query is a 404, which 53 ids
// with escaped commas are (github.com/XeroAPI/Xero-Java/issues/328).
const mostQuery = 2048

// gateway checks a request in Xero's order, token, scope, organisation, limits,
// and has it answered.
func (s *Sim) gateway(w http.ResponseWriter, r *http.Request) {
	correlate(w)
	access, err := s.grantOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	what, key, xml := find(r.URL.Path)
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	if !what.open(access.scopes, write) {
		refuse(w, &refusal{"AuthorizationUnsuccessful", "insufficient_scope"})
		return
	}
	if len(r.URL.RawQuery) > mostQuery {
		errNotFound.response().write(w)
		return
	}
	limits := s.enter(access, r.Header.Get("xero-tenant-id"))
	limits.headers(w.Header())
	defer s.leave(limits)
	switch {
	case limits.problem != "":
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case limits.organisation == nil:
		gatewayError(w, http.StatusForbidden, "AuthenticationUnsuccessful")
		return
	}
	if slow := s.slowness(); slow > 0 {
		pause(r, time.After(slow))
	}
	c := &call{request: r, access: access, now: s.Now(), key: key, tenant: limits.tenant, reports: limits.reports, books: s.open(limits)}
	answer := s.once(c, func() response { return s.answer(c, what, write) })
	if xml && answer.kind == jsonType && answer.long == nil {
		s.strange(&answer)
		if !wantsJSON(r) {
			answer = answer.xml()
		}
	}
	answer.write(w)
}

// open takes the books off the shelf, and makes them if nobody did.
func (s *Sim) open(limits *admission) *books {
	limits.shelf.once.Do(func() {
		limits.shelf.books = newBooks(limits.organisation.profile, s.opt.Seed, s.Now())
		limits.shelf.books.furnish(s.opt.Seed, s.Now())
	})
	return limits.shelf.books
}

func (s *Sim) answer(c *call, what resource, write bool) response {
	do := what.list
	switch {
	case write && (c.request.Method == http.MethodPost || c.request.Method == http.MethodPut):
		do = what.save
	case c.request.Method == http.MethodDelete:
		do = what.remove
	case write:
		do = nil
	case c.key != "":
		do = what.one
	}
	if do == nil {
		if !write || what.scopes == nil {
			return errNotFound.response()
		}
		return errMethod.response()
	}
	body, err := do(c)
	if failed, ok := errors.AsType[*apiError](err); ok {
		return failed.response()
	}
	if ready, ok := body.(response); ok {
		return ready
	}
	text := encode(body)
	if what.escape {
		text = escapeDates(text)
	}
	return response{status: http.StatusOK, kind: jsonType, body: text}
}

const jsonType = "application/json; charset=utf-8"

type response struct {
	status int
	kind   string
	body   []byte

	long   *io.SectionReader // instead of body
	header http.Header       // besides
}

func (e *apiError) response() response {
	if e.json != nil {
		return response{status: e.status, kind: jsonType, body: encode(e.json)}
	}
	return response{status: e.status, kind: e.kind, body: []byte(e.body)}
}

func (a response) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	if a.long != nil {
		w.(*answer).long = a.long
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// encode writes markup as it stands: Xero does not escape it.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // our own plain values
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// correlate names the answer, for Xero's support to look up.
func correlate(w http.ResponseWriter) { w.Header().Set("Xero-Correlation-Id", newGUID()) }

// refuse answers what grantOf returned.
func refuse(w http.ResponseWriter, err error) {
	because, ok := errors.AsType[*refusal](err)
	if !ok {
		panic(err) // grantOf returns no other
	}
	w.Header().Set("WWW-Authenticate", because.challenge)
	gatewayError(w, http.StatusUnauthorized, because.detail)
}

// gatewayError is the gateway's own body, in JSON whatever was asked for.
func gatewayError(w http.ResponseWriter, status int, detail string) {
	body := struct {
		Type       *string
		Title      string
		Status     int
		Detail     string
		Instance   string
		Extensions struct{}
	}{Title: http.StatusText(status), Status: status, Detail: detail, Instance: w.Header().Get("Xero-Correlation-Id")}
	response{status: status, kind: jsonType, body: encode(body)}.write(w)
}
