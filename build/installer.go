package main

import (
	"encoding/binary"
	"image"
	"image/draw"
	"os"
	"path/filepath"
)

// installer makes FCC-Setup.exe of the programs for amd64.
func (r *release) installer() error {
	numbers, err := fourNumbers(r.version)
	if err != nil {
		return err
	}
	panel := filepath.Join(r.work, "panel.bmp")
	if err := os.WriteFile(panel, bitmap(sidePanel()), 0o644); err != nil {
		return err
	}
	const name = "FCC-Setup.exe"
	args := []string{
		"makensis", "-V2", "-WX", "-NOCD",
		"-DVERSION=" + r.version, "-DNUMBERS=" + numbers,
		"-DPROGRAMS=" + r.path("windows_amd64"), "-DICON=assets/icons/app.ico", "-DPANEL=" + panel,
		"-DOUT=" + r.path(name),
	}
	if r.sign != nil {
		args = append(args, "-DSIGN="+r.sign.shell(r.time))
	}
	if err := run(nil, append(args, "build/installer/fcc.nsi")...); err != nil {
		return err
	}
	if err := r.sign.sign(r.path(name), r.time); err != nil {
		return err
	}
	return r.made(name)
}

// sidePanel is the picture beside the first and the last page, of the size that
// Modern UI lays out: the program's mark on its own colour.
func sidePanel() image.Image {
	const width, height, mark = 164, 314, 96
	panel := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(panel, panel.Rect, image.NewUniform(accent), image.Point{}, draw.Src)
	at := image.Pt((width-mark)/2, 70)
	draw.Draw(panel, image.Rectangle{at, at.Add(image.Pt(mark, mark))}, render(rising(mark, white), mark), image.Point{}, draw.Over)
	return panel
}

// bitmap writes a picture as Windows has it, 24 bits a pixel, lowest row first.
// See learn.microsoft.com/windows/win32/gdi/bitmap-storage.
func bitmap(img image.Image) []byte {
	const heads = 14 + 40 // BITMAPFILEHEADER, BITMAPINFOHEADER
	size := img.Bounds().Size()
	row := (3*size.X + 3) &^ 3
	le := binary.LittleEndian
	out := []byte("BM")
	out = le.AppendUint32(out, uint32(heads+row*size.Y))
	out = append(out, 0, 0, 0, 0)
	out = le.AppendUint32(out, heads)
	out = le.AppendUint32(out, 40)
	out = le.AppendUint32(out, uint32(size.X))
	out = le.AppendUint32(out, uint32(size.Y))
	out = le.AppendUint16(out, 1)  // planes
	out = le.AppendUint16(out, 24) // bits a pixel
	out = append(out, make([]byte, 24)...)
	for y := size.Y - 1; y >= 0; y-- {
		line := make([]byte, 0, row)
		for x := range size.X {
			r, g, b, _ := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
			line = append(line, byte(b>>8), byte(g>>8), byte(r>>8))
		}
		out = append(out, line[:row]...)
	}
	return out
}
