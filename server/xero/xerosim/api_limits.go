package xerosim

import (
	"cmp"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Xero's limits (developer.xero.com/faq/limits). Those of an organisation count
// for each app apart.
const (
	concurrentLimit = 5
	minuteLimit     = 60
	appMinuteLimit  = 10_000
	starterDayLimit = 1_000
)

type meterKey struct {
	client *client
	tenant string
}

// A meter counts an app's calls to an organisation.
type meter struct {
	busy        int // in progress
	minute, day window
}

// A window counts calls in fixed spans of time.
type window struct {
	start time.Time
	used  int
}

// turn starts the window anew if its span is over. Spans begin at a moment that
// differs from organisation to organisation.
func (w *window) turn(now time.Time, span time.Duration, tenant string) (ends time.Time) {
	h := fnv.New32a()
	h.Write([]byte(tenant))
	offset := time.Duration(h.Sum32()%uint32(span/time.Second)) * time.Second
	if start := now.Add(-offset).Truncate(span).Add(offset); !start.Equal(w.start) {
		*w = window{start: start}
	}
	return w.start.Add(span)
}

// An admission is how far a request got: refused by a limit, without a known
// organisation, or in.
type admission struct {
	tenant       string
	organisation *organisation // nil: none that this person connected to this app
	shelf        *shelf
	reports      bool
	meter        *meter // set while the call counts as in progress

	appLeft, minuteLeft, dayLeft int // the last two only with an organisation
	problem                      string
	retryAfter                   time.Duration // zero: Xero does not say
}

// enter counts a call and finds the organisation it is for. Every enter is
// followed by one leave.
func (s *Sim) enter(a *access, tenant string) *admission {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	out := &admission{reports: !a.person.noReports}
	app, ends := s.appMinute(a.client, now)
	if app.used >= appMinuteLimit {
		out.problem, out.retryAfter = "appminute", ends.Sub(now)
	} else {
		app.used++
	}
	out.appLeft = appMinuteLimit - app.used
	for _, c := range a.live() {
		if strings.EqualFold(c.tenantID, tenant) && c.organisation.profile != nil {
			out.tenant, out.organisation = c.tenantID, c.organisation
		}
	}
	if out.organisation == nil {
		return out
	}
	m := s.meter(a.client, out.tenant)
	minuteEnds, dayEnds := m.minute.turn(now, time.Minute, out.tenant), m.day.turn(now, day, out.tenant)
	dayLimit := s.dayLimit()
	switch {
	case out.problem != "":
	case m.busy >= concurrentLimit:
		out.problem = "concurrent"
	case m.day.used >= dayLimit:
		out.problem, out.retryAfter = "day", dayEnds.Sub(now)
	case m.minute.used >= minuteLimit:
		out.problem, out.retryAfter = "minute", minuteEnds.Sub(now)
	default:
		m.busy++
		m.minute.used++
		m.day.used++
		out.meter = m
	}
	out.minuteLeft, out.dayLeft = minuteLimit-m.minute.used, dayLimit-m.day.used
	if s.api.books[out.tenant] == nil {
		s.api.books[out.tenant] = &shelf{}
	}
	out.shelf = s.api.books[out.tenant]
	return out
}

func (s *Sim) leave(a *admission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.meter != nil {
		a.meter.busy--
	}
}

// appMinute returns the app's window of this minute. The caller holds Sim.mu.
func (s *Sim) appMinute(c *client, now time.Time) (*window, time.Time) {
	if s.api.apps[c] == nil {
		s.api.apps[c] = &window{}
	}
	return s.api.apps[c], s.api.apps[c].turn(now, time.Minute, c.ID)
}

func (s *Sim) meter(c *client, tenant string) *meter {
	key := meterKey{c, tenant}
	if s.api.meters[key] == nil {
		s.api.meters[key] = &meter{}
	}
	return s.api.meters[key]
}

func (s *Sim) dayLimit() int { return cmp.Or(s.opt.DayLimit, starterDayLimit) }

// admitApp counts a call that is for no organisation. It answers those without a
// good token, and those of an app that made too many: nil.
func (s *Sim) admitApp(w http.ResponseWriter, r *http.Request) *access {
	correlate(w)
	access, err := s.grantOf(r)
	if err != nil {
		refuse(w, err)
		return nil
	}
	limits := s.enter(access, "")
	limits.headers(w.Header())
	if limits.problem != "" {
		w.WriteHeader(http.StatusTooManyRequests)
		return nil
	}
	return access
}

// headers says what is left. A 429 has no body, and for concurrent calls no
// Retry-After.
func (a *admission) headers(h http.Header) {
	h.Set("X-AppMinLimit-Remaining", strconv.Itoa(a.appLeft))
	if a.organisation != nil {
		h.Set("X-MinLimit-Remaining", strconv.Itoa(a.minuteLeft))
		h.Set("X-DayLimit-Remaining", strconv.Itoa(a.dayLeft))
	}
	if a.problem == "" {
		return
	}
	h.Set("X-Rate-Limit-Problem", a.problem)
	if a.retryAfter > 0 {
		seconds := (a.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
}
