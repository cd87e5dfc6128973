package xerosim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type reportsJSON struct {
	head
	Reports []reportJSON
}

type reportJSON struct {
	ReportID, ReportName, ReportType string
	ReportTitles                     []string
	ReportDate, UpdatedDateUTC       string
	Fields                           []struct{}
	Rows                             []rowJSON
}

// A section that is only a heading has no rows: an empty list, or none at all.
type rowJSON struct {
	RowType string
	Title   *string    `json:",omitempty"`
	Cells   []cellJSON `json:",omitempty"`
	Rows    []rowJSON  `json:",omitzero"`
}

type cellJSON struct {
	Value      string
	Attributes []attributeJSON `json:",omitempty"`
}

type attributeJSON struct {
	Value string
	ID    string `json:"Id"`
}

// A reportKind is one report. Its scope is the granular one, without .read; the
// broad one opens all.
type reportKind struct {
	id, name, scope string
	make            func(c *call) (titles []string, rows []rowJSON, err error)
}

var reportKinds = []reportKind{
	{"BankSummary", "Bank Summary", "accounting.reports.banksummary", bankSummary},
	{"ProfitAndLoss", "Profit and Loss", "accounting.reports.profitandloss", profitAndLoss},
	{"BalanceSheet", "Balance Sheet", "accounting.reports.balancesheet", balanceSheet},
	{"TrialBalance", "Trial Balance", "accounting.reports.trialbalance", trialBalance},
	{"ExecutiveSummary", "Executive Summary", "accounting.reports.executivesummary", executiveSummary},
	{"AgedReceivablesByContact", "Aged Receivables By Contact", "accounting.reports.aged", agedReceivables},
	{"AgedPayablesByContact", "Aged Payables By Contact", "accounting.reports.aged", agedPayables},
}

// reportResource is a report by name. Of those that are not there no scope is
// known.
func reportResource(name string) resource {
	for _, kind := range reportKinds {
		if strings.EqualFold(name, kind.id) {
			return resource{scopes: []string{"accounting.reports", kind.scope}, one: kind.report}
		}
	}
	return resource{one: reportKind{}.report}
}

// report answers a report. A person whose role is "no reports" gets none of them
// (developer.xero.com/documentation/api/accounting/reports).
func (k reportKind) report(c *call) (any, error) {
	switch {
	case !c.reports:
		return nil, errRole
	case k.make == nil:
		return nil, errNotFound
	}
	c.books.mu.RLock()
	defer c.books.mu.RUnlock()
	titles, rows, err := k.make(c)
	if err != nil {
		return nil, err
	}
	return reportsJSON{c.head(), []reportJSON{{
		ReportID: k.id, ReportName: k.name, ReportType: k.id, ReportTitles: titles,
		ReportDate:     c.today().Format(longDay),
		UpdatedDateUTC: fmt.Sprintf("/Date(%d)/", c.now.UnixMilli()), // reports name no zone
		Fields:         []struct{}{}, Rows: rows,
	}}}, nil
}

const (
	longDay  = "2 January 2006"
	shortDay = "2 Jan 2006"
)

// parameter is the last value of a parameter, whose name is taken in any case.
func (c *call) parameter(name string) string {
	for given, values := range c.request.URL.Query() {
		if strings.EqualFold(given, name) {
			return values[len(values)-1]
		}
	}
	return ""
}

// day reads a calendar day. Without one it is the given.
func (c *call) day(name string, otherwise time.Time) (time.Time, error) {
	value := c.parameter(name)
	if value == "" {
		return otherwise, nil
	}
	day, err := readDay(value)
	if err != nil {
		return otherwise, badParameter(name, value)
	}
	return day, nil
}

// span reads fromDate and toDate, without them the current month.
func (c *call) span() (span, error) {
	today := c.today()
	from, err := c.day("fromDate", today.AddDate(0, 0, 1-today.Day()))
	if err != nil {
		return span{}, err
	}
	to, err := c.day("toDate", monthEnd(from))
	if err == nil && to.Before(from) {
		err = badParameter("toDate", c.parameter("toDate"))
	}
	return span{from, to}, err
}

// yes reads a switch.
func (c *call) yes(name string) (bool, error) {
	value := c.parameter(name)
	if value == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, badParameter(name, value)
	}
	return on, nil
}

// periods reads how many more columns to compare with, and how many months there
// are between them; 0 columns and otherwise without one.
func (c *call) periods(otherwise int) (periods, months int, err error) {
	months = otherwise
	if value := c.parameter("periods"); value != "" {
		months = 1
		if periods, err = within(value, 11); err != nil {
			return 0, 0, badParameter("periods", value)
		}
	}
	if frame := c.parameter("timeframe"); frame != "" {
		if months = map[string]int{"MONTH": 1, "QUARTER": 3, "YEAR": 12}[strings.ToUpper(frame)]; months == 0 {
			return 0, 0, badParameter("timeframe", frame)
		}
	}
	return periods, months, nil
}

func badParameter(name, value string) error {
	return &apiError{status: http.StatusBadRequest, json: errorJSON{
		ErrorNumber: 10, Type: "ValidationException", Message: fmt.Sprintf("Invalid value '%s' for parameter %s", value, name),
	}}
}

// cells are cells of values, each with the same attributes.
func cells(attributes []attributeJSON, values ...string) []cellJSON {
	var all []cellJSON
	for _, v := range values {
		all = append(all, cellJSON{v, attributes})
	}
	return all
}

func header(values ...string) rowJSON {
	return rowJSON{RowType: "Header", Cells: cells(nil, values...)}
}

func row(attributes []attributeJSON, values ...string) rowJSON {
	return rowJSON{RowType: "Row", Cells: cells(attributes, values...)}
}

func summary(values ...string) rowJSON {
	return rowJSON{RowType: "SummaryRow", Cells: cells(nil, values...)}
}

func section(title string, rows ...rowJSON) rowJSON {
	return rowJSON{RowType: "Section", Title: &title, Rows: rows}
}

// attributes are what the cells of an account's row say of it.
func (a *account) attributes() []attributeJSON { return []attributeJSON{{a.id, "account"}} }

// amounts writes cents, after a label.
func amounts(label string, cents []int64) []string {
	values := []string{label}
	for _, n := range cents {
		values = append(values, money(n))
	}
	return values
}

// add adds other to sum, times sign.
func add(sum, other []int64, sign int64) {
	for n := range sum {
		sum[n] += sign * other[n]
	}
}
