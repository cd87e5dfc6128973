package xerosim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

func TestTheOtherAPIsShowWhatFitsTheBooks(t *testing.T) {
	a := newSite(t).narrow("openid assets.read payroll.employees.read projects.read accounting.contacts.read accounting.settings.read")
	type page[T any] struct {
		Pagination struct{ ItemCount int }
		Items      []T
	}
	var plant struct {
		Accounts []struct{ AccountID, Code string }
	}
	a.read("/api.xro/2.0/Accounts?where=Code%3D%3D%22710%22", joinery, &plant)
	var types []struct{ AssetTypeID, FixedAssetAccountID string }
	a.read("/assets.xro/1.0/AssetTypes", joinery, &types)
	if len(types) != 1 || types[0].FixedAssetAccountID != plant.Accounts[0].AccountID {
		t.Errorf("asset types: %+v", types)
	}
	type asset struct {
		AssetID, AssetTypeID, AssetStatus string
		AccountingBookValue               json.Number
	}
	var assets page[asset]
	a.read("/assets.xro/1.0/Assets?status=REGISTERED", joinery, &assets)
	if len(assets.Items) != 2 || assets.Pagination.ItemCount != 2 || assets.Items[0].AccountingBookValue != "0.00" || assets.Items[0].AssetTypeID != types[0].AssetTypeID {
		t.Errorf("assets: %+v", assets)
	}
	var one asset
	a.read("/assets.xro/1.0/Assets/"+assets.Items[1].AssetID, joinery, &one)
	if one != assets.Items[1] {
		t.Errorf("one asset: %+v", one)
	}

	var people struct {
		Pagination struct{ ItemCount, PageCount int }
		Employees  []struct{ EmployeeID, FirstName string }
	}
	a.read("/payroll.xro/2.0/Employees?page=2&pageSize=3", joinery, &people)
	if people.Pagination.ItemCount != 4 || people.Pagination.PageCount != 2 || len(people.Employees) != 1 {
		t.Errorf("employees: %+v", people)
	}
	var person struct{ Employee struct{ FirstName string } }
	a.read("/payroll.xro/2.0/Employees/"+people.Employees[0].EmployeeID, joinery, &person)
	if person.Employee.FirstName != people.Employees[0].FirstName {
		t.Errorf("an employee: %+v", person)
	}

	var projects page[struct{ ProjectID, ContactID, Status string }]
	a.read("/projects.xro/2.0/Projects?states=INPROGRESS", joinery, &projects)
	if len(projects.Items) != 2 || projects.Items[0].Status != "INPROGRESS" {
		t.Fatalf("projects: %+v", projects)
	}
	var customers struct{ Contacts []struct{ IsCustomer bool } }
	a.read("/api.xro/2.0/Contacts/"+projects.Items[0].ContactID, joinery, &customers)
	if !customers.Contacts[0].IsCustomer {
		t.Error("a project for nobody")
	}
	var of page[struct{ ContactID string }]
	a.read("/projects.xro/2.0/Projects?contactID="+projects.Items[1].ContactID, joinery, &of)
	if len(of.Items) != 1 || of.Items[0].ContactID != projects.Items[1].ContactID {
		t.Errorf("projects of a contact: %+v", of)
	}

	for path, status := range map[string]int{
		"/assets.xro/1.0/Assets": 400, "/assets.xro/1.0/Assets?status=LOST": 400, "/projects.xro/2.0/Projects?page=0": 400,
		"/payroll.xro/1.0/Employees": 404, "/payroll.xro/2.0/Employees/x": 404, "/projects.xro/2.0/Projects/x": 404, "/assets.xro/1.0/Assets/x": 404,
	} {
		if got := a.get(path, joinery); got.status != status {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	again := newSite(t).narrow("openid assets.read")
	if got, before := again.get("/assets.xro/1.0/AssetTypes", joinery).body, a.get("/assets.xro/1.0/AssetTypes", joinery).body; got != before {
		t.Errorf("the same seed makes %s and %s", before, got)
	}
}

func TestTheAustralianPayrollIsTheOlderOne(t *testing.T) {
	books := xerosim.TallyBooks()
	books.Country, books.Timezone = "AU", "AUSEASTERNSTANDARDTIME"
	a := newSite(t, func(o *xerosim.Options) { o.Books = []xerosim.Ledger{books} }).narrow("openid payroll.employees.read accounting.settings.read")
	var people struct {
		Status    string
		Employees []struct{ EmployeeID, Status string }
	}
	a.read("/payroll.xro/1.0/Employees", xerosim.Tally, &people)
	if people.Status != "OK" || len(people.Employees) != 4 || people.Employees[0].Status != "ACTIVE" {
		t.Errorf("employees: %+v", people)
	}
	if got := a.sends(http.MethodGet, "/payroll.xro/1.0/Employees/"+people.Employees[1].EmployeeID, xerosim.Tally, nil, nil); got.status != 200 || strings.Count(got.body, "EmployeeID") != 1 {
		t.Errorf("an employee: %d %s", got.status, got.body)
	}
	if got := a.get("/payroll.xro/2.0/Employees", xerosim.Tally); got.status != 404 {
		t.Errorf("by the newer: %d", got.status)
	}
}

// What a token may see is told apart by API, and the limits count for all together.
func TestEachAPIHasItsOwnScopeAndTheLimitsOfAll(t *testing.T) {
	for scope, path := range map[string]string{
		"files.read": filesPath, "assets.read": "/assets.xro/1.0/AssetTypes", "payroll.employees.read": "/payroll.xro/2.0/Employees",
		"projects.read": "/projects.xro/2.0/Projects", "accounting.attachments.read": "/api.xro/2.0/Invoices/INV-0001/Attachments",
	} {
		a := newSite(t).narrow("openid accounting.settings.read " + scope)
		if got := a.get(path, joinery); got.status == 401 || got.header.Get("X-MinLimit-Remaining") != "59" {
			t.Errorf("%s with %s: %d %v", path, scope, got.status, got.header)
		}
		if entries := a.Journal(); entries[len(entries)-1].Point != xerosim.PointAPI || entries[len(entries)-1].Tenant != a.tenant(joinery) {
			t.Errorf("%s in the journal: %+v", path, entries[len(entries)-1])
		}
		without := newSite(t).narrow("openid accounting.settings.read accounting.invoices.read")
		if got := without.get(path, joinery); got.status != 401 || got.header.Get("WWW-Authenticate") != "insufficient_scope" {
			t.Errorf("%s without %s: %d", path, scope, got.status)
		}
	}
}
