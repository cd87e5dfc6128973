//go:build proof

package proof

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"
)

// The tables as somebody without Power Query has them: fetched by curl with a key,
// opened in LibreOffice, and read back from the workbook that it saves.

// tableNames are all, and the columns whose cells must be numbers, days and truths.
var tableNames = map[string]struct{ numbers, days, truths string }{
	"invoices":          {"total amount_paid amount_credited amount_due total_base amount_due_base currency_rate", "date due_date", ""},
	"contacts":          {"", "", "is_customer is_supplier"},
	"aged":              {"total amount_paid amount_credited amount_due amount_due_base days_late currency_rate", "date due_date", ""},
	"profit-and-loss":   {"line amount", "from to", ""},
	"bank":              {"balance_base", "", ""},
	"bank-transactions": {"tax total amount currency_rate", "date", "is_reconciled"},
	"payments":          {"amount bank_amount currency_rate", "date", "is_reconciled"},
}

func TestTablesOpenInLibreOfficeWithTheirTypesAndSums(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	f.signIn(t, sim)
	key := f.addKey(t, "sheet")
	for organisation, formulas := range map[string]bool{joinery: false, kauri: true} {
		folder := t.TempDir()
		tenant := f.tenantOf(t, key, organisation)
		plain := map[string]jsonTable{}
		args := []string{"--headless", "-env:UserInstallation=file://" + filepath.Join(t.TempDir(), "profile"), "--infilter=" + asUTF8, "--convert-to", "xlsx", "--outdir", folder}
		for name := range tableNames {
			if formulas && name != "contacts" && name != "bank" {
				continue // the largest books; the small ones show the rest
			}
			var table jsonTable
			if err := json.Unmarshal([]byte(f.curl(t, key, tenant, name, "json")), &table); err != nil || table.Pages != 1 || len(table.Rows) < 2 {
				t.Fatalf("%s: %d pages, %d rows, %v", name, table.Pages, len(table.Rows), err)
			}
			plain[name] = table
			file := filepath.Join(folder, name+".csv")
			if err := os.WriteFile(file, []byte(f.curl(t, key, tenant, name, "csv")), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, file)
		}
		begun := time.Now()
		convert := exec.Command("soffice", args...)
		convert.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		if out, err := convert.CombinedOutput(); err != nil {
			t.Fatalf("soffice: %v\n%s (what is missing: go run ./build test)", err, out)
		}
		t.Logf("%s: LibreOffice took %v", organisation, time.Since(begun))
		for name, table := range plain {
			opened(t, filepath.Join(folder, name+".xlsx"), name, table, formulas && name == "contacts")
		}
	}
}

// asUTF8 is what a person confirms when LibreOffice asks how to open a file: comma,
// quote, UTF-8, from the first line (help.libreoffice.org, CSV filter parameters).
const asUTF8 = "Text - txt - csv (StarCalc):44,34,76,1"

// A jsonTable is a table as JSON; cells are as they were written.
type jsonTable struct {
	Pages int
	Rows  []map[string]json.RawMessage
}

// curl fetches a table as a bookkeeper's script does.
func (f *fcc) curl(t *testing.T, key, tenant, table, format string) string {
	t.Helper()
	ask := exec.Command("curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "120",
		"--header", "@-", f.base()+"/api/table/"+table+"?page_size=1000&format="+format)
	ask.Stdin = strings.NewReader("Authorization: Bearer " + key + "\nxero-tenant-id: " + tenant + "\n")
	out, err := ask.Output()
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", table, err, out)
	}
	return string(out)
}

func (f *fcc) tenantOf(t *testing.T, key, organisation string) string {
	t.Helper()
	for _, connection := range f.connected(t, key).Connections {
		for _, o := range connection.Organisations {
			if o.Name == organisation {
				return o.TenantID
			}
		}
	}
	t.Fatalf("%s is not connected", organisation)
	return ""
}

// opened holds a workbook against the table that it was made from.
func opened(t *testing.T, file, name string, table jsonTable, formulas bool) {
	t.Helper()
	book, err := excelize.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	sheet := book.GetSheetList()[0]
	rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil || len(rows) != len(table.Rows)+1 {
		t.Fatalf("%s: %d rows, want %d; %v", name, len(rows)-1, len(table.Rows), err)
	}
	want := tableNames[name]
	defused := 0
	for column, title := range rows[0] {
		if _, there := table.Rows[0][title]; !there {
			t.Fatalf("%s: column %d is called %q", name, column, title)
		}
		var sum, inBook decimal.Decimal
		for n, row := range table.Rows {
			cell, err := excelize.CoordinatesToCellName(column+1, n+2)
			if err != nil {
				t.Fatal(err)
			}
			raw, err1 := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			kind, err2 := book.GetCellType(sheet, cell)
			formula, err3 := book.GetCellFormula(sheet, cell)
			if err1 != nil || err2 != nil || err3 != nil || formula != "" {
				t.Fatalf("%s %s: %q %v %v %v", name, cell, formula, err1, err2, err3)
			}
			value := string(row[title])
			in := func(names string) bool { return slices.Contains(strings.Fields(names), title) }
			switch {
			case value == "null":
				if raw != "" {
					t.Errorf("%s %s is %q, want nothing", name, cell, raw)
				}
			case in(want.numbers):
				if kind != excelize.CellTypeNumber && kind != excelize.CellTypeUnset {
					t.Fatalf("%s %s is of type %d, want a number: %q", name, cell, kind, raw)
				}
				sum, inBook = sum.Add(decimal.RequireFromString(value)), inBook.Add(decimal.RequireFromString(raw))
			case in(want.days):
				serial, err := strconv.ParseFloat(raw, 64)
				day, err2 := excelize.ExcelDateToTime(serial, false)
				if err != nil || err2 != nil || `"`+day.Format(time.DateOnly)+`"` != value {
					t.Fatalf("%s %s is %q, %v, want the day %s", name, cell, raw, day, value)
				}
			case in(want.truths):
				if yes := raw == "1" || strings.EqualFold(raw, "true"); kind != excelize.CellTypeBool || yes != (value == "true") {
					t.Fatalf("%s %s is %q of type %d, want %s", name, cell, raw, kind, value)
				}
			default:
				var text string
				decodeInto(t, value, &text)
				// What looks like a formula has an apostrophe before it, and a spreadsheet
				// takes a number in a text column for a number: 0012 is 12.
				number, err := decimal.NewFromString(text)
				switch {
				case raw == text, err == nil && number.String() == raw:
				case strings.ReplaceAll(raw, "'", "") == strings.ReplaceAll(text, "'", ""):
					defused++
				default:
					t.Errorf("%s %s is %q, want %q", name, cell, raw, text)
				}
			}
		}
		if !sum.Round(6).Equal(inBook.Round(6)) {
			t.Errorf("%s: %s comes to %s in the workbook, %s in the table", name, title, inBook, sum)
		}
	}
	if formulas && defused == 0 {
		t.Errorf("%s: no name looked like a formula", name)
	}
}

// post presses a button of a form, and goes where that leads. Its answer is not recorded:
// here it is the one page that shows a key.
func (p *person) post(t *testing.T, path string, form url.Values) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := p.transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode == http.StatusSeeOther {
		return p.visit(t, answer.Header.Get("Location")).body
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", path, answer.Status, err, body)
	}
	return string(body)
}

// TestTheTextsForPowerQueryAreTaken has Microsoft's own parser of the language read the
// texts of the page, and sees that it finds a mistake in them. Excel itself is not here.
func TestTheTextsForPowerQueryAreTaken(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	f := install(t, port, sim.settings()...).start(t)
	p := f.signIn(t, sim, kauri)
	tenant := f.tenantOf(t, f.addKey(t, "sheet"), kauri)
	tree, err := html.Parse(strings.NewReader(p.post(t, "/settings/excel", url.Values{"tenant": {tenant}})))
	if err != nil {
		t.Fatal(err)
	}
	folder := npm(t, "powerquery")
	parse := func(texts ...string) (string, error) {
		files := []string{"parse.js"}
		for n, text := range texts {
			file := filepath.Join(folder, fmt.Sprintf("%d.pq", n))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		node := exec.Command("node", files...)
		node.Dir = folder
		out, err := node.CombinedOutput()
		return string(out), err
	}
	var texts []string
	for node := range tree.Descendants() {
		if node.Data == "textarea" && node.FirstChild != nil {
			texts = append(texts, node.FirstChild.Data)
		}
	}
	if len(texts) != len(tableNames) || strings.Contains(texts[0], "fcc_…") {
		t.Fatalf("%d texts, want %d: %s", len(texts), len(tableNames), texts)
	}
	if out, err := parse(texts...); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if out, err := parse(strings.Replace(texts[0], "then Page(", "than Page(", 1)); err == nil || !strings.Contains(out, "0.pq") {
		t.Errorf("a broken text: %v %s", err, out)
	}
}
