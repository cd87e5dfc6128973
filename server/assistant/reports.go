package assistant

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
)

type (
	profitIn struct {
		whose
		between
		paged
	}
	statementOut struct {
		about
		Title string `json:"title"`
		From  string `json:"from,omitempty"`
		To    string `json:"to"`
		pages
		Lines []statementLine `json:"lines" jsonschema:"in the order of the report"`
	}
	statementLine struct {
		Label  string `json:"label"`
		Kind   string `json:"kind" jsonschema:"heading (no amount), line or sum"`
		Amount string `json:"amount" jsonschema:"in base currency; empty for a heading"`
	}

	bankIn  struct{ whose }
	bankOut struct {
		about
		Total    string        `json:"total" jsonschema:"in base currency"`
		Accounts []bankAccount `json:"accounts"`
	}
	bankAccount struct {
		ID      string `json:"account_id"`
		Name    string `json:"name"`
		Balance string `json:"balance" jsonschema:"what the books say, not the bank, in base currency"`
	}

	ageingIn struct {
		whose
		Side string `json:"side" jsonschema:"owed_to_us (customers) or we_owe (suppliers)"`
		paged
	}
	ageingOut struct {
		about
		Side  string   `json:"side"`
		All   debts    `json:"all" jsonschema:"of all contacts"`
		Left  int      `json:"without_rate" jsonschema:"invoices in a foreign currency without a rate, which are in no sum"`
		Mixed []string `json:"converted_from" jsonschema:"foreign currencies that were converted, each at its invoice's own rate"`
		pages
		Contacts []debtor `json:"contacts" jsonschema:"the largest first"`
	}
	debts struct {
		Invoices int    `json:"invoices"`
		Total    string `json:"total"`
		Current  string `json:"not_yet_due"`
		To30     string `json:"days_1_to_30"`
		To60     string `json:"days_31_to_60"`
		To90     string `json:"days_61_to_90"`
		Over90   string `json:"days_over_90"`
	}
	debtor struct {
		ID   string `json:"contact_id"`
		Name string `json:"contact_name"`
		debts
	}

	outlookIn  struct{ whose }
	outlookOut struct {
		about
		Cash    string   `json:"cash_now" jsonschema:"what the books say is in the bank"`
		Weeks   []week   `json:"weeks" jsonschema:"eight, the first begins today"`
		LateIn  string   `json:"overdue_owed_to_us" jsonschema:"late already, and in no week"`
		LateOut string   `json:"overdue_we_owe" jsonschema:"late already, and in no week"`
		Months  []month  `json:"months" jsonschema:"income and costs of the last twelve, the present one last; null where they cannot be read"`
		Trouble *Problem `json:"months_problem,omitempty"`
		Method  string   `json:"method"`
	}
	week struct {
		From     string `json:"from"`
		To       string `json:"to"`
		In       string `json:"in"`
		Out      string `json:"out"`
		Net      string `json:"net"`
		Expected string `json:"expected_cash" jsonschema:"at the end of the week, if all is paid when due"`
	}
	month struct {
		Month  string `json:"month"`
		Income string `json:"income"`
		Costs  string `json:"costs"`
		Profit string `json:"profit"`
	}
)

func (a *asking) addReports() {
	reads(a, true, mcp.Tool{
		Name: "profit_and_loss", Title: "Profit and loss",
		Description: "Xero's profit and loss report between two days at most a year apart, line by line. Sums are Xero's own.",
	}, a.profit)
	reads(a, true, mcp.Tool{
		Name: "bank_summary", Title: "Bank summary",
		Description: "Each bank account with what the books say is in it today, and the total.",
	}, a.bank)
	reads(a, true, mcp.Tool{
		Name: "ageing", Title: "Ageing",
		Description: "What customers owe, or what the organisation owes suppliers, by days past due: in all, and by contact in pages. Credits that were not set against an invoice are not taken off.",
	}, a.ageing)
	reads(a, true, mcp.Tool{
		Name: "cash_flow_outlook", Title: "Cash-flow outlook",
		Description: "Cash now, what falls due in and out in each of the next eight weeks, and income and costs of the last twelve months.",
	}, a.outlook)
}

func (a *asking) profit(ctx context.Context, in profitIn) (out statementOut, err error) {
	l, from, to, err := a.openBetween(ctx, in.Organisation, in.between)
	if err != nil {
		return out, err
	}
	if to.After(from.AddDate(1, 0, 0)) {
		return out, wrong(words.Say("assistant.a-year"), words.Say("assistant.shorter"))
	}
	return a.statement(l, l.ProfitAndLoss(ctx, from, to, age), in.paged)
}

func (a *asking) statement(l *ledger, r books.Reading[books.Statement], p paged) (out statementOut, err error) {
	if out.about, err = a.about(l, known(r)); err != nil {
		return out, err
	}
	type numbered struct {
		books.StatementLine
		n int
	}
	var all []numbered
	for n, one := range r.Value.Lines {
		all = append(all, numbered{one, n})
	}
	out.Title, out.From, out.To = said(r.Value.Title), day(r.Value.From), day(r.Value.To)
	out.Lines, out.pages, err = cut(all, func(l numbered) string { return strconv.Itoa(l.n) }, p, func(one numbered) statementLine {
		shown := statementLine{Label: said(one.Label), Kind: "line"}
		switch {
		case one.Heading:
			shown.Kind = "heading"
		case one.Sum:
			shown.Kind = "sum"
		}
		if one.Amount.Valid {
			shown.Amount = amount(one.Amount.Decimal, l.settings.Base)
		}
		return shown
	})
	return out, err
}

func (a *asking) bank(ctx context.Context, in bankIn) (out bankOut, err error) {
	l, cash, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).Cash)
	if err != nil {
		return out, err
	}
	out.Total, out.Accounts = amount(cash.Total, l.settings.Base), []bankAccount{}
	for _, one := range cash.Accounts {
		out.Accounts = append(out.Accounts, bankAccount{one.ID, said(one.Name), amount(one.Balance, l.settings.Base)})
	}
	return out, nil
}

func (a *asking) ageing(ctx context.Context, in ageingIn) (out ageingOut, err error) {
	if err := oneOf("side", in.Side, "owed_to_us", "we_owe"); err != nil {
		return out, err
	}
	l, open, err := begin(ctx, a, in.Organisation, &out.about, (*ledger).OpenInvoices)
	if err != nil {
		return out, err
	}
	sales := in.Side != "we_owe"
	all := l.settings.Debts(open, sales, l.today)
	out.Side, out.All, out.Left, out.Mixed = in.Side, l.debts(all), all.Foreign.Unknown, append([]string{}, all.Foreign.Currencies...)
	type owing struct {
		id, name string
		books.Debts
	}
	byContact := map[string][]books.Invoice{}
	for _, i := range open {
		if i.Sale() == sales {
			byContact[i.ContactID] = append(byContact[i.ContactID], i)
		}
	}
	var each []owing
	for id, theirs := range byContact {
		if sum := l.settings.Debts(theirs, sales, l.today); sum.Count > 0 {
			each = append(each, owing{id, theirs[0].ContactName, sum})
		}
	}
	slices.SortFunc(each, func(x, y owing) int { return cmp.Or(y.Total.Cmp(x.Total), strings.Compare(x.id, y.id)) })
	out.Contacts, out.pages, err = cut(each, func(o owing) string { return o.id }, in.paged, func(o owing) debtor {
		return debtor{o.id, said(o.name), l.debts(o.Debts)}
	})
	return out, err
}

func (l *ledger) debts(d books.Debts) debts {
	write := func(d decimal.Decimal) string { return amount(d, l.settings.Base) }
	return debts{d.Count, write(d.Total), write(d.Bands[0]), write(d.Bands[1]), write(d.Bands[2]), write(d.Bands[3]), write(d.Bands[4])}
}

func (a *asking) outlook(ctx context.Context, in outlookIn) (out outlookOut, err error) {
	l, err := a.open(ctx, in.Organisation)
	if err != nil {
		return out, err
	}
	d := l.Dashboard(ctx, age)
	if out.about, err = a.about(l, known(d.Cash), known(d.Due)); err != nil {
		return out, err
	}
	write := func(d decimal.Decimal) string { return amount(d, l.settings.Base) }
	expected := d.Cash.Value.Total
	out.Cash, out.Weeks = write(expected), []week{}
	for _, w := range d.Due.Value {
		net := w.In.Sub(w.Out)
		expected = expected.Add(net)
		out.Weeks = append(out.Weeks, week{day(w.From), day(w.To), write(w.In), write(w.Out), write(net), write(expected)})
	}
	out.LateIn, out.LateOut = write(d.Owed.Value.Overdue), write(d.Owing.Value.Overdue)
	out.Method = "Approved invoices and bills by due date. Repeating entries, wages, taxes, drafts and what is late already are not in it."
	if d.Months.Trouble != nil {
		p := a.problem(d.Months.Trouble)
		out.Trouble = &p
	}
	if !d.Months.At.IsZero() {
		out.Months = []month{}
		for _, m := range d.Months.Value {
			out.Months = append(out.Months, month{m.First.Format("2006-01"), write(m.Income), write(m.Costs), write(m.Profit)})
		}
	}
	return out, nil
}
