package tray

import (
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// A notice is one notification. It names organisations, and never a person.
type notice struct {
	title, text string
	order       order // what a click on it asks for
	answer      bool  // to a click: shown though notifications are off
}

// longTrouble is how long Xero or the keychain must have been out of reach for
// their return to be news: shorter trouble was seen by nobody.
const longTrouble = 5 * time.Minute

// A herald picks from what happens the little that is worth a notification: a
// sign-in that was made, one that is needed, and the end of trouble that lasted.
// What is so when the program starts is news only where a person is needed.
type herald struct {
	begun   bool                  // the keychain was read
	before  map[string]xero.State // of each connection
	asked   map[string]time.Time  // the sign-ins asked for, by when each became needed
	since   time.Time             // when trouble began; zero: there is none
	trouble string                // the message of what could not be reached

	offers map[string]bool // those that were told
}

// hear is told every Status.
func (h *herald) hear(st xero.Status, now time.Time) []notice {
	var news []notice
	back := h.back(st, now)
	if st.State == xero.Starting {
		return nil
	}
	states, asked := map[string]xero.State{}, map[string]time.Time{}
	var needed, made xero.Status
	for _, c := range st.Connections {
		states[c.ID] = c.State
		before, known := h.before[c.ID]
		switch {
		case c.State == xero.NeedsLogin:
			asked[c.ID] = c.Since
			if told, ok := h.asked[c.ID]; !ok || !told.Equal(c.Since) {
				needed.Connections = append(needed.Connections, c)
			}
		case c.State == xero.Connected && h.begun && (!known || before == xero.NeedsLogin || before == xero.Disconnected):
			made.Connections = append(made.Connections, c)
		}
	}
	h.begun, h.before, h.asked = true, states, asked
	if len(made.Connections) > 0 {
		news = append(news, signedIn(made.Organisations()))
	} else if back != nil {
		news = append(news, *back)
	}
	if len(needed.Connections) > 0 {
		needed.Since = st.Since
		news = append(news, notice{
			title: words.Say("tray.needs-login.notice.title"), order: "/login",
			text: needsLogin("tray.needs-login.notice.", needed),
		})
	}
	return news
}

// back is the end of trouble that lasted.
func (h *herald) back(st xero.Status, now time.Time) *notice {
	trouble := ""
	switch {
	case st.Problem != nil && st.Problem.Code == xero.CodeKeystoreUnavailable:
		trouble = "tray.back.keychain"
	case st.State == xero.Retrying:
		trouble = "tray.back.xero"
	}
	if trouble != "" {
		if h.since.IsZero() {
			h.since = now
		}
		h.trouble = trouble
		return nil
	}
	since := h.since
	h.since = time.Time{}
	if since.IsZero() || st.State != xero.Connected || now.Sub(since) < longTrouble {
		return nil
	}
	when := since.Local().Format("15:04")
	if now.Sub(since) > 12*time.Hour {
		when = since.Local().Format("2 January, 15:04")
	}
	return &notice{title: words.Say("tray.back.title"), text: words.Say(h.trouble, "Time", when), order: "/"}
}

func signedIn(organisations []xero.Organisation) notice {
	n := notice{title: words.Say("tray.made.title"), order: "/"}
	switch len(organisations) {
	case 0:
		n.text = words.Say("tray.made.nothing")
	case 1:
		n.text = words.Say("tray.made.single", "Name", shorten(plain(organisations[0].Name), maxLabel))
	default:
		n.text = words.Say("tray.made.several", "N", len(organisations))
	}
	return n
}

// offered is told which offers stand, and tells each once. Only its line in the menu
// takes one: a click on a notification may be meant for another.
func (h *herald) offered(offers []desktop.Offer) []notice {
	var news []notice
	for _, o := range offers {
		if h.offers[o.Label] || o.Title == "" {
			continue
		}
		if h.offers == nil {
			h.offers = map[string]bool{}
		}
		h.offers[o.Label] = true
		news = append(news, notice{title: o.Title, text: o.Text, order: "/"})
	}
	return news
}

// consentPage is where a person decides what waits.
const consentPage order = "/approvals"

// mostSaid is how much of what a program would do a notification says: displays cut what
// is longer.
const mostSaid = 110

// consentWanted says what waits, one of it since a moment ago.
func consentWanted(c desktop.Consent) notice {
	n := notice{title: words.Say("tray.consent.title"), text: words.Say("tray.consent.text", "N", c.N), order: consentPage}
	if c.Title != "" {
		n.text = words.Say("tray.consent.text-single", "What", consentWhat(c, mostSaid))
	}
	return n
}

// moved is a start at another address than the last.
func moved(to string) notice {
	return notice{title: words.Say("tray.moved.title"), text: plain(to) + ".", order: "/health"}
}

// firstSeen is the first start.
func firstSeen() notice {
	return notice{title: words.Say("tray.first.title"), text: whereIconIs, order: "/"}
}
