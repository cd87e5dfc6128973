package chart

import (
	"fmt"
	"html/template"

	"github.com/shopspring/decimal"
)

// Stack is the parts of a sum, one behind the other in a line.
type Stack struct {
	ID          string // of the chart in its page
	Title, Desc string // for who does not see it
	Parts       []Part
	Say         func(decimal.Decimal) string // writes an amount in full
}

// A Part is one of them. One that is not above zero has no place in the line.
type Part struct {
	Name, Class string
	Value       decimal.Decimal
}

const stackHeight = 12

// SVG draws the line; without any part it is empty.
func (s Stack) SVG() template.HTML {
	var total decimal.Decimal
	for _, part := range s.Parts {
		total = total.Add(decimal.Max(part.Value, decimal.Zero))
	}
	var svg drawing
	svg.open("stack", s.ID, s.Title, s.Desc, stackHeight)
	svg.add(`<rect class="track" width="100%%" height="%d"/>`, stackHeight)
	var before decimal.Decimal
	for _, part := range s.Parts {
		if !part.Value.IsPositive() {
			continue
		}
		from, to := percent(before, total), percent(before.Add(part.Value), total)
		svg.add(`<rect class="part %s" x="%s%%" width="%s%%" height="%d"><title>%s</title></rect>`,
			escaped(part.Class), number(from), number(to-from), stackHeight, escaped(fmt.Sprintf("%s: %s", part.Name, s.Say(part.Value))))
		if before.IsPositive() { // so that the parts stay apart without their colours
			svg.add(`<line class="gap" x1="%s%%" x2="%s%%" y1="0" y2="%d"/>`, number(from), number(from), stackHeight)
		}
		before = before.Add(part.Value)
	}
	return svg.close()
}

func percent(part, total decimal.Decimal) float64 {
	return part.Shift(2).Div(total).InexactFloat64()
}
