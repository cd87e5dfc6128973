//go:build proof

package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// everyScope lets FCC read and write what the simulated Xero has.
const everyScope = "XERO_SCOPES=openid profile email offline_access accounting.settings.read accounting.contacts accounting.invoices " +
	"accounting.payments accounting.banktransactions.read accounting.attachments files assets.read projects.read payroll.employees.read " +
	"accounting.reports.banksummary.read accounting.reports.profitandloss.read accounting.reports.balancesheet.read accounting.reports.aged.read"

// A keyHolder is a user's folder of programs, with FCC's key in their environment.
type keyHolder struct {
	dir, key string
}

// run runs it to its end and returns what it printed.
func (s keyHolder) run(t *testing.T, name string, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = environment(t.TempDir(), "FCC_KEY="+s.key)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out.String(), words.String())
	}
	return out.String(), err
}

// prints runs it, and reads what it printed into v.
func (s keyHolder) prints(t *testing.T, v any, name string, args ...string) {
	t.Helper()
	out, err := s.run(t, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// numbers are those of the authorised invoices, in order, read without the SDK.
func (i *installation) numbers(t *testing.T, key, tenant string) []string {
	t.Helper()
	answer, err := i.get("/api.xro/2.0/Invoices?page=1&pageSize=1000&Statuses=AUTHORISED&order=InvoiceNumber", key)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Invoices []struct{ InvoiceNumber string }
	}
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil || answer.status != http.StatusOK {
		t.Fatalf("invoices: %d: %.300s (%v)", answer.status, answer.body, err)
	}
	var all []string
	for _, one := range list.Invoices {
		all = append(all, one.InvoiceNumber)
	}
	return all
}

func TestXerosOwnSDKReadsAndWritesWithTheKeyForAToken(t *testing.T) {
	dir := npm(t, "sdk")
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, append(sim.settings(), everyScope)...)
	i.start(t)
	i.signIn(t, sim, joinery, café)
	reader, writer := i.addKey(t, "reader"), i.addKey(t, "writer", "--write")
	st := i.connected(t, writer)
	tenant := ""
	for _, o := range st.Connections[0].Organisations {
		if o.Name == joinery {
			tenant = o.TenantID
		}
	}
	sdk := keyHolder{dir, writer}

	var saw struct {
		Tenants, Invoices              []string
		Organisation, Contact, Invoice string
		Paid                           json.Number
		Attachment                     struct {
			Name, SHA256, Back string
			Length             int
		}
		After struct {
			Due, Paid   json.Number
			Attachments bool
		}
		Refused struct {
			Response struct {
				StatusCode int
				Body       struct {
					Elements []struct{ ValidationErrors []struct{ Message string } }
				}
			}
		}
	}
	before, last := i.numbers(t, i.addKey(t, "joinery", "--tenant", tenant), tenant), sim.last(t)
	sim.control(t, "expire", nil, nil) // it is FCC's to notice
	sdk.prints(t, &saw, "node", "books.js", i.base(), joinery)

	slices.Sort(saw.Tenants)
	if !slices.Equal(saw.Tenants, []string{joinery, café}) || saw.Organisation != joinery || saw.Contact != "SDK & Söhne GmbH" {
		t.Errorf("it saw the tenants %q, the organisation %s, the contact %s", saw.Tenants, saw.Organisation, saw.Contact)
	}
	if !slices.Equal(saw.Invoices, before) || len(before) < 41 {
		t.Errorf("it saw %d invoices, not the %d there are in more than one page", len(saw.Invoices), len(before))
	}
	if a := saw.Attachment; a.Name != "Lieferschein № 7.pdf" || a.Length != 300_000 || a.SHA256 != a.Back {
		t.Errorf("the attachment: %+v", a)
	}
	if saw.Paid != "100.5" || saw.After.Paid != "100.5" || saw.After.Due != "130.08" || !saw.After.Attachments {
		t.Errorf("paid %s; afterwards %+v", saw.Paid, saw.After)
	}
	if r := saw.Refused.Response; r.StatusCode != http.StatusBadRequest || len(r.Body.Elements) != 1 {
		t.Errorf("what Xero refuses comes as %+v", r)
	}
	if n := len(sim.renewals(t, last)); n != 1 {
		t.Errorf("%d renewals", n)
	}
	for _, e := range sim.journal(t, last) {
		if e.Point == "api" && e.Tenant != tenant {
			t.Errorf("%s %s went to the organisation %q", e.Method, e.Path, e.Tenant)
		}
	}

	var others struct {
		Files, Assets, AssetTypes, Projects []string
		Made                                struct {
			Name, Type string
			Size       int
		}
		Content            string
		Deleted, Employees int
	}
	sdk.prints(t, &others, "node", "families.js", i.base(), joinery)
	if len(others.Files) == 0 || others.Made.Name != "note.txt" || others.Made.Type != "text/plain" || others.Content != "by the SDK" || others.Deleted != http.StatusNoContent ||
		len(others.Assets) == 0 || len(others.AssetTypes) != 1 || len(others.Projects) == 0 || others.Employees == 0 {
		t.Errorf("of the other APIs it saw %+v", others)
	}

	// With a key that may only read, the first write ends it, and Xero sees nothing.
	last = sim.last(t)
	out, err := keyHolder{dir, reader}.run(t, "node", "books.js", i.base(), joinery)
	if err == nil || !strings.Contains(err.Error(), "key_read_only") {
		t.Errorf("with a key that may only read: %s, %v", out, err)
	}
	for _, e := range sim.journal(t, last) {
		if e.Method != http.MethodGet {
			t.Errorf("Xero saw %s %s", e.Method, e.Path)
		}
	}
}
