package books_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero"
)

// An answer whose shape is not as it should be is told to the log by the field, never
// by what is in it: that belongs to the books.
func TestTheLogSaysWhichFieldAndNotItsContent(t *testing.T) {
	for name, c := range map[string]struct{ path, from, to, field string }{
		"an amount":          {"/Invoices", `"AmountDue":`, `"AmountDue":"Secret 98765","Other":`, "AmountDue"},
		"a huge amount":      {"/Invoices", `"AmountDue":`, `"AmountDue":98765e999999,"Other":`, "AmountDue"},
		"a day":              {"/Invoices", `"DueDate":"`, `"DueDate":"Secret 98765","Other":"`, "DueDate"},
		"a Microsoft day":    {"/Invoices", `"DueDate":"`, `"DueDate":"\/Date(Secret 98765)\/","Other":"`, "DueDate"},
		"a number as a name": {"/Invoices", `"InvoiceNumber":"`, `"InvoiceNumber":98765.25,"Other":"`, "InvoiceNumber"},
		"a bank balance":     {"/Reports/BankSummary", `"Value":"1835.00"`, `"Value":"Secret 98765"`, "amount"},
		"no JSON":            {"/Invoices", `{"`, `98765 Secret {"`, "byte"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, someDay, func(t *testing.T, b *bench) {
				d := b.ledger(tally).Dashboard(t.Context(), time.Minute)
				trouble := d.Owed.Trouble
				if strings.HasPrefix(c.path, "/Reports") {
					trouble = d.Cash.Trouble
				}
				if trouble == nil || trouble.Code != xero.CodeUnreachable {
					t.Fatalf("%+v", trouble)
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				said := ""
				for line := range strings.Lines(b.log.String()) {
					if strings.Contains(line, "not read from Xero") {
						said += line
					}
				}
				if !strings.Contains(said, c.field) || strings.Contains(said, "98765") || strings.Contains(said, "Secret") {
					t.Errorf("the log says %s", said)
				}
			}, swapped(c.path, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				answer := httptest.NewRecorder()
				next.ServeHTTP(answer, r)
				for key, values := range answer.Header() {
					if key != "Content-Length" {
						w.Header()[key] = values
					}
				}
				w.WriteHeader(answer.Code)
				body := answer.Body.String()
				if changed := strings.Replace(body, c.from, c.to, 1); changed != body {
					body = changed
				} else {
					t.Errorf("the answer holds no %s", c.from)
				}
				_, _ = io.WriteString(w, body)
			}))
		})
	}
}
