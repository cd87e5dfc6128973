package server

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
)

// keyForm is what a key may do, as a form asks for it: of a new key, or of one that
// there is.
type keyForm struct {
	Want   apiKey
	New    bool
	Action string // where it goes

	Organisations, Families []choice
	Ends                    string // the last day, 2027-03-31
	Age                     string // in minutes
	Daily                   string

	Wrong, Field string // what is wrong, and which field it is in
}

// More reports whether anything is filled in of what is rarely used.
func (f keyForm) More() bool {
	return len(f.Want.Families) > 0 || f.Ends != "" || f.Daily != "" || f.Age != "" || f.Want.Stale || f.Want.AnyUser ||
		slices.Contains([]string{"family", "ends", "daily", "age"}, f.Field)
}

// lastDay and minutes are how the form writes an end and an age.
func lastDay(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	last, _ := LastDay(expires)
	return last.Format(time.DateOnly)
}

func minutes(age time.Duration) string {
	if age == 0 {
		return ""
	}
	return strconv.Itoa(int((age + time.Minute - 1) / time.Minute))
}

// keyFormOf is the form that shows k.
func (s *Server) keyFormOf(k apiKey) keyForm {
	f := keyForm{Want: k, Action: "/settings/programs/change", Ends: lastDay(k.Expires), Age: minutes(k.MaxAge)}
	if k.Daily > 0 {
		f.Daily = strconv.Itoa(k.Daily)
	}
	return s.withChoices(f)
}

// withChoices has the form offer the organisations that there are, and those that its
// key had before, and Xero's APIs.
func (s *Server) withChoices(f keyForm) keyForm {
	names := s.organisationNames()
	ids := slices.Clone(f.Want.Tenants)
	for _, o := range s.cfg.Connections.Status().Organisations() {
		if !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, o.TenantID) }) {
			ids = append(ids, o.TenantID)
		}
	}
	for _, id := range ids {
		f.Organisations = append(f.Organisations, choice{id, names.of(id), len(f.Want.Tenants) > 0 && f.Want.Reaches(id)})
	}
	slices.SortFunc(f.Organisations, func(a, b choice) int { return strings.Compare(a.Label, b.Label) })
	for _, one := range families {
		f.Families = append(f.Families, choice{one.name, words.Say("keys.family." + one.name), slices.Contains(f.Want.Families, one.name)})
	}
	return f
}

// readKeyForm reads the form of a key that is had, of a new one when that has no name.
// What was not touched stays exactly as it was, also where the form shows it rounded.
func (s *Server) readKeyForm(form url.Values, had apiKey) (f keyForm, wrong *failure) {
	f = keyForm{Want: had, Ends: strings.TrimSpace(form.Get("ends")), Age: strings.TrimSpace(form.Get("age")), Daily: strings.TrimSpace(form.Get("daily"))}
	is := func(id, field string, data ...any) {
		if wrong == nil {
			wrong = fail(codeBadRequest).saying(words.Say("keys."+id+".message", data...), words.Say("keys."+id+".action", data...)).at(field)
		}
	}
	if had.Name == "" {
		f.Want.Name = strings.TrimSpace(form.Get("name"))
	}
	may := form.Get("may")
	f.Want.Write, f.Want.Ask = may == "write" || may == "ask", may == "ask"
	f.Want.AnyUser, f.Want.Stale = form.Get("any_user") != "", form.Get("stale") != ""
	some := func(all, field string) []string {
		if form.Get(all) != "some" {
			return nil
		}
		if len(form[field]) == 0 {
			is("none-chosen", field)
		}
		return form[field]
	}
	f.Want.Tenants, f.Want.Families = some("organisations", "organisation"), some("families", "family")
	if f.Ends != lastDay(had.Expires) {
		f.Want.Expires = time.Time{}
		if f.Ends != "" {
			var err error
			if _, f.Want.Expires, err = ParseDay(f.Ends); err != nil {
				is("bad-end", "ends")
			}
		}
	}
	number := func(typed, id, field string, most int) int {
		if typed == "" {
			return 0
		}
		n, err := strconv.Atoi(typed)
		if err != nil || n < 1 || n > most {
			is(id, field, "Most", most)
		}
		return n
	}
	f.Want.Daily = number(f.Daily, "bad-daily", "daily", mostDaily)
	if age := number(f.Age, "bad-age", "age", int(mostMaxAge.Minutes())); f.Age != minutes(had.MaxAge) {
		f.Want.MaxAge = time.Duration(age) * time.Minute
	}
	return s.withChoices(f), wrong
}

// refused is the form again, with what is wrong with it.
func (f keyForm) refused(why *failure) keyForm {
	f.Wrong, f.Field = why.Message+" "+why.Action, why.field
	return f
}
