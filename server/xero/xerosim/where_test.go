package xerosim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func where(filter string) string { return url.Values{"where": {filter}}.Encode() }

func TestWhereFilters(t *testing.T) {
	a := newApp(t)
	all := every[invoice](a, "Invoices", joinery, "")
	buyer, from := all[0].Contact, a.today(joinery).AddDate(0, 0, -30)
	thousand := decimal.NewFromInt(1000)
	for filter, fits := range map[string]func(invoice) bool{
		`Status=="AUTHORISED" AND Type=="ACCREC"`: func(i invoice) bool { return i.Status == "AUTHORISED" && i.Type == "ACCREC" },
		`type=="ACCPAY"&&(Status=="PAID"||Status=="DRAFT")`: func(i invoice) bool {
			return i.Type == "ACCPAY" && (i.Status == "PAID" || i.Status == "DRAFT")
		},
		`Type=="ACCPAY" OR Status=="VOIDED" AND Type=="ACCREC"`: func(i invoice) bool { // AND binds tighter
			return i.Type == "ACCPAY" || i.Status == "VOIDED" && i.Type == "ACCREC"
		},
		`Status!="PAID" and AmountDue > 1000`: func(i invoice) bool { return i.Status != "PAID" && i.AmountDue.GreaterThan(thousand) },
		`Total<=1000.00`:                      func(i invoice) bool { return i.Total.LessThanOrEqual(thousand) },
		`AmountDue<0`:                         func(invoice) bool { return false },
		fmt.Sprintf(`Date>=DateTime(%d,%02d,%02d)`, from.Year(), from.Month(), from.Day()): func(i invoice) bool {
			return i.DateString >= from.Format("2006-01-02T15:04:05")
		},
		fmt.Sprintf(`DueDate<DateTime(%d, %d, %d, 0, 0, 0)`, from.Year(), from.Month(), from.Day()): func(i invoice) bool {
			return i.DueDateString < from.Format("2006-01-02T15:04:05")
		},
		`Contact.ContactID==Guid("` + strings.ToUpper(buyer.ContactID) + `")`: func(i invoice) bool { return i.Contact.ContactID == buyer.ContactID },
		`Contact.Name="` + buyer.Name + `"`:                                   func(i invoice) bool { return i.Contact.ContactID == buyer.ContactID },
		`FullyPaidOnDate==null`:                                               func(i invoice) bool { return i.FullyPaidOnDate == "" },
		`InvoiceNumber!=null AND InvoiceNumber=="INV-0007"`:                   func(i invoice) bool { return i.InvoiceNumber == "INV-0007" },
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(i invoice) bool { return !fits(i) })
		if got := every[invoice](a, "Invoices", joinery, where(filter)); !slices.EqualFunc(got, want, sameInvoice) {
			t.Errorf("%s gives %d, want %d", filter, len(got), len(want))
		}
		if len(want) == 0 && filter != `AmountDue<0` {
			t.Errorf("%s tests nothing", filter)
		}
	}
	var banks struct {
		Accounts []struct{ Type string }
	}
	a.read("/api.xro/2.0/Accounts?"+where(`Type=="BANK" AND Status=="ACTIVE"`), joinery, &banks)
	if len(banks.Accounts) != 3 || slices.ContainsFunc(banks.Accounts, func(b struct{ Type string }) bool { return b.Type != "BANK" }) {
		t.Errorf("the banks are %v", banks)
	}
	if got := every[contact](a, "Contacts", joinery, where(`IsSupplier==true AND IsCustomer==false`)); len(got) == 0 ||
		slices.ContainsFunc(got, func(c contact) bool { return !c.IsSupplier || c.IsCustomer }) {
		t.Errorf("suppliers are %v", got)
	}
	payments := every[payment](a, "Payments", joinery, "")
	if got := every[payment](a, "Payments", joinery, where(`PaymentType=="ACCPAYPAYMENT" AND Invoice.InvoiceID==guid("`+payments[0].Invoice.InvoiceID+`")`)); len(got) > 1 ||
		len(got) == 1 && got[0].PaymentID != payments[0].PaymentID {
		t.Errorf("payments are %v", got)
	}
}

func TestAFilterThatCannotBeReadIs400(t *testing.T) {
	a := newApp(t)
	for _, filter := range []string{
		`Banana=="x"`, `Status`, `Status==`, `Status=="PAID" AND`, `(Status=="PAID"`, `Status=="PAID")`, `Status=="PAID" Type=="ACCREC"`,
		`Status=="PAID`, `Status>"PAID"`, `Total=="5"`, `Total==Status`, `Date=="2026-01-01"`, `Date>DateTime(2026,13,1)`, `Date>DateTime(2026,1)`,
		`Date>DateTime("x")`, `InvoiceID=="5e1f0000-0000-4000-8000-000000000000"`, `InvoiceID==Guid("5e1f")`, `InvoiceID==Guid(5)`,
		`Contact.Name.Contains("x")`, `SentToContact==1`, `Total ~ 5`, `"PAID"==Status`, `!SentToContact`, `1`, `;`, `Total==--5`,
	} {
		got := a.get("/api.xro/2.0/Invoices?page=1&"+where(filter), cafe)
		if got.status != http.StatusBadRequest || !strings.HasPrefix(got.body, `{"ErrorNumber":16,"Type":"QueryParseException","Message":"`) {
			t.Errorf("%s: %d %.200s", filter, got.status, got.body)
		}
	}
}

func TestATooLongListOfIDsIs404(t *testing.T) {
	a := newApp(t)
	all := every[invoice](a, "Invoices", joinery, "")
	list := func(n int) string {
		var ids []string
		for _, i := range all[:n] {
			ids = append(ids, i.InvoiceID)
		}
		return url.Values{"IDs": {strings.Join(ids, ",")}}.Encode()
	}
	var got someInvoices
	a.read("/api.xro/2.0/Invoices?"+list(50), joinery, &got)
	if len(got.Invoices) != 50 {
		t.Errorf("fifty ids give %d", len(got.Invoices))
	}
	if got := a.get("/api.xro/2.0/Invoices?"+list(53), joinery); got.status != 404 {
		t.Errorf("53 ids: %d", got.status)
	}
}
