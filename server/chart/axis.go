package chart

import (
	"strings"

	"github.com/shopspring/decimal"
)

// An axis goes from low to high, both multiples of step.
type axis struct {
	low, high, step decimal.Decimal
}

// mostLines is how many lines a chart has at most, the zero line among them.
const mostLines = 6

// axisOf fits least and most, and zero, with as many lines as there may be. Steps
// are 1, 2, 2.5 or 5 times a power of ten. With nothing to show there is the zero
// line and one above it.
func axisOf(least, most decimal.Decimal) axis {
	least, most = decimal.Min(least, decimal.Zero), decimal.Max(most, decimal.Zero)
	span := most.Sub(least)
	if span.IsZero() {
		return axis{high: decimal.NewFromInt(1), step: decimal.NewFromInt(1)}
	}
	// A step below a tenth of the span gives too many lines: begin there.
	exponent := int32(span.NumDigits()) + span.Exponent() - 3
	for ; ; exponent++ {
		for _, digits := range []int64{10, 20, 25, 50} {
			step := decimal.New(digits, exponent)
			low, high := least.Div(step).Floor(), most.Div(step).Ceil()
			if lines := high.Sub(low).IntPart() + 1; lines <= mostLines {
				return axis{low.Mul(step), high.Mul(step), step}
			}
		}
	}
}

// lines are the amounts that have a line, the lowest first.
func (a axis) lines() []decimal.Decimal {
	var all []decimal.Decimal
	for at := a.low; at.LessThanOrEqual(a.high); at = at.Add(a.step) {
		all = append(all, at)
	}
	return all
}

// part is how far amount is from high towards low, 0 to 1.
func (a axis) part(amount decimal.Decimal) float64 {
	return a.high.Sub(amount).Div(a.high.Sub(a.low)).InexactFloat64()
}

// short writes an amount on an axis: "0", "250", "10k", "−1.5m".
func short(amount decimal.Decimal) string {
	unit, size := "", amount.Abs()
	for _, u := range []struct {
		digits int32
		name   string
	}{{9, "bn"}, {6, "m"}, {3, "k"}} {
		if size.GreaterThanOrEqual(decimal.New(1, u.digits)) {
			unit, amount = u.name, amount.Shift(-u.digits)
			break
		}
	}
	return strings.Replace(amount.String(), "-", "−", 1) + unit
}
