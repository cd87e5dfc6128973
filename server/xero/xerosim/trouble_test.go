package xerosim_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// raw sends a request of which the answer may be anything.
func (a *app) raw(path, organisation string) (status int, kind, body string, err error) {
	a.t.Helper()
	got, err := a.client.Do(a.request(http.MethodGet, path, a.tenant(organisation), ""))
	if err != nil {
		return 0, "", "", err
	}
	defer got.Body.Close()
	if got.Header.Get("Xero-Correlation-Id") == "" {
		a.t.Errorf("%s: %d without a Xero-Correlation-Id", path, got.StatusCode)
	}
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, got.Header.Get("Content-Type"), string(text), err
}

const invoices = "/api.xro/2.0/Invoices?page=1"

func TestTheAPICanBeDownInXerosWays(t *testing.T) {
	a := newApp(t)
	a.Fault(xerosim.Fault{At: "api", Do: xerosim.Fail, Status: 503})
	if status, kind, body, err := a.raw(invoices, joinery); status != 503 || !strings.HasPrefix(kind, "text/plain") || body == "" {
		t.Errorf("down: %d %s %q %v, want plain text", status, kind, body, err)
	}
	a.Fault(xerosim.Fault{At: "api", Do: xerosim.Fail, Status: 500})
	if status, kind, body, err := a.raw(invoices, joinery); status != 500 || !strings.HasPrefix(kind, "text/html") || !strings.Contains(body, "<") {
		t.Errorf("broken: %d %s %q %v, want a page", status, kind, body, err)
	}
	a.Fault(xerosim.Fault{At: "api", Do: xerosim.Half})
	if status, _, body, err := a.raw(invoices, joinery); status != 200 || body == "" || err == nil {
		t.Errorf("cut: %d, %d characters, %v; want the beginning and an error", status, len(body), err)
	}
	if status, _, _, err := a.raw(invoices, joinery); status != 200 || err != nil {
		t.Errorf("and then: %d %v", status, err)
	}
}

func TestUnheardOfValuesAndMissingFieldsCome(t *testing.T) {
	a := newApp(t)
	d := loadDescription(t)
	check := func() error {
		got := a.get(invoices, joinery)
		return d.check(a.request(http.MethodGet, invoices, a.tenant(joinery), ""), got.status, got.header, got.body)
	}
	a.Strange(true, false)
	if got := a.get(invoices, joinery).body; !strings.Contains(got, "HIBERNATING") || !strings.Contains(got, "DueDate") {
		t.Errorf("with unheard-of values: %.300s", got)
	}
	if check() == nil {
		t.Error("unheard-of values fit the description")
	}
	a.Strange(false, true)
	got := a.get(invoices, joinery).body
	for _, field := range []string{"DueDate", "InvoiceNumber", "LineItems", "CurrencyRate"} {
		if strings.Contains(got, field) {
			t.Errorf("%s is there", field)
		}
	}
	if err := check(); err != nil || !strings.Contains(got, "AmountDue") {
		t.Errorf("without what may be missing: %v, %.300s", err, got)
	}
	a.Strange(false, false)
	if got := a.get(invoices, joinery).body; strings.Contains(got, "HIBERNATING") || !strings.Contains(got, "DueDate") {
		t.Error("strangeness goes on")
	}
}

func TestTheAPIsSwitchesAreOnItsOwnPort(t *testing.T) {
	a := newApp(t)
	for path, form := range map[string]url.Values{
		"/_sim/slow":     {"by": {"1ms"}},
		"/_sim/use-up":   {"limit": {"day"}, "organisation": {cafe}},
		"/_sim/strange":  {"values": {"true"}},
		"/_sim/practice": {},
	} {
		if status, body := a.post(path, form); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for path, form := range map[string]url.Values{
		"/_sim/slow":    {"by": {"long"}},
		"/_sim/use-up":  {"limit": {"patience"}, "organisation": {cafe}},
		"/_sim/strange": {"values": {"maybe"}},
	} {
		if status, _ := a.post(path, form); status != http.StatusBadRequest {
			t.Errorf("%s with %v: %d", path, form, status)
		}
	}
	a.get(probe, cafe).limited(t, "day")
	if got := a.get(invoices, joinery); !strings.Contains(got.body, "HIBERNATING") {
		t.Error("no unheard-of values")
	}
	if got := a.connections(""); len(got) != 4 {
		t.Errorf("connected are %v, want three organisations and a practice", got)
	}
}

func TestWhoHangsUpOnASlowAnswerIsNotWaitedFor(t *testing.T) {
	a := newApp(t)
	a.SlowAPI(time.Hour)
	a.client.Timeout = 20 * time.Millisecond
	for range 5 {
		if _, _, _, err := a.raw(probe, joinery); err == nil {
			t.Fatal("a slow answer came")
		}
	}
	a.SlowAPI(0)
	a.client.Timeout = 0
	// The five count as in progress until the server has seen the end of each.
	for start := time.Now(); ; {
		if got := a.get(probe, joinery); got.status == 200 {
			break
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("calls that were hung up on still count as in progress")
		}
	}
}
