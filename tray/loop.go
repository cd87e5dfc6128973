package tray

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// A loop is one goroutine that decides, and never waits for anybody.
type loop struct {
	cfg      Config
	display  display
	notifier notifier
	switches []desktop.Switch // those that there are
	view     view
	herald   herald
	queue    []notice // not shown yet

	states  chan xero.Status
	offers  chan []desktop.Offer
	waiting chan desktop.Consent
	turned  chan turned
	clicks  chan position
	orders  chan order  // of notices that were clicked
	answers chan notice // to what was clicked
	said    chan notice // to speak
	first   chan menu   // to the display, once
	shown   chan struct{}
}

// turned is what a switch says.
type turned struct {
	which int
	on    bool
}

func newLoop(cfg Config, d display, n notifier) *loop {
	l := &loop{
		cfg: cfg, display: d, notifier: n,
		states:  make(chan xero.Status),
		offers:  make(chan []desktop.Offer),
		waiting: make(chan desktop.Consent),
		turned:  make(chan turned),
		clicks:  make(chan position, 8),
		orders:  make(chan order, 8),
		answers: make(chan notice),
		said:    make(chan notice),
		first:   make(chan menu),
		shown:   make(chan struct{}),
	}
	l.view = view{mode: cfg.Mode, note: cfg.Note, copies: cfg.Copy != nil}
	for _, s := range cfg.Switches {
		if s.Set != nil {
			l.switches = append(l.switches, s)
			l.view.switches = append(l.view.switches, setting{label: s.Label})
		}
	}
	return l
}

func (l *loop) run(ctx context.Context) {
	var first chan<- menu // nil: there is nothing to show yet, or it was given
	shown := (<-chan struct{})(l.shown)
	isShown := false
	m := menuFor(l.view)
	var painted menu
	if l.cfg.Moved != "" {
		l.queue = append(l.queue, moved(l.cfg.Moved))
	}
	for {
		var say chan<- notice
		var next notice
		if len(l.queue) > 0 && (isShown || !l.notifier.needsIcon) {
			say, next = l.said, l.queue[0]
		}
		select {
		case st := <-l.states:
			if l.view.status.State == "" {
				first = l.first
			}
			l.view.status = st
			l.tell(l.herald.hear(st, time.Now())...)
		case l.view.offers = <-l.offers:
			l.tell(l.herald.offered(l.view.offers)...)
		case c := <-l.waiting:
			if c.N == 0 { // what is not shown yet is news no more
				l.queue = slices.DeleteFunc(l.queue, func(n notice) bool { return n.order == consentPage })
			}
			if c.N > l.view.waiting.N {
				l.tell(consentWanted(c))
			}
			l.view.waiting = c
		case t := <-l.turned:
			s := &l.view.switches[t.which]
			s.known, s.on = true, t.on
		case first <- m:
			first, painted = nil, m
			continue
		case <-shown:
			shown, isShown = nil, true
			if l.cfg.FirstStart {
				l.queue = append([]notice{firstSeen()}, l.queue...)
			}
		case say <- next:
			l.queue = l.queue[1:]
			continue
		case at := <-l.clicks:
			l.obey(ctx, m.order(at))
			continue
		case o := <-l.orders:
			l.obey(ctx, o)
			continue
		case a := <-l.answers:
			l.tell(a)
			continue
		case <-ctx.Done():
			return
		}
		m = menuFor(l.view)
		if isShown && !reflect.DeepEqual(m, painted) {
			painted = m
			l.display.update(m)
		}
	}
}

// maxQueue is how many notices wait for the icon; older ones are news no more.
const maxQueue = 4

func (l *loop) tell(notices ...notice) {
	l.queue = append(l.queue, notices...)
	l.queue = l.queue[max(0, len(l.queue)-maxQueue):]
}

// apart is the least time between two notices: one that follows at once would
// take the place of the other.
const apart = 7 * time.Second

// speak shows the notices, one after the other.
func (l *loop) speak(ctx context.Context) {
	for {
		select {
		case n := <-l.said:
			if !n.answer && l.cfg.Quiet != nil && l.cfg.Quiet() {
				continue
			}
			l.notifier.notify(ctx, n, func() {
				select {
				case l.orders <- n.order:
				default: // clicked again and again
				}
			})
			select {
			case <-time.After(apart):
			case <-ctx.Done():
			}
		case <-ctx.Done():
			return
		}
	}
}

// obey starts what a click asked for.
func (l *loop) obey(ctx context.Context, o order) {
	if label, ok := strings.CutPrefix(string(o), string(take)); ok {
		for _, offer := range l.view.offers { // it may be gone
			if offer.Label == label && offer.Take != nil {
				go offer.Take()
			}
		}
		return
	}
	if label, ok := strings.CutPrefix(string(o), string(turn)); ok {
		for i, s := range l.view.switches {
			if s.label == label {
				go l.set(ctx, l.switches[i], !s.on)
			}
		}
		return
	}
	switch o {
	case "":
	case openLogs:
		go l.cfg.OpenLogs()
	case copyAddress:
		go l.cfg.Copy()
	case quit:
		go l.cfg.Quit()
	default:
		go l.cfg.Open(string(o))
	}
}

// set turns a switch, whose line changes when it says that it stands otherwise.
func (l *loop) set(ctx context.Context, s desktop.Switch, on bool) {
	err := s.Set(on)
	if err == nil {
		return
	}
	l.cfg.Log.Error("a switch was not turned", "switch", s.Label, "on", on, "err", err)
	failed := notice{title: words.Say("tray.switch.failed", "Switch", s.Label), text: words.Say("tray.switch.not-off"), answer: true, order: openLogs}
	if on {
		failed.text = words.Say("tray.switch.not-on")
	}
	select {
	case l.answers <- failed:
	case <-ctx.Done():
	}
}

// order is what the line at a position asks for. A click may be older than the
// menu, and its line gone.
func (m menu) order(at position) order {
	if at == onIcon {
		return "/"
	}
	switch l := m.lines[at.line]; {
	case at.under < 0 && l.under == nil:
		return l.order
	case at.under >= 0 && at.under < len(l.under):
		return l.under[at.under].order
	}
	return ""
}
