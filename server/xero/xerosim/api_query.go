package xerosim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is what a list may be asked for. Each resource takes what is its own.
type query struct {
	page, size                           int // page 0: unpaged
	ids, contacts, numbers, statuses     []string
	term                                 string // lower case
	light, includeArchived, createdByApp bool
	unitPlaces                           int32
	since                                time.Time
	where                                string
	order                                []string // "Field" or "Field DESC"
}

const (
	defaultPageSize = 100
	mostPageSize    = 1000
)

// ask reads the request's query. Names are taken in any case. What cannot be read
// is refused: a filter that is not applied would be a wrong answer.
func (c *call) ask() (query, error) {
	q := query{unitPlaces: 2}
	for name, values := range c.request.URL.Query() {
		value := values[len(values)-1]
		if value == "" {
			continue
		}
		all := strings.Split(strings.Join(values, ","), ",")
		var err error
		switch strings.ToLower(name) {
		case "page":
			q.page, err = within(value, 1<<20)
		case "pagesize":
			q.size, err = within(value, mostPageSize)
		case "ids":
			q.ids = all
		case "contactids":
			q.contacts = all
		case "invoicenumbers":
			q.numbers = all
		case "statuses":
			q.statuses = all
		case "searchterm":
			q.term = strings.ToLower(value)
		case "summaryonly":
			q.light, err = strconv.ParseBool(value)
		case "includearchived":
			q.includeArchived, err = strconv.ParseBool(value)
		case "createdbymyapp":
			q.createdByApp, err = strconv.ParseBool(value)
		case "unitdp":
			if value == "4" {
				q.unitPlaces = 4
			}
		case "order":
			q.order = all
		case "where":
			q.where = value
		}
		if err != nil {
			return q, parseError(fmt.Sprintf("%s is no value for %s", value, name))
		}
	}
	if header := c.request.Header.Get("If-Modified-Since"); header != "" {
		// Xero takes its own form beside HTTP's; what is neither it ignores.
		since, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(header, "Z"))
		if err != nil {
			since, _ = http.ParseTime(header)
		}
		q.since = since
	}
	if q.size > 0 && q.page == 0 {
		q.page = 1
	}
	if q.page > 0 && q.size == 0 {
		q.size = defaultPageSize
	}
	return q, nil
}

func within(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && (n < 1 || n > most) {
		err = errors.New("out of range")
	}
	return n, err
}

// detail is how much of each record the list shows: Xero leaves the lines out of
// a list without pages.
func (q query) detail() detail {
	switch {
	case q.light:
		return light
	case q.page == 0:
		return listed
	}
	return full
}

// among reports whether id is in list, or there is none.
func among(list []string, id string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(strings.TrimSpace(one), id) })
}

// changed reports whether a record of that time is asked for: those since the
// moment of If-Modified-Since, to the second.
func (q query) changed(updated time.Time) bool { return !updated.Before(q.since) }

// mentions reports whether a field holds the search term.
func (q query) mentions(fields ...string) bool {
	return q.term == "" || slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), q.term) })
}

// sort sorts all, which must be the caller's own, as the query wants it. Without
// an order the books' own stays.
func (f fields[T]) sort(q query, all []T, record string) error {
	var by []func(a, b T) int
	for _, term := range q.order {
		name, way, _ := strings.Cut(strings.TrimSpace(term), " ")
		field, ok := f[strings.ToLower(name)]
		switch {
		case !ok:
			return parseError(fmt.Sprintf("No property or field '%s' exists in type '%s'", name, record))
		case strings.EqualFold(way, "DESC"):
			by = append(by, func(a, b T) int { return compare(field.of(b), field.of(a)) })
		case way == "" || strings.EqualFold(way, "ASC"):
			by = append(by, func(a, b T) int { return compare(field.of(a), field.of(b)) })
		default:
			return parseError(fmt.Sprintf("Syntax error in order '%s'", term))
		}
	}
	slices.SortStableFunc(all, func(a, b T) int {
		for _, compare := range by {
			if c := compare(a, b); c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
}

// parseError is the answer to a query that cannot be read.
func parseError(message string) error {
	return &apiError{status: http.StatusBadRequest, json: errorJSON{ErrorNumber: 16, Type: "QueryParseException", Message: message}}
}

type errorJSON struct {
	ErrorNumber int
	Type        string
	Message     string
	Elements    []any `json:",omitempty"`
}

// head begins every answer of the Accounting API.
type head struct {
	ID           string `json:"Id"`
	Status       string
	ProviderName string // the app's name
	DateTimeUTC  string
	Pagination   *paginationJSON `json:"pagination,omitempty"`
}

type paginationJSON struct {
	Page      int `json:"page"`
	PageSize  int `json:"pageSize"`
	PageCount int `json:"pageCount"`
	ItemCount int `json:"itemCount"`
}

func (c *call) head() head {
	return head{ID: newGUID(), Status: "OK", ProviderName: c.access.client.Name, DateTimeUTC: stamp(c.now)}
}

// list answers with the page of all that the request asks for, each record as show
// has it. asked is what a record has to be besides where.
func list[T, J any](c *call, all *[]T, known fields[T], record string, asked func(query, T) bool, show func(query, T) J) (head, []J, error) {
	q, err := c.ask()
	if err != nil {
		return head{}, nil, err
	}
	c.books.mu.RLock()
	defer c.books.mu.RUnlock()
	fit, err := choose(q, *all, known, record, asked)
	if err != nil {
		return head{}, nil, err
	}
	h, out := c.head(), []J{}
	fit, h.Pagination = cut(q, fit)
	for _, one := range fit {
		out = append(out, show(q, one))
	}
	return h, out, nil
}

// choose takes those of all that q asks for, in its order.
func choose[T any](q query, all []T, known fields[T], record string, asked func(query, T) bool) (fit []T, err error) {
	fits, err := known.where(q.where, record)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if asked(q, one) && fits(one) {
			fit = append(fit, one)
		}
	}
	return fit, known.sort(q, fit, record)
}

// cut takes the page that q asks for out of all, and says which it is.
func cut[T any](q query, all []T) ([]T, *paginationJSON) {
	if q.page == 0 {
		return all, nil
	}
	from := min((q.page-1)*q.size, len(all))
	return all[from:min(from+q.size, len(all))], &paginationJSON{q.page, q.size, (len(all) + q.size - 1) / q.size, len(all)}
}
