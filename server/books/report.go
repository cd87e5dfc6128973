package books

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// A report is as Xero arranges it: a header, then sections of rows. Titles and
// labels are the organisation's; only row types and attributes say what is what.
type report struct {
	ReportName string
	Rows       []reportRow
}

type reportRow struct {
	RowType string
	Title   string
	Cells   []reportCell
	Rows    []reportRow
}

type reportCell struct {
	Value      string
	Attributes []struct{ Value, Id string }
}

// account is the id of the account that a row is about, "" for sums.
func (r reportRow) account() string {
	if len(r.Cells) == 0 {
		return ""
	}
	for _, a := range r.Cells[0].Attributes {
		if strings.EqualFold(a.Id, "account") || strings.EqualFold(a.Id, "accountID") {
			return a.Value
		}
	}
	return ""
}

func (r reportRow) label() string {
	if len(r.Cells) == 0 {
		return ""
	}
	return strings.TrimSpace(r.Cells[0].Value)
}

// amounts are the cells after the label. An empty one is nothing.
func (r reportRow) amounts() ([]decimal.Decimal, error) {
	var all []decimal.Decimal
	for _, c := range r.Cells[min(1, len(r.Cells)):] {
		text := strings.TrimSpace(c.Value)
		if text == "" {
			all = append(all, decimal.Zero)
			continue
		}
		d, err := parseAmount(text)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (a *asking) report(ctx context.Context, name string, query url.Values) (report, error) {
	body, _, err := a.get(ctx, "Reports/"+name, query, time.Time{})
	if err != nil {
		return report{}, err
	}
	var answer struct{ Reports []report }
	if err := parse(body, &answer); err != nil {
		return report{}, unread(err)
	}
	if len(answer.Reports) != 1 {
		return report{}, unread(errors.New("not one report"))
	}
	return answer.Reports[0], nil
}

// readCash is the closing balance of each bank account on today: the last column of
// the bank summary, whatever columns an organisation with several currencies has in
// between.
func readCash(ctx context.Context, a *asking, today time.Time) (Cash, error) {
	r, err := a.report(ctx, "BankSummary", url.Values{
		"fromDate": {today.AddDate(0, 0, 1-today.Day()).Format(time.DateOnly)}, "toDate": {today.Format(time.DateOnly)},
	})
	if err != nil {
		return Cash{}, err
	}
	cash := Cash{}
	for _, section := range r.Rows {
		for _, row := range section.Rows {
			id := row.account()
			if id == "" {
				continue
			}
			amounts, err := row.amounts()
			if err != nil || len(amounts) == 0 {
				return Cash{}, unread(cmp.Or(err, errors.New("a bank account without a balance")))
			}
			balance := amounts[len(amounts)-1]
			cash.Accounts = append(cash.Accounts, CashAccount{ID: id, Name: row.label(), Balance: balance})
			cash.Total = cash.Total.Add(balance)
		}
	}
	return cash, nil
}

// readStatement is the profit and loss of a span.
func readStatement(ctx context.Context, a *asking, of span) (Statement, error) {
	r, err := a.report(ctx, "ProfitAndLoss", url.Values{
		"fromDate": {of.from.Format(time.DateOnly)}, "toDate": {of.to.Format(time.DateOnly)}, "standardLayout": {"true"},
	})
	if err != nil {
		return Statement{}, err
	}
	s := Statement{Title: r.ReportName, From: of.from, To: of.to}
	s.Lines, err = r.lines()
	return s, err
}

// readBalances is the balance sheet of the last day of a month. Its columns are that
// day and the same of last year.
func readBalances(ctx context.Context, a *asking, end time.Time) (Statement, error) {
	r, err := a.report(ctx, "BalanceSheet", url.Values{"date": {end.Format(time.DateOnly)}, "standardLayout": {"true"}})
	if err != nil {
		return Statement{}, err
	}
	for _, row := range r.Rows {
		if row.RowType != "Header" || len(row.Cells) < 2 {
			continue
		}
		if day, ok := monthOf(row.Cells[1].Value); ok && (day.Year() != end.Year() || day.Month() != end.Month()) {
			return Statement{}, unread(errors.New("a balance sheet of another month than was asked for"))
		}
	}
	s := Statement{Title: r.ReportName, To: end}
	s.Lines, err = r.lines()
	return s, err
}

// lines are the report's, with the first of its columns.
func (r report) lines() ([]StatementLine, error) {
	var lines []StatementLine
	for _, section := range r.Rows {
		if section.RowType != "Section" {
			continue
		}
		if title := strings.TrimSpace(section.Title); title != "" {
			lines = append(lines, StatementLine{Label: title, Heading: true})
		}
		for _, row := range section.Rows {
			amounts, err := row.amounts()
			if err != nil {
				return nil, unread(err)
			}
			line := StatementLine{Account: row.account(), Label: row.label(), Sum: row.account() == ""}
			if len(amounts) > 0 {
				line.Amount = decimal.NewNullDecimal(amounts[0])
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// monthsShown is how many calendar months Months are.
const monthsShown = 12

// readMonths asks for twelve calendar months at once. Xero moves both ends of the
// days that are given from period to period, so only from a month of 31 days are
// all the others whole ones. Where the present month is shorter, the one before is
// not: then that and the eleven before it are asked for at once, and the present
// one by itself.
func readMonths(ctx context.Context, a *asking, today time.Time) ([]Month, error) {
	present := today.AddDate(0, 0, 1-today.Day())
	if lastOf(present).Day() == 31 {
		return a.monthly(ctx, present, monthsShown)
	}
	before, err := a.monthly(ctx, present.AddDate(0, -1, 0), monthsShown-1)
	if err != nil {
		return nil, err
	}
	now, err := a.monthly(ctx, present, 1)
	return append(before, now...), err
}

func lastOf(month time.Time) time.Time { return month.AddDate(0, 1, -1) }

// monthly reads count months, the last of which begins with last.
func (a *asking) monthly(ctx context.Context, last time.Time, count int) ([]Month, error) {
	query := url.Values{
		"fromDate": {last.Format(time.DateOnly)}, "toDate": {lastOf(last).Format(time.DateOnly)}, "standardLayout": {"true"},
	}
	if count > 1 {
		query.Set("periods", strconv.Itoa(count-1))
		query.Set("timeframe", "MONTH")
	}
	r, err := a.report(ctx, "ProfitAndLoss", query)
	if err != nil {
		return nil, err
	}
	income, costs, err := r.sums(count)
	if err != nil {
		return nil, unread(err)
	}
	order, err := r.columns(last, count)
	if err != nil {
		return nil, unread(err)
	}
	months := make([]Month, count)
	for column, at := range order {
		months[at] = Month{
			First:  last.AddDate(0, 1+at-count, 0),
			Income: income[column], Costs: costs[column], Profit: income[column].Sub(costs[column]),
		}
	}
	return months, nil
}

// columns says which month, counted from the first, each column is, by its heading.
// Headings that cannot be read as days stand for the newest month first.
func (r report) columns(last time.Time, count int) ([]int, error) {
	order := make([]int, count)
	for n := range order {
		order[n] = count - 1 - n
	}
	at := slices.IndexFunc(r.Rows, func(row reportRow) bool { return row.RowType == "Header" })
	if at < 0 || len(r.Rows[at].Cells) != count+1 {
		return nil, errors.New("a report with other columns than were asked for")
	}
	read := make([]int, count)
	for n, cell := range r.Rows[at].Cells[1:] {
		month, ok := monthOf(cell.Value)
		if !ok {
			return order, nil
		}
		read[n] = count - 1 - ((last.Year()-month.Year())*12 + int(last.Month()-month.Month()))
	}
	sorted := slices.Clone(read)
	slices.Sort(sorted)
	for n, month := range sorted {
		if month != n {
			return nil, errors.New("a report with other months than were asked for")
		}
	}
	return read, nil
}

// monthOf reads a heading: its last words are the last day, or the month.
func monthOf(heading string) (time.Time, bool) {
	words := strings.Fields(strings.ReplaceAll(heading, "-", " "))
	for count := min(3, len(words)); count >= 2; count-- {
		text := strings.Join(words[len(words)-count:], " ")
		for _, layout := range []string{"2 Jan 06", "2 Jan 2006", "2 January 2006", "Jan 2006", "Jan 06", "January 2006"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// sums are income and costs in each column.
//
// A section with accounts is either, and nothing but its title, which is a
// language's and a layout's, says which. But each adds to the net profit in the
// last line or takes from it, in every column: the one way of signs that fits is the
// answer. Titles only say which way is tried first, where several would fit.
func (r report) sums(columns int) (income, costs []decimal.Decimal, err error) {
	var (
		totals [][]decimal.Decimal // of the sections
		less   []bool
		net    []decimal.Decimal
	)
	for _, section := range r.Rows {
		if section.RowType != "Section" || len(section.Rows) == 0 {
			continue
		}
		total, group, err := section.total(columns)
		if err != nil {
			return nil, nil, err
		}
		if group {
			title := strings.ToLower(strings.TrimSpace(section.Title))
			totals, less = append(totals, total), append(less, strings.HasPrefix(title, "less") || strings.Contains(title, "expense"))
		} else {
			net = total
		}
	}
	zeros := make([]decimal.Decimal, columns)
	if net == nil {
		if len(totals) > 0 {
			return nil, nil, errors.New("a profit and loss report without a net profit")
		}
		return zeros, zeros, nil // an organisation in which nothing has happened
	}
	const most = 12
	if len(totals) > most {
		return nil, nil, errors.New("a profit and loss report of many sections")
	}
	// turned has a bit for each section whose title is not believed.
	for _, turned := range byOnes(len(totals)) {
		income, costs = slices.Clone(zeros), slices.Clone(zeros)
		for n, total := range totals {
			into := income
			if less[n] != (turned>>n&1 == 1) {
				into = costs
			}
			for column := range total {
				into[column] = into[column].Add(total[column])
			}
		}
		fits := true
		for column := range net {
			fits = fits && income[column].Sub(costs[column]).Equal(net[column])
		}
		if fits {
			return income, costs, nil
		}
	}
	return nil, nil, errors.New("a profit and loss report whose sections do not come to its net profit")
}

// byOnes are the numbers of so many bits, those with fewer ones first.
func byOnes(bits int) []int {
	all := make([]int, 1<<bits)
	for n := range all {
		all[n] = n
	}
	ones := func(n int) (count int) {
		for ; n > 0; n &= n - 1 {
			count++
		}
		return count
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(ones(a), ones(b)) })
	return all
}

// total is what a section comes to, and whether it is a group of accounts: else it
// is a result of those above it.
func (section reportRow) total(columns int) (total []decimal.Decimal, group bool, err error) {
	total = make([]decimal.Decimal, columns)
	for _, row := range section.Rows {
		amounts, err := row.amounts()
		if err != nil {
			return nil, false, err
		}
		if len(amounts) != columns {
			return nil, false, errors.New("a row with other columns than were asked for")
		}
		if row.RowType == "SummaryRow" {
			return amounts, true, nil
		}
		group = group || row.account() != ""
		for n, d := range amounts {
			total[n] = total[n].Add(d)
		}
	}
	return total, group, nil
}
