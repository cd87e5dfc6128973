package server_test

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server/store"
	"financial-command-center/server/xero/xerosim"
)

// ownReads are our own addresses whose answers have one age.
var ownReads = []string{
	"/api/xero/contacts", "/api/xero/invoices", "/api/table/invoices", "/api/table/contacts", "/api/table/aged", "/api/table/profit-and-loss",
	"/api/table/bank", "/api/table/bank-transactions", "/api/table/payments",
}

// tells fails the test unless an answer of our own says all that one of the gateway's does.
func (g got) tells(t *testing.T, what, source string) {
	t.Helper()
	age, err := strconv.Atoi(g.header.Get("Age"))
	if g.status != http.StatusOK || g.header.Get("X-FCC-Source") != source || err != nil || age < 0 || age > 3600 || g.header.Get("X-FCC-Budget-Day") == "" || g.header.Get("X-FCC-Budget-Minute") == "" {
		t.Errorf("%s: %d %s, source %q, want %q, age %q, budget %q and %q", what, g.status, g.code, g.header.Get("X-FCC-Source"), source,
			g.header.Get("Age"), g.header.Get("X-FCC-Budget-Day"), g.header.Get("X-FCC-Budget-Minute"))
	}
}

func TestOwnAddressesTakeTheWishesThatTheGatewayTakes(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit(), café)
	key, takes := b.addKey(store.Key{Name: "no"}), b.addKey(store.Key{Name: "yes", MaxAge: time.Hour, Stale: true})
	patient := b.addKey(store.Key{Name: "patient", MaxAge: time.Hour})
	live := map[string]got{}
	for _, path := range ownReads {
		g := b.get(key, path, "X-FCC-Max-Age: 0")
		g.tells(t, path+", at first", "live")
		live[path] = g
		if n := b.asked(func() {
			g = b.get(key, path)
			g.tells(t, path+", again", "cache")
			b.get(takes, path).tells(t, path+", by key", "cache")
		}); n != 0 || g.body != live[path].body {
			t.Errorf("%s: Xero was asked %d times for what is kept, which is\n%.300s\nand was\n%.300s", path, n, g.body, live[path].body)
		}
		if n := b.asked(func() { b.get(takes, path, "X-FCC-Max-Age: 0").tells(t, path+", anew", "live") }); n == 0 {
			t.Errorf("%s: Xero is not asked", path)
		}
	}
	b.sim.Fault(xerosim.Fault{At: xerosim.PointAPI, Do: xerosim.Drop, Times: 1000})
	for _, path := range ownReads {
		for name, g := range map[string]got{"said nothing of old ones": b.get(key, path, "X-FCC-Max-Age: 0"), "denied it": b.get(takes, path, "X-FCC-Max-Age: 0", "X-FCC-Stale: deny")} {
			if g.status != 504 || g.code != "xero_unreachable" || g.header.Get("Age") != "" || g.header.Get("X-FCC-Source") != "" || g.header.Get("X-FCC-Budget-Day") == "" {
				t.Errorf("%s, offline, %s: %d %s %v", path, name, g.status, g.code, g.header)
			}
		}
		b.get(patient, path).tells(t, path+", offline, young enough", "cache")
		b.get(key, path, "X-FCC-Max-Age: 0", "X-FCC-Stale: allow").tells(t, path+", offline, by header", "stale")
		old := b.get(takes, path, "X-FCC-Max-Age: 0")
		old.tells(t, path+", offline, by key", "stale")
		if strings.HasPrefix(path, "/api/xero/") && old.body != live[path].body {
			t.Errorf("%s, offline: another answer", path)
		}
	}
	b.get(key, "/api/dashboard", "X-FCC-Max-Age: 0").figures(t)
	b.get(key, "/api/cash-flow", "X-FCC-Max-Age: 0").figures(t)
}

// figures fails the test unless the figures of the start page are there, and say that they
// could not be brought up to date.
func (g got) figures(t *testing.T) {
	t.Helper()
	if g.status != http.StatusOK || !strings.Contains(g.body, "xero_unreachable") || g.header.Get("X-FCC-Budget-Day") == "" {
		t.Errorf("%d %v %.300s", g.status, g.header, g.body)
	}
}

func TestAWishThatCannotBeReadIsRefusedByOwnAddressesToo(t *testing.T) {
	b := newBench(t).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	for _, path := range append([]string{"/api/dashboard", "/api/cash-flow"}, ownReads...) {
		for name, wrong := range map[string][]string{"X-FCC-Max-Age": {"", "-1", "1.5", "5s", "99999999999"}, "X-FCC-Stale": {"", "yes"}, "X-FCC-Max-Wait": {"", "-1", "601", "soon"}} {
			for _, value := range wrong {
				there := b.get(key, invoices, name+": "+value)
				there.body = strings.Replace(there.body, "from 0 to 600", "from 0 to 180", 1) // a reading of the books waits no longer
				for _, a := range []ask{{path: path, key: key}, {path: path, cookie: cookie}} {
					a.header = map[string]string{name: value}
					if g := b.ask(a); g.status != 400 || g.code != "bad_request" || g.body != there.body {
						t.Errorf("%s, %s: %q: %d %s, the gateway says %s", path, name, value, g.status, g.body, there.body)
					}
				}
			}
		}
		if g := b.get(key, path, "X-FCC-Max-Wait: 181"); g.status != 400 || !strings.Contains(g.body, "from 0 to 180") {
			t.Errorf("%s, for longer than is waited: %d %s", path, g.status, g.body)
		}
	}
	if g := b.get(key, "/api/xero/contacts", "X-FCC-Max-Wait: 180"); g.status != 200 {
		t.Errorf("as long as is waited: %d %s", g.status, g.body)
	}
}

func TestACallerOfOwnAddressesWaitsForTheLimitsAsLongAsItSays(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	b.get(key, "/api/xero/contacts").tells(t, "at first", "live")
	if err := b.sim.UseUp("minute", café); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/xero/invoices", "/api/dashboard", "/api/cash-flow"} { // never read
		begun := time.Now()
		g := b.get(key, path, "X-FCC-Max-Wait: 0")
		seconds, err := strconv.Atoi(g.header.Get("Retry-After"))
		if took := time.Since(begun); g.status != 429 || g.code != "rate_limited" || err != nil || seconds < 1 || seconds > 60 || took > 10*time.Second || g.header.Get("X-FCC-Budget-Minute") != "0" {
			t.Errorf("%s, after %v: %d %s %v", path, took, g.status, g.body, g.header)
		}
	}
	b.get(key, "/api/xero/contacts", "X-FCC-Max-Wait: 0").tells(t, "what is kept, meanwhile", "cache")
	b.get(key, "/api/xero/contacts", "X-FCC-Max-Wait: 0", "X-FCC-Max-Age: 0", "X-FCC-Stale: allow").tells(t, "what is old, meanwhile", "stale")
}

// lastCall has Xero say that a program may make one call more, and answer it slowly.
type lastCall struct {
	limit     string // the header
	one, none string // what it says before and after
	on        atomic.Bool
}

func (l *lastCall) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && answer.Header.Get(l.limit) != "" {
		answer.Header.Set(l.limit, l.one)
		if l.on.Load() {
			answer.Header.Set(l.limit, l.none)
			time.Sleep(500 * time.Millisecond) // by then the limits have been looked at
		}
	}
	return answer, err
}

func TestWhatHasComeThroughTheLimitsIsNotCutOffByThem(t *testing.T) {
	for name, last := range map[string]*lastCall{
		"the minute's last call":                    {limit: "X-MinLimit-Remaining", one: "1", none: "0"},
		"the look at a day that is kept for people": {limit: "X-DayLimit-Remaining", one: "50", none: "50"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(b *bench) { b.xero.HTTP = last }).opened()
			b.signIn(b.visit(), café)
			key := b.addKey(store.Key{Name: "sheet"})
			b.get(key, "/api.xro/2.0/Contacts").wants(t, "before", 200, "live")
			last.on.Store(true)
			b.get(key, "/api/xero/contacts", "X-FCC-Max-Wait: 0").tells(t, "with it", "live")
			if g := b.get(key, "/api/xero/invoices", "X-FCC-Max-Wait: 0"); g.status != 429 || g.code != "rate_limited" {
				t.Errorf("after it: %d %s", g.status, g.body)
			}
		})
	}
}

func TestAXeroThatDoesNotAnswerIsWaitedForNoLongerThanTheCallerSays(t *testing.T) {
	slow := &silence{}
	b := newBench(t, func(b *bench) { b.xero.HTTP = slow }).opened()
	b.signIn(b.visit(), café)
	slow.on.Store(true)
	defer slow.on.Store(false)
	begun := time.Now()
	g := b.get(b.addKey(store.Key{Name: "sheet"}), "/api/xero/contacts", "X-FCC-Max-Wait: 0")
	if took := time.Since(begun); g.status != 504 || g.code != "xero_unreachable" || took > 15*time.Second {
		t.Errorf("after %v: %d %s", took, g.status, g.body)
	}
}

// late hands the answer to one request on only when it is let go.
type late struct {
	on        atomic.Bool
	came, let chan struct{}
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "/Contacts") && l.on.CompareAndSwap(true, false) {
		close(l.came)
		<-l.let
	}
	return answer, err
}

// waitingForContacts is how many wait for a reading of the contacts.
func waitingForContacts() (n int) {
	all := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if first, _, _ := strings.Cut(stack, "\n"); strings.Contains(first, "[select") && strings.Contains(stack, "(*shelf).bring(") && strings.Contains(stack, ").contacts(") {
			n++
		}
	}
	return n
}

// What somebody else was being told already may be from before what the caller knows of.
func TestWhoTakesNoKeptAnswerTakesNoneThatWasUnderWay(t *testing.T) {
	l := &late{came: make(chan struct{}), let: make(chan struct{})}
	b := newBench(t, func(b *bench) { b.xero.HTTP = l }).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	letGo := sync.OnceFunc(func() { close(l.let) })
	defer letGo()
	l.on.Store(true)
	n := b.asked(func() {
		first := make(chan got, 1)
		go func() { first <- b.get(key, "/api/xero/contacts") }()
		<-l.came
		second := make(chan got, 1)
		go func() { second <- b.get(key, "/api/xero/contacts", "X-FCC-Max-Age: 0") }()
		b.until("the second waits for the first", func() bool { return waitingForContacts() == 2 })
		letGo()
		(<-second).tells(t, "the second", "live")
		(<-first).tells(t, "the first", "live")
	})
	if n < 2 {
		t.Errorf("Xero was asked %d times", n)
	}
}
