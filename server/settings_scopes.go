package server

import (
	"slices"
	"strings"
)

// scopeThings are what Xero's scopes reach, in the words of who keeps books, by the
// scope's name without .read: the longest beginning counts
// (developer.xero.com/documentation/guides/oauth2/scopes).
var scopeThings = map[string]string{
	"accounting.settings":         "the organisation and its accounts",
	"accounting.contacts":         "contacts",
	"accounting.transactions":     "invoices, bills, payments and bank transactions",
	"accounting.invoices":         "invoices and bills",
	"accounting.payments":         "payments",
	"accounting.banktransactions": "bank transactions",
	"accounting.manualjournals":   "manual journals",
	"accounting.journals":         "journals",
	"accounting.attachments":      "attachments",
	"accounting.budgets":          "budgets",
	"accounting.reports":          "reports",
	"files":                       "files",
	"assets":                      "fixed assets",
	"projects":                    "projects",
	"payroll":                     "payroll",
}

// scopeWords say what scopes let FCC do: "read contacts and reports". What these scopes say of
// the person is left out: FCC shows it.
func scopeWords(scopes []string) (said []string) {
	var reads, changes []string
	for _, scope := range scopes {
		if !strings.Contains(scope, ".") && scopeThings[scope] == "" {
			continue // openid, profile, email, offline_access
		}
		name := strings.TrimSuffix(scope, ".read")
		thing := name
		for part := name; part != ""; part = part[:max(0, strings.LastIndex(part, "."))] {
			if words := scopeThings[part]; words != "" {
				thing = words
				break
			}
		}
		list := &changes
		if !writes(scope) {
			list = &reads
		}
		if !slices.Contains(*list, thing) {
			*list = append(*list, thing)
		}
	}
	if len(reads) > 0 {
		said = append(said, "read "+listWords(reads))
	}
	if len(changes) > 0 {
		said = append(said, "read and change "+listWords(changes))
	}
	return said
}

// listWords joins words as in a sentence.
func listWords(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
