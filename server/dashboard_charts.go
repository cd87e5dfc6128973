package server

import (
	"strings"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
	"financial-command-center/server/chart"
)

func dueChart(weeks []books.Week, h books.Habits) chart.Bars {
	in, out := chart.Series{Name: "In", Class: "in"}, chart.Series{Name: "Out", Class: "out", Down: true}
	b := chart.Bars{ID: "due", Title: "What falls due, next eight weeks", Over: "Week", Say: h.Money}
	for _, w := range weeks {
		b.Periods = append(b.Periods, chart.Period{Label: h.ShortDay(w.From), Name: h.ShortDay(w.From) + " to " + h.ShortDay(w.To)})
		in.Values, out.Values = append(in.Values, w.In), append(out.Values, w.Out)
	}
	b.Series = []chart.Series{in, out}
	b.Desc = "In " + h.Money(sum(in.Values)) + " and out " + h.Money(sum(out.Values)) + " in all, by week."
	return b
}

func monthsChart(months []books.Month, h books.Habits) chart.Bars {
	income, costs := chart.Series{Name: "Income", Class: "in"}, chart.Series{Name: "Costs", Class: "costs"}
	b := chart.Bars{ID: "months", Title: "Income and costs, twelve months", Over: "Month", Say: h.Money}
	for i, m := range months {
		name := m.First.Format("January 2006")
		if i == len(months)-1 {
			name += ", so far"
		}
		b.Periods = append(b.Periods, chart.Period{Label: m.First.Format("January")[:1], Name: name})
		income.Values, costs.Values = append(income.Values, m.Income), append(costs.Values, m.Costs)
	}
	b.Series = []chart.Series{income, costs}
	b.Desc = strings.Join([]string{"Income", h.Money(sum(income.Values)), "and costs", h.Money(sum(costs.Values)), "in all, by month."}, " ")
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
