// Package chart draws money as SVG: bars for periods, and one stacked line for the
// parts of a sum.
//
// What it writes has attributes and classes only, since our pages allow no style in
// a mark; how things look is the style sheet's. Widths are percentages and heights
// pixels, so that a chart fits any page and its words keep their size. To the left
// of the zero line's start the style sheet leaves room for the axis (padding-left,
// with overflow visible).
//
// Kept libraries were tried and left: they write style attributes on every mark.
package chart
