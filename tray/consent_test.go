package tray

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

func TestWhatWaitsForConsentHasALineAndTheIcon(t *testing.T) {
	v := view{status: status(xero.Connected, "", connection(xero.Connected, kauri))}
	quiet := menuFor(v)
	if slices.ContainsFunc(labels(quiet), func(l string) bool { return strings.Contains(l, "onsent") }) || quiet.icon != iconSignedIn {
		t.Errorf("nothing waits, and the menu says %q", labels(quiet))
	}
	v.waiting = desktop.Consent{N: 2}
	m := menuFor(v)
	at := slices.IndexFunc(m.lines, func(l line) bool { return l.label == "Waiting for your consent (2)" })
	if at < 0 || m.order(position{at, -1}) != "/approvals" || m.lines[at].hidden {
		t.Errorf("the menu says %q", labels(m))
	}
	if m.icon != iconAttention || !strings.HasSuffix(m.tooltip, "a change waits for your consent") || len(m.lines) != len(quiet.lines) {
		t.Errorf("icon %d, tooltip %q, %d lines", m.icon, m.tooltip, len(m.lines))
	}
}

func TestASingleChangeThatWaitsIsNamed(t *testing.T) {
	for _, c := range []struct {
		consent desktop.Consent
		want    string
	}{
		{desktop.Consent{N: 1, Program: "helper", Title: "Void invoice INV-7"}, "Allow? helper: Void invoice INV-7"},
		{desktop.Consent{N: 1, Program: "till", Title: "Draft an invoice to A", Amount: "£9.00"}, "Allow? till: Draft an invoice to A, £9.00"},
		{desktop.Consent{N: 1, Program: "A program of a very long name", Title: "Draft an invoice to somebody\nof a name\u202e that is long", Amount: "£1,250.00 before tax"}, "Allow? A program of…: Dra…, £1,250.00 before tax"},
	} {
		label := consentLine(c.consent)
		if label != c.want || len([]rune(label)) > maxLabel {
			t.Errorf("the line says %q, not %q", label, c.want)
		}
		if text := consentWanted(c.consent).text; !strings.HasPrefix(text, shorten(c.consent.Program, 36)+": "+c.consent.Title[:4]) ||
			strings.ContainsAny(text, "\u202e\n") || !strings.Contains(text, c.consent.Amount) || !strings.HasSuffix(text, "It waits for your consent, two minutes at most. A click here shows it.") {
			t.Errorf("the notification says %q", text)
		}
	}
}

func TestEachChangeThatWaitsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		icon := make(chan struct{})
		close(icon)
		counts := make(chan desktop.Consent)
		var did []string
		states, notices, click := hears(t, Config{
			Open: func(path string) { did = append(did, path) },
			Waiting: func(ctx context.Context) iter.Seq[desktop.Consent] {
				return func(yield func(desktop.Consent) bool) {
					for n := range counts {
						if !yield(n) {
							return
						}
					}
				}
			},
		}, true, icon)
		states <- status(xero.Connected, "", connection(xero.Connected, kauri))
		// The second is over before it could be told, the third is another.
		for _, n := range []int{0, 1, 2, 0} {
			counts <- desktop.Consent{N: n}
			if n == 1 {
				synctest.Wait() // it is told
			}
		}
		time.Sleep(time.Minute)
		counts <- desktop.Consent{N: 1, Program: "helper", Title: "Draft an invoice to Moana", Amount: "£1,250.00"}
		time.Sleep(time.Minute)
		title := "A program wants to change your books"
		var times int
		for _, n := range notices() {
			if n.title == title {
				times++
			}
		}
		if times != 2 {
			t.Errorf("it is told %d times: %v", times, notices())
		}
		click(title)
		if !slices.Equal(did, []string{"/approvals"}) {
			t.Errorf("the click did %q", did)
		}
		close(counts)
	})
}
