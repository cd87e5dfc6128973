//go:build proof

package proof

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// typed is the organisation of testdata/books.json.
const typed = "Nine Oaks Ltd"

// A crowd is many callers with one key, over several organisations.
type crowd struct {
	*installation
	key     string
	tenants map[string]string // by name

	mu                sync.Mutex
	wrong             []error
	counts            map[int]int   // by status
	longest, shortest time.Duration // that a Retry-After said
	slowest           time.Duration
}

// ask asks for an organisation, with some seconds of patience: it is answered rightly, or
// told honestly when to come again.
func (c *crowd) ask(name string, patience int) {
	began := time.Now()
	status, retry, err := c.once(name, patience)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.wrong = append(c.wrong, err)
		return
	}
	c.counts[status]++
	c.slowest = max(c.slowest, took)
	if status == http.StatusTooManyRequests {
		c.longest = max(c.longest, retry)
		if c.shortest == 0 || retry < c.shortest {
			c.shortest = retry
		}
	}
}

func (c *crowd) once(name string, patience int) (status int, retry time.Duration, err error) {
	req, err := http.NewRequest(http.MethodGet, c.base()+"/api.xro/2.0/Organisation", nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-API-Key", c.key)
	req.Header.Set("Xero-Tenant-Id", c.tenants[name])
	req.Header.Set("X-FCC-Max-Wait", strconv.Itoa(patience))
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, 0, err
	}
	var said struct {
		Organisations []struct{ Name string }
		Error         struct{ Code, Message string }
	}
	xeros := answer.StatusCode == http.StatusTooManyRequests && len(body) == 0 // Xero's own refusal, as it came
	if err := json.Unmarshal(body, &said); err != nil && !xeros {
		return 0, 0, fmt.Errorf("%s: %.200q", answer.Status, body)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		if len(said.Organisations) != 1 || said.Organisations[0].Name != name {
			return 0, 0, fmt.Errorf("who asked for %s got %s", name, body)
		}
	case http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || seconds < 1 || !xeros && (said.Error.Code != "rate_limited" || said.Error.Message == "") {
			return 0, 0, fmt.Errorf("a 429 with Retry-After %q: %s", answer.Header.Get("Retry-After"), body)
		}
		retry = time.Duration(seconds) * time.Second
	default:
		return 0, 0, fmt.Errorf("%s: %s", answer.Status, body)
	}
	return answer.StatusCode, retry, nil
}

// all has so many ask for each organisation at once. It is over when all were
// answered.
func (c *crowd) all(t *testing.T, patience int, callers map[string]int) {
	t.Helper()
	c.wrong, c.counts, c.longest, c.shortest, c.slowest = nil, map[int]int{}, 0, 0, 0
	var group sync.WaitGroup
	for name, n := range callers {
		for range n {
			group.Go(func() { c.ask(name, patience) })
		}
	}
	group.Wait()
	for _, err := range c.wrong[:min(len(c.wrong), 5)] {
		t.Error(err)
	}
	t.Logf("answers: %v, the slowest after %v", c.counts, c.slowest.Round(time.Millisecond))
}

// refused is how often the simulated Xero refused for a limit, by its own count, what
// was asked of it since, by the organisation's id.
func (s *simXero) refused(t *testing.T, after int) map[string]int {
	t.Helper()
	times := map[string]int{}
	for _, e := range s.journal(t, after) {
		if e.Status == http.StatusTooManyRequests {
			times[e.Tenant]++
		}
	}
	return times
}

func TestTwoHundredCallersOverAnExpiryAStormAndARestart(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port}, "--books", "testdata/books.json")
	i := install(t, port, append(sim.settings(), everyScope)...)
	f := i.start(t)
	i.signIn(t, sim)
	c := &crowd{installation: i, key: i.addKey(t, "crowd"), tenants: map[string]string{}}
	for _, o := range i.connected(t, c.key).Connections[0].Organisations {
		c.tenants[o.Name] = o.TenantID
	}

	// Somebody else uses up the day of one organisation and the minute of another.
	last := sim.last(t)
	sim.control(t, "use-up", url.Values{"limit": {"day"}, "organisation": {café}}, nil)
	sim.control(t, "use-up", url.Values{"limit": {"minute"}, "organisation": {joinery}}, nil)
	c.all(t, 2, map[string]int{café: 50})
	if c.counts[http.StatusTooManyRequests] != 50 || c.shortest <= time.Minute || c.slowest > 10*time.Second {
		t.Errorf("of a day that is over: %v, come again in %v at the soonest, said after %v", c.counts, c.shortest, c.slowest)
	}
	c.all(t, 2, map[string]int{joinery: 50})
	if c.counts[http.StatusOK]+c.counts[http.StatusTooManyRequests] != 50 || c.longest > time.Minute || c.slowest > 10*time.Second {
		t.Errorf("of a minute that is over: %v, come again in %v at the latest, said after %v", c.counts, c.longest, c.slowest)
	}
	// Nobody announces what somebody else uses: FCC hears of it by the first refusal, and
	// until then has sent as many calls as it sends at once for an organisation, five. Each
	// of them is refused, and none of those that wait.
	for tenant, n := range sim.refused(t, last) {
		if n > 5 || tenant != c.tenants[café] && tenant != c.tenants[joinery] {
			t.Errorf("of %s Xero refused %d calls, at most five of which were under way", tenant, n)
		}
	}

	// FCC ends, and starts again.
	f.signal(t, syscall.SIGTERM)
	<-f.ended
	i.start(t)
	i.connected(t, c.key)

	// The tokens end in the midst of two hundred calls, of which those of the day that is
	// over never get to Xero, and those of the minute wait for the next.
	sim.control(t, "slow", url.Values{"by": {"100ms"}}, nil)
	last = sim.last(t)
	answered := sim.count(t, "api-answered")
	expired := make(chan struct{})
	go func() {
		defer close(expired)
		sim.wait(t, "api-answered", answered+40)
		sim.control(t, "expire", nil, nil)
	}()
	c.all(t, 90, map[string]int{café: 60, joinery: 40, kauri: 50, typed: 50})
	<-expired
	if c.counts[http.StatusTooManyRequests] != 60 || c.counts[http.StatusOK] != 140 || c.shortest <= time.Minute {
		t.Errorf("of 200 callers, 60 of them for a day that is over: %v, come again in %v at the soonest", c.counts, c.shortest)
	}
	if times := sim.refused(t, last); len(times) != 0 {
		t.Errorf("Xero refused calls of which FCC knew better: %v", times)
	}
	if n := len(sim.renewals(t, last)); n != 1 {
		t.Errorf("%d renewals", n)
	}
}
