package server

import (
	"slices"
	"strings"

	"financial-command-center/assets/words"
)

// knownScopes are all that a "Mobile or desktop app" can be given
// (developer.xero.com/documentation/guides/oauth2/scopes). Left out are those of other
// kinds of app (app.connections, marketplace.billing) and practicemanager, which cannot
// be mixed with accounting scopes.
var knownScopes = slices.Concat(
	strings.Fields("openid profile email offline_access paymentservices bankfeeds"),
	andRead(strings.Fields("accounting.settings accounting.contacts accounting.invoices accounting.payments accounting.banktransactions")),
	andRead(strings.Fields("accounting.manualjournals accounting.attachments accounting.transactions accounting.classicexpenses")),
	andRead(strings.Fields("files assets projects payroll.employees payroll.payruns payroll.payslip payroll.settings payroll.timesheets")),
	strings.Fields(`accounting.budgets.read accounting.journals.read accounting.reports.read accounting.reports.tenninetynine.read
		accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.banksummary.read
		accounting.reports.budgetsummary.read accounting.reports.executivesummary.read accounting.reports.profitandloss.read
		accounting.reports.trialbalance.read accounting.reports.taxreports.read
		finance.statements.read finance.cashvalidation.read finance.bankstatementsplus.read finance.accountingactivity.read`),
)

// andRead lists each of names, and each with ".read".
func andRead(names []string) (all []string) {
	for _, name := range names {
		all = append(all, name, name+".read")
	}
	return all
}

// oldNames are the broad scopes and what has taken their place. Apps made since
// 2 March 2026 may not ask for them, older ones until September 2027
// (developer.xero.com/faq/granular-scopes).
var oldNames = []struct {
	old string
	new []string
}{
	{"accounting.transactions", strings.Fields("accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals")},
	{"accounting.transactions.read", strings.Fields("accounting.invoices.read accounting.payments.read accounting.banktransactions.read accounting.manualjournals.read")},
	{"accounting.reports.read", strings.Fields(`accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.banksummary.read
		accounting.reports.budgetsummary.read accounting.reports.executivesummary.read accounting.reports.profitandloss.read
		accounting.reports.trialbalance.read accounting.reports.taxreports.read`)},
}

func hasOldNames(scopes []string) bool {
	for _, n := range oldNames {
		if slices.Contains(scopes, n.old) {
			return true
		}
	}
	return false
}

// otherNames asks for the same by the names of the other generation of Xero apps. Old
// names cover more than each new one, so there and back may ask for more.
func otherNames(scopes []string) []string {
	old := hasOldNames(scopes)
	for _, a := range accesses {
		if sameScopes(a.Scopes, scopes) || old && sameScopes(renamed(a.Scopes, false), scopes) {
			return renamed(a.Scopes, old)
		}
	}
	return renamed(scopes, old)
}

// renamed writes scopes by their new names, or by their old.
func renamed(scopes []string, toNew bool) (all []string) {
	for _, name := range scopes {
		others := []string{name}
		for _, n := range oldNames {
			switch {
			case toNew && n.old == name:
				others = n.new
			case !toNew && slices.Contains(n.new, name):
				others = []string{n.old}
			}
		}
		for _, other := range others {
			if !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
	}
	return all
}

func sameScopes(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// An access is a set of scopes that people choose by what it allows.
type access struct {
	Key, Title, Text string
	Scopes           []string
}

// ReadScopes let FCC read what its dashboard shows, and nothing more.
var ReadScopes = strings.Fields(`openid profile email offline_access
	accounting.settings.read accounting.contacts.read
	accounting.invoices.read accounting.payments.read accounting.banktransactions.read
	accounting.reports.banksummary.read accounting.reports.profitandloss.read
	accounting.reports.balancesheet.read accounting.reports.aged.read
	accounting.reports.executivesummary.read`)

var accesses = []access{
	{"look", words.Say("scopes.look"), words.Say("scopes.look-text"), ReadScopes},
	{"reports", words.Say("scopes.reports"), words.Say("scopes.reports-text"),
		slices.Concat(ReadScopes, strings.Fields(`accounting.budgets.read accounting.manualjournals.read accounting.reports.budgetsummary.read
			accounting.reports.trialbalance.read accounting.reports.taxreports.read`))},
	{"bookkeeper", words.Say("scopes.bookkeeper"), words.Say("scopes.bookkeeper-text"),
		slices.Concat(strings.Fields(`openid profile email offline_access
			accounting.settings.read accounting.contacts accounting.invoices accounting.payments accounting.banktransactions
			accounting.manualjournals accounting.attachments`), ReadScopes[slices.Index(ReadScopes, "accounting.reports.banksummary.read"):])},
}

// accessOf is the key of the access that scopes give, "" for one of their own.
func accessOf(scopes []string) string {
	for _, a := range accesses {
		if sameScopes(a.Scopes, scopes) || sameScopes(renamed(a.Scopes, false), scopes) {
			return a.Key
		}
	}
	return ""
}
