package server

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"financial-command-center/assets/words"
)

// changes are the values of f that are others in the record as it is. Lines that f
// leaves out are listed where Xero deletes them.
func (d *describer) changes(f, before field) (all []askedChange) {
	var walk func(f, before field, label []string)
	walk = func(f, before field, label []string) {
		for _, one := range f.below {
			was := before.at(one.name)
			here := append(slices.Clone(label), fieldWords(one.name))
			switch {
			case identifies(one.name):
			case strings.EqualFold(one.name, "Contact") && one.kind == objectField:
				if id := one.at("ContactID").text; id != "" && plainID(id) == plainID(was.at("ContactID").text) {
					continue
				}
				if after := d.contactName(one); after != "" && after != short(was.at("Name").text) {
					all = append(all, askedChange{here[len(here)-1], short(was.at("Name").text), after})
				}
			case strings.HasSuffix(one.name, "Account") && one.kind == objectField && one.at("AccountID").text+one.at("Code").text != "":
				if after, now := d.account(one), d.account(was); after != now {
					all = append(all, askedChange{here[len(here)-1], cmp.Or(now, words.Say("approvals.empty")), after})
				}
			case one.kind == objectField:
				walk(one, was, here)
			case one.kind == listField:
				left := slices.Clone(was.below)
				for i, member := range one.below {
					there := append(slices.Clone(label), words.Say("approvals.member", "Name", fieldWords(singular(one.name)), "Place", i+1))
					if member.kind == valueField {
						walk(field{below: []field{{name: one.name, text: member.text, digit: member.digit}}}, field{}, label)
						continue
					}
					at := sameMember(member, left, i)
					old := field{kind: objectField}
					if at >= 0 {
						old, left[at] = left[at], field{}
					}
					walk(member, old, there)
				}
				if strings.HasSuffix(strings.ToLower(one.name), "lines") || strings.EqualFold(one.name, "LineItems") {
					for _, gone := range left {
						if gone.kind == objectField {
							text := d.lineName(gone)
							if amount, ok := gone.at("LineAmount").number(); ok {
								text = words.Say("approvals.line", "Description", text, "Amount", d.habits.Amount(amount))
							}
							all = append(all, askedChange{fieldWords(singular(one.name)), text, words.Say("approvals.removed")})
						}
					}
				}
			case !sameValue(one, was):
				was.name = one.name
				all = append(all, askedChange{strings.Join(here, " · "), d.value(was), d.value(one)})
			}
		}
	}
	walk(f, before, nil)
	return all
}

// identifies reports whether a field only says which record is meant.
func identifies(name string) bool {
	return slices.Contains([]string{"InvoiceID", "CreditNoteID", "ContactID", "PaymentID", "BankTransactionID", "ManualJournalID", "LineItemID"}, name)
}

// sameMember is the place in left of the member that one of a list is about: by its id,
// its kind of address or phone, or else its place. Taken ones are zero fields.
func sameMember(one field, left []field, place int) int {
	for _, name := range []string{"LineItemID", "AddressType", "PhoneType"} {
		if key := one.at(name).text; key != "" {
			return slices.IndexFunc(left, func(was field) bool { return was.at(name).is(key) })
		}
	}
	if place < len(left) && left[place].kind == objectField {
		return place
	}
	return -1
}

// sameValue compares as Xero reads: numbers by what they are, days without a form.
func sameValue(a, b field) bool {
	if a.text == b.text {
		return b.kind == valueField
	}
	if b.digit {
		x, ok := a.number()
		y, too := b.number()
		return ok && too && x.Equal(y)
	}
	x, ok := dayOf(a.text)
	y, too := dayOf(b.text)
	return ok && too && x.Equal(y) && strings.Contains(a.name, "Date")
}

// value writes one for a person.
func (d *describer) value(f field) string {
	if day, ok := dayOf(f.text); ok && strings.Contains(f.name, "Date") {
		return d.habits.Day(day)
	}
	if word, ok := statusWords[f.text]; ok && strings.HasSuffix(f.name, "Status") {
		return word
	}
	if f.name == "AccountCode" {
		return cmp.Or(d.coded(f.text), short(f.text), words.Say("approvals.empty"))
	}
	return cmp.Or(short(f.text), words.Say("approvals.empty"))
}

// pathWords makes a label of the way to a value: "Addresses[1].City" is Address 1 · City.
func pathWords(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, ".") {
		name, rest, listed := strings.Cut(part, "[")
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, "]")); listed && err == nil {
			parts = append(parts, words.Say("approvals.member", "Name", fieldWords(singular(name)), "Place", n))
		} else {
			parts = append(parts, fieldWords(name))
		}
	}
	return strings.Join(parts, " · ")
}
