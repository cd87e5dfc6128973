package server

import (
	"slices"
	"strings"

	"financial-command-center/assets/words"
)

// scopeThings are what Xero's scopes reach, in the words of who keeps books, by the
// scope's name without .read: the longest beginning counts
// (developer.xero.com/documentation/guides/oauth2/scopes).
var scopeThings = map[string]string{
	"accounting.settings":         words.Say("scopes.things.settings"),
	"accounting.contacts":         words.Say("scopes.things.contacts"),
	"accounting.transactions":     words.Say("scopes.things.transactions"),
	"accounting.invoices":         words.Say("scopes.things.invoices"),
	"accounting.payments":         words.Say("scopes.things.payments"),
	"accounting.banktransactions": words.Say("scopes.things.banktransactions"),
	"accounting.manualjournals":   words.Say("scopes.things.manualjournals"),
	"accounting.journals":         words.Say("scopes.things.journals"),
	"accounting.attachments":      words.Say("scopes.things.attachments"),
	"accounting.budgets":          words.Say("scopes.things.budgets"),
	"accounting.reports":          words.Say("scopes.things.reports"),
	"files":                       words.Say("scopes.things.files"),
	"assets":                      words.Say("scopes.things.assets"),
	"projects":                    words.Say("scopes.things.projects"),
	"payroll":                     words.Say("scopes.things.payroll"),
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
			if known := scopeThings[part]; known != "" {
				thing = known
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
	reads = slices.DeleteFunc(reads, func(thing string) bool { return slices.Contains(changes, thing) })
	if len(reads) > 0 {
		said = append(said, words.Say("scopes.read", "Things", andLast(reads)))
	}
	if len(changes) > 0 {
		said = append(said, words.Say("scopes.change", "Things", andLast(changes)))
	}
	return said
}

// scopeSentence is scopeWords as the end of a sentence.
func scopeSentence(scopes []string) string {
	said := scopeWords(scopes)
	if len(said) == 2 {
		return words.Say("scopes.both", "Reads", said[0], "Changes", said[1])
	}
	return strings.Join(said, "")
}

// andLast joins things as in a sentence.
func andLast(things []string) string {
	if n := len(things); n > 1 {
		return words.Say("scopes.and", "Things", strings.Join(things[:n-1], ", "), "Last", things[n-1])
	}
	return strings.Join(things, "")
}
