package chart_test

import (
	"encoding/xml"
	"html/template"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"financial-command-center/server/chart"
)

func decs(texts ...string) (all []decimal.Decimal) {
	for _, text := range texts {
		all = append(all, decimal.RequireFromString(text))
	}
	return all
}

func say(d decimal.Decimal) string { return "NZ$ " + d.StringFixed(2) }

// A mark is an element of a drawing, with its text.
type mark struct {
	name, text string
	at         map[string]string
}

func (m mark) number(t *testing.T, name string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(m.at[name], "%"), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		t.Fatalf("%s of %v is no number", name, m)
	}
	return n
}

// marks reads a drawing, which must be XML without anything that our pages' policy
// forbids.
func marks(t *testing.T, svg template.HTML) (all []mark) {
	t.Helper()
	var open []int
	decoder := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			m := mark{name: e.Name.Local, at: map[string]string{}}
			for _, a := range e.Attr {
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
					t.Errorf("<%s> has %s", m.name, a.Name.Local)
				}
				m.at[a.Name.Local] = a.Value
			}
			if m.name == "style" || m.name == "script" {
				t.Errorf("there is a <%s>", m.name)
			}
			all = append(all, m)
			open = append(open, len(all)-1)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				all[i].text += string(e)
			}
		}
	}
}

func withClass(all []mark, class string) (found []mark) {
	for _, m := range all {
		if strings.Contains(" "+m.at["class"]+" ", " "+class+" ") {
			found = append(found, m)
		}
	}
	return found
}

func bars(down bool, series ...[]decimal.Decimal) chart.Bars {
	b := chart.Bars{ID: "x", Title: "Title", Desc: "Desc", Over: "Week", Say: say}
	for i, values := range series {
		b.Series = append(b.Series, chart.Series{Name: []string{"In", "Out"}[i], Class: []string{"in", "out"}[i], Values: values, Down: down && i == 1})
	}
	for i := range series[0] {
		name := strconv.Itoa(i + 1)
		b.Periods = append(b.Periods, chart.Period{Label: name, Name: "Week " + name})
	}
	return b
}

// scale is pixels for one unit, and where zero is, read off the axis' own labels.
func scale(t *testing.T, all []mark) (unit, zero float64) {
	t.Helper()
	labels := withClass(all, "axis")
	if len(labels) < 2 || len(labels) > 6 {
		t.Fatalf("%d lines", len(labels))
	}
	value := func(m mark) float64 {
		text := strings.Replace(m.text, "−", "-", 1)
		by := 1.0
		for suffix, size := range map[string]float64{"k": 1e3, "m": 1e6, "bn": 1e9} {
			if rest, ok := strings.CutSuffix(text, suffix); ok {
				text, by = rest, size
			}
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("the axis says %q", m.text)
		}
		return n * by
	}
	first, last := labels[0], labels[len(labels)-1]
	unit = (first.number(t, "y") - last.number(t, "y")) / (value(last) - value(first))
	zeros := withClass(all, "zero")
	if len(zeros) != 1 {
		t.Fatalf("%d zero lines", len(zeros))
	}
	return unit, zeros[0].number(t, "y1")
}

func TestBarsAreAsHighAsTheirAmounts(t *testing.T) {
	for name, c := range map[string]struct {
		down   bool
		series [][]decimal.Decimal
	}{
		"in and out":    {true, [][]decimal.Decimal{decs("18120", "9200.40", "0", "22000"), decs("7300", "12800", "5400", "0")}},
		"two beside":    {false, [][]decimal.Decimal{decs("62000", "58000", "90000"), decs("48000", "51000.55", "66520")}},
		"negative":      {false, [][]decimal.Decimal{decs("-1200", "500", "-3.5")}},
		"all negative":  {false, [][]decimal.Decimal{decs("-10", "-20")}},
		"a credit out":  {true, [][]decimal.Decimal{decs("100"), decs("-40")}},
		"one":           {false, [][]decimal.Decimal{decs("7")}},
		"cents":         {false, [][]decimal.Decimal{decs("0.01", "0.07")}},
		"huge":          {false, [][]decimal.Decimal{decs("987654321987.65", "123456789012.34")}},
		"huge and tiny": {false, [][]decimal.Decimal{decs("1000000000000000", "0.01")}},
	} {
		b := bars(c.down, c.series...)
		all := marks(t, b.SVG())
		unit, zero := scale(t, all)
		drawn := withClass(all, "bar")
		i := 0
		for period := range b.Periods {
			for k, series := range b.Series {
				value := series.Values[period]
				if value.IsZero() {
					continue
				}
				bar := drawn[i]
				i++
				if want := "Week " + strconv.Itoa(period+1) + ", " + series.Name + ": " + say(value); bar.text != want {
					t.Errorf("%s: a bar says %q, want %q", name, bar.text, want)
				}
				top, high := bar.number(t, "y"), bar.number(t, "height")
				up := value.IsPositive() != (c.down && k == 1)
				edge := top + high // the one at the zero line
				if !up {
					edge = top
				}
				if math.Abs(edge-zero) > 0.011 {
					t.Errorf("%s: the bar of %s does not stand on the zero line: %v, zero at %v", name, value, bar.at, zero)
				}
				if want := value.Abs().InexactFloat64() * unit; math.Abs(high-want) > 0.02 {
					t.Errorf("%s: the bar of %s is %v high, want %v", name, value, high, want)
				}
				if left, right := bar.number(t, "x"), bar.number(t, "x")+bar.number(t, "width"); left < 0 || right > 100.01 || top < 0 {
					t.Errorf("%s: the bar of %s sticks out: %v", name, value, bar.at)
				}
			}
		}
		if i != len(drawn) {
			t.Errorf("%s: %d bars for %d amounts that are not zero", name, len(drawn), i)
		}
	}
}

func TestBarsOfDifferentSeriesDoNotOverlap(t *testing.T) {
	drawn := withClass(marks(t, bars(false, decs("5", "6"), decs("4", "3")).SVG()), "bar")
	for i := 1; i < len(drawn); i++ {
		if end := drawn[i-1].number(t, "x") + drawn[i-1].number(t, "width"); end > drawn[i].number(t, "x") {
			t.Errorf("bar %d begins before %v, where the one before ends", i, end)
		}
	}
	drawn = withClass(marks(t, bars(true, decs("5"), decs("4")).SVG()), "bar")
	if drawn[0].at["x"] != drawn[1].at["x"] {
		t.Error("in and out do not share their column")
	}
}

func TestNothingToDrawIsAZeroLine(t *testing.T) {
	for name, b := range map[string]chart.Bars{
		"zeros": bars(false, decs("0", "0")),
		"empty": bars(false, nil),
		"none":  {ID: "x", Say: say},
	} {
		all := marks(t, b.SVG())
		if _, zero := scale(t, all); zero < 100 || len(withClass(all, "bar")) != 0 {
			t.Errorf("%s: zero at %v, %v", name, zero, withClass(all, "bar"))
		}
	}
}

func TestAnAxisHasAFewRoundLines(t *testing.T) {
	round := regexp.MustCompile(`^−?(0|[0-9.]+(k|m|bn)?)$`)
	for _, most := range []string{"0.07", "1", "9", "11", "99", "101", "2500", "22000", "90000", "249999", "1000001", "4999999999", "123456789012345"} {
		for _, least := range []string{"0", "-0.03", "-17000", "-99999999"} {
			labels := withClass(marks(t, bars(false, decs(most, least)).SVG()), "axis")
			if len(labels) < 3 || len(labels) > 6 {
				t.Errorf("%s to %s: %d lines", least, most, len(labels))
			}
			for _, label := range labels {
				if digits := strings.Trim(strings.ReplaceAll(label.text, ".", ""), "−0kmbn"); !round.MatchString(label.text) || len(digits) > 3 {
					t.Errorf("%s to %s: a line at %q", least, most, label.text)
				}
			}
		}
	}
}

func TestAChartIsNamedAndSaysTheSameAsATable(t *testing.T) {
	b := bars(true, decs("18120.10", "0"), decs("7300", "12.5"))
	b.ID, b.Title, b.Desc = "due", "What falls due", "By week."
	all := marks(t, b.SVG())
	if root := all[0]; root.at["role"] != "img" || root.at["aria-labelledby"] != "due-title due-desc" {
		t.Errorf("%v", root.at)
	}
	if all[1].name != "title" || all[1].at["id"] != "due-title" || all[1].text != b.Title || all[2].name != "desc" || all[2].at["id"] != "due-desc" || all[2].text != b.Desc {
		t.Errorf("%v %v", all[1], all[2])
	}
	rows := b.Rows()
	if len(rows) != 2 || rows[0].Name != "Week 1" || strings.Join(rows[0].Cells, "|") != "NZ$ 18120.10|NZ$ 7300.00" || strings.Join(rows[1].Cells, "|") != "NZ$ 0.00|NZ$ 12.50" {
		t.Errorf("%v", rows)
	}
}

func TestWordsAreTextAndNeverMarks(t *testing.T) {
	const nasty = `"><script>alert(1)</script>&'`
	b := bars(false, decs("1"))
	b.ID, b.Title, b.Desc = nasty, nasty, nasty
	b.Periods = []chart.Period{{Label: nasty, Name: nasty}}
	b.Series[0].Name, b.Series[0].Class = nasty, nasty
	b.Say = func(decimal.Decimal) string { return nasty }
	stack := chart.Stack{ID: nasty, Title: nasty, Desc: nasty, Say: b.Say, Parts: []chart.Part{{Name: nasty, Class: nasty, Value: decs("1")[0]}}}
	for _, svg := range []template.HTML{b.SVG(), stack.SVG()} {
		all := marks(t, svg)
		if all[1].text != nasty || !strings.HasPrefix(all[0].at["aria-labelledby"], nasty) {
			t.Errorf("the words are not what they were: %v %v", all[0], all[1])
		}
	}
}

func TestAStackIsItsPartsAndNothingElse(t *testing.T) {
	stack := func(values ...string) []mark {
		s := chart.Stack{ID: "s", Title: "Owed", Desc: "Desc", Say: say}
		for i, value := range decs(values...) {
			s.Parts = append(s.Parts, chart.Part{Name: "part " + strconv.Itoa(i), Class: "age-" + strconv.Itoa(i), Value: value})
		}
		return marks(t, s.SVG())
	}
	all := stack("37267", "12903", "0", "2910.90", "1000")
	parts := withClass(all, "part")
	if len(parts) != 4 || len(withClass(all, "gap")) != 3 {
		t.Fatalf("%d parts and %d gaps", len(parts), len(withClass(all, "gap")))
	}
	end := 0.0
	for i, want := range []float64{37267, 12903, 2910.90, 1000} {
		if x := parts[i].number(t, "x"); math.Abs(x-end) > 0.02 {
			t.Errorf("part %d begins at %v, the one before ends at %v", i, x, end)
		}
		width := parts[i].number(t, "width")
		if math.Abs(width-want/54080.90*100) > 0.01 {
			t.Errorf("part %d is %v%% wide", i, width)
		}
		end += width
	}
	if math.Abs(end-100) > 0.03 || parts[2].text != "part 3: NZ$ 2910.90" {
		t.Errorf("the parts end at %v, and one says %q", end, parts[2].text)
	}
	if all := stack("0", "-5"); len(withClass(all, "part")) != 0 || len(withClass(all, "track")) != 1 {
		t.Error("nothing above zero is not an empty line")
	}
	if parts := withClass(stack("12.5"), "part"); len(parts) != 1 || parts[0].at["x"] != "0%" || parts[0].at["width"] != "100%" {
		t.Errorf("one part: %v", parts)
	}
}
