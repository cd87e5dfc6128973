package server

import (
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
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
	By, Month string // "4 %", "September"
}

func cashFigure(r books.Reading[books.Cash], h books.Habits, here string, now time.Time) figure {
	return figure{
		card: cardOf(r, here, now), Title: words.Say("dashboard.figure.cash"), Amount: h.Money(r.Value.Total),
		Sub: words.Say("dashboard.figure.accounts", "N", len(r.Value.Accounts)),
	}
}

func debtFigure(r books.Reading[books.Debts], h books.Habits, here string, now time.Time) figure {
	f := figure{card: cardOf(r, here, now), Amount: h.Money(r.Value.Total)}
	if r.Value.OverdueCount > 0 {
		f.Late = words.Say("dashboard.figure.late", "Amount", h.Money(r.Value.Overdue))
	}
	return f
}

// profitFigure is the last full month's, beside the one before.
func profitFigure(r books.Reading[[]books.Month], h books.Habits, here string, now time.Time) figure {
	f := figure{card: cardOf(r, here, now), Title: words.Say("dashboard.figure.profit")}
	if f.Known && len(r.Value) < 3 {
		f.Empty = words.Say("dashboard.figure.no-month")
	}
	if len(r.Value) < 3 {
		return f
	}
	last, before := r.Value[len(r.Value)-2], r.Value[len(r.Value)-3]
	f.Title = words.Say("dashboard.figure.profit-in", "Month", last.First.Month())
	if last.Profit.IsNegative() {
		f.Title = words.Say("dashboard.figure.loss-in", "Month", last.First.Month())
	}
	f.Amount = h.Money(last.Profit)
	difference := last.Profit.Sub(before.Profit)
	month := before.First.Month().String()
	if difference.IsZero() {
		f.Sub = words.Say("dashboard.figure.as-before", "Month", month)
		return f
	}
	f.Change = &change{Up: difference.IsPositive(), By: h.Money(difference.Abs()), Month: month}
	// A part of a loss, or of next to nothing, says nothing.
	if before.Profit.IsPositive() && last.Profit.IsPositive() {
		if part := difference.Abs().Shift(2).DivRound(before.Profit, 0); part.LessThan(decimal.NewFromInt(1000)) {
			f.Change.By = part.String() + " %"
		}
	}
	return f
}
