package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"financial-command-center/server/store"
)

// mayWrite lets sign-ins write.
func mayWrite(b *bench) {
	withRights(`accounting.contacts accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals
		accounting.attachments accounting.settings.read files`)(b)
}

// An asker is a server with somebody who is asked, and a key that has to ask.
type asker struct {
	*bench
	far         *far
	cookie, key string
}

func newAsker(t *testing.T, change ...func(*bench)) *asker {
	f := &far{}
	b := newBench(t, append([]func(*bench){mayWrite, through(f)}, change...)...).opened()
	a := &asker{bench: b, far: f, cookie: b.signIn(b.visit(), café)}
	a.key = b.addKey(store.Key{Name: "helper", Write: true, Ask: true})
	return a
}

// writes counts what reached Xero and was no reading.
func (a *asker) writes() (n int) {
	a.far.mu.Lock()
	defer a.far.mu.Unlock()
	for _, r := range a.far.sent {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// send has the program write; what it gets comes later.
func (a *asker) send(w ask) <-chan got {
	a.t.Helper()
	if w.method == "" {
		w.method = http.MethodPost
	}
	if w.key == "" {
		w.key = a.key
	}
	r := a.request(w)
	for _, header := range [][2]string{{"Accept", "application/json"}, {"Content-Type", "application/json"}} {
		if r.Header.Get(header[0]) == "" {
			r.Header.Set(header[0], header[1])
		}
	}
	answer := make(chan got, 1)
	go func() {
		g, err := client.Do(r)
		if err != nil {
			answer <- got{body: err.Error()}
			return
		}
		defer g.Body.Close()
		body, _ := io.ReadAll(g.Body)
		answer <- read(g.StatusCode, g.Header, string(body))
	}()
	return answer
}

func (a *asker) post(path, body string) <-chan got {
	return a.send(ask{path: path, body: strings.NewReader(body)})
}

var askedID = regexp.MustCompile(`id="ask-([A-Z0-9]+)"`)

// asked is the page once it shows so many requests, as it is and as people read it, and
// their ids.
func (a *asker) asked(n int) (page, text string, ids []string) {
	a.t.Helper()
	a.until(fmt.Sprintf("%d requests are shown", n), func() bool {
		page, ids = a.approvals()
		return len(ids) == n
	})
	return page, textOf(a.t, page), ids
}

// approvals is the page as it is now.
func (a *asker) approvals() (page string, ids []string) {
	a.t.Helper()
	page = a.ask(ask{path: "/approvals", cookie: a.cookie, page: true}).body
	for _, m := range askedID.FindAllStringSubmatch(page, -1) {
		ids = append(ids, m[1])
	}
	return page, ids
}

// past has what was answered leave the page, once it has come to its end.
func (a *asker) past() {
	a.t.Helper()
	a.until("the page is empty", func() bool {
		a.Past()
		_, ids := a.approvals()
		return len(ids) == 0
	})
}

func textOf(t testing.TB, page string) string {
	t.Helper()
	var words []string
	for tokens := html.NewTokenizer(strings.NewReader(page)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
		case html.TextToken:
			words = append(words, string(tokens.Text()))
		}
	}
}

func (a *asker) decide(how, id string) got {
	a.t.Helper()
	return a.ask(ask{method: "POST", path: "/approvals/" + how, cookie: a.cookie, form: url.Values{"id": {id}}, page: true})
}

// said is the notice that the next page shows.
func (a *asker) said() string {
	a.t.Helper()
	return textOf(a.t, a.ask(ask{path: "/help", cookie: a.cookie, page: true}).body)
}

func (a *asker) changes() string {
	a.t.Helper()
	return textOf(a.t, a.ask(ask{path: "/activity/changes", cookie: a.cookie, page: true}).body)
}

// lists waits for the list of changes to say all of this: it is written to disk after the
// answer.
func (a *asker) lists(all ...string) {
	a.t.Helper()
	var text string
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		text = a.changes()
		if !slices.ContainsFunc(all, func(want string) bool { return !strings.Contains(text, want) }) {
			return
		}
	}
	a.t.Errorf("the list does not say all of %q:\n%s", all, text)
}

func has(t *testing.T, where, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%s", where, want, text)
		}
	}
}

const draftInvoice = `{"Invoices":[{"Type":"ACCREC","Contact":{"Name":"Moana <b>Nui</b> & Co"},"DueDate":"2026-12-20","LineAmountTypes":"Exclusive",
	"LineItems":[{"Description":"Table of rimu","Quantity":2,"UnitAmount":600.5,"AccountCode":"200"},{"Description":"Delivery","UnitAmount":"49.00","AccountCode":"200"}]}]}`

func TestAWriteWaitsForAPersonAndIsSentAsItWasShown(t *testing.T) {
	a := newAsker(t)
	var body string
	a.far.answer = func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			body = string(text)
			r.Body = io.NopCloser(strings.NewReader(body))
		}
		return http.DefaultTransport.RoundTrip(r)
	}
	answer := a.post("/api.xro/2.0/Invoices?summarizeErrors=false", draftInvoice)
	page, text, ids := a.asked(1)
	has(t, "the card", text, "Draft an invoice to Moana <b>Nui</b> & Co", "helper wants this in Ridgeway Café", "£1,250.00 before tax", "20 Dec 2026",
		"200 Sales · Table of rimu: £1,201.00", "200 Sales · Delivery: £49.00", "POST /api.xro/2.0/Invoices?summarizeErrors=false", "Invoices[1].LineItems[2].UnitAmount 49.00")
	if strings.Contains(page, "<b>Nui") {
		t.Error("a name is markup")
	}
	if refuse, allow := strings.Index(page, "/approvals/refuse"), strings.Index(page, "/approvals/allow"); refuse < 0 || allow < refuse || strings.Contains(page, "autofocus") {
		t.Error("Refuse is not the first button, or one has the focus")
	}
	if n := a.writes(); n != 0 {
		t.Fatalf("%d writes reached Xero before anybody answered", n)
	}
	has(t, "another page", textOf(t, a.ask(ask{path: "/help", cookie: a.cookie, page: true}).body), "1 change to the books waits for your consent.")

	if g := a.decide("allow", ids[0]); g.status != 303 || g.location != "/approvals" {
		t.Fatalf("%d %s", g.status, g.body)
	}
	g := <-answer
	var made struct {
		Invoices []struct{ InvoiceID, InvoiceNumber, Status string }
	}
	decode(t, g.body, &made)
	if g.status != 200 || len(made.Invoices) != 1 || made.Invoices[0].Status != "DRAFT" {
		t.Fatalf("the program gets %d %s", g.status, g.body)
	}
	if body != draftInvoice {
		t.Errorf("Xero gets %s", body)
	}
	has(t, "the page", a.said(), "Allowed. FCC sends it now.")
	a.decide("refuse", ids[0])
	has(t, "the second answer", a.said(), "It was answered before: Allowed. Xero took it at")
	_, text, _ = a.asked(1)
	has(t, "the card", text, "Nothing waits for your consent", "To be asked, choose for a program on the page Programs: “Read the books, and change them when I allow it: FCC asks me each time”.",
		"Answered lately", "Allowed. Xero took it at", "helper wanted this", "Open it in Xero and delete the draft. Open in Xero")
	a.lists("Invoice drafted "+made.Invoices[0].InvoiceNumber, "helper", café, "Allowed, done", "Open it in Xero and delete the draft.")
	links := a.ask(ask{path: "/activity/changes", cookie: a.cookie, page: true}).body
	if !strings.Contains(links, "/invoicing/view/"+made.Invoices[0].InvoiceID+`"`) {
		t.Errorf("no link to %s in\n%s", made.Invoices[0].InvoiceID, links)
	}
}

func TestARefusedWriteIsNotSent(t *testing.T) {
	a := newAsker(t)
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	_, _, ids := a.asked(1)
	a.decide("refuse", ids[0])
	g := <-answer
	if g.status != 403 || g.code != "write_refused" || !strings.Contains(g.body, "The person at this computer refused this write at ") || a.writes() != 0 {
		t.Errorf("%d %s, %d writes", g.status, g.body, a.writes())
	}
	a.decide("allow", ids[0])
	has(t, "a late yes", a.said(), "It was answered before: Refused at")
	a.lists("Draft an invoice", "Refused")
	if a.writes() != 0 {
		t.Error("it was sent all the same")
	}
	a.decide("allow", "NONE")
	has(t, "a yes to nothing", a.said(), "This does not wait any more.")
}

func TestAKeyThatNeedNotAskIsNotInTheWay(t *testing.T) {
	a := newAsker(t)
	free := a.addKey(store.Key{Name: "free", Write: true})
	g := <-a.send(ask{path: "/api.xro/2.0/Contacts", key: free, body: strings.NewReader(`{"Contacts":[{"Name":"Rata Joiners"}]}`)})
	if g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	for _, sent := range []ask{
		{path: invoices, key: a.key}, {method: "HEAD", path: invoices, key: a.key},
	} {
		if g := a.ask(sent); g.status != 200 {
			t.Errorf("reading: %d %s", g.status, g.body)
		}
	}
	a.asked(0)
	a.lists("Contact made or changed", "free", "Done, without asking", "Contacts cannot be deleted")
	g = <-a.send(ask{path: "/api.xro/2.0/Contacts", key: free, body: strings.NewReader(`{"Contacts":[{"Name":""}]}`)})
	if g.status != 400 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	a.lists("Make or change a contact", "Refused (400)")
}

func TestAProgramThatHangsUpIsNotAskedAboutAnyMore(t *testing.T) {
	a := newAsker(t)
	r := a.request(ask{method: "POST", path: "/api.xro/2.0/Invoices", key: a.key, body: strings.NewReader(draftInvoice)})
	ctx, hangUp := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := client.Do(r.WithContext(ctx))
		left <- err
	}()
	_, _, ids := a.asked(1)
	hangUp()
	<-left
	a.until("the card says so", func() bool {
		_, text, _ := a.asked(1)
		return strings.Contains(text, "The program did not wait: not sent.")
	})
	a.decide("allow", ids[0])
	has(t, "a late yes", a.said(), "The program did not wait")
	a.lists("The program did not wait")
	if a.writes() != 0 {
		t.Error("it was sent")
	}
}

func TestARevokedKeysWriteIsNotSent(t *testing.T) {
	a := newAsker(t)
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	_, _, ids := a.asked(1)
	if g := a.ask(ask{method: "POST", path: "/settings/programs/revoke", cookie: a.cookie, form: url.Values{"name": {"helper"}}}); g.status != 303 {
		t.Fatal(g.status)
	}
	a.decide("allow", ids[0])
	if g := <-answer; g.status != 401 || g.code != "key_required" || a.writes() != 0 {
		t.Errorf("%d %s, %d writes", g.status, g.body, a.writes())
	}
	// A new key of the same name is another.
	answer = a.send(ask{path: "/api.xro/2.0/Invoices", key: a.addKey(store.Key{Name: "helper", Write: true, Ask: true}), body: strings.NewReader(draftInvoice)})
	_, _, ids = a.asked(2)
	a.decide("allow", ids[0]) // what waits stands first
	if g := <-answer; g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestTooManyAndTooMuchAreRefused(t *testing.T) {
	a := newAsker(t)
	var answers []<-chan got
	for range 20 {
		answers = append(answers, a.post("/api.xro/2.0/Contacts", `{"Name":"One of many"}`))
	}
	a.asked(20)
	g := <-a.post("/api.xro/2.0/Contacts", `{"Name":"One too many"}`)
	if g.status != 429 || g.code != "key_limit" || g.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", g.status, g.body)
	}
	other := a.send(ask{path: "/api.xro/2.0/Contacts", key: a.addKey(store.Key{Name: "other", Write: true, Ask: true}), body: strings.NewReader(`{"Name":"Another's"}`)})
	_, _, ids := a.asked(21)
	for _, id := range ids {
		a.decide("refuse", id)
	}
	for _, answer := range append(answers, other) {
		if g := <-answer; g.code != "write_refused" {
			t.Errorf("%d %s", g.status, g.body)
		}
	}
	large := `{"Name":"` + strings.Repeat("x", 1<<20) + `"}`
	many, _ := json.Marshal(map[string]any{"Contacts": make([]int, 20001)})
	for _, body := range []io.Reader{strings.NewReader(large), io.MultiReader(strings.NewReader(large)), strings.NewReader(string(many))} {
		if g := <-a.send(ask{path: "/api.xro/2.0/Contacts", body: body}); g.status != 413 || g.code != "too_large" {
			t.Errorf("%d %s", g.status, g.body)
		}
	}
	if a.writes() != 0 {
		t.Error("something was sent")
	}
}

func TestOpenPagesHearOfWhatWaits(t *testing.T) {
	a := newAsker(t)
	hears := func(cookie string) func() {
		stream, err := client.Do(a.request(ask{path: "/events", cookie: cookie}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stream.Body.Close() })
		lines := bufio.NewScanner(stream.Body)
		return func() {
			t.Helper()
			for lines.Scan() {
				if lines.Text() == "event: approvals" {
					return
				}
			}
			t.Error("a page is not told")
		}
	}
	mine, others := hears(a.cookie), hears(a.visit())
	answer := a.post("/api.xro/2.0/Invoices", draftInvoice)
	mine()
	others()
	_, _, ids := a.asked(1)
	a.decide("refuse", ids[0])
	mine()
	others()
	<-answer
}

func TestARequestHasAPageOfItsOwn(t *testing.T) {
	a := newAsker(t)
	var all []string
	for n := range 50 {
		all = append(all, fmt.Sprintf(`{"Type":"ACCPAY","InvoiceNumber":"B-%d","Contact":{"Name":"Supplier %d"},"LineItems":[{"Description":"x","LineAmount":10.10}]}`, n+1, n+1))
	}
	answer := a.send(ask{method: "PUT", path: "/api.xro/2.0/Invoices", body: strings.NewReader(`{"Invoices":[` + strings.Join(all, ",") + `]}`)})
	_, text, ids := a.asked(1)
	has(t, "the card", text, "50 records in one request", "In all £505.00 before tax", "Draft a bill from Supplier 10", "and 40 more records", "and 200 more")
	if strings.Contains(text, "Supplier 11 ") {
		t.Error("the card goes on and on")
	}
	whole := textOf(t, a.ask(ask{path: "/approvals/request?id=" + ids[0], cookie: a.cookie, page: true}).body)
	has(t, "its page", whole, "Draft a bill from Supplier 50", "Invoices[50].LineItems[1].LineAmount 10.10")
	a.decide("refuse", ids[0])
	<-answer
	a.lists("Draft a bill, 50 records")
	if g := a.ask(ask{path: "/approvals/request?id=NONE", cookie: a.cookie, page: true}); g.status != 303 {
		t.Errorf("no such request: %d", g.status)
	}
}
