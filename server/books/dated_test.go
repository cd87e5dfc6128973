package books_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// withAll signs in for everything that the books read.
func withAll(b *bench) {
	b.scopes = append(slices.Clone(allScopes), "accounting.banktransactions.read", "accounting.payments.read", "accounting.reports.balancesheet.read")
}

// A rawRecord is what these tests read of Xero's own bank transactions and payments.
type rawRecord struct {
	BankTransactionID, PaymentID, Type, Status, PaymentType, Date string
	Total, TotalTax, Amount, BankAmount, CurrencyRate             decimal.Decimal
	Invoice                                                       struct{ InvoiceID, Type, CurrencyCode string }
}

// raw asks the simulated Xero itself for all records of a list.
func (b *bench) raw(organisation, list string) (all []rawRecord) {
	b.t.Helper()
	session, found := b.connections.Find(b.tenant(organisation))
	if !found {
		b.t.Fatal("nobody is signed in")
	}
	for page := 1; ; page++ {
		r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api.xro/2.0/%s?page=%d&pageSize=1000", xeroHost, list, page), nil)
		ok(b.t, err)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Xero-Tenant-Id", b.tenant(organisation))
		answer, err := session.Transport().RoundTrip(r)
		ok(b.t, err)
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		ok(b.t, err)
		var got struct{ BankTransactions, Payments []rawRecord }
		ok(b.t, json.Unmarshal(body, &got))
		all = append(append(all, got.BankTransactions...), got.Payments...)
		if len(got.BankTransactions)+len(got.Payments) < 1000 {
			return all
		}
	}
}

func (r rawRecord) day(t *testing.T) time.Time {
	t.Helper()
	var ms int64
	if _, err := fmt.Sscanf(r.Date, "/Date(%d+0000)/", &ms); err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(ms).UTC()
}

func TestBankTransactionsAndPaymentsAreXerosOwnBetweenTwoDays(t *testing.T) {
	for _, organisation := range []string{joinery, kauri, tally} {
		t.Run(organisation, func(t *testing.T) {
			inBubble(t, someDay, func(t *testing.T, b *bench) {
				var (
					ledger             = b.ledger(organisation)
					today              = read(t, ledger.Organisation(t.Context(), time.Minute)).Today(time.Now())
					transactions, paid = b.raw(organisation, "BankTransactions"), b.raw(organisation, "Payments")
				)
				for _, days := range [][2]time.Time{{}, {today.AddDate(0, 0, -90), today}, {today.AddDate(0, -3, 0)}, {{}, today.AddDate(0, 0, -10)}, {today.AddDate(5, 0, 0), today.AddDate(6, 0, 0)}} {
					within := func(d time.Time) bool {
						return !d.Before(days[0]) && (days[1].IsZero() || !d.After(days[1]))
					}
					var want, got decimal.Decimal
					count := 0
					for _, r := range transactions {
						if r.Status != "DELETED" && within(r.day(t)) {
							count++
							sum := r.Total.Mul(decimal.NewFromInt(3)).Add(r.TotalTax)
							if r.Type == "SPEND" {
								sum = sum.Neg()
							}
							want = want.Add(sum)
						}
					}
					all := read(t, ledger.BankTransactions(t.Context(), days[0], days[1], time.Minute))
					for n, one := range all {
						sum := one.Total.Mul(decimal.NewFromInt(3)).Add(one.Tax)
						if !one.Received() {
							sum = sum.Neg()
						}
						got = got.Add(sum)
						if n > 0 && one.Date.After(all[n-1].Date) || one.AccountName == "" || one.ContactName == "" || one.Currency == "" {
							t.Errorf("between %v: %+v", days, one)
						}
					}
					if len(all) != count || !got.Equal(want) {
						t.Errorf("between %v: %d bank transactions come to %s, want %d, %s", days, len(all), got, count, want)
					}

					sums, rows := map[string]decimal.Decimal{}, 0
					for _, r := range paid {
						if within(r.day(t)) {
							rows++
							key := r.PaymentType + " " + r.Invoice.CurrencyCode
							sums[key] = sums[key].Add(r.Amount).Add(r.BankAmount.Shift(9))
						}
					}
					payments := read(t, ledger.Payments(t.Context(), days[0], days[1], time.Minute))
					for _, p := range payments {
						sums[p.Type+" "+p.Currency] = sums[p.Type+" "+p.Currency].Sub(p.Amount).Sub(p.BankAmount.Shift(9))
						if p.InvoiceID == "" || p.InvoiceType+"PAYMENT" != p.Type || p.AccountID == "" || p.ContactName == "" || p.Status != "AUTHORISED" {
							t.Errorf("%+v", p)
						}
					}
					for key, rest := range sums {
						if !rest.IsZero() {
							t.Errorf("between %v: payments %s differ by %s", days, key, rest)
						}
					}
					if len(payments) != rows || days[0].IsZero() && rows == 0 {
						t.Errorf("between %v: %d payments, want %d", days, len(payments), rows)
					}
				}
			}, withAll)
		})
	}
}

// The typed books have three bank transactions, of which one is voided.
func TestTypedBankTransactions(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		all := read(t, b.ledger(tally).BankTransactions(t.Context(), time.Time{}, time.Time{}, time.Minute))
		var got []string
		for _, one := range all {
			got = append(got, fmt.Sprint(one.Type, " ", text(one.Total), " ", one.AccountName, " ", one.AccountCode, " ", one.Status, " ", one.Reconciled, " ", one.Reference))
		}
		slices.Sort(got)
		want := []string{"RECEIVE 40.00 Cheque 090 AUTHORISED false ", "SPEND 11.50 Savings 091 VOIDED true ", "SPEND 40.00 Cheque 090 AUTHORISED true Lent to the owner"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		// What is added, moved or deleted in Xero shows in the next reading.
		_, err := b.sim.AddMoney(tally, xerosim.LedgerMoney{Type: "SPEND", Bank: "Savings", Contact: "New Bank", Days: 0, Account: "404", Net: "10", Tax: "1.50"})
		ok(t, err)
		time.Sleep(time.Minute)
		all = read(t, b.ledger(tally).BankTransactions(t.Context(), time.Time{}, time.Time{}, time.Second))
		if len(all) != 4 || all[0].ContactName != "New Bank" || text(all[0].Total) != "11.50" || text(all[0].Tax) != "1.50" {
			t.Errorf("%+v", all)
		}
		cash := read(t, b.ledger(tally).Cash(t.Context(), 0))
		if text(cash.Total) != "7513.50" {
			t.Errorf("in the bank are %s", text(cash.Total))
		}
	}, withAll)
}

func TestReadingsBetweenDaysAreKeptAndCostWhatTheyHold(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		ledger := b.ledger(kauri)
		today := read(t, ledger.Organisation(t.Context(), time.Minute)).Today(time.Now())
		from := today.AddDate(0, -1, 0)
		month := func() books.Reading[[]books.Payment] {
			return b.ledger(kauri).Payments(t.Context(), from, today, time.Hour)
		}
		b.wantCalls(1, func() { read(t, month()) })
		b.wantCalls(0, func() { read(t, month()) })
		b.wantCalls(0, func() { read(t, ledger.Payments(t.Context(), from.Add(9*time.Hour), today, time.Hour)) })
		first := month().Value
		b.restart()
		b.wantCalls(0, func() { same(t, "after a restart", first, read(t, month())) })
		ledger = b.ledger(kauri)
		b.wantCalls(1, func() { read(t, ledger.Payments(t.Context(), from, today.AddDate(0, 0, -1), time.Hour)) })
		// All there ever were are many pages, each read once, and once more what changed
		// meanwhile.
		pages := len(b.raw(kauri, "Payments"))/1000 + 1
		b.wantCalls(pages+1, func() { read(t, ledger.Payments(t.Context(), time.Time{}, time.Time{}, time.Hour)) })
		b.restart() // of several only the last is kept
		b.wantCalls(1, func() { read(t, month()) })
	}, withAll)
}

func TestTheChartOfAccountsHidesNumbersOfBankAccounts(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		all := read(t, b.ledger(tally).Accounts(t.Context(), time.Minute))
		var banks, archived []string
		for n, a := range all {
			if n > 0 && a.Code < all[n-1].Code || a.ID == "" || a.Class == "" || a.TaxType == "" {
				t.Errorf("%+v", a)
			}
			if a.Type == "BANK" {
				banks = append(banks, strings.Join([]string{a.Code, a.Name, a.BankNumber, a.BankType, a.Currency}, " "))
			}
			if a.Status == "ARCHIVED" {
				archived = append(archived, a.Name)
			}
		}
		if fmt.Sprint(banks) != "[090 Cheque ••••••••••••1000 BANK NZD 091 Savings ••••••••••••1001 BANK NZD]" || fmt.Sprint(archived) != "[Telephone (old)]" {
			t.Errorf("%q, %q", banks, archived)
		}
	}, withAll)
}

func TestTheBalanceSheetIsOfTheEndOfAMonthAndBalances(t *testing.T) {
	for _, organisation := range []string{joinery, café, kauri, tally} {
		inBubble(t, "2026-11-15 09:00", func(t *testing.T, b *bench) {
			ledger := b.ledger(organisation)
			for _, at := range []time.Time{time.Date(2026, 11, 15, 18, 0, 0, 0, time.UTC), time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)} {
				s := read(t, ledger.BalanceSheet(t.Context(), at, time.Hour))
				if want := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC); !s.To.Equal(want) || !s.From.IsZero() || s.Title != "Balance Sheet" {
					t.Errorf("%q from %s to %s", s.Title, s.From, s.To)
				}
				sums, accounts := map[string]decimal.Decimal{}, decimal.Zero
				for _, line := range s.Lines {
					switch {
					case line.Heading:
					case line.Sum:
						sums[line.Label] = line.Amount.Decimal
					default:
						if line.Account == "" || !line.Amount.Valid {
							t.Errorf("%+v", line)
						}
						accounts = accounts.Add(line.Amount.Decimal)
					}
				}
				net := sums["Net Assets"]
				whole := sums["Total Assets"].Add(sums["Total Liabilities"]).Add(sums["Total Equity"])
				if net.IsZero() || !net.Equal(sums["Total Equity"]) || !net.Equal(sums["Total Assets"].Sub(sums["Total Liabilities"])) || !accounts.Equal(whole) {
					t.Errorf("%s at %s: %v, accounts come to %s", organisation, at, sums, accounts)
				}
				if at.Month() == time.November {
					if cash := read(t, ledger.Cash(t.Context(), time.Minute)); !cash.Total.Equal(sums["Total Bank"]) {
						t.Errorf("%s: %s in the bank, %s by the balance sheet", organisation, cash.Total, sums["Total Bank"])
					}
				}
			}
			b.wantCalls(0, func() { ledger.BalanceSheet(t.Context(), time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), time.Hour) })
			b.restart()
			b.wantCalls(0, func() { ledger.BalanceSheet(t.Context(), time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), time.Hour) })
		}, withAll)
	}
}

func TestEachReadingNamesTheScopeThatItLacks(t *testing.T) {
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		ledger := b.ledger(tally)
		trouble := map[string]*books.Trouble{
			"accounting.banktransactions.read":     ledger.BankTransactions(t.Context(), today, today, time.Minute).Trouble,
			"accounting.payments.read":             ledger.Payments(t.Context(), today, today, time.Minute).Trouble,
			"accounting.reports.balancesheet.read": ledger.BalanceSheet(t.Context(), today, time.Minute).Trouble,
		}
		for scope, got := range trouble {
			if got == nil || got.Scope != scope || got.Code != xero.CodeNeedsLogin {
				t.Errorf("%s: %+v", scope, got)
			}
		}
	})
}

// Of what pays no invoice, and of a transfer, which is with nobody, Xero's example
// bodies have other fields (Xero-OpenAPI, getPayments and getBankTransactions).
func TestRecordsWithoutAnInvoiceOrAContact(t *testing.T) {
	answer := func(body string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		all := read(t, b.ledger(tally).Payments(t.Context(), time.Time{}, time.Time{}, time.Minute))
		if len(all) != 1 || all[0].ID != "p1" || all[0].InvoiceID != "" || all[0].Number != "CN-7" || all[0].ContactName != "Liam" || !all[0].Reconciled ||
			text(all[0].Amount) != "50.50" || all[0].Currency != "NZD" {
			t.Errorf("%+v", all)
		}
	}, withAll, swapped("/Payments", answer(`{"pagination":{"page":1,"pageSize":1000,"pageCount":1,"itemCount":2},"Payments":[
		{"PaymentID":"p1","Date":"\/Date(1552521600000+0000)\/","Amount":"50.50","BankAmount":50.5,"PaymentType":"ARCREDITPAYMENT","Status":"AUTHORISED","IsReconciled":"true",
		"CreditNote":{"CreditNoteID":"c1","CreditNoteNumber":"CN-7","CurrencyCode":"NZD","Contact":{"ContactID":"k1","Name":"Liam"}}},
		{"PaymentID":"p2","Date":"/Date(1552521600000)/","Amount":1,"PaymentType":"ACCRECPAYMENT","Status":"DELETED"}]}`)))
	inBubble(t, someDay, func(t *testing.T, b *bench) {
		all := read(t, b.ledger(tally).BankTransactions(t.Context(), time.Time{}, time.Time{}, time.Minute))
		if len(all) != 1 || all[0].Type != "SPEND-TRANSFER" || all[0].Received() || all[0].ContactID != "" || all[0].Date.Format(time.DateOnly) != "2016-10-13" || all[0].AccountName != "Business Wells Fargo" {
			t.Errorf("%+v", all)
		}
	}, withAll, swapped("/BankTransactions", answer(`{"BankTransactions":[{"BankTransactionID":"db54aab0","BankAccount":{"AccountID":"6f7594f2","Code":"088","Name":"Business Wells Fargo"},
		"Type":"SPEND-TRANSFER","IsReconciled":false,"DateString":"2016-10-13 00:00:00","Date":"/Date(1476316800000+0000)/","Status":"AUTHORISED","SubTotal":10,"TotalTax":0,"Total":10,"CurrencyCode":"USD"}]}`)))
}
