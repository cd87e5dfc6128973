package xerosim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Assets, payroll and projects, to be read. Names and shapes are those of Xero's SDK
// xero-node, which is made from Xero's descriptions of these APIs.

func findAssets(name, key string) resource {
	switch {
	case name == "assets":
		return resource{scopes: []string{"assets"}, list: listAssets, one: oneAsset}
	case name == "assettypes" && key == "":
		return resource{scopes: []string{"assets"}, list: listAssetTypes}
	}
	return resource{}
}

// A sheet is one page of a list, as these APIs have it.
type sheet[T any] struct {
	Pagination paginationJSON `json:"pagination"`
	Items      []T            `json:"items"`
}

// sheetOf cuts the page out of all that the request asks for.
func sheetOf[From, T any](c *call, all []From, show func(From) T) (sheet[T], error) {
	q := c.request.URL.Query()
	page, err1 := within(cmp.Or(q.Get("page"), "1"), 1<<20)
	size, err2 := within(cmp.Or(q.Get("pageSize"), "50"), 500)
	if err1 != nil || err2 != nil {
		return sheet[T]{}, badRequest("page and pageSize are numbers from 1, pageSize to 500")
	}
	some, where := cut(query{page: page, size: size}, all)
	out := sheet[T]{*where, []T{}}
	for _, one := range some {
		out.Items = append(out.Items, show(one))
	}
	return out, nil
}

type depreciationJSON struct {
	DepreciationMethod string `json:"depreciationMethod"`
	AveragingMethod    string `json:"averagingMethod"`
	Calculation        string `json:"depreciationCalculationMethod"`
}

// writtenOff is how everything here is depreciated: in full, at once.
var writtenOff = depreciationJSON{"FullDepreciation", "ActualDays", "None"}

type assetJSON struct {
	AssetID                 string           `json:"assetId"`
	AssetName               string           `json:"assetName"`
	AssetTypeID             string           `json:"assetTypeId"`
	AssetNumber             string           `json:"assetNumber"`
	PurchaseDate            string           `json:"purchaseDate"`
	PurchasePrice           json.Number      `json:"purchasePrice"`
	AssetStatus             string           `json:"assetStatus"`
	BookDepreciationSetting depreciationJSON `json:"bookDepreciationSetting"`
	CanRollback             bool             `json:"canRollback"`
	AccountingBookValue     json.Number      `json:"accountingBookValue"`
}

func (b *books) assetJSON(a *asset) assetJSON {
	worth := "0.00"
	if a.status == "Draft" {
		worth = a.price.StringFixed(2)
	}
	return assetJSON{a.id, a.name, b.assetType, a.number, dayString(a.bought), number(a.price, 2), a.status, writtenOff, true, json.Number(worth)}
}

// listAssets wants a status, as Xero does.
func listAssets(c *call) (any, error) {
	status := c.request.URL.Query().Get("status")
	if !among([]string{"DRAFT", "REGISTERED", "DISPOSED"}, status) {
		return nil, badRequest("status is DRAFT, REGISTERED or DISPOSED")
	}
	fit := slices.DeleteFunc(slices.Clone(c.books.assets), func(a *asset) bool { return !strings.EqualFold(a.status, status) })
	return sheetOf(c, fit, c.books.assetJSON)
}

func oneAsset(c *call) (any, error) {
	a := first(c.books.assets, func(a *asset) bool { return strings.EqualFold(a.id, c.key) })
	if a == nil {
		return nil, errNotFound
	}
	return c.books.assetJSON(a), nil
}

func listAssetTypes(c *call) (any, error) {
	plant := c.books.account("710")
	return []any{struct {
		ID      string           `json:"assetTypeId"`
		Name    string           `json:"assetTypeName"`
		Account string           `json:"fixedAssetAccountId"`
		Setting depreciationJSON `json:"bookDepreciationSetting"`
		Locks   int              `json:"locks"`
	}{c.books.assetType, plant.name, plant.id, writtenOff, len(c.books.assets)}}, nil
}

// findPayroll is the payroll of the newer kind, of New Zealand and the United
// Kingdom; findPayrollAU the older, of Australia.
func findPayroll(name, key string) resource {
	if name != "employees" {
		return resource{}
	}
	return resource{scopes: []string{"payroll.employees"}, list: listEmployees, one: oneEmployee}
}

func findPayrollAU(name, key string) resource {
	if name != "employees" {
		return resource{}
	}
	return resource{scopes: []string{"payroll.employees"}, list: employeesAU, one: employeesAU}
}

type employeeJSON struct {
	EmployeeID  string `json:"employeeID"`
	Title       string `json:"title"`
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName"`
	DateOfBirth string `json:"dateOfBirth"`
	Address     struct {
		Line1    string `json:"addressLine1"`
		City     string `json:"city"`
		PostCode string `json:"postCode"`
	} `json:"address"`
	Email          string `json:"email"`
	Gender         string `json:"gender"`
	StartDate      string `json:"startDate"`
	UpdatedDateUTC string `json:"updatedDateUTC"`
	CreatedDateUTC string `json:"createdDateUTC"`
	JobTitle       string `json:"jobTitle,omitempty"` // not in the United Kingdom
}

func (b *books) employeeJSON(e *employee) employeeJSON {
	out := employeeJSON{
		EmployeeID: e.id, Title: e.title, FirstName: e.first, LastName: e.last, DateOfBirth: dayString(e.born), Email: e.email, Gender: e.gender,
		StartDate: dayString(e.started), UpdatedDateUTC: dayString(e.updated), CreatedDateUTC: dayString(e.started),
	}
	out.Address.Line1, out.Address.City, out.Address.PostCode = e.address, e.city, "9016"
	if b.profile.country != "GB" {
		out.JobTitle = e.job
	}
	return out
}

// payrollHead begins an answer of the newer payroll.
type payrollHead struct {
	ID             string    `json:"id"`
	ProviderName   string    `json:"providerName"`
	DateTimeUTC    string    `json:"dateTimeUTC"`
	HTTPStatusCode string    `json:"httpStatusCode"`
	Problem        *struct{} `json:"problem"`
}

func (c *call) payrollHead() payrollHead {
	return payrollHead{newGUID(), c.access.client.Name, c.now.UTC().Format("2006-01-02T15:04:05.0000000"), "OK", nil}
}

func listEmployees(c *call) (any, error) {
	if c.books.profile.country == "AU" {
		return nil, errNotFound
	}
	page, err := sheetOf(c, c.books.employees, c.books.employeeJSON)
	return struct {
		payrollHead
		Pagination paginationJSON `json:"pagination"`
		Employees  []employeeJSON `json:"employees"`
	}{c.payrollHead(), page.Pagination, page.Items}, err
}

func (b *books) employee(id string) *employee {
	return first(b.employees, func(e *employee) bool { return strings.EqualFold(e.id, id) })
}

func oneEmployee(c *call) (any, error) {
	e := c.books.employee(c.key)
	if e == nil || c.books.profile.country == "AU" {
		return nil, errNotFound
	}
	return struct {
		payrollHead
		Employee employeeJSON `json:"employee"`
	}{c.payrollHead(), c.books.employeeJSON(e)}, nil
}

type employeeAUJSON struct {
	EmployeeID, FirstName, LastName, Status, Email string
	DateOfBirth, Gender, StartDate, JobTitle       string
	UpdatedDateUTC                                 string
}

// employeesAU lists all, or the one that is asked for, as the Accounting API does.
func employeesAU(c *call) (any, error) {
	if c.books.profile.country != "AU" {
		return nil, errNotFound
	}
	all := c.books.employees
	if c.key != "" {
		e := c.books.employee(c.key)
		if e == nil {
			return nil, errNotFound
		}
		all = []*employee{e}
	}
	out := struct {
		head
		Employees []employeeAUJSON
	}{head: c.head(), Employees: []employeeAUJSON{}}
	for _, e := range all {
		out.Employees = append(out.Employees, employeeAUJSON{e.id, e.first, e.last, "ACTIVE", e.email, stamp(e.born), e.gender, stamp(e.started), e.job, stamp(e.updated)})
	}
	return out, nil
}

func findProjects(name, key string) resource {
	if name != "projects" {
		return resource{}
	}
	return resource{scopes: []string{"projects"}, list: listProjects, one: oneProject}
}

type amountJSON struct {
	Currency string      `json:"currency"`
	Value    json.Number `json:"value"`
}

type projectJSON struct {
	ProjectID     string     `json:"projectId"`
	ContactID     string     `json:"contactId"`
	Name          string     `json:"name"`
	Currency      string     `json:"currencyCode"`
	Minutes       int64      `json:"minutesLogged"`
	Tasks         amountJSON `json:"totalTaskAmount"`
	Expenses      amountJSON `json:"totalExpenseAmount"`
	ToInvoice     int64      `json:"minutesToBeInvoiced"`
	Deadline      string     `json:"deadlineUtc"`
	Invoiced      amountJSON `json:"totalInvoiced"`
	ToBeInvoiced  amountJSON `json:"totalToBeInvoiced"`
	ProjectStatus string     `json:"status"`
}

// projectJSON: nothing of the work has been invoiced.
func (b *books) projectJSON(p *project) projectJSON {
	amount := func(d decimal.Decimal) amountJSON { return amountJSON{b.profile.base, number(d, 2)} }
	return projectJSON{
		p.id, p.customer.id, p.name, b.profile.base, p.minutes, amount(p.worth()), amount(decimal.Zero), p.minutes, p.deadline.Format("2006-01-02T15:04:05Z"),
		amount(decimal.Zero), amount(p.worth()), p.status,
	}
}

func listProjects(c *call) (any, error) {
	q := c.request.URL.Query()
	fit := slices.DeleteFunc(slices.Clone(c.books.projects), func(p *project) bool {
		states, contact := q.Get("states"), q.Get("contactID")
		return states != "" && !among(strings.Split(states, ","), p.status) || contact != "" && !strings.EqualFold(contact, p.customer.id)
	})
	return sheetOf(c, fit, c.books.projectJSON)
}

func oneProject(c *call) (any, error) {
	p := first(c.books.projects, func(p *project) bool { return strings.EqualFold(p.id, c.key) })
	if p == nil {
		return nil, errNotFound
	}
	return c.books.projectJSON(p), nil
}
