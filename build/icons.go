package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
)

// icons draws the program's icons. All arithmetic is in whole numbers, so that
// every machine draws the same.
func icons(args []string) error {
	flags := flag.NewFlagSet("icons", flag.ContinueOnError)
	dir := flags.String("dir", "assets/icons", "folder to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("takes no arguments, got %q", flags.Args())
	}
	if err := drawIcon(*dir, "app.png", app, 256); err != nil {
		return err
	}
	if err := drawIcon(*dir, "app.ico", app, 16, 20, 24, 32, 40, 48, 64, 256); err != nil {
		return err
	}
	if err := drawIcon(*dir, "favicon.ico", app, 16, 32, 48); err != nil {
		return err
	}
	for name, draw := range states {
		// Linux and macOS panels show 22 or 24 pixels, or twice that.
		if err := drawIcon(*dir, name+".png", draw, 48); err != nil {
			return err
		}
		// Windows shows 16 pixels at 100 %, and the others at 125 to 400 %.
		if err := drawIcon(*dir, name+".ico", draw, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64); err != nil {
			return err
		}
	}
	return nil
}

// The colours stand off by 3 to 1 or more from light panels and from dark ones.
var (
	accent = color.NRGBA{0x0b, 0x6e, 0x5a, 0xff}
	green  = color.NRGBA{0x12, 0x83, 0x6c, 0xff} // the accent, light enough for a dark panel
	amber  = color.NRGBA{0xb5, 0x74, 0x04, 0xff}
	red    = color.NRGBA{0xd0, 0x39, 0x2f, 0xff}
	grey   = color.NRGBA{0x7b, 0x85, 0x91, 0xff}
	white  = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	ink    = color.NRGBA{0x15, 0x19, 0x1e, 0xff}
	hole   = color.NRGBA{}
)

// states are what the tray has to say. Their outlines differ (a full square, a
// disc, a triangle, a frame), so that they are told apart without colour. A
// drawing is made for a size in pixels: small ones need thicker lines.
var states = map[string]func(size int) []shape{
	"signed-in":  func(size int) []shape { return append(plate(green), rising(size, white)...) },
	"working":    working,
	"attention":  attention,
	"signed-out": signedOut,
}

func app(size int) []shape { return append(plate(accent), rising(size, white)...) }

func plate(c color.NRGBA) []shape {
	return []shape{{points: box(14, 14, 50, 50), closed: true, r: 14 * unit, colour: c}}
}

// rising is the mark: a line that goes up.
func rising(size int, c color.NRGBA) []shape {
	r := 7 * unit / 2
	if size <= 24 {
		r = 4 * unit
	}
	return []shape{{points: at(14, 42, 26, 29, 36, 38, 50, 21), r: r, colour: c}}
}

func working(int) []shape {
	s := []shape{{points: at(32, 32), r: 32 * unit, colour: amber}}
	for _, x := range []int{16, 32, 48} {
		s = append(s, shape{points: at(x, 32), r: 5 * unit, colour: ink})
	}
	return s
}

func attention(int) []shape {
	return []shape{
		{points: at(32, 10, 56, 54, 8, 54), closed: true, r: 8 * unit, colour: red},
		{points: at(32, 23, 32, 36), r: 4 * unit, colour: white},
		{points: at(32, 50), r: 4 * unit, colour: white},
	}
}

func signedOut(size int) []shape {
	w := 6
	if size <= 24 {
		w = 8
	}
	s := []shape{
		{points: box(14, 14, 50, 50), closed: true, r: 14 * unit, colour: grey},
		{points: box(14, 14, 50, 50), closed: true, r: (14 - w) * unit, colour: hole},
	}
	return append(s, rising(size, grey)...)
}

// A drawing is a square of 64 by 64 steps, and a step is unit wide.
const (
	unit    = 64
	side    = 64 * unit
	samples = 16 // a pixel is looked at in 16 by 16 places
)

// A shape is all that lies within r of a line through points, and, when it is
// closed, all that the line surrounds. Later shapes cover earlier ones; hole
// takes away.
type shape struct {
	points []image.Point
	closed bool
	r      int
	colour color.NRGBA
}

func at(xy ...int) []image.Point {
	var ps []image.Point
	for i := 0; i < len(xy); i += 2 {
		ps = append(ps, image.Pt(xy[i], xy[i+1]).Mul(unit))
	}
	return ps
}

func box(x0, y0, x1, y1 int) []image.Point { return at(x0, y0, x1, y0, x1, y1, x0, y1) }

func (s shape) covers(p image.Point) bool {
	inside := false
	for i, a := range s.points {
		b := a
		switch {
		case i+1 < len(s.points):
			b = s.points[i+1]
		case s.closed:
			b = s.points[0]
		}
		if near(p, a, b, s.r) {
			return true
		}
		if s.closed && (a.Y > p.Y) != (b.Y > p.Y) {
			left := (b.X-a.X)*(p.Y-a.Y) - (p.X-a.X)*(b.Y-a.Y)
			if (left > 0) == (b.Y > a.Y) {
				inside = !inside
			}
		}
	}
	return inside
}

// near says whether p lies within r of the line from a to b.
func near(p, a, b image.Point, r int) bool {
	ap, ab := p.Sub(a), b.Sub(a)
	dot, length := ap.X*ab.X+ap.Y*ab.Y, ab.X*ab.X+ab.Y*ab.Y
	switch {
	case dot <= 0:
		return ap.X*ap.X+ap.Y*ap.Y <= r*r
	case dot >= length:
		bp := p.Sub(b)
		return bp.X*bp.X+bp.Y*bp.Y <= r*r
	}
	cross := ap.X*ab.Y - ap.Y*ab.X
	return cross*cross <= r*r*length
}

func render(shapes []shape, size int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	n := size * samples
	place := func(i int) int { return (2*i + 1) * side / (2 * n) }
	for y := range size {
		for x := range size {
			var r, g, b, full int
			for i := range samples * samples {
				p := image.Pt(place(x*samples+i%samples), place(y*samples+i/samples))
				for k := len(shapes) - 1; k >= 0; k-- {
					if !shapes[k].covers(p) {
						continue
					}
					if c := shapes[k].colour; c.A != 0 {
						r, g, b, full = r+int(c.R), g+int(c.G), b+int(c.B), full+1
					}
					break
				}
			}
			if full == 0 {
				continue
			}
			img.SetNRGBA(x, y, color.NRGBA{
				uint8(r / full), uint8(g / full), uint8(b / full),
				uint8(full * 255 / (samples * samples)),
			})
		}
	}
	return img
}

// drawIcon writes a PNG of one size, or a Windows icon of several, which holds
// PNGs (read by Windows since Vista).
func drawIcon(dir, name string, draw func(size int) []shape, sizes ...int) error {
	var pictures [][]byte
	for _, size := range sizes {
		var out bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&out, render(draw(size), size)); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		pictures = append(pictures, out.Bytes())
	}
	data := pictures[0]
	if filepath.Ext(name) == ".ico" {
		data = windowsIcon(sizes, pictures)
	}
	return os.WriteFile(filepath.Join(dir, name), data, 0o644)
}

func windowsIcon(sizes []int, pictures [][]byte) []byte {
	le := binary.LittleEndian
	head := []byte{0, 0, 1, 0} // an icon, not a cursor
	head = le.AppendUint16(head, uint16(len(sizes)))
	offset := len(head) + 16*len(sizes)
	for i, size := range sizes {
		head = append(head, uint8(size), uint8(size), 0, 0) // 256 is written as 0
		head = le.AppendUint16(head, 1)                     // planes
		head = le.AppendUint16(head, 32)                    // bits a pixel
		head = le.AppendUint32(head, uint32(len(pictures[i])))
		head = le.AppendUint32(head, uint32(offset))
		offset += len(pictures[i])
	}
	return append(head, bytes.Join(pictures, nil)...)
}
