package main

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestTheIconsAreWhatTheProgramDraws(t *testing.T) {
	drawn := t.TempDir()
	if err := icons([]string{"--dir", drawn}); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join("..", "assets", "icons")
	files, err := os.ReadDir(drawn)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3+2*len(states) {
		t.Errorf("%d files were drawn", len(files))
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(drawn, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(kept, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program draws. Run: go run ./build icons", f.Name())
		}
	}
}

// Without colour, at the smallest size, any two icons still differ in an eighth
// of their pixels.
func TestTheIconsAreToldApartByShape(t *testing.T) {
	const size = 16
	outline := func(img image.Image) (filled [size * size]bool) {
		for i := range filled {
			filled[i] = img.At(i%size, i/size).(color.NRGBA).A > 127
		}
		return filled
	}
	for a, drawA := range states {
		for b, drawB := range states {
			if a >= b {
				continue
			}
			one, other := outline(render(drawA(size), size)), outline(render(drawB(size), size))
			differ := 0
			for i := range one {
				if one[i] != other[i] {
					differ++
				}
			}
			if differ < size*size/8 {
				t.Errorf("%s and %s differ in %d pixels of %d", a, b, differ, size*size)
			}
		}
	}
}

// Windows' taskbar is about #eee (Windows 10: #e6e6e6) in its light mode and
// between #101010 and #202020 in its dark one; the accent colour that a person may
// choose instead is anybody's guess.
func TestTheIconsStandOffFromLightAndDarkPanels(t *testing.T) {
	for name, draw := range states {
		c := draw(16)[0].colour
		for _, grey := range []uint8{0xff, 0xee, 0xe6, 0x20, 0x1c, 0x10} {
			if got := contrast(c, color.NRGBA{grey, grey, grey, 0xff}); got < 3 {
				t.Errorf("%s: %.2f on a panel of #%x%[3]x%[3]x, wanted 3", name, got, grey)
			}
		}
	}
}

// contrast is WCAG 2.2's contrast ratio.
func contrast(a, b color.NRGBA) float64 {
	luminance := func(c color.NRGBA) float64 {
		part := func(v uint8) float64 {
			if x := float64(v) / 255; x > 0.04045 {
				return math.Pow((x+0.055)/1.055, 2.4)
			}
			return float64(v) / 255 / 12.92
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
}
