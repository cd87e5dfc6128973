package tray

import (
	"net/url"
	"strings"
	"time"
	"unicode"

	"financial-command-center/assets/words"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// An icon says the most important thing without words.
type icon int

const (
	iconSignedOut icon = iota // nobody is signed in, or it is not known yet
	iconSignedIn              // books are there for the asking
	iconWorking               // it will come right by itself
	iconAttention             // only a person can mend it
)

// An order is what a click asks for: a page of ours, beginning with a slash, or
// one of these, the last two with what they are for.
type order string

const (
	openLogs    order = "logs"
	copyAddress order = "copy"
	quit        order = "quit"
	take        order = "take "   // and the offer's label
	turn        order = "switch " // and its label
)

// A line is one row of the menu; without a label it is a separator.
type line struct {
	label  string
	order  order // "" is shown greyed and cannot be clicked
	hidden bool
	checks bool   // has a place for a check mark
	on     bool   // and the mark is there
	under  []line // a submenu
}

// A view is all that the menu is made of.
type view struct {
	status   xero.Status
	offers   []desktop.Offer
	switches []setting

	// These stay while the program runs, and so does the number of switches.
	mode   string
	note   string
	copies bool // there is a clipboard
}

// A setting is how a switch stands.
type setting struct {
	label     string
	known, on bool
}

// A menu is all that the tray shows. Its lines are the same in number and order
// for every view of a program, so that a display only ever changes what a line
// says; the lines under one may come and go.
type menu struct {
	icon    icon
	tooltip string // our own words only: some desktops read markup in it
	lines   []line
}

const (
	maxLabel  = 48 // runes
	maxUnder  = 30 // organisations listed; all stand on the page
	maxOffers = 2
)

// menuFor decides what the tray says of v.
func menuFor(v view) menu {
	st := v.status
	organisations := st.Organisations()
	what := summary(st, organisations)

	m := menu{icon: what.icon, tooltip: words.Say("tray.tooltip.live", "State", what.tooltip)}
	if v.mode == "demo" {
		m.tooltip = words.Say("tray.tooltip.demo", "State", what.tooltip)
		m.lines = append(m.lines, line{label: words.Say("tray.menu.demo")})
	}
	signIn := line{label: words.Say("tray.menu.sign-in-again"), order: "/login"}
	switch st.State {
	case xero.Starting:
		signIn = line{label: words.Say("tray.menu.sign-in")}
	case xero.Disconnected:
		signIn.label = words.Say("tray.menu.sign-in")
	}
	disconnect := line{label: words.Say("tray.menu.disconnect")}
	if len(st.Connections) > 0 {
		disconnect.order = "/disconnect"
	}
	m.lines = append(m.lines, line{label: fit(what.line)})
	if v.note != "" {
		m.lines = append(m.lines, line{label: fit(plain(v.note))})
	}
	m.lines = append(m.lines, fewCalls(st.Short))
	for i := range maxOffers {
		l := line{label: "Offer", hidden: true}
		if i < len(v.offers) {
			l = line{label: fit(plain(v.offers[i].Label)), order: take + order(v.offers[i].Label)}
		}
		m.lines = append(m.lines, l)
	}
	m.lines = append(m.lines,
		line{},
		line{label: words.Say("tray.menu.dashboard"), order: "/"},
		line{label: words.Say("tray.menu.organisations"), order: "/profile", hidden: len(organisations) < 2, under: choices(organisations)})
	if v.copies {
		m.lines = append(m.lines, line{label: words.Say("tray.menu.copy"), order: copyAddress})
	}
	m.lines = append(m.lines, line{}, signIn, disconnect, line{})
	for _, s := range v.switches {
		l := line{label: fit(s.label), checks: true, on: s.on}
		if s.known {
			l.order = turn + order(s.label)
		}
		m.lines = append(m.lines, l)
	}
	if len(v.switches) > 0 {
		m.lines = append(m.lines, line{})
	}
	m.lines = append(m.lines,
		line{label: words.Say("tray.menu.health"), order: "/health"},
		line{label: words.Say("tray.menu.logs"), order: openLogs},
		line{},
		line{label: words.Say("tray.menu.quit"), order: quit})
	return m
}

// fewCalls says that Xero's calls for today are running out.
func fewCalls(short []xero.Shortage) line {
	switch {
	case len(short) == 0:
		return line{label: "Calls", hidden: true}
	case len(short) > 1:
		return line{label: words.Say("limits.tray.several", "Count", len(short)), order: "/settings"}
	case !short[0].Closed.IsZero():
		at := short[0].Closed.Local().Format("15:04")
		name := fitting(short[0].Organisation.Name, words.Say("limits.tray.none", "Name", "", "Time", at))
		return line{label: words.Say("limits.tray.none", "Name", name, "Time", at), order: "/settings"}
	}
	name := fitting(short[0].Organisation.Name, words.Say("limits.tray.under", "Name", "", "Calls", short[0].Under))
	return line{label: words.Say("limits.tray.under", "Name", name, "Calls", short[0].Under), order: "/settings"}
}

// choices lists the organisations, when there is something to choose.
func choices(organisations []xero.Organisation) []line {
	if len(organisations) < 2 {
		return nil
	}
	var under []line
	for _, o := range organisations[:min(len(organisations), maxUnder)] {
		under = append(under, line{label: fit(plain(o.Name)), order: order("/?tenant=" + url.QueryEscape(o.TenantID))})
	}
	if len(organisations) > maxUnder {
		under = append(under, line{label: words.Say("tray.menu.all", "N", len(organisations)), order: "/profile"})
	}
	return under
}

// A saying is the state in an icon, the line beside it and the tooltip.
type saying struct {
	icon          icon
	line, tooltip string
}

func summary(st xero.Status, organisations []xero.Organisation) saying {
	var code xero.Code
	if st.Problem != nil {
		code = st.Problem.Code
	}
	signingIn := saying{iconWorking, words.Say("tray.signing-in.line"), words.Say("tray.signing-in.tooltip")}
	switch {
	case st.State == xero.Starting && code == "":
		return saying{iconSignedOut, words.Say("tray.starting.line"), words.Say("tray.starting.tooltip")}
	case st.State == xero.Starting:
		return saying{iconAttention, words.Say("tray.shut.line"), words.Say("tray.shut.tooltip")}
	case st.SigningIn && st.State == xero.Connected: // the sign-in there is serves on
		signingIn.icon = iconSignedIn
		return signingIn
	case st.SigningIn:
		return signingIn
	}
	switch st.State {
	case xero.Connected:
		return connected(code, organisations)
	case xero.Retrying:
		next := nextTry(st.Connections)
		switch code {
		case xero.CodeKeystoreUnavailable:
			return saying{iconAttention, words.Say("tray.shut.retrying", "Next", next), words.Say("tray.shut.tooltip")}
		case xero.CodeLoginFailed:
			return saying{iconAttention, words.Say("tray.refused.line"), words.Say("tray.refused.tooltip")}
		}
		return saying{iconWorking, words.Say("tray.unreachable.line", "Next", next), words.Say("tray.unreachable.tooltip")}
	case xero.NeedsLogin:
		return saying{iconAttention, needsLogin("tray.needs-login.line.", st), words.Say("tray.needs-login.tooltip")}
	case xero.Disconnected:
		out := saying{iconSignedOut, words.Say("tray.signed-out.line"), words.Say("tray.signed-out.tooltip")}
		switch code {
		case "":
		case xero.CodeLoginFailed:
			out.line = words.Say("tray.signed-out.failed")
		default:
			out.icon, out.line = iconAttention, words.Say("tray.signed-out.trouble")
		}
		return out
	}
	return saying{iconAttention, words.Say("tray.wrong.line"), words.Say("tray.wrong.tooltip")}
}

func connected(code xero.Code, organisations []xero.Organisation) saying {
	in := words.Say("tray.signed-in.tooltip")
	switch {
	case code == xero.CodeKeystoreUnavailable:
		return saying{iconAttention, words.Say("tray.signed-in.shut"), words.Say("tray.signed-in.shut-tooltip")}
	case len(organisations) == 0:
		return saying{iconAttention, words.Say("tray.signed-in.nothing"), words.Say("tray.signed-in.nothing-tooltip")}
	case code == xero.CodeTenantRequired:
		return saying{iconAttention, words.Say("tray.signed-in.choose"), words.Say("tray.signed-in.choose-tooltip")}
	case code == xero.CodeLoginFailed: // a later attempt: the sign-in before it serves on
		return saying{iconSignedIn, words.Say("tray.signed-in.failed"), in}
	case code != "":
		return saying{iconWorking, words.Say("tray.signed-in.trouble"), words.Say("tray.signed-in.trouble-tooltip")}
	case len(organisations) == 1:
		name := fitting(organisations[0].Name, words.Say("tray.signed-in.one-organisation", "Name", ""))
		return saying{iconSignedIn, words.Say("tray.signed-in.one-organisation", "Name", name), in}
	}
	return saying{iconSignedIn, words.Say("tray.signed-in.organisations", "N", len(organisations)), in}
}

// nextTry names a time of day, not a time to wait, so that the line need not
// change while nothing happens.
func nextTry(connections []xero.ConnectionStatus) string {
	var next time.Time
	for _, c := range connections {
		if c.NextTry != nil && (next.IsZero() || c.NextTry.Before(next)) {
			next = *c.NextTry
		}
	}
	if next.IsZero() {
		return words.Say("tray.next.soon")
	}
	return words.Say("tray.next.at", "Time", next.Local().Format("15:04"))
}

// needsLogin speaks of the sign-ins that have ended, not of those that go on, in the
// words for the menu or for a notification, which cuts a name as the menu does.
func needsLogin(topic string, st xero.Status) string {
	ended := xero.Status{}
	since := st.Since
	for _, c := range st.Connections {
		if c.State == xero.NeedsLogin {
			if len(ended.Connections) == 0 || c.Since.Before(since) {
				since = c.Since
			}
			ended.Connections = append(ended.Connections, c)
		}
	}
	day := since.Local().Format("2 January")
	switch organisations := ended.Organisations(); len(organisations) {
	case 0:
		return words.Say(topic+"unknown", "Day", day)
	case 1:
		name := fitting(organisations[0].Name, words.Say("tray.needs-login.line.single", "Name", "", "Day", day))
		return words.Say(topic+"single", "Name", name, "Day", day)
	default:
		return words.Say(topic+"several", "N", len(organisations), "Day", day)
	}
}

// fitting is as much of the name as fits into a line with the rest whole.
func fitting(name, rest string) string {
	return shorten(plain(name), maxLabel-len([]rune(rest)))
}

// fit makes a label of a text that may be too long.
func fit(text string) string { return shorten(text, maxLabel) }

func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
}

// plain is an organisation's name on one line, without what cannot be seen or
// turns text around.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // controls, marks of direction
			return -1
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		return words.Say("tray.menu.no-name")
	}
	return name
}
