package xerosim_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/xero/xerosim"
)

// The sums here are those of TallyBooks's comment, and were reckoned by hand.
func TestTheTypedBooksComeToWhatWasReckonedByHand(t *testing.T) {
	a := reporter(t)
	today := a.today(xerosim.Tally)
	bands := map[string]*[5]decimal.Decimal{"ACCREC": {}, "ACCPAY": {}}
	weeks := map[string]*[9]decimal.Decimal{"ACCREC": {}, "ACCPAY": {}}
	type debt struct {
		number string
		base   decimal.Decimal
	}
	var overdue []debt
	for _, i := range every[invoice](a, "Invoices", xerosim.Tally, "Statuses=AUTHORISED") {
		base := i.AmountDue.DivRound(i.CurrencyRate, 2)
		late := int(today.Sub(dayOf(t, i.DueDateString)).Hours() / 24)
		band := 4
		for n, until := range []int{0, 30, 60, 90} {
			if late <= until {
				band = n
				break
			}
		}
		of := bands[i.Type]
		of[band] = of[band].Add(base)
		if week := -late / 7; late <= 0 {
			weeks[i.Type][week] = weeks[i.Type][week].Add(base)
		} else if i.Type == "ACCREC" {
			overdue = append(overdue, debt{i.InvoiceNumber, base})
		}
	}
	same := func(what string, got []decimal.Decimal, want ...string) {
		t.Helper()
		for n, w := range want {
			if got[n].StringFixed(2) != w {
				t.Errorf("%s %d is %s, want %s", what, n, got[n].StringFixed(2), w)
			}
		}
	}
	same("owed", bands["ACCREC"][:], "116.00", "202.50", "472.00", "548.00", "156.00")
	same("owing", bands["ACCPAY"][:], "230.00", "230.00", "0.00", "0.00", "0.00")
	same("in, week", weeks["ACCREC"][:], "1.00", "115.00", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00")
	same("out, week", weeks["ACCPAY"][:], "116.00", "2.00", "100.00", "0.00", "0.00", "0.00", "0.00", "4.00", "8.00")
	slices.SortFunc(overdue, func(a, b debt) int { return b.base.Cmp(a.base) })
	var numbers []string
	for _, d := range overdue {
		numbers = append(numbers, d.number)
	}
	if want := []string{"S-4", "S-3", "S-2", "S-5", "D91", "D90", "D61", "D60", "D31", "D30", "D1"}; !slices.Equal(numbers, want) {
		t.Errorf("overdue are %q, want %q", numbers, want)
	}

	bank := a.report("BankSummary", xerosim.Tally, "")
	same("in the bank", []decimal.Decimal{bank.value(t, "Cheque", 3), bank.value(t, "Savings", 3), bank.value(t, "Total", 3)}, "1835.00", "5690.00", "7525.00")

	income := []string{"100.00", "200.00", "1000.00", "400.00", "500.00", "80.00", "127.50", "0.00", "0.00", "0.00", "0.00", "0.00", "600.00"}
	net := []string{"0.00", "0.00", "700.00", "400.00", "400.00", "80.00", "112.50", "0.00", "0.00", "0.00", "0.00", "0.00", "600.00"}
	for n := range income {
		first := time.Date(today.Year(), today.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		got := a.report("ProfitAndLoss", xerosim.Tally, "standardLayout=true&fromDate="+date(first)+"&toDate="+date(endOfMonth(first)))
		same("month", []decimal.Decimal{got.value(t, "Total Income", 0), got.value(t, "Net Profit", 0)}, income[n], net[n])
	}
}

func TestTypedBooksGoThroughJSON(t *testing.T) {
	text, err := json.Marshal(xerosim.TallyBooks())
	if err != nil {
		t.Fatal(err)
	}
	l, err := xerosim.ReadLedger(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(l)
	if err != nil || string(again) != string(text) {
		t.Errorf("%v: %s", err, again)
	}
	if _, err := xerosim.ReadLedger([]byte(`{"Nmae":"x"}`)); err == nil {
		t.Error("a field that is not there was read")
	}
}

func TestTypedBooksThatCannotBeAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*xerosim.Ledger){
		"no name":                    func(l *xerosim.Ledger) { l.Name = "" },
		"a name that is taken":       func(l *xerosim.Ledger) { l.Name = joinery },
		"an unknown zone":            func(l *xerosim.Ledger) { l.Timezone = "MOON" },
		"a balance that is none":     func(l *xerosim.Ledger) { l.Banks[0].Opening = "much" },
		"a contact twice":            func(l *xerosim.Ledger) { l.Contacts = append(l.Contacts, l.Contacts[0]) },
		"a number twice":             func(l *xerosim.Ledger) { l.Invoices[1].Number = l.Invoices[0].Number },
		"an unknown type":            func(l *xerosim.Ledger) { l.Invoices[0].Type = "LOAN" },
		"an invoice typed as paid":   func(l *xerosim.Ledger) { l.Invoices[0].Status = "PAID" },
		"an unknown account":         func(l *xerosim.Ledger) { l.Invoices[0].Lines[0].Account = "999" },
		"no lines":                   func(l *xerosim.Ledger) { l.Invoices[0].Lines = nil },
		"a rate without a currency":  func(l *xerosim.Ledger) { l.Invoices[0].Rate = "2" },
		"no due date":                func(l *xerosim.Ledger) { l.Invoices[0].NoDue = true },
		"a payment of nothing":       func(l *xerosim.Ledger) { l.Payments[0].Invoice = "X" },
		"a payment of more than due": func(l *xerosim.Ledger) { l.Payments[0].Amount = "9999" },
		"a payment into nowhere":     func(l *xerosim.Ledger) { l.Payments[0].Bank = "Sock" },
	} {
		l := xerosim.TallyBooks()
		spoil(&l)
		_, err := xerosim.New(xerosim.Options{Issuer: "http://localhost:9000", Clients: []xerosim.Client{{ID: xerosim.DemoClientID}}, Books: []xerosim.Ledger{l}})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What a person who looks at the demo sees first.
func TestTheJoineryIsAHealthySmallBusiness(t *testing.T) {
	for _, seed := range []uint64{0, 1, 2, 3} {
		a := newApp(t, func(o *xerosim.Options) { o.Seed = seed })
		books, today := a.rawBooks(joinery), a.today(joinery)
		var ages [4]int
		weeks := map[int]bool{}
		for _, i := range books.invoices {
			if i.Status != "AUTHORISED" {
				continue
			}
			late := int(today.Sub(dayOf(t, i.DueDateString)).Hours() / 24)
			switch {
			case i.Type == "ACCPAY" && late <= 0:
				weeks[-late/7] = true
			case i.Type == "ACCREC" && late > 0:
				ages[min((late-1)/30, 3)]++
			}
		}
		for n, count := range ages {
			if count == 0 || count > 12 {
				t.Errorf("seed %d: %d sales are in the age %d", seed, count, n)
			}
		}
		for week := range 8 {
			if !weeks[week] {
				t.Errorf("seed %d: no bill falls due in week %d", seed, week)
			}
		}
		var income, profit decimal.Decimal
		for id, sum := range books.earned(t, today.AddDate(-1, 0, 1), today) {
			profit = profit.Add(sum)
			if books.accounts[id].Class == "REVENUE" {
				income = income.Add(sum)
			}
		}
		if margin := profit.Mul(decimal.NewFromInt(100)).Div(income); margin.LessThan(decimal.NewFromInt(5)) || margin.GreaterThan(decimal.NewFromInt(35)) {
			t.Errorf("seed %d: a profit of %s on %s", seed, profit, income)
		}
	}
}

// A dashboard reads all that is open: it must not cost a dozen calls.
func TestTheOpenInvoicesOfTheBigOneFitIntoFewPages(t *testing.T) {
	a := newApp(t)
	if n := len(every[invoice](a, "Invoices", kauri, "Statuses=AUTHORISED")); n < 300 || n > 3000 {
		t.Errorf("%d invoices are open", n)
	}
}
