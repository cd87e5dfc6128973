package server

import (
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/books"
)

// figure is a card with one big amount.
type figure struct {
	card
	Title, Amount string
	Sub, Late     string
	Change        *change
}

// change is a figure beside the one of the month before.
type change struct {
	Up        bool
	By, Since string // "4 %", "on September"
}

func cashFigure(r books.Reading[books.Cash], h books.Habits, here string, now time.Time) figure {
	return figure{
		card: cardOf(r, here, now), Title: "Cash in bank", Amount: h.Money(r.Value.Total),
		Sub: count(len(r.Value.Accounts), "account", "accounts") + " · books, not the bank's own balance",
	}
}

func debtFigure(r books.Reading[books.Debts], h books.Habits, here string, now time.Time) figure {
	f := figure{card: cardOf(r, here, now), Amount: h.Money(r.Value.Total)}
	if r.Value.OverdueCount > 0 {
		f.Late = h.Money(r.Value.Overdue) + " overdue"
	}
	return f
}

// profitFigure is the last full month's, beside the one before.
func profitFigure(r books.Reading[[]books.Month], h books.Habits, here string, now time.Time) figure {
	f := figure{card: cardOf(r, here, now), Title: "Profit last month"}
	if f.Known && len(r.Value) < 3 {
		f.Empty = "There is no full month yet."
	}
	if len(r.Value) < 3 {
		return f
	}
	last, before := r.Value[len(r.Value)-2], r.Value[len(r.Value)-3]
	f.Title = "Profit in " + last.First.Month().String()
	if last.Profit.IsNegative() {
		f.Title = "Loss in " + last.First.Month().String()
	}
	f.Amount = h.Money(last.Profit)
	difference := last.Profit.Sub(before.Profit)
	month := before.First.Month().String()
	if difference.IsZero() {
		f.Sub = "as in " + month + " · whole month"
		return f
	}
	f.Change = &change{Up: difference.IsPositive(), By: h.Money(difference.Abs()), Since: "on " + month + " · whole month"}
	// A part of a loss, or of next to nothing, says nothing.
	if before.Profit.IsPositive() && last.Profit.IsPositive() {
		if part := difference.Abs().Shift(2).DivRound(before.Profit, 0); part.LessThan(decimal.NewFromInt(1000)) {
			f.Change.By = part.String() + " %"
		}
	}
	return f
}
