package server

import (
	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/chart"
)

func dueChart(weeks []books.Week, h books.Habits) chart.Bars {
	in, out := chart.Series{Name: words.Say("dashboard.due.in"), Class: "in"}, chart.Series{Name: words.Say("dashboard.due.out"), Class: "out", Down: true}
	b := chart.Bars{ID: "due", Title: words.Say("dashboard.due.title"), Over: words.Say("dashboard.due.week"), Say: h.Money}
	for _, w := range weeks {
		first, last := h.ShortDay(w.From), h.ShortDay(w.To)
		b.Periods = append(b.Periods, chart.Period{Label: first, Name: words.Say("dashboard.due.days", "From", first, "To", last)})
		in.Values, out.Values = append(in.Values, w.In), append(out.Values, w.Out)
	}
	b.Series = []chart.Series{in, out}
	b.Desc = words.Say("dashboard.due.summary", "In", h.Money(sum(in.Values)), "Out", h.Money(sum(out.Values)))
	return b
}

func monthsChart(months []books.Month, h books.Habits) chart.Bars {
	income, costs := chart.Series{Name: words.Say("dashboard.months.income"), Class: "in"}, chart.Series{Name: words.Say("dashboard.months.costs"), Class: "costs"}
	b := chart.Bars{ID: "months", Title: words.Say("dashboard.months.title"), Over: words.Say("dashboard.months.month"), Say: h.Money}
	for i, m := range months {
		name := m.First.Format("January 2006")
		if i == len(months)-1 {
			name = words.Say("dashboard.months.so-far", "Month", name)
		}
		b.Periods = append(b.Periods, chart.Period{Label: m.First.Format("January")[:1], Name: name})
		income.Values, costs.Values = append(income.Values, m.Income), append(costs.Values, m.Costs)
	}
	b.Series = []chart.Series{income, costs}
	b.Desc = words.Say("dashboard.months.summary", "Income", h.Money(sum(income.Values)), "Costs", h.Money(sum(costs.Values)))
	return b
}

func sum(amounts []decimal.Decimal) (total decimal.Decimal) {
	for _, amount := range amounts {
		total = total.Add(amount)
	}
	return total
}

func somethingDue(weeks []books.Week) bool {
	for _, w := range weeks {
		if !w.In.IsZero() || !w.Out.IsZero() {
			return true
		}
	}
	return false
}

func somethingEarned(months []books.Month) bool {
	for _, m := range months {
		if !m.Income.IsZero() || !m.Costs.IsZero() {
			return true
		}
	}
	return false
}
