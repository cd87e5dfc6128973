package server

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// familyNeeded is which of Xero's APIs a key must be good for to ask for path, "" where
// nothing of the books is there. What our own routes tell of them is accounting.
func familyNeeded(path string) string {
	if f := familyOf(path); f != "" {
		return f
	}
	if strings.HasPrefix(path, "/api/") && path != "/api/status" || path == "/mcp" {
		return families[0].name
	}
	return ""
}

func familyNames() string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// keyDay counts the calls to Xero that keys have caused since midnight, by the local
// time of this computer. A key's daily limit is kept exactly: what has reached Xero and
// what is on its way there is never more, through the gateway and through our own
// routes, at any number of callers. A call counts on the day on which its answer came;
// one that never was sent, on none.
type keyDay struct {
	mu          sync.Mutex
	began, ends time.Time // its midnights
	by          map[string]*keyCalls
}

type keyCalls struct {
	made, flying int
	aside        []*setAside
}

// A setAside is a call that is kept for a write while a person is asked about it.
type setAside struct {
	name  string    // of the key
	until time.Time // when the person is waited for no longer
}

// of is what a key has done on the day of now.
func (d *keyDay) ofLocked(name string, now time.Time) *keyCalls {
	if now.Before(d.began) || !now.Before(d.ends) {
		d.began, d.ends = midnight(now), daysLater(now, 1)
		for name, c := range d.by {
			if c.made = 0; c.flying == 0 && len(c.aside) == 0 {
				delete(d.by, name)
			}
		}
	}
	c := d.by[name]
	if c == nil {
		c = &keyCalls{}
		if d.by == nil {
			d.by = map[string]*keyCalls{}
		}
		d.by[name] = c
	}
	return c
}

// take begins a call, in place of the one that is kept for it if there is one, unless that
// would be more than most; done ends it. With most 0 there is no limit.
func (d *keyDay) take(name string, most int, kept *setAside, now time.Time) (done func(sent bool), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.ofLocked(name, now)
	c.drop(kept)
	if err := c.full(most, now); err != nil {
		return nil, err
	}
	c.flying++
	return func(sent bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		c := d.ofLocked(name, time.Now())
		c.flying--
		if sent {
			c.made++
		}
	}, nil
}

// setAside keeps a call, unless that would be more than most, until it is taken or given
// back.
func (d *keyDay) setAside(name string, most int, until, now time.Time) (*setAside, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.ofLocked(name, now)
	if err := c.full(most, now); err != nil {
		return nil, err
	}
	kept := &setAside{name, until}
	c.aside = append(c.aside, kept)
	return kept, nil
}

// keepUntil notes when the person will be waited for no longer.
func (d *keyDay) keepUntil(kept *setAside, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept.until = until
}

// giveBack has kept be nobody's. It may be so already, or nil.
func (d *keyDay) giveBack(kept *setAside) {
	if kept == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ofLocked(kept.name, time.Now()).drop(kept)
}

func (c *keyCalls) drop(kept *setAside) {
	c.aside = slices.DeleteFunc(c.aside, func(other *setAside) bool { return other == kept })
}

// may is why take would refuse.
func (d *keyDay) may(name string, most int, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ofLocked(name, now).full(most, now)
}

// made is how many calls have reached Xero today.
func (d *keyDay) made(name string, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ofLocked(name, now).made
}

// full is why there may be no other call now. While calls are under way that may yet not
// count, it is for a moment only; while what is left is kept for writes, until the first
// of them waits no more.
func (c *keyCalls) full(most int, now time.Time) error {
	switch {
	case most == 0 || c.made+c.flying+len(c.aside) < most:
		return nil
	case c.made < most && c.flying == 0:
		first := slices.MinFunc(c.aside, func(a, b *setAside) int { return a.until.Compare(b.until) })
		return &xero.Error{
			Problem:    xero.Problem{Code: xero.CodeKeyLimit, Message: words.Say("keys.limit.consent", "N", most, "Times", words.Number(most)), Action: words.Say("keys.limit.consent-action")},
			RetryAfter: max(time.Second, first.until.Sub(now)),
		}
	case c.made < most:
		return &xero.Error{
			Problem:    xero.Problem{Code: xero.CodeKeyLimit, Message: words.Say("keys.limit.under-way", "N", most, "Times", words.Number(most)), Action: words.Say("keys.limit.soon")},
			RetryAfter: time.Second,
		}
	}
	return &xero.Error{
		Problem:    xero.Problem{Code: xero.CodeKeyLimit, Message: words.Say("keys.limit.message", "N", most, "Times", words.Number(most)), Action: words.Say("keys.limit.action")},
		RetryAfter: max(time.Second, daysLater(now, 1).Sub(now)),
	}
}

// loadKeyDay takes over what the list of calls knows of today. It is for the start,
// before anybody is let in.
func (s *Server) loadKeyDay(ctx context.Context) error {
	now := time.Now()
	counts, err := s.state.CountCalls(ctx, store.Which{From: midnight(now), Sent: true})
	if err != nil {
		return err
	}
	d := &s.keys.today
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range counts {
		if xero.CallerKind(n.Caller) == xero.ByKey {
			d.ofLocked(n.Name, now).made += n.Count
		}
	}
	return nil
}

// Calling is xero.Config's: it holds keys to their daily limits. A write that a person has
// allowed has the call that is kept for it.
func (s *Server) Calling(ctx context.Context) (done func(sent bool), err error) {
	who := xero.CallerOf(ctx)
	if who.Kind != xero.ByKey {
		return func(bool) {}, nil
	}
	var kept *setAside
	if h := allowedIn(ctx); h != nil {
		kept = h.aside
	}
	return s.keys.today.take(who.Name, s.keys.daily(who.Name), kept, time.Now())
}

// MayCall is xero.Config's: why Calling would refuse.
func (s *Server) MayCall(who xero.Caller) error {
	if who.Kind != xero.ByKey {
		return nil
	}
	return s.keys.today.may(who.Name, s.keys.daily(who.Name), time.Now())
}

func (k *keyring) daily(name string) int {
	if entry := k.entry(name); entry != nil {
		return entry.Daily
	}
	return 0 // it was revoked: see watch
}
