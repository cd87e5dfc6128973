package xerosim

import "fmt"

// Tally is the name of the organisation of TallyBooks.
const Tally = "Tally & Daughters Ltd"

// TallyBooks are small books, typed so that everything they come to can be
// reckoned in the head. Base currency NZD; dates of invoices are the first of a
// month, so that a month's sums are the same on every day of it.
//
// Owed to the organisation, 13 open invoices, by days after they fell due:
//
//	current  116.00 = 115 (S-1) + 1 (D0)
//	1–30     202.50 = 200 (S-2: 230 less 30 paid) + 0.50 (D1) + 2 (D30)
//	31–60    472.00 = 460 (S-3) + 4 (D31) + 8 (D60)
//	61–90    548.00 = 500 (S-4: USD 300 / 0.6) + 16 (D61) + 32 (D90)
//	90+      156.00 = 92 (S-5) + 64 (D91)
//	total   1494.50, overdue 1378.50 by 11 of them; the largest ten are
//	        S-4, S-3, S-2, S-5, D91, D90, D61, D60, D31, D30, without D1
//
// Owed by it, 7 open bills: current 230.00 = 115 (B-1) + 1 + 2 + 4 + 8 (E6, E7,
// E55, E56) + 100 (B-3: AUD 90 / 0.9), 1–30 230.00 (B-2), total 460.00.
//
// Due within eight weeks of seven days, the first beginning today:
//
//	1: in 1 (D0), out 116 = 115 (B-1) + 1 (E6)   2: in 115 (S-1), out 2 (E7)
//	3: out 100 (B-3)   8: out 4 (E55)            4 to 7: nothing; E56 is too late
//
// In the bank 7525.00: Cheque 1835.00 = 1000 + 30 (S-2) + 1150 (S-6) - 345 (B-4),
// Savings 5690.00 = 5000 + 690 (S-0).
//
// Income and costs by month, this one first, net of tax:
//
//	 0: 100 (S-1)    100 (B-1, cost of sales)
//	-1: 200 (S-2)    200 (B-2, rent)
//	-2: 1000 (S-6)   300 (B-4, cost of sales)
//	-3: 400 (S-3)    0
//	-4: 500 (S-4)    100 (B-3, consulting)
//	-5: 80 (S-5)     0
//	-6: 127.50 (D…)  15 (E…, general expenses)
//	-7 to -11: 0     0
//
// Of three bank transactions two, of 40.00, take each other away, and one is voided.
//
// twelve months 2407.50 - 715.00 = 1692.50; S-0 is of the month before them. A
// draft, one submitted and a voided invoice count nowhere.
func TallyBooks() Ledger {
	l := Ledger{
		Name: Tally,
		Banks: []LedgerBank{
			{Name: "Cheque", Code: "090", Number: "0199990000001000", Opening: "1000"},
			{Name: "Savings", Code: "091", Number: "0199990000001001", Opening: "5000"},
		},
		Contacts: []LedgerContact{
			{Name: "Alder & Sons", Number: "C-1", Email: "pay@alder.example"}, {Name: "Birch Ltd"}, {Name: "Cedar Inc", Currency: "USD"},
			{Name: "Dogwood Supplies"}, {Name: "Elm Property", Currency: "AUD"}, {Name: "Fir (closed)", Archived: true},
		},
		Invoices: []LedgerInvoice{
			sale("S-0", "Alder & Sons", -12, -330, "", "600", "90"),
			sale("S-1", "Alder & Sons", 0, 10, "", "100", "15"),
			sale("S-2", "Birch Ltd", -1, -15, "", "200", "30"),
			sale("S-3", "Birch Ltd", -3, -45, "", "400", "60"),
			{Type: "ACCREC", Number: "S-4", Contact: "Cedar Inc", Months: -4, MonthDay: 1, DueDays: -70, Currency: "USD", Rate: "0.6",
				Lines: []LedgerLine{{Account: "200", Net: "300"}}},
			sale("S-5", "Alder & Sons", -5, -120, "", "80", "12"),
			sale("S-6", "Alder & Sons", -2, -30, "", "1000", "150"),
			sale("S-7", "Birch Ltd", 0, 14, "DRAFT", "999", "0"),
			sale("S-8", "Birch Ltd", -1, -3, "VOIDED", "777", "0"),

			bill("B-1", "Dogwood Supplies", 0, 3, "", "310", "100", "15"),
			bill("B-2", "Elm Property", -1, -5, "", "469", "200", "30"),
			{Type: "ACCPAY", Number: "B-3", Contact: "Elm Property", Months: -4, MonthDay: 1, DueDays: 20, Currency: "AUD", Rate: "0.9",
				Lines: []LedgerLine{{Account: "412", Net: "90"}}},
			bill("B-4", "Dogwood Supplies", -2, -15, "", "310", "300", "45"),
			bill("B-5", "Dogwood Supplies", 0, 9, "SUBMITTED", "310", "555", "0"),
		},
		Payments: []LedgerPayment{
			{Invoice: "S-0", Bank: "Savings", Days: -330, Amount: "690"},
			{Invoice: "S-2", Bank: "Cheque", Days: -12, Amount: "30"},
			{Invoice: "S-6", Bank: "Cheque", Days: -20, Amount: "1150"},
			{Invoice: "B-4", Bank: "Cheque", Days: -15, Amount: "345"},
		},
		Money: []LedgerMoney{
			{Type: "SPEND", Bank: "Cheque", Contact: "Alder & Sons", Days: -10, Account: "970", Net: "40", Reference: "Lent to the owner"},
			{Type: "RECEIVE", Bank: "Cheque", Contact: "Alder & Sons", Days: -10, Account: "970", Net: "40", Unreconciled: true},
			{Type: "SPEND", Bank: "Savings", Contact: "Alder & Sons", Days: -10, Account: "404", Net: "11.50", Status: "VOIDED"},
		},
	}
	// On each side of every border between ages and weeks is one, of twice the
	// amount of the one before.
	for n, late := range []int{1, 0, 30, 31, 60, 61, 90, 91} {
		l.Invoices = append(l.Invoices, sale(fmt.Sprintf("D%d", late), "Alder & Sons", -6, -late, "",
			[]string{"0.50", "1", "2", "4", "8", "16", "32", "64"}[n], "0"))
	}
	for n, early := range []int{6, 7, 55, 56} {
		l.Invoices = append(l.Invoices, bill(fmt.Sprintf("E%d", early), "Dogwood Supplies", -6, early, "", "429", []string{"1", "2", "4", "8"}[n], "0"))
	}
	return l
}

func sale(number, contact string, months, due int, status, net, tax string) LedgerInvoice {
	return LedgerInvoice{Type: "ACCREC", Number: number, Contact: contact, Months: months, MonthDay: 1, DueDays: due, Status: status,
		Lines: []LedgerLine{{Account: "200", Net: net, Tax: tax}}}
}

func bill(number, contact string, months, due int, status, account, net, tax string) LedgerInvoice {
	return LedgerInvoice{Type: "ACCPAY", Number: number, Contact: contact, Months: months, MonthDay: 1, DueDays: due, Status: status,
		Lines: []LedgerLine{{Account: account, Net: net, Tax: tax}}}
}
