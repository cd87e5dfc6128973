package xerosim_test

import (
	"fmt"
	"net/http"
	"testing"
)

// aPayment is one into the account 090.
func aPayment(invoice, amount string) string {
	return fmt.Sprintf(`{"Invoice":{"InvoiceID":%q},"Account":{"Code":"090"},"Date":"2026-06-01","Amount":%s,"Reference":"by test"}`, invoice, amount)
}

func TestAPaymentIsMadeAndClosesTheInvoice(t *testing.T) {
	a := newSite(t).narrow("openid accounting.invoices accounting.payments accounting.settings.read accounting.reports.banksummary.read")
	path := "/api.xro/2.0/Payments"
	bank := func() string {
		return a.get("/api.xro/2.0/Reports/BankSummary?fromDate=2026-06-01&toDate=2026-06-01", joinery).body
	}
	empty := bank()
	created := a.call(http.MethodPut, invoicesPath, joinery, `{"Invoices":[`+goodInvoice+`]}`)
	id := decode[struct{ Invoices []invoice }](t, created.body).Invoices[0].InvoiceID // 230.58
	type paid struct {
		Payments []struct {
			PaymentID, PaymentType, Status string
			Amount                         float64
			Account                        struct{ Code string }
		}
	}
	made := a.call(http.MethodPost, path, joinery, aPayment(id, "100.58"))
	if p := decode[paid](t, made.body).Payments; made.status != 200 || len(p) != 1 || p[0].Amount != 100.58 || p[0].PaymentType != "ACCRECPAYMENT" || p[0].Account.Code != "090" {
		t.Fatalf("a part: %d %s", made.status, made.body)
	}
	if bank() == empty {
		t.Error("the bank shows nothing of it")
	}
	state := func() invoice {
		var list struct{ Invoices []invoice }
		a.read(invoicesPath+"/"+id, joinery, &list)
		return list.Invoices[0]
	}
	if i := state(); i.Status != "AUTHORISED" || i.AmountPaid.String() != "100.58" {
		t.Errorf("the invoice is %+v", i)
	}
	both := `{"Payments":[` + aPayment(id, "100") + `,` + aPayment(id, "100") + `]}`
	a.call(http.MethodPut, path, joinery, both).invalid(t, "exceeds the amount outstanding")
	a.call(http.MethodPut, path, joinery, aPayment(id, "0")).invalid(t, "greater than zero")
	a.call(http.MethodPut, path, joinery, aPayment("nobody", "1")).invalid(t, "Invoice could not be found")
	a.call(http.MethodPut, path, joinery, `{"InvoiceNumber":"INV-99999","Amount":1,"Code":"999","Date":"soon"}`).invalid(t, "Account could not be found\nInvoice")
	if i := state(); i.AmountPaid.String() != "100.58" {
		t.Errorf("after refusals %s is paid", i.AmountPaid)
	}
	rest := fmt.Sprintf(`{"Payments":[%s]}`, aPayment(id, state().AmountDue.String()))
	if got := a.call(http.MethodPut, path, joinery, rest); got.status != 200 {
		t.Fatalf("the rest: %d %s", got.status, got.body)
	}
	if i := state(); i.Status != "PAID" || !i.AmountDue.IsZero() {
		t.Errorf("the invoice is %+v", i)
	}
	a.call(http.MethodPut, path, joinery, rest).invalid(t, "Authorised documents")
}
