package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// healthView is the page. To a browser without a session it says how each check
// stands, and not what was found.
type healthView struct {
	Verdict  string
	Checks   []healthCheck // the worst first
	Closed   *xero.Problem // why FCC cannot serve: every page says so to everybody
	Renewals []renewalDay  // the last days, the oldest first; nil when they cannot be read
	Renewed  string        // what they come to
	Report   string
}

type healthCheck struct {
	Check
	Part, Who string // its name, and whose it is, on a line of its own
	Do        string // Action, unless the button says it
	Mend      button
}

// Says is what was found as a sentence.
func (c healthCheck) Says() string {
	first, size := utf8.DecodeRuneInString(c.Found)
	said := string(unicode.ToUpper(first)) + c.Found[size:]
	if strings.HasSuffix(said, ".") {
		return said
	}
	return said + "."
}

func (s *Server) healthView(ctx context.Context, c *call, status int, checks []Check) healthView {
	v := healthView{Verdict: verdict(status, checks), Closed: s.closed.problem()}
	for _, check := range checks {
		if check.mend.Link == thisPage {
			check.mend = lookAgain
		}
		do := check.Action
		if do == check.mend.Label+"." {
			do = ""
		}
		v.Checks = append(v.Checks, healthCheck{check, strings.TrimSuffix(check.Name, ": "+check.who), check.who, do, check.mend})
	}
	worst := map[Finding]int{FoundBad: 0, FoundWarning: 1, FoundWell: 2}
	slices.SortStableFunc(v.Checks, func(a, b healthCheck) int { return cmp.Compare(worst[a.Status], worst[b.Status]) })
	if c.session == nil {
		return v
	}
	if v.Renewals = s.renewalDays(ctx, time.Now()); v.Renewals != nil {
		v.Renewed = renewedInWords(v.Renewals)
	}
	v.Report = s.report(time.Now(), status, v)
	return v
}

// renewalsShown is how many days the page looks back.
const renewalsShown = 14

// A renewalDay is what renewing came to on one day of this computer's calendar.
type renewalDay struct {
	Day                 time.Time
	OK, Retried, Failed int
}

// Tone is as a state's; "" for a day on which FCC renewed nothing.
func (d renewalDay) Tone() string {
	switch {
	case d.Failed > 0:
		return "late"
	case d.Retried > 0:
		return "warn"
	case d.OK > 0:
		return "good"
	}
	return ""
}

// Says is the day in words.
func (d renewalDay) Says() string {
	said := words.Say("health.day.none")
	if d.OK+d.Retried+d.Failed > 0 {
		parts := []string{words.Say("health.day.renewed", "N", d.OK)}
		if d.Retried > 0 {
			parts = append(parts, words.Say("health.day.retried", "N", d.Retried))
		}
		if d.Failed > 0 {
			parts = append(parts, words.Say("health.day.failed", "N", d.Failed))
		}
		said = strings.Join(parts, ", ")
	}
	return words.Say("health.day.said", "Day", d.Day.Format("Mon 2 Jan"), "Said", said)
}

// renewalDays counts the renewals of the last fourteen days, nil when the state cannot
// be read now: a page of health waits for nothing.
func (s *Server) renewalDays(ctx context.Context, now time.Time) []renewalDay {
	select {
	case <-s.opened:
	default:
		return nil
	}
	if s.state == nil {
		return nil
	}
	days := make([]renewalDay, renewalsShown)
	for i := range days {
		days[i].Day = daysLater(now, i+1-renewalsShown)
	}
	all, err := s.state.Renewals(ctx, days[0].Day)
	if err != nil {
		s.log.Warn("renewals not read", "err", err)
		return nil
	}
	for _, r := range all {
		i := slices.IndexFunc(days, func(d renewalDay) bool { return r.At.Before(daysLater(d.Day, 1)) })
		if i >= 0 {
			days[i].count(r)
		}
	}
	return days
}

func (d *renewalDay) count(r store.Renewal) {
	switch r.Outcome {
	case xero.OutcomeRenewed, xero.OutcomeReplaced:
		d.OK++
	case xero.OutcomeEnded:
		d.Failed++
	default: // Xero or the keychain could not be reached: it goes on by itself
		d.Retried++
	}
}

func renewedInWords(days []renewalDay) string {
	var sum renewalDay
	for _, d := range days {
		sum.OK, sum.Retried, sum.Failed = sum.OK+d.OK, sum.Retried+d.Retried, sum.Failed+d.Failed
	}
	if sum.OK+sum.Retried+sum.Failed == 0 {
		return words.Say("health.sum.none")
	}
	said := []string{words.Say("health.sum.renewed", "N", sum.OK)}
	if sum.Retried > 0 {
		said = append(said, words.Say("health.sum.retried", "N", sum.Retried))
	}
	if sum.Failed > 0 {
		said = append(said, words.Say("health.sum.failed", "N", sum.Failed))
	} else {
		said = append(said, words.Say("health.sum.none-failed"))
	}
	return strings.Join(said, ", ")
}

// anEmail is enough to find those that may stand in a check.
var anEmail = regexp.MustCompile(`[^\s<>"',;:]+@[^\s<>"',;:]+`)

// report is the page as text, to be sent to somebody who helps: no secrets, which no
// check holds, and no e-mail addresses.
func (s *Server) report(now time.Time, status int, v healthView) string {
	var b strings.Builder
	fmt.Fprintln(&b, words.Say("health.report.head", "Version", s.versionWords(), "Mode", s.cfg.Mode, "System", runtime.GOOS+"/"+runtime.GOARCH))
	if at := now.UTC().Format(time.RFC3339); status == http.StatusOK {
		fmt.Fprintln(&b, words.Say("health.report.serving", "Time", at))
	} else {
		fmt.Fprintln(&b, words.Say("health.report.not-serving", "Time", at))
	}
	for _, c := range v.Checks {
		fmt.Fprintf(&b, "\n[%s] %s: %s", c.Status, c.Name, c.Found)
		if c.Since != nil {
			fmt.Fprint(&b, " ", words.Say("health.report.since", "Time", c.Since.UTC().Format(time.RFC3339)))
		}
		if c.Action != "" {
			fmt.Fprint(&b, "\n    ", words.Say("health.report.do", "Action", c.Action))
		}
	}
	if v.Renewals != nil {
		fmt.Fprintf(&b, "\n\n%s\n", words.Say("health.report.renewals", "N", renewalsShown, "Said", v.Renewed))
		for _, d := range v.Renewals {
			fmt.Fprintf(&b, "%s\n", d.Says())
		}
	}
	return anEmail.ReplaceAllLiteralString(strings.TrimRight(b.String(), "\n"), words.Say("health.report.no-email")) + "\n"
}
