package server_test

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// measured are the metrics that a key is given, by name.
type measured map[string]*dto.MetricFamily

func (b *bench) measured(key, query string) (measured, string) {
	b.t.Helper()
	g := b.ask(ask{path: "/metrics" + query, key: key})
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(g.body))
	if err != nil || g.status != http.StatusOK {
		b.t.Fatalf("%d %v %.300s", g.status, err, g.body)
	}
	return all, g.body
}

// sum adds what has these labels, name and value in turn: values, or of a histogram how
// many were observed.
func (m measured) sum(name string, labels ...string) (total float64) {
	family := m[name]
	if family == nil {
		return 0
	}
	for _, one := range family.Metric {
		has := map[string]string{}
		for _, l := range one.Label {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if fits {
			total += one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
	}
	return total
}

// label is what stands for an organisation.
func (m measured) label(t *testing.T, tenant string) string {
	t.Helper()
	for _, one := range m["fcc_organisation_info"].Metric {
		has := map[string]string{}
		for _, l := range one.Label {
			has[l.GetName()] = l.GetValue()
		}
		if has["tenant_id"] == strings.ToLower(tenant) {
			return has["organisation"]
		}
	}
	t.Fatalf("no organisation is named %s", tenant)
	return ""
}

func TestMetricsAreWhatWasDone(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	sheet, other := b.addKey(store.Key{Name: "sheet"}), b.addKey(store.Key{Name: "other"})
	get := func(key, path, organisation string, more ...string) got {
		header := map[string]string{"xero-tenant-id": b.tenant(organisation), "Accept": "application/json"}
		for i := 0; i < len(more); i += 2 {
			header[more[i]] = more[i+1]
		}
		return b.ask(ask{path: path, key: key, header: header})
	}
	const contacts = "/api.xro/2.0/Contacts"
	for range 3 {
		get(sheet, invoices, café)
	}
	get(sheet, contacts, kauri)
	get(sheet, "/api.xro/2.0/Nothing", café)
	get(other, contacts, café, "X-FCC-Max-Age", "600")
	last := get(other, contacts, café, "X-FCC-Max-Age", "600")
	if last.header.Get("X-FCC-Source") != "cache" {
		t.Fatalf("not from the cache: %v", last.header)
	}
	left := get(sheet, invoices, café)
	if err := b.sim.UseUp("minute", kauri); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first finds it out
		if g := get(sheet, contacts, kauri, "X-FCC-Max-Wait", "0"); g.code != "rate_limited" && g.status != 429 {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	b.Renewed(xero.Renewal{Connection: "one", At: time.Now(), Outcome: xero.OutcomeRenewed})

	m, text := b.measured(sheet, "?names=1")
	inCafé, inKauri := m.label(t, b.tenant(café)), m.label(t, b.tenant(kauri))
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"fcc_xero_calls_total", []string{"organisation", inCafé, "program", "sheet", "outcome", "answered", "family", "accounting", "caller", "key"}, 4},
		{"fcc_xero_calls_total", []string{"organisation", inCafé, "program", "sheet", "outcome", "refused"}, 1},
		{"fcc_xero_calls_total", []string{"organisation", inCafé, "program", "other", "outcome", "answered"}, 1},
		{"fcc_xero_calls_total", []string{"organisation", inKauri, "program", "sheet", "outcome", "answered"}, 1},
		{"fcc_xero_calls_total", []string{"organisation", inKauri, "program", "sheet", "outcome", "limited"}, 1},
		{"fcc_xero_calls_total", []string{"organisation", inKauri, "program", "sheet", "outcome", "held"}, 1},
		{"fcc_gateway_seconds", []string{"family", "accounting", "source", "cache"}, 1},
		{"fcc_gateway_seconds", []string{"family", "accounting", "source", "missed"}, 1},
		{"fcc_gateway_seconds", []string{"family", "accounting", "source", "live"}, 7},
		{"fcc_gateway_seconds", []string{"family", "accounting", "source", "none"}, 1},
		{"fcc_gateway_seconds", []string{"family", "payroll"}, 0},
		{"fcc_queue_wait_seconds", nil, 0},
		{"fcc_renewals_total", []string{"outcome", "renewed"}, 1},
		{"fcc_sign_ins", []string{"state", "connected"}, 1},
		{"fcc_sign_ins", []string{"state", "needs_login"}, 0},
		{"fcc_info", []string{"version", "test", "mode", "live"}, 1},
	} {
		if got := m.sum(c.name, c.labels...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	for name, header := range map[string]string{"fcc_budget_day_left": "X-FCC-Budget-Day", "fcc_budget_minute_left": "X-FCC-Budget-Minute"} {
		if want, err := strconv.Atoi(left.header.Get(header)); err != nil || m.sum(name, "organisation", inCafé) != float64(want) {
			t.Errorf("%s is %v, the last answer had %q", name, m.sum(name, "organisation", inCafé), left.header.Get(header))
		}
	}
	if m.sum("fcc_xero_seconds") < 7 || m.sum("go_goroutines") < 1 || m["process_cpu_seconds_total"] == nil || math.IsNaN(m.sum("fcc_gateway_seconds")) {
		t.Errorf("missing from %s", text)
	}
	if !strings.Contains(text, "Ridgeway") {
		t.Error("names were asked for, and are not there")
	}
}

// A call that was let through at once has not waited, nor one that would not wait. Who
// waits now is told by organisation.
func TestMetricsTellWhoWaits(t *testing.T) {
	end := make(chan struct{})
	f := &far{answer: func(r *http.Request) (*http.Response, error) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
		return http.DefaultTransport.RoundTrip(r)
	}}
	b := newBench(t, through(f)).opened()
	b.signIn(b.visit())
	key := b.addKey(store.Key{Name: "sheet"})
	get := func(more map[string]string) got {
		header := map[string]string{"xero-tenant-id": b.tenant(café), "Accept": "application/json"}
		maps.Copy(header, more)
		return b.ask(ask{path: invoices, key: key, header: header})
	}
	var all sync.WaitGroup
	for range 7 {
		all.Go(func() {
			if g := get(nil); g.status != http.StatusOK {
				t.Errorf("%d %s", g.status, g.body)
			}
		})
	}
	b.until("five are in progress and two wait", func() bool {
		return f.count() == 5 && b.cfg.Connections.Queued(strings.ToUpper(b.tenant(café))) == 2
	})
	if g := get(map[string]string{"X-FCC-Max-Wait": "0"}); g.code != "rate_limited" {
		t.Errorf("who would not wait: %d %s", g.status, g.body)
	}
	m, _ := b.measured(key, "?names=1")
	if in, all := m.sum("fcc_queue_waiting", "organisation", m.label(t, b.tenant(café))), m.sum("fcc_queue_waiting"); in != 2 || all != 2 || len(m["fcc_queue_waiting"].Metric) != 3 {
		t.Errorf("%v wait in the café, %v in all", in, all)
	}
	close(end)
	all.Wait()
	m, _ = b.measured(key, "")
	if n := m.sum("fcc_queue_wait_seconds", "caller", "key", "program", "sheet"); n != 2 || m.sum("fcc_queue_wait_seconds") != 2 || m.sum("fcc_queue_waiting") != 0 {
		t.Errorf("%v calls had to wait, %v wait still", n, m.sum("fcc_queue_waiting"))
	}
}

// An alert on what has not happened yet needs its zero.
func TestEachOutcomeOfARenewalIsThereFromTheStart(t *testing.T) {
	b := newBench(t).opened()
	m, text := b.measured(b.addKey(store.Key{Name: "sheet"}), "")
	for _, outcome := range []string{"renewed", "unsaved", "retrying", "ended", "replaced", "put_off"} {
		if !strings.Contains(text, `fcc_renewals_total{outcome="`+outcome+`"} 0`) {
			t.Errorf("no %s", outcome)
		}
	}
	if family := m["fcc_renewals_total"]; family == nil || len(family.Metric) != 6 {
		t.Errorf("%v", family)
	}
}

func TestALockedKeySeesTheMetricsOfItsOwnOrganisation(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	for _, name := range []string{café, kauri} {
		key := b.addKey(store.Key{Name: "of " + name[:3], Tenants: []string{b.tenant(name)}})
		if g := b.ask(ask{path: invoices, key: key}); g.status != http.StatusOK {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	all, text := b.measured(b.addKey(store.Key{Name: "all"}), "")
	for _, secret := range []string{"Ridgeway", "Kauri", b.tenant(café), b.tenant(kauri)} {
		if strings.Contains(text, secret) {
			t.Errorf("nobody asked for names: %s", secret)
		}
	}
	if all.sum("fcc_xero_calls_total", "caller", "key", "program", "of Rid") != 1 || all.sum("fcc_xero_calls_total", "program", "of <b>") != 1 {
		t.Errorf("a key for all does not see all: %s", text)
	}
	locked, text := b.measured(b.addKey(store.Key{Name: "locked", Tenants: []string{b.tenant(café)}}), "?names=1")
	if locked.sum("fcc_xero_calls_total", "program", "of Rid") != 1 || locked.sum("fcc_organisation_info") != 1 || locked.sum("fcc_gateway_seconds") != 2 {
		t.Errorf("a locked key does not see its own: %s", text)
	}
	if strings.Contains(text, "of <b>") || strings.Contains(text, "Kauri") || strings.Contains(text, strings.ToLower(b.tenant(kauri))) {
		t.Errorf("a locked key sees another's: %s", text)
	}
}
