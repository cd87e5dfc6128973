package tray_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"financial-command-center/server/xero"
)

var day = time.Date(2026, time.March, 3, 9, 30, 0, 0, time.UTC)

var (
	kauri = xero.Organisation{TenantID: "0b1c", Name: "Kauri & Sons"}
	tui   = xero.Organisation{TenantID: "2d3e", Name: "Tūī_Street Café"}
	north = xero.Organisation{TenantID: "4f5a", Name: "North & Co"}
)

// signedIn is one sign-in in state, reaching the organisations.
func signedIn(state xero.State, organisations ...xero.Organisation) xero.Status {
	return xero.Status{State: state, Since: day, Connections: []xero.ConnectionStatus{
		{ID: "c1", State: state, Since: day, Organisations: organisations},
	}}
}

const rest = `-
Open dashboard
%s-
%s
%s
-
Health
Logs folder
-
Quit
`

func TestAPanelShowsEveryState(t *testing.T) {
	p := newPanel(t)
	c := start(t)
	nextTry := day.Add(5 * time.Minute)
	retrying := signedIn(xero.Retrying, kauri)
	retrying.Connections[0].NextTry = &nextTry
	shut := xero.Status{State: xero.Starting, Since: day, Problem: &xero.Problem{Code: xero.CodeKeystoreUnavailable}}
	first := xero.Status{State: xero.Disconnected, SigningIn: true, Since: day}

	one := "Sign in again|Disconnect from Xero…"
	steps := []struct {
		status              xero.Status
		line, under, signIn string
		tooltip             string
	}{
		{xero.Status{State: xero.Starting, Since: day}, "Starting · reading the keychain", "",
			"[Sign in to Xero]|[Disconnect from Xero…]", "starting"},
		{shut, "Keychain is shut · see Health", "",
			"[Sign in to Xero]|[Disconnect from Xero…]", "the keychain is shut"},
		{xero.Status{State: xero.Disconnected, Since: day}, "Not signed in to Xero", "",
			"Sign in to Xero|[Disconnect from Xero…]", "not signed in to Xero"},
		{first, "Signing in · go on in the browser", "",
			"Sign in to Xero|[Disconnect from Xero…]", "signing in"},
		{signedIn(xero.Connected, kauri), "Kauri & Sons · signed in, renews by itself", "", one, "signed in to Xero"},
		{retrying, "Xero not reached · next try 09:35", "", one, "Xero not reached, trying again"},
		{signedIn(xero.NeedsLogin, kauri), "Kauri & Sons · needs a sign-in since 3 March", "", one, "sign in to Xero again"},
		{signedIn(xero.Connected, kauri, tui, north), "Signed in · 3 organisations",
			"Organisations\n  Kauri & Sons\n  North & Co\n  Tūī_Street Café\n", one, "signed in to Xero"},
		{signedIn(xero.Connected, kauri, tui), "Signed in · 2 organisations",
			"Organisations\n  Kauri & Sons\n  Tūī_Street Café\n", one, "signed in to Xero"},
		{signedIn(xero.Connected, north), "North & Co · signed in, renews by itself", "", one, "signed in to Xero"},
		{signedIn(xero.Connected, kauri, tui, north), "Signed in · 3 organisations",
			"Organisations\n  Kauri & Sons\n  North & Co\n  Tūī_Street Café\n", one, "signed in to Xero"},
	}
	var i *shownIcon
	pictures := map[string][]string{}
	for _, s := range steps {
		if c.show(s.status); i == nil {
			i = p.icon()
		}
		i.await("the line "+s.line, func(sig *dbus.Signal) bool { return i.first() == s.line })
		signIn, disconnect, _ := strings.Cut(s.signIn, "|")
		want := "[" + s.line + "]\n" + fmt.Sprintf(rest, s.under, signIn, disconnect)
		c.settled()
		if got := i.menu(); got != want {
			t.Errorf("%s: the menu says\n%s, not\n%s", s.line, got, want)
		}
		if got := i.tooltip(); got != "Financial Command Center · "+s.tooltip {
			t.Errorf("%s: the tooltip says %q", s.line, got)
		}
		pictures[i.picture()] = append(pictures[i.picture()], s.tooltip)
	}
	if i.property("Id").Value() != "Financial Command Center" {
		t.Errorf("id %v", i.property("Id"))
	}
	var alike []string
	for _, tooltips := range pictures {
		alike = append(alike, strings.Join(slices.Compact(tooltips), ", "))
	}
	slices.Sort(alike)
	if want := []string{
		"signed in to Xero",
		"signing in, Xero not reached, trying again",
		"starting, not signed in to Xero",
		"the keychain is shut, sign in to Xero again",
	}; !slices.Equal(alike, want) {
		t.Errorf("icons for %q, wanted %q", alike, want)
	}
}

func TestTheDemoSaysSo(t *testing.T) {
	p := newPanel(t)
	c := start(t, "FCC_TRAY_MODE=demo")
	c.show(signedIn(xero.Connected, kauri))
	i := p.icon()
	if got := i.menu(); !strings.HasPrefix(got, "[Demo · invented books, nothing reaches Xero]\n[Kauri & Sons · ") {
		t.Errorf("the menu says\n%s", got)
	}
	if got := i.tooltip(); got != "Financial Command Center demo · signed in to Xero" {
		t.Errorf("the tooltip says %q", got)
	}
}

func TestClicksArrive(t *testing.T) {
	p := newPanel(t)
	c := start(t)
	c.show(signedIn(xero.Connected, kauri, tui))
	i := p.icon()
	for _, click := range [][2]string{
		{"Logs folder", "logs"}, // and never comes back: the clicks after it arrive all the same
		{"Open dashboard", "open /"},
		{"Kauri & Sons", "open /?tenant=0b1c"},
		{"Tūī_Street Café", "open /?tenant=2d3e"},
		{"Sign in again", "open /login"},
		{"Disconnect from Xero…", "open /disconnect"},
		{"Health", "open /health"},
		{"Health", "open /health"},
	} {
		i.click(click[0])
		c.says(click[1])
	}
	c.show(signedIn(xero.Connected, north))
	c.show(signedIn(xero.Connected, tui, north))
	i.await("the other organisations", func(*dbus.Signal) bool { return strings.Contains(i.menu(), "  North & Co\n  Tūī") })
	i.click("North & Co")
	c.says("open /?tenant=4f5a")
}

func TestQuitEndsTheTray(t *testing.T) {
	p := newPanel(t)
	c := start(t)
	c.show(signedIn(xero.Connected, kauri))
	i := p.icon()
	i.click("Quit")
	c.says("quit")
	c.says("ended <nil>")
	i.await("the icon to go", func(s *dbus.Signal) bool {
		return s.Name == "org.freedesktop.DBus.NameOwnerChanged" && s.Body[0] == i.name && s.Body[2] == ""
	})
}

func TestNothingIsRepaintedWithoutAChange(t *testing.T) {
	p := newPanel(t)
	c := start(t)
	st := signedIn(xero.Connected, kauri, tui)
	c.show(st)
	i := p.icon()

	p.forget()
	for n := range 20 { // renewals: another expiry, and what is shown stays
		at := day.Add(time.Duration(n) * 20 * time.Minute)
		st.Connections = slices.Clone(st.Connections)
		st.Connections[0].AccessTokenExpiresAt = &at
		c.show(st)
	}
	st.Problem = &xero.Problem{Code: xero.CodeLoginFailed}
	c.show(st)
	c.show(signedIn(xero.NeedsLogin, kauri, tui))
	c.show(signedIn(xero.NeedsLogin, kauri))
	c.show(signedIn(xero.NeedsLogin, tui))
	last := "Tūī_Street Café · needs a sign-in since 3 March"
	i.await(last, func(*dbus.Signal) bool { return strings.Contains(strings.Join(p.repaints(), "\n"), last) })

	var got []string
	for _, s := range p.repaints() {
		if s != "LayoutUpdated" { // systray adds one to each change of a line
			got = append(got, s)
		}
	}
	want := []string{
		"Signed in · the last try did not work",
		"NewIcon", "NewToolTip", "2 organisations · need a sign-in since 3 March",
		"Kauri & Sons · needs a sign-in since 3 March", "Organisations hidden",
		last,
	}
	if !slices.Equal(got, want) {
		t.Errorf("painted anew: %q, wanted %q", got, want)
	}
	if changes, layouts := 5, len(p.repaints())-len(got); layouts != changes && layouts != changes-1 { // the last may be on its way
		t.Errorf("%d LayoutUpdated for %d changed lines", layouts, changes)
	}
}

func TestWithoutAPanelOneLineSaysSoAndTheIconComesWhenThePanelDoes(t *testing.T) {
	c := start(t)
	c.says("log " + "no tray: nothing on this desktop shows icons yet")
	c.tell(script{Available: true})
	c.says("available false")
	p := newPanel(t)
	c.show(signedIn(xero.Connected, kauri))
	if got := p.icon().first(); got != "Kauri & Sons · signed in, renews by itself" {
		t.Errorf("the line says %q", got)
	}
	c.tell(script{Available: true})
	c.says("available true")
}

func TestAWatcherThatShowsNothingIsNoTray(t *testing.T) {
	newWatcher(t, false)
	c := start(t)
	c.tell(script{Available: true})
	c.says("available false")
}

func TestWithoutABusOneLineSaysSo(t *testing.T) {
	c := start(t, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent")
	c.says("log " + "no tray: there is no session bus")
	c.tell(script{Available: true})
	c.says("available false")
	c.in.Close()
	c.says("ended <nil>")
}

func TestTheIconComesBackWhenThePanelIsRestarted(t *testing.T) {
	first := newPanel(t)
	c := start(t)
	c.show(signedIn(xero.Connected, kauri))
	first.icon()
	for range 2 {
		first.leave()
		c.show(signedIn(xero.NeedsLogin, kauri))
		c.settled()
		first = newPanel(t)
		if got := first.iconAgain().first(); got != "Kauri & Sons · needs a sign-in since 3 March" {
			t.Errorf("the line says %q", got)
		}
		first.iconAgain() // systray and FCC both register: a panel that left between would be an error
	}
}

// systray stops watching for panels at the signal by which a keychain answers.
func TestTheIconComesBackThoughAKeychainHasAskedForItsPassword(t *testing.T) {
	first := newPanel(t)
	c := start(t)
	c.show(signedIn(xero.Connected, kauri))
	first.icon()
	c.tell(script{Prompt: true})
	c.says("prompt answered")
	first.leave()
	newPanel(t).iconAgain().menu()
}

// first is the line that says how things stand.
func (i *shownIcon) first() string {
	i.t.Helper()
	line, _, _ := strings.Cut(i.menu(), "\n")
	return strings.Trim(line, "[]")
}

// repaints are the signals at which a panel paints something anew: a line by what
// it says now, else the signal's name.
func (p *panel) repaints() []string {
	var all []string
	for _, s := range p.received() {
		name := s.Name[strings.LastIndex(s.Name, ".")+1:]
		switch name {
		case "PropertiesChanged", "NameOwnerChanged", "NameAcquired": // go with the others, or are the test's own
		case "ItemsPropertiesUpdated":
			var lines []struct {
				ID   int32
				Says map[string]dbus.Variant
			}
			if err := dbus.Store(s.Body[:1], &lines); err != nil {
				p.t.Error(err)
			}
			for _, l := range lines {
				said := layout{Says: l.Says}.label()
				if l.Says["visible"].Value() == false {
					said += " hidden"
				}
				all = append(all, said)
			}
		default:
			all = append(all, name)
		}
	}
	return all
}
