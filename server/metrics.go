package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) metricRoutes() []route {
	return []route{{pattern: "GET /metrics", who: key, handle: s.giveMetrics}}
}

// metrics count what happens since FCC started. Their names and labels are what
// dashboards rely on; prometheus.io/docs/practices/naming.
//
// An organisation is labelled by eight digits that stand for its id: metrics travel
// further than books do. Who asks with names=1 gets the names that its key reaches.
type metrics struct {
	registry *prometheus.Registry
	renewals *prometheus.CounterVec
	calls    *prometheus.CounterVec
	xero     *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
	gateway  *prometheus.HistogramVec
}

// organisationLabel is the one by which a key sees no more than its organisations.
const organisationLabel = "organisation"

// Seconds that tell a kept answer from one of Xero's, and a slow one from one that
// waits for a limit.
var seconds15 = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counter := func(name string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: words.Say("metrics." + name)}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: words.Say("metrics." + name), Buckets: seconds15}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.renewals = counter("fcc_renewals_total", "outcome")
	m.calls = counter("fcc_xero_calls_total", organisationLabel, "family", "caller", "program", "outcome")
	m.xero = histogram("fcc_xero_seconds", "family")
	m.waits = histogram("fcc_queue_wait_seconds", organisationLabel, "caller", "program")
	m.gateway = histogram("fcc_gateway_seconds", "family", "source")
	m.registry.MustRegister(standingNow{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// tenantLabel stands for an organisation.
func tenantLabel(id string) string {
	if id == "" {
		return ""
	}
	if label, ok := tenantLabels.Load(id); ok { // with every call
		return label.(string)
	}
	sum := sha256.Sum256([]byte(strings.ToLower(id)))
	label := hex.EncodeToString(sum[:4])
	tenantLabels.Store(id, label)
	return label
}

var tenantLabels sync.Map // labels by id, of organisations that sign-ins have reached

// called counts a call to Xero.
func (m *metrics) called(c xero.Call) {
	organisation, family := tenantLabel(c.TenantID), familyOf(c.Resource+"/")
	if family == "" {
		family = strings.TrimPrefix(c.Resource, "/") // connections
	}
	m.calls.WithLabelValues(organisation, family, string(c.Caller.Kind), c.Caller.Name, outcomeOf(c)).Inc()
	if c.Status > 0 {
		m.xero.WithLabelValues(family).Observe(c.Took.Seconds())
	}
	if c.Waited > 0 {
		m.waits.WithLabelValues(organisation, string(c.Caller.Kind), c.Caller.Name).Observe(c.Waited.Seconds())
	}
}

// outcomeOf is how a call went, in one word: by the class of Xero's answer, or why none
// came.
func outcomeOf(c xero.Call) string {
	switch {
	case c.Status == http.StatusTooManyRequests:
		return "limited"
	case c.Status >= 500:
		return "failed"
	case c.Status >= 400:
		return "refused"
	case c.Status > 0:
		return "answered"
	case c.Code == "":
		return "left" // by its caller
	case c.Code == codeRateLimited:
		return "held" // by FCC, for Xero's limits
	case c.Code == xero.CodeUnreachable:
		return "unreachable"
	}
	return "not_sent"
}

// gatewayTimes measure how long the gateway takes until all of an answer was given, by
// its source: that of X-FCC-Source, but "missed" where Xero had to be asked for one that
// could have been kept, and "none" where there was no answer but an error of FCC's.
type gatewayTimes map[string]prometheus.Observer

const (
	sourceMissed = "missed"
	sourceNone   = "none"
)

func (m *metrics) gatewayTimes(family string) gatewayTimes {
	times := gatewayTimes{}
	for _, source := range []string{sourceLive, sourceMissed, sourceCache, sourceStale, sourceNone} {
		times[source] = m.gateway.WithLabelValues(family, source)
	}
	return times
}

func (times gatewayTimes) observe(w http.ResponseWriter, r *http.Request, c *call, began time.Time, err error) {
	source := sourceNone
	if told := w.Header()["X-Fcc-Source"]; err == nil && len(told) > 0 {
		source = told[0]
	}
	if source == sourceLive {
		age := r.Header["X-Fcc-Max-Age"]
		if len(age) == 0 && c.key.MaxAge > 0 || len(age) > 0 && age[0] != "0" {
			source = sourceMissed
		}
	}
	times[source].Observe(time.Since(began).Seconds())
}

// whole and atHand measure what a row does; see route.
func (times gatewayTimes) whole(handle func(http.ResponseWriter, *http.Request, *call) error) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		began := time.Now()
		err := handle(w, r, c)
		times.observe(w, r, c, began, err)
		return err
	}
}

func (times gatewayTimes) atHand(handle func(http.ResponseWriter, *http.Request, *call) (bool, error)) func(http.ResponseWriter, *http.Request, *call) (bool, error) {
	return func(w http.ResponseWriter, r *http.Request, c *call) (bool, error) {
		began := time.Now()
		answered, err := handle(w, r, c)
		if answered || err != nil {
			times.observe(w, r, c, began, err)
		}
		return answered, err
	}
}

// standingNow tells what can be looked at when it is asked for: how the sign-ins stand,
// and what is left of Xero's limits.
type standingNow struct{ s *Server }

var (
	versionDesc    = metricDesc("fcc_info", "version", "mode")
	signInsDesc    = metricDesc("fcc_sign_ins", "state")
	budgetDayDesc  = metricDesc("fcc_budget_day_left", organisationLabel)
	budgetMinDesc  = metricDesc("fcc_budget_minute_left", organisationLabel)
	budgetMostDesc = metricDesc("fcc_budget_day_allowance", organisationLabel)
	nameDesc       = metricDesc("fcc_organisation_info", organisationLabel, "name", "tenant_id")
)

func metricDesc(name string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, words.Say("metrics."+name), labels, nil)
}

func (standingNow) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{versionDesc, signInsDesc, budgetDayDesc, budgetMinDesc, budgetMostDesc} {
		to <- d
	}
}

func (now standingNow) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s := now.s
	gauge(versionDesc, 1, s.cfg.Version, string(s.cfg.Mode))
	status := s.cfg.Connections.Status()
	for _, state := range []xero.State{xero.Connected, xero.Retrying, xero.NeedsLogin} {
		n := 0
		for _, c := range status.Connections {
			if c.State == state {
				n++
			}
		}
		gauge(signInsDesc, float64(n), string(state))
	}
	for _, o := range status.Organisations() {
		left := s.cfg.Connections.Budget(o.TenantID)
		if !left.Known {
			continue
		}
		label := tenantLabel(o.TenantID)
		gauge(budgetDayDesc, float64(left.Day), label)
		gauge(budgetMinDesc, float64(left.Minute), label)
		if left.Allowance > 0 {
			gauge(budgetMostDesc, float64(left.Allowance), label)
		}
	}
}

// namesNow says which name each label stands for.
type namesNow struct{ s *Server }

func (namesNow) Describe(to chan<- *prometheus.Desc) { to <- nameDesc }

func (now namesNow) Collect(to chan<- prometheus.Metric) {
	for _, o := range now.s.cfg.Connections.Status().Organisations() {
		to <- prometheus.MustNewConstMetric(nameDesc, prometheus.GaugeValue, 1, tenantLabel(o.TenantID), o.Name, strings.ToLower(o.TenantID))
	}
}

// giveMetrics answers with all metrics as text. A key that is locked to organisations
// gets of those that are told by organisation only theirs.
func (s *Server) giveMetrics(w http.ResponseWriter, r *http.Request, c *call) error {
	from := prometheus.Gatherers{s.metrics.registry}
	if asked := r.URL.Query().Get("names"); asked != "" {
		yes, err := strconv.ParseBool(asked)
		if err != nil {
			return fail(codeBadRequest).saying(words.Say("metrics.names.message"), words.Say("metrics.names.action"))
		}
		if yes {
			names := prometheus.NewRegistry()
			names.MustRegister(namesNow{s})
			from = append(from, names)
		}
	}
	seen := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		all, err := from.Gather()
		if len(c.key.Tenants) == 0 {
			return all, err
		}
		return reachedBy(c.key, all), err
	})
	promhttp.HandlerFor(seen, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

// reachedBy leaves what a locked key may know.
func reachedBy(k *apiKey, all []*dto.MetricFamily) []*dto.MetricFamily {
	own := make([]string, 0, len(k.Tenants))
	for _, id := range k.Tenants {
		own = append(own, tenantLabel(id))
	}
	for _, family := range all {
		family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
			return slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool {
				return l.GetName() == organisationLabel && !slices.Contains(own, l.GetValue())
			})
		})
	}
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 })
}
