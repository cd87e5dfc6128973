package server

import (
	"slices"
	"strings"
)

// A scope is something that a sign-in may ask Xero for
// (developer.xero.com/documentation/guides/oauth2/scopes).
type scope struct {
	name   string // without ".read"
	covers string
	forms  string // r: with ".read"; w: without; id: without, and about a person, not the books
}

// knownScopes are all that a "Mobile or desktop app" can be given. Left out are those
// of other kinds of app (app.connections, marketplace.billing) and practicemanager,
// which cannot be mixed with accounting scopes.
var knownScopes = []scope{
	{"openid", "who signs in", "id"},
	{"profile", "their name", "id"},
	{"email", "their e-mail address", "id"},
	{"offline_access", "staying signed in", "id"},
	{"accounting.settings", "the organisation, accounts, items, tax rates and tracking", "rw"},
	{"accounting.contacts", "contacts", "rw"},
	{"accounting.invoices", "invoices, bills, credit notes, quotes and purchase orders", "rw"},
	{"accounting.payments", "payments", "rw"},
	{"accounting.banktransactions", "bank transactions and transfers", "rw"},
	{"accounting.manualjournals", "manual journals", "rw"},
	{"accounting.attachments", "attachments", "rw"},
	{"accounting.budgets", "budgets", "r"},
	{"accounting.journals", "journals", "r"},
	{"accounting.reports.aged", "aged receivables and payables", "r"},
	{"accounting.reports.balancesheet", "the balance sheet", "r"},
	{"accounting.reports.banksummary", "the bank summary", "r"},
	{"accounting.reports.budgetsummary", "the budget summary", "r"},
	{"accounting.reports.executivesummary", "the executive summary", "r"},
	{"accounting.reports.profitandloss", "profit and loss", "r"},
	{"accounting.reports.trialbalance", "the trial balance", "r"},
	{"accounting.reports.taxreports", "tax reports", "r"},
	{"accounting.reports.tenninetynine", "1099 reports", "r"},
	{"accounting.transactions", "invoices, bills, payments, bank transactions and manual journals", "rw"},
	{"accounting.reports", "all reports", "r"},
	{"accounting.classicexpenses", "expense claims and receipts", "rw"},
	{"files", "files", "rw"},
	{"assets", "fixed assets", "rw"},
	{"projects", "projects", "rw"},
	{"payroll.employees", "employees", "rw"},
	{"payroll.payruns", "pay runs", "rw"},
	{"payroll.payslip", "payslips", "rw"},
	{"payroll.settings", "payroll settings", "rw"},
	{"payroll.timesheets", "timesheets", "rw"},
	{"bankfeeds", "bank feeds", "w"},
	{"finance.statements", "financial statements", "r"},
	{"finance.cashvalidation", "cash validation", "r"},
	{"finance.bankstatementsplus", "bank statements", "r"},
	{"finance.accountingactivity", "accounting activity", "r"},
	{"paymentservices", "payment services", "w"},
}

// knownScope finds name, and whether it only reads.
func knownScope(name string) (found scope, reads, ok bool) {
	bare, reads := strings.CutSuffix(name, ".read")
	for _, k := range knownScopes {
		if k.name == bare && (reads && strings.Contains(k.forms, "r") || !reads && k.forms != "r") {
			return k, reads, true
		}
	}
	return scope{}, false, false
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
	{"look", "Look only", "FCC reads what the dashboard shows: contacts, invoices, payments, bank transactions and the usual reports. It can change nothing in Xero.", ReadScopes},
	{"reports", "Look, with every report", "As above, and the trial balance, tax and budget reports too. It can change nothing in Xero.",
		slices.Concat(ReadScopes, strings.Fields(`accounting.budgets.read accounting.manualjournals.read accounting.reports.budgetsummary.read
			accounting.reports.trialbalance.read accounting.reports.taxreports.read`))},
	{"bookkeeper", "Bookkeeper: read and write", "Programs that you give a key for writing may also make and change contacts, invoices, bills, payments, bank transactions, manual journals and attachments. The pages of FCC change nothing.",
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

// inWords says what scopes let FCC read, and what it may change too.
func inWords(scopes []string) (reads, writes []string) {
	for _, name := range scopes {
		k, onlyReads, ok := knownScope(name)
		switch {
		case !ok:
			writes = append(writes, name)
		case k.forms == "id":
		case onlyReads:
			reads = append(reads, k.covers)
		default:
			writes = append(writes, k.covers)
		}
	}
	return reads, writes
}
