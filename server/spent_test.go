package server_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// patient is a client that waits as long as FCC lets a program wait, and more.
var patient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}

// crowd has so many programs ask at once for an organisation's contacts, and returns how
// many were answered and how many told when to come again. There is nothing else.
func (b *bench) crowd(keys []string, organisation string, n int) (answered, told int) {
	b.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			r := b.request(ask{path: "/api.xro/2.0/Contacts", key: keys[i%len(keys)], header: map[string]string{"xero-tenant-id": b.tenant(organisation), "Accept": "application/json"}})
			answer, err := patient.Do(r)
			if err != nil {
				b.t.Error(err)
				return
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			after, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && answer.StatusCode == 200 && strings.Contains(string(body), `"Contacts"`):
				answered++
			case err == nil && answer.StatusCode == 429 && after >= 1 && after <= 60:
				told++
			default:
				b.t.Errorf("%d %v %.200s %v", answer.StatusCode, answer.Header, body, err)
			}
		})
	}
	all.Wait()
	return answered, told
}

// refusals counts what Xero had to refuse for its limits.
func (b *bench) refusals() int { return b.count(http.StatusTooManyRequests) }

// count counts Xero's answers with this status.
func (b *bench) count(status int) (n int) {
	for _, e := range b.sim.Journal() {
		if e.Status == status {
			n++
		}
	}
	return n
}

// ending has the tokens end as the tenth call is on its way to Xero.
type ending struct {
	http.RoundTripper
	tokens func()
	calls  atomic.Int64
}

func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/api.xro/") && e.calls.Add(1) == 10 {
		e.tokens()
	}
	return e.RoundTripper.RoundTrip(r)
}

// Two hundred callers over tokens that expire, a start in the middle of a minute that
// is used up, and somebody else who uses up another: Xero has to refuse none but what
// was under way when that somebody came.
func TestTwoHundredProgramsOverAnExpiryAStormAndARestart(t *testing.T) {
	b := newBench(t, func(b *bench) {
		b.xero.HTTP = &ending{RoundTripper: xero.DefaultTransport(), tokens: b.sim.ExpireAccessTokens}
	}).opened()
	b.signIn(b.visit())
	var keys []string
	for n := range 4 {
		keys = append(keys, b.addKey(store.Key{Name: fmt.Sprint("program ", n)}))
	}
	if answered, _ := b.crowd(keys, café, 45); answered != 45 {
		t.Errorf("over an expiry %d of 45 were answered", answered)
	}
	if n := b.count(http.StatusUnauthorized); n == 0 || n > 10 { // five at once, and who was just on the way
		t.Errorf("%d calls went out with the token that had ended", n)
	}
	if answered, told := b.crowd(keys, café, 70); answered == 0 || told == 0 { // of a minute in which 15 are left
		t.Errorf("of 70 %d were answered, %d told to wait", answered, told)
	}
	before := b.cfg.Connections.Budget(b.tenant(café))
	b.stop()
	b.start()
	b.opened()
	if after := b.cfg.Connections.Budget(b.tenant(café)); after != before || after.Allowance != 1000 {
		t.Errorf("%+v became %+v", before, after)
	}
	b.crowd(keys, café, 45)
	if n := b.refusals(); n != 0 {
		t.Errorf("Xero had to refuse %d", n)
	}
	if err := b.sim.UseUp("minute", joinery); err != nil {
		t.Fatal(err)
	}
	b.crowd(keys, joinery, 40)
	// Nobody announces what somebody else uses: FCC hears of it by the first refusal, and
	// until then has sent as many calls as it sends at once for an organisation, five. Each
	// of them is refused, and none of those that wait.
	if n := b.refusals(); n > 5 {
		t.Errorf("Xero had to refuse %d of at most five that were under way", n)
	}
}

// leaving has Xero say that so many calls are left of the day.
type leaving struct{ left atomic.Int64 }

func (l *leaving) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && answer.Header.Get("X-DayLimit-Remaining") != "" {
		answer.Header.Set("X-DayLimit-Remaining", strconv.FormatInt(l.left.Add(-1), 10))
	}
	return answer, err
}

// What a program may not read any more of, pages still do, of Xero itself and of the
// books; and the settings say who spent what, and what is left.
func TestProgramsStopBeforePeopleDo(t *testing.T) {
	way := &leaving{}
	way.left.Store(48)
	b := newBench(t, func(b *bench) { b.xero.HTTP = way }).opened()
	cookie := b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "budget <sheet>"})
	for n := range 3 {
		g := b.ask(ask{path: "/api.xro/2.0/Contacts", key: key})
		switch {
		case n < 2 && g.status == 200: // from the first it is known what is left; the second is the look
		case n == 2 && g.status == 429 && g.code == "rate_limited" && g.header.Get("Retry-After") == "3600" && strings.Contains(g.body, "kept for people"):
		default:
			t.Errorf("call %d: %d %v %s", n, g.status, g.header, g.body)
		}
	}
	if g := b.ask(ask{path: "/api/xero/invoices", key: key}); g.status != 429 || !strings.Contains(g.body, "kept for people") {
		t.Errorf("a program's list: %d %s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/xero/invoices", cookie: cookie}); g.status != 200 {
		t.Errorf("a page's list: %d %s", g.status, g.body)
	}
	calls, held, err := b.Spent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if program, pages := (xero.Caller{Kind: xero.ByKey, Name: "budget <sheet>"}), (xero.Caller{Kind: xero.ByPage}); calls[program] != 2 || held[program] < 2 || calls[pages] == 0 || held[pages] != 0 {
		t.Errorf("spent %v, held %v", calls, held)
	}

	page := b.ask(ask{path: "/settings", cookie: cookie, page: true})
	_, card, _ := strings.Cut(page.body, `id="calls"`)
	card, _, _ = strings.Cut(card, "</section>")
	text := strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(card, " "))), " ")
	left := fmt.Sprint(b.cfg.Connections.Budget(b.tenant(café)).Day)
	for _, want := range []string{café + " " + left + " left, for people only", "budget <sheet> 2", fmt.Sprint("Pages ", calls[xero.Caller{Kind: xero.ByPage}])} {
		if !strings.Contains(text, want) {
			t.Errorf("the settings say %q, not %q", text, want)
		}
	}
	link := html.UnescapeString(regexp.MustCompile(`href="([^"]*budget[^"]*)"`).FindStringSubmatch(card)[1])
	if rows := listed(b.ask(ask{path: link, cookie: cookie, page: true}).body); len(rows) < 2 || !strings.HasPrefix(rows[0], "Read ") || !strings.Contains(rows[0], "budget <sheet> | "+café) {
		t.Errorf("%s lists %q", link, rows)
	}
	if short := b.cfg.Connections.Status().Short; len(short) != 1 || short[0].Under != 60 && short[0].Under != 40 {
		t.Errorf("short of calls: %+v", short)
	}

	if err := b.sim.UseUp("day", café); err != nil {
		t.Fatal(err)
	}
	b.ask(ask{path: "/api/dashboard?fresh=1", cookie: cookie})
	b.until("the settings say that none are left", func() bool {
		b.ask(ask{path: "/api/xero/contacts", cookie: cookie})
		return strings.Contains(b.ask(ask{path: "/settings", cookie: cookie, page: true}).body, "none until ")
	})
}

func TestAWaitIsWorthAWordFromASecondOn(t *testing.T) {
	for want, c := range map[string]store.Call{
		"120 ms":                {Took: 120 * time.Millisecond, Waited: 999 * time.Millisecond},
		"120 ms, waited 12.0 s": {Took: 120 * time.Millisecond, Waited: 12 * time.Second},
	} {
		if got := server.WaitedWords(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
