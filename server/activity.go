package server

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

const (
	activityRows = 50 // on a page
	activityDays = 7  // of the table of counts
)

func (s *Server) activityRoutes() []route {
	return []route{{pattern: "GET /activity", who: page, handle: s.activity}}
}

// activityView is the list of calls to Xero, and how many there were.
type activityView struct {
	Filter   activityFilter
	Callers  []choice
	Tenants  []choice
	Outcomes []choice
	Rows     []activityRow
	First    int // the place of the first row among all, from 1
	Last     int
	All      int
	Newer    string // addresses of the pages beside this one, "" where there is none
	Older    string
	Days     []activityDay
	Today    []activityToday
}

// activityFilter is the form as the address has it.
type activityFilter struct {
	Who, Organisation, Outcome, Day string
	Any                             bool // something is looked for
}

type activityRow struct {
	At           time.Time
	When         string
	What         string
	Went, Tone   string
	Who          string
	Organisation string
	Took         string
}

// activityDay is a row of the table of counts.
type activityDay struct {
	Day                            string
	Link                           string
	Pages, Programs, Commands, FCC int
	All                            int
}

// activityToday is what one organisation was asked for today.
type activityToday struct {
	Organisation string
	Count        int
	Budget       xero.Budget
}

func (s *Server) activity(w http.ResponseWriter, r *http.Request, c *call) error {
	ctx, now := r.Context(), time.Now()
	state, err := s.openedState(ctx)
	if err != nil {
		return err
	}
	s.stateIs(s.flushCalls(ctx)) // so that the newest are in the list
	query := r.URL.Query()
	v := activityView{Filter: activityFilter{query.Get("who"), query.Get("organisation"), query.Get("outcome"), query.Get("day"), false}}
	v.Filter.Any = v.Filter != activityFilter{}
	which, err := v.Filter.which(now)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(cmp.Or(query.Get("page"), "1"))
	if err != nil || number < 1 || number > 1_000_000 {
		return fail(codeBadRequest).saying(words.Say("activity.calls.wrong-page"), words.Say("activity.calls.wrong-page-action")).offering(words.Say("activity.calls.newest"), "/activity")
	}
	rows, all, err := state.Calls(ctx, which, (number-1)*activityRows, activityRows)
	if err != nil {
		return stateFailure(err)
	}
	ever, err := state.CountCalls(ctx, store.Which{From: now.Add(-callsKept)})
	if err != nil {
		return stateFailure(err)
	}
	names := s.organisationNames()
	v.choices(ever, names)
	for _, row := range rows {
		what, went, tone := inWords(row)
		v.Rows = append(v.Rows, activityRow{row.At, whenWords(row.At, now), what, went, tone, callerWords(row.Caller, row.Name), names.of(row.Tenant), waitedWords(row)})
	}
	v.All, v.First, v.Last = all, (number-1)*activityRows+1, (number-1)*activityRows+len(rows)
	if number > 1 {
		v.Newer = v.Filter.address(min(number-1, max(1, (all+activityRows-1)/activityRows)))
	}
	if v.Last < all && len(rows) > 0 {
		v.Older = v.Filter.address(number + 1)
	}
	if err := s.countDays(r, &v, state, names, now); err != nil {
		return stateFailure(err)
	}
	return s.render(w, r, c, http.StatusOK, "activity", words.Say("activity.title"), v)
}

// countDays fills in the calls of the last days, and of today by organisation.
func (s *Server) countDays(r *http.Request, v *activityView, state *store.Store, names organisationNames, now time.Time) error {
	today := midnight(now)
	reached := map[string]int{}
	for _, o := range s.cfg.Connections.Status().Organisations() {
		reached[strings.ToLower(o.TenantID)] = 0
	}
	for back := range activityDays {
		from := today.AddDate(0, 0, -back)
		counts, err := state.CountCalls(r.Context(), store.Which{From: from, To: from.AddDate(0, 0, 1)})
		if err != nil {
			return err
		}
		day := activityDay{Day: dayWords(from, now), Link: activityFilter{Day: from.Format(time.DateOnly)}.address(1)}
		for _, n := range counts {
			day.All += n.Count
			switch xero.CallerKind(n.Caller) {
			case xero.ByPage:
				day.Pages += n.Count
			case xero.ByKey:
				day.Programs += n.Count
			case xero.ByCommand:
				day.Commands += n.Count
			default:
				day.FCC += n.Count
			}
			if back == 0 && n.Tenant != "" {
				reached[n.Tenant] += n.Count
			}
		}
		v.Days = append(v.Days, day)
	}
	for tenant, count := range reached {
		v.Today = append(v.Today, activityToday{names.of(tenant), count, s.cfg.Connections.Budget(tenant)})
	}
	slices.SortFunc(v.Today, func(a, b activityToday) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Organisation, b.Organisation))
	})
	return nil
}

// which turns the form into calls, none of them older than what is kept.
func (f activityFilter) which(now time.Time) (store.Which, error) {
	which := store.Which{From: now.Add(-callsKept), Tenant: strings.ToLower(f.Organisation), Outcome: store.Outcome(f.Outcome)}
	which.Caller, which.Name, _ = strings.Cut(f.Who, ":")
	if f.Day != "" {
		day, err := time.ParseInLocation(time.DateOnly, f.Day, time.Local)
		if err != nil {
			return which, fail(codeBadRequest).saying(words.Say("activity.filter.no-day"), words.Say("activity.filter.no-day-action")).offering(words.Say("activity.filter.all-days"), "/activity")
		}
		if day.After(which.From) {
			which.From = day
		}
		which.To = day.AddDate(0, 0, 1)
	}
	return which, nil
}

// address is that of a page of the list.
func (f activityFilter) address(number int) string {
	query := url.Values{}
	for name, value := range map[string]string{"who": f.Who, "organisation": f.Organisation, "outcome": f.Outcome, "day": f.Day} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if number > 1 {
		query.Set("page", strconv.Itoa(number))
	}
	if len(query) == 0 {
		return "/activity"
	}
	return "/activity?" + query.Encode()
}

// choices offers the callers and organisations that the list has.
func (v *activityView) choices(ever []store.CallCount, names organisationNames) {
	add := func(all *[]choice, value, label, chosen string) {
		if !slices.ContainsFunc(*all, func(c choice) bool { return c.Value == value }) {
			*all = append(*all, choice{value, label, value == chosen})
		}
	}
	for _, n := range ever {
		who := n.Caller
		if n.Name != "" {
			who += ":" + n.Name
		}
		add(&v.Callers, who, callerWords(n.Caller, n.Name), v.Filter.Who)
		if n.Tenant != "" {
			add(&v.Tenants, n.Tenant, names.of(n.Tenant), v.Filter.Organisation)
		}
	}
	slices.SortFunc(v.Tenants, func(a, b choice) int { return cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)) })
	for _, outcome := range []struct {
		is    store.Outcome
		label string
	}{
		{store.Answered, words.Say("activity.went.answered")},
		{store.Refused, words.Say("activity.went.refused")},
		{store.NoAnswer, words.Say("activity.went.no-answer")},
	} {
		add(&v.Outcomes, string(outcome.is), outcome.label, v.Filter.Outcome)
	}
}

// organisationNames are those that the sign-ins reach, by id in lower case.
type organisationNames map[string]string

func (s *Server) organisationNames() organisationNames {
	names := organisationNames{}
	for _, o := range s.cfg.Connections.Status().Organisations() {
		names[strings.ToLower(o.TenantID)] = o.Name
	}
	return names
}

// of is a name for the organisation. What was disconnected is known by the
// beginning of its id alone: names go with the sign-in.
func (names organisationNames) of(tenant string) string {
	name := names[strings.ToLower(tenant)]
	switch {
	case name != "":
		return name
	case tenant == "":
		return ""
	case len(tenant) > 8:
		tenant = tenant[:8] + "…"
	}
	return words.Say("activity.who.disconnected", "ID", tenant)
}

// whenWords is a time to the second, today's without the day.
func whenWords(at, now time.Time) string {
	if at = at.Local(); midnight(at).Equal(midnight(now)) {
		return at.Format("15:04:05")
	}
	return at.Format("2 Jan, 15:04:05")
}

func dayWords(day, now time.Time) string {
	if day.Equal(midnight(now)) {
		return words.Say("activity.days.today")
	}
	return day.Format("Mon 2 Jan")
}

func midnight(t time.Time) time.Time {
	year, month, day := t.Local().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.Local)
}

func callerWords(kind, name string) string {
	switch xero.CallerKind(kind) {
	case xero.ByPage:
		return words.Say("activity.who.pages")
	case xero.ByCommand:
		return words.Say("activity.who.commands")
	case xero.ByKey:
		return name
	}
	return words.Say("activity.who.fcc")
}

// inWords says what a call was for and how it went. Tone is "" when that is well,
// else warn or late.
func inWords(c store.Call) (what, went, tone string) {
	thing := resourceWords(c.Resource)
	switch c.Method {
	case http.MethodGet, http.MethodHead:
		what = words.Say("activity.what.read", "Thing", thing)
	case http.MethodDelete:
		what = words.Say("activity.what.delete", "Thing", thing)
	default:
		what = words.Say("activity.what.write", "Thing", thing)
	}
	switch {
	case c.Status == 0:
		went = words.Say("activity.went.no-answer")
		switch xero.Code(c.Code) {
		case codeRateLimited:
			went = words.Say("activity.went.unsent-calls")
		case xero.CodeNeedsLogin:
			went = words.Say("activity.went.unsent-nobody")
		case codeKeystoreUnavailable:
			went = words.Say("activity.went.unsent-keychain")
		case xero.CodeLoginFailed:
			went = words.Say("activity.went.unsent-refused")
		}
		return what, went, "late"
	case c.Status == http.StatusTooManyRequests:
		return what, words.Say("activity.went.refused-calls"), "warn"
	case c.Status == http.StatusUnauthorized, c.Status == http.StatusForbidden:
		return what, words.Say("activity.went.refused-sign-in"), "warn"
	case c.Status == http.StatusNotFound:
		return what, words.Say("activity.went.refused-not-there"), "warn"
	case c.Status >= 500:
		return what, words.Say("activity.went.refused-trouble", "Status", c.Status), "late"
	case c.Status >= 400:
		return what, words.Say("activity.went.refused-status", "Status", c.Status), "warn"
	case c.Status == http.StatusNotModified:
		return what, words.Say("activity.went.nothing-new"), ""
	}
	return what, words.Say("activity.went.answered"), ""
}

// resourceWords makes words of Xero's path: "/api.xro/2.0/BankTransactions" is bank
// transactions, "/api.xro/2.0/Reports/ProfitAndLoss" profit and loss.
func resourceWords(resource string) string {
	if resource == "/connections" {
		return words.Say("activity.what.connections")
	}
	last := resource[strings.LastIndex(resource, "/")+1:]
	var thing strings.Builder
	for i, r := range last {
		if i > 0 && unicode.IsUpper(r) {
			thing.WriteByte(' ')
		}
		thing.WriteRune(unicode.ToLower(r))
	}
	if thing.Len() == 0 {
		return words.Say("activity.what.something")
	}
	return thing.String()
}

// tookWords is how long a call took, in a form that is short for what is common.
func tookWords(took time.Duration) string {
	if took < time.Second {
		return fmt.Sprintf("%d ms", took.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", took.Seconds())
}
