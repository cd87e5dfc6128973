package xerosim

import (
	"slices"
	"strings"
)

// identityScopes reach no organisation.
var identityScopes = strings.Fields("openid profile email offline_access")

// broadScopes are closed to apps made on or after 2 March 2026
// (developer.xero.com/faq/granular-scopes).
var broadScopes = strings.Fields(`
	accounting.transactions accounting.transactions.read
	accounting.reports.read
	accounting.classicexpenses accounting.classicexpenses.read`)

// granularScopes are open to every app.
var granularScopes = slices.Concat(identityScopes, withRead(`
	accounting.settings accounting.contacts accounting.attachments
	accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals
	files assets projects
	payroll.employees payroll.payruns payroll.payslip payroll.settings payroll.timesheets`),
	strings.Fields(`
	accounting.budgets.read accounting.journals.read
	accounting.reports.tenninetynine.read
	accounting.reports.aged.read accounting.reports.balancesheet.read
	accounting.reports.banksummary.read accounting.reports.budgetsummary.read
	accounting.reports.executivesummary.read accounting.reports.profitandloss.read
	accounting.reports.trialbalance.read accounting.reports.taxreports.read`))

// withRead lists each of names, and each with ".read".
func withRead(names string) []string {
	var all []string
	for _, name := range strings.Fields(names) {
		all = append(all, name, name+".read")
	}
	return all
}

// mayAsk reports whether the app may ask for scope.
func (c *client) mayAsk(scope string) bool {
	return slices.Contains(granularScopes, scope) || c.Broad && slices.Contains(broadScopes, scope)
}

// reachesBooks reports whether any of scopes is about an organisation.
func reachesBooks(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(identityScopes, scope) })
}
