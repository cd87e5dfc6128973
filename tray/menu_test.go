package tray

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

var (
	morning = time.Date(2026, time.March, 3, 9, 30, 0, 0, time.Local)
	kauri   = xero.Organisation{TenantID: "0b1c", Name: "Kauri & Sons"}
	cafe    = xero.Organisation{TenantID: "2d3e", Name: "Tūī Street Café"}
)

func connection(state xero.State, organisations ...xero.Organisation) xero.ConnectionStatus {
	c := xero.ConnectionStatus{ID: "c1", State: state, Since: morning, Organisations: organisations}
	if state == xero.Retrying {
		next := morning.Add(5 * time.Minute)
		c.NextTry = &next
	}
	return c
}

func status(state xero.State, code xero.Code, connections ...xero.ConnectionStatus) xero.Status {
	st := xero.Status{State: state, Since: morning, Connections: connections}
	if code != "" {
		st.Problem = &xero.Problem{Code: code, Message: "…", Action: "…"}
	}
	return st
}

func signingIn(st xero.Status) xero.Status {
	st.SigningIn = true
	return st
}

// every is each State, with all that may go with it.
var every = []struct {
	status xero.Status
	icon   icon
	line   string
}{
	{status(xero.Starting, ""), iconSignedOut, "Starting · reading the keychain"},
	{status(xero.Starting, xero.CodeKeystoreUnavailable), iconAttention, "Keychain is shut · see Health"},

	{status(xero.Disconnected, ""), iconSignedOut, "Not signed in to Xero"},
	{signingIn(status(xero.Disconnected, "")), iconWorking, "Signing in · go on in the browser"},
	{status(xero.Disconnected, xero.CodeLoginFailed), iconSignedOut, "Not signed in · it did not work, try again"},
	{status(xero.Disconnected, xero.CodeKeystoreUnavailable), iconAttention, "Not signed in · see Health"},

	{status(xero.Connected, "", connection(xero.Connected, kauri)), iconSignedIn, "Kauri & Sons · signed in, renews by itself"},
	{status(xero.Connected, "", connection(xero.Connected, kauri, cafe)), iconSignedIn, "Signed in · 2 organisations"},
	{status(xero.Connected, "", connection(xero.Connected, kauri), connection(xero.Connected, cafe, kauri)), iconSignedIn, "Signed in · 2 organisations"},
	{status(xero.Connected, "", connection(xero.Connected)), iconAttention, "Signed in · no organisation, sign in again"},
	{status(xero.Connected, xero.CodeTenantRequired, connection(xero.Connected)), iconAttention, "Signed in · no organisation, sign in again"},
	{status(xero.Connected, xero.CodeTenantRequired, connection(xero.Connected, kauri)), iconAttention, "Signed in · choose an organisation"},
	{signingIn(status(xero.Connected, "", connection(xero.Connected, kauri))), iconSignedIn, "Signing in · go on in the browser"},
	{status(xero.Connected, xero.CodeLoginFailed, connection(xero.Connected, kauri)), iconSignedIn, "Signed in · the last try did not work"},
	{status(xero.Connected, xero.CodeKeystoreUnavailable, connection(xero.Connected, kauri)), iconAttention, "Signed in · keychain is shut, see Health"},
	{status(xero.Connected, xero.CodeUnreachable, connection(xero.Connected, kauri)), iconWorking, "Signed in · not all is well, see Health"},

	{status(xero.Retrying, xero.CodeUnreachable, connection(xero.Retrying, kauri)), iconWorking, "Xero not reached · next try 09:35"},
	{status(xero.Retrying, xero.CodeUnreachable, connection(xero.Connected, kauri)), iconWorking, "Xero not reached · trying again"},
	{status(xero.Retrying, xero.CodeKeystoreUnavailable, connection(xero.Retrying, kauri)), iconAttention, "Keychain is shut · next try 09:35"},
	{status(xero.Retrying, xero.CodeLoginFailed, connection(xero.Retrying, kauri)), iconAttention, "Xero refuses the app · see Health"},
	{signingIn(status(xero.Retrying, xero.CodeUnreachable, connection(xero.Retrying, kauri))), iconWorking, "Signing in · go on in the browser"},

	{status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri)), iconAttention, "Kauri & Sons · needs a sign-in since 3 March"},
	{status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.Connected, kauri), connection(xero.NeedsLogin, cafe)), iconAttention, "Tūī Street Café · needs a sign-in since 3 March"},
	{status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri, cafe)), iconAttention, "2 organisations · need a sign-in since 3 March"},
	{status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin)), iconAttention, "Xero · needs a sign-in since 3 March"},
	{signingIn(status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri))), iconWorking, "Signing in · go on in the browser"},

	{status("tomorrow's", ""), iconAttention, "Something is wrong · see Health"},
}

func TestTheMenuSaysEveryState(t *testing.T) {
	for _, mode := range []string{"live", "demo"} {
		var lines int
		for _, e := range every {
			m := menuFor(view{status: e.status, mode: mode})
			top := m.lines
			if mode == "demo" {
				if top[0].label != "Demo · invented books, nothing reaches Xero" || top[0].order != "" {
					t.Errorf("the demo begins with %q", top[0].label)
				}
				top = top[1:]
			}
			if m.icon != e.icon || top[0].label != e.line || top[0].order != "" {
				t.Errorf("%s: icon %d, line %q; wanted %d, %q", mode, m.icon, top[0].label, e.icon, e.line)
			}
			if lines == 0 {
				lines = len(m.lines)
			}
			if len(m.lines) != lines {
				t.Errorf("%q: %d lines, and other states have %d", e.line, len(m.lines), lines)
			}
			for _, l := range m.lines {
				checkLabel(t, l.label)
			}
			if len(m.tooltip) > 120 || strings.Contains(m.tooltip, "Kauri") {
				t.Errorf("%q: tooltip %q", e.line, m.tooltip)
			}
		}
	}
}

// checkLabel holds a label to one short line.
func checkLabel(t *testing.T, label string) {
	t.Helper()
	if utf8.RuneCountInString(label) > 48 || label != strings.TrimSpace(label) || strings.ContainsAny(label, "\r\n\t") {
		t.Errorf("label %q of %d runes", label, utf8.RuneCountInString(label))
	}
}

func TestTheMenuOffersWhatTheStateAllows(t *testing.T) {
	both := map[string]order{"Sign in again": "/login", "Disconnect from Xero…": "/disconnect"}
	for state, want := range map[xero.State]map[string]order{
		xero.Starting:     {"Sign in to Xero": "", "Disconnect from Xero…": ""},
		xero.Disconnected: {"Sign in to Xero": "/login", "Disconnect from Xero…": ""},
		xero.Connected:    both,
		xero.Retrying:     both,
		xero.NeedsLogin:   both,
	} {
		st := status(state, "")
		if want["Sign in again"] != "" {
			st = status(state, "", connection(state, kauri))
		}
		want["Open dashboard"], want["Health"], want["Logs folder"], want["Quit"] = "/", "/health", openLogs, quit
		got := map[string]order{}
		for _, l := range menuFor(view{status: st}).lines[1:] {
			if l.label != "" && !l.hidden {
				got[l.label] = l.order
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, wanted %v", state, got, want)
		}
	}
}

func TestTheMenuSaysThatCallsRunOut(t *testing.T) {
	long := xero.Organisation{TenantID: "9", Name: strings.Repeat("Te Whare Rākau ", 9)}
	afternoon := time.Date(2026, time.March, 3, 15, 4, 0, 0, time.Local)
	for want, short := range map[string][]xero.Shortage{
		"": nil,
		"Tūī Street Café · under 180 calls left today":     {{Organisation: cafe, Under: 180}},
		"Tūī Street Café · no calls left until 15:04":      {{Organisation: cafe, Closed: afternoon.UTC()}},
		"Te Whare Rākau Te… · under 1000 calls left today": {{Organisation: long, Under: 1000}},
		"2 organisations · few calls left today":           {{Organisation: kauri, Under: 20}, {Organisation: cafe, Closed: afternoon}},
	} {
		st := status(xero.Connected, "", connection(xero.Connected, kauri, cafe))
		st.Short = short
		l := menuFor(view{status: st}).lines[1]
		checkLabel(t, l.label)
		if l.hidden != (want == "") || !l.hidden && (l.label != want || l.order != "/settings") {
			t.Errorf("%+v, want %q", l, want)
		}
	}
}

// submenu is the line Organisations.
func submenu(t *testing.T, organisations ...xero.Organisation) line {
	t.Helper()
	for _, l := range menuFor(view{status: status(xero.Connected, "", connection(xero.Connected, organisations...))}).lines {
		if l.label == "Organisations" {
			return l
		}
	}
	t.Fatal("there is no submenu")
	return line{}
}

func TestOrganisationsAreListedWhenThereAreSeveral(t *testing.T) {
	if l := submenu(t, kauri); !l.hidden || l.under != nil {
		t.Errorf("one organisation: %+v", l)
	}
	l := submenu(t, cafe, xero.Organisation{TenantID: "a&b c", Name: "Odd"}, kauri)
	want := []line{
		{label: "Kauri & Sons", order: "/?tenant=0b1c"},
		{label: "Odd", order: "/?tenant=a%26b+c"},
		{label: "Tūī Street Café", order: "/?tenant=2d3e"},
	}
	if l.hidden || fmt.Sprint(l.under) != fmt.Sprint(want) {
		t.Errorf("%+v, wanted %+v", l, want)
	}

	var many []xero.Organisation
	for n := range 112 {
		many = append(many, xero.Organisation{TenantID: fmt.Sprint(n), Name: fmt.Sprintf("Client %03d", n)})
	}
	l = submenu(t, many...)
	if last := l.under[len(l.under)-1]; len(l.under) != 31 || last.label != "All 112 organisations…" || last.order != "/profile" {
		t.Errorf("%d lines, the last %+v", len(l.under), last)
	}
}

func TestNamesAreOneShortLine(t *testing.T) {
	for name, want := range map[string]string{
		`<b>Kauri</b> & "Sons"`:                `<b>Kauri</b> & "Sons"`,
		"Two\nlines\tand\u2028more":            "Two lines and more",
		"  spaces\u00a0 everywhere ":           "spaces everywhere",
		"turned \u202edorlow\u202c and bell\a": "turned dorlow and bell",
		"\u200b\x00":                           "(no name)",
		"":                                     "(no name)",
		strings.Repeat("Тихоокеанский ", 9): "Тихоокеанский Тихоокеанский Тихоокеанский Тихоо…",
		strings.Repeat("é", 48):             strings.Repeat("é", 48),
		strings.Repeat("é", 49):             strings.Repeat("é", 47) + "…",
		strings.Repeat("x", 46) + " tail":   strings.Repeat("x", 46) + "…",
		"bad \xff bytes":                    "bad \ufffd bytes",
	} {
		l := submenu(t, xero.Organisation{TenantID: "1", Name: name}, xero.Organisation{TenantID: "2", Name: "\U0010ffff"})
		if got := l.under[0].label; got != want && l.under[1].label != want {
			t.Errorf("%q becomes %q, wanted %q", name, got, want)
		}
		for _, st := range []xero.State{xero.Connected, xero.NeedsLogin} {
			one := status(st, "", connection(st, xero.Organisation{TenantID: "1", Name: name}))
			label := menuFor(view{status: one}).lines[0].label
			checkLabel(t, label)
			if !strings.HasSuffix(label, " · signed in, renews by itself") && !strings.HasSuffix(label, " · needs a sign-in since 3 March") {
				t.Errorf("%q cuts the state off: %q", name, label)
			}
		}
	}
}

// labels are the lines that show, greyed ones in brackets.
func labels(m menu) []string {
	var all []string
	for _, l := range m.lines {
		label := l.label
		if l.order == "" && label != "" {
			label = "[" + label + "]"
		}
		if l.checks {
			label = map[bool]string{true: "✓ ", false: "□ "}[l.on] + label
		}
		if !l.hidden {
			all = append(all, label)
		}
	}
	return all
}

func TestNoteOffersSwitchesAndCopyHaveLinesOfTheirOwn(t *testing.T) {
	v := view{
		status: status(xero.Connected, "", connection(xero.Connected, kauri)),
		note:   "Port 8000 belongs to\nanother program · now on 18000, and this is too long",
		copies: true,
		offers: []desktop.Offer{
			{Label: "Install version 2.0…"},
			{Label: "Keep secrets in a file, for the keychain of this computer is shut"},
			{Label: "A third"},
		},
		switches: []setting{
			{label: "Start at sign-in", known: true, on: true},
			{label: "Notifications", known: true},
			{label: "Look for updates"},
		},
	}
	m := menuFor(v)
	want := []string{
		"[Kauri & Sons · signed in, renews by itself]",
		"[Port 8000 belongs to another program · now on 1…]",
		"Install version 2.0…",
		"Keep secrets in a file, for the keychain of thi…",
		"",
		"Open dashboard",
		"Copy local address",
		"",
		"Sign in again",
		"Disconnect from Xero…",
		"",
		"✓ Start at sign-in",
		"□ Notifications",
		"□ [Look for updates]",
		"",
		"Health",
		"Logs folder",
		"",
		"Quit",
	}
	if got := labels(m); !slices.Equal(got, want) {
		t.Errorf("the menu says\n%s", strings.Join(got, "\n"))
	}
	for _, l := range m.lines {
		checkLabel(t, l.label)
	}
	v.offers, v.status = nil, status(xero.NeedsLogin, xero.CodeNeedsLogin)
	if fewer := menuFor(v); len(fewer.lines) != len(m.lines) {
		t.Errorf("%d lines without offers, and %d with", len(fewer.lines), len(m.lines))
	}
}
