package chart_test

import (
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"testing"

	"financial-command-center/assets"
)

// A colour is linear red, green and blue, 0 to 1.
type colour [3]float64

func colourOf(t *testing.T, hex string) (c colour) {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i := range c {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		v := float64(n) / 255
		if c[i] = v / 12.92; v > 0.04045 {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return c
}

func (c colour) luminance() float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

// contrast is that of WCAG 2.2.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// seen are the ways to see colours: the usual one and three without a kind of cone
// (Machado, Oliveira and Fernandes 2009, severity 1).
var seen = map[string][3]colour{
	"usual":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func (c colour) as(sight [3]colour) (s colour) {
	for i, row := range sight {
		s[i] = min(1, max(0, row[0]*c[0]+row[1]*c[1]+row[2]*c[2]))
	}
	return s
}

// apart is the distance in CIELAB; about 2 can just be told apart side by side.
func apart(a, b colour) float64 {
	lab := func(c colour) [3]float64 {
		f := func(v float64) float64 {
			if v > 0.008856 {
				return math.Cbrt(v)
			}
			return 7.787*v + 16.0/116
		}
		x, y, z := f((0.4124*c[0]+0.3576*c[1]+0.1805*c[2])/0.95047), f(c.luminance()), f((0.0193*c[0]+0.1192*c[1]+0.9505*c[2])/1.08883)
		return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
	}
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

// palette reads the variables of the style sheets, light and dark.
func palette(t *testing.T) (looks [2]map[string]colour) {
	t.Helper()
	looks = [2]map[string]colour{{}, {}}
	files, err := fs.Glob(assets.Styles, "styles/*.css")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	variable := regexp.MustCompile(`--([\w-]+): light-dark\(#(\w+), #(\w+)\)`)
	for _, file := range files {
		text, err := fs.ReadFile(assets.Styles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range variable.FindAllSubmatch(text, -1) {
			for i := range looks {
				looks[i][string(found[1])] = colourOf(t, string(found[2+i]))
			}
		}
	}
	return looks
}

func TestMarksStayApartHoweverColoursAreSeen(t *testing.T) {
	for i, look := range palette(t) {
		name := []string{"light", "dark"}[i]
		for _, mark := range []string{"in", "out", "costs", "age-0", "age-1", "age-2", "age-3", "age-4"} {
			c, ok := look[mark]
			if !ok {
				t.Fatalf("%s has no --%s", name, mark)
			}
			if got := contrast(c, look["card"]); got < 3 {
				t.Errorf("%s: --%s has a contrast of %.2f to its card, want 3", name, mark, got)
			}
		}
		for _, pair := range [][2]string{{"in", "out"}, {"in", "costs-fill"}, {"age-0", "age-1"}, {"age-1", "age-2"}, {"age-2", "age-3"}, {"age-3", "age-4"}} {
			for sight, matrix := range seen {
				if got := apart(look[pair[0]].as(matrix), look[pair[1]].as(matrix)); got < 12 {
					t.Errorf("%s, %s: --%s and --%s are %.1f apart, want 12", name, sight, pair[0], pair[1], got)
				}
			}
		}
		// Older is heavier: without any colour the parts are still in their order.
		for age := range 4 {
			a, b := look["age-"+strconv.Itoa(age)], look["age-"+strconv.Itoa(age+1)]
			if contrast(a, look["card"]) >= contrast(b, look["card"]) {
				t.Errorf("%s: --age-%d stands out no less than the next", name, age)
			}
		}
		for _, text := range [][2]string{{"ink", "page"}, {"soft", "page"}, {"soft", "side"}, {"soft", "card"}, {"accent", "card"}, {"accent", "tint"}, {"late", "card"}, {"late", "late-tint"}, {"warn", "card"}, {"warn", "warn-tint"}, {"ink", "warn-tint"}, {"on-accent", "accent"}} {
			if got := contrast(look[text[0]], look[text[1]]); got < 4.5 {
				t.Errorf("%s: text in --%s on --%s has a contrast of %.2f, want 4.5", name, text[0], text[1], got)
			}
		}
	}
}
