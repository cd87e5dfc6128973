package proof

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

// simXero is the simulated Xero as a process: go run ./build sim.
type simXero struct {
	*process
	base   string
	client *http.Client
}

// startSim runs it for programs on the given ports.
func startSim(t testing.TB, ports []int, flags ...string) *simXero {
	t.Helper()
	args := append([]string{"sim", "--port", "0"}, flags...)
	for _, port := range ports {
		args = append(args, "--redirect", fmt.Sprintf("http://localhost:%d/callback", port))
	}
	return newSim(t, start(t, environment(t.TempDir()), filepath.Join(bin, "build"), args...), http.DefaultClient)
}

// newSim is that process, reached by client.
func newSim(t testing.TB, p *process, client *http.Client) *simXero {
	t.Helper()
	for word := range strings.FieldsSeq(p.line(t, "  FCC_XERO_ISSUER=")) {
		if base, ok := strings.CutPrefix(word, "FCC_XERO_ISSUER="); ok {
			return &simXero{p, base, client}
		}
	}
	t.Fatal("the simulated Xero does not say where it is")
	return nil
}

// settings are what points FCC to it.
func (s *simXero) settings() []string {
	return []string{"FCC_XERO_ISSUER=" + s.base, "FCC_XERO_API=" + s.base, "XERO_CLIENT_ID=" + xerosim.DemoClientID}
}

// control presses one of its switches, and reads the answer into v if it is not nil.
func (s *simXero) control(t testing.TB, name string, form url.Values, v any) {
	t.Helper()
	resp, err := s.client.PostForm(s.base+"/_sim/"+name, form)
	if err != nil {
		t.Fatal(err)
	}
	s.read(t, resp, v)
}

func (s *simXero) read(t testing.TB, resp *http.Response, v any) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		t.Fatalf("%s: %s: %s", resp.Request.URL, resp.Status, body)
	}
	if v != nil {
		if err := json.Unmarshal(body, v); err != nil {
			t.Fatalf("%s: %v: %s", resp.Request.URL, err, body)
		}
	}
}

func (s *simXero) fault(t testing.TB, at xerosim.Point, do xerosim.Trouble) {
	t.Helper()
	s.control(t, "fault", url.Values{"at": {string(at)}, "do": {string(do)}}, nil)
}

// approve does what a person does at the consent page, without a browser, and
// returns the address that the browser would be sent to.
func (s *simXero) approve(t testing.TB, authorizeURL string, organisations ...string) string {
	t.Helper()
	var back struct{ Callback string }
	s.control(t, "approve", url.Values{"url": {authorizeURL}, "organisation": organisations}, &back)
	return back.Callback
}

// renewals is the journal's token requests with a refresh token, numbered above
// after.
func (s *simXero) renewals(t testing.TB, after int) []xerosim.Entry {
	t.Helper()
	var list []xerosim.Entry
	for _, e := range s.journal(t, after) {
		if e.Point == xerosim.PointToken && e.Form.Get("grant_type") == "refresh_token" {
			list = append(list, e)
		}
	}
	return list
}

func (s *simXero) journal(t testing.TB, after int) []xerosim.Entry {
	t.Helper()
	resp, err := s.client.Get(fmt.Sprintf("%s/_sim/journal?after=%d", s.base, after))
	if err != nil {
		t.Fatal(err)
	}
	var entries []xerosim.Entry
	s.read(t, resp, &entries)
	return entries
}

// last is the number of the journal's last entry.
func (s *simXero) last(t testing.TB) int {
	t.Helper()
	entries := s.journal(t, 0)
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1].Number
}

// count is how often event has happened.
func (s *simXero) count(t testing.TB, event string) int {
	t.Helper()
	resp, err := s.client.Get(s.base + "/_sim/wait?timeout=1ms&after=1000000000&event=" + event)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var seen struct{ Count int }
	if err := json.NewDecoder(resp.Body).Decode(&seen); err != nil {
		t.Fatal(err)
	}
	return seen.Count
}

// wait returns when event has happened more than after times.
func (s *simXero) wait(t testing.TB, event string, after int) {
	t.Helper()
	resp, err := s.client.Get(fmt.Sprintf("%s/_sim/wait?timeout=%v&after=%d&event=%s", s.base, patience, after, event))
	if err != nil {
		t.Fatal(err)
	}
	s.read(t, resp, nil)
}
