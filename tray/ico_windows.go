package tray

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// picture is the one of an .ico file that is size pixels wide, else the next
// larger, else the largest.
// learn.microsoft.com/previous-versions/ms997538 describes the file.
func picture(ico []byte, size int) ([]byte, error) {
	const head, row = 6, 16
	if len(ico) < head {
		return nil, errors.New("not an icon file")
	}
	count := int(binary.LittleEndian.Uint16(ico[4:]))
	if len(ico) < head+count*row {
		return nil, errors.New("the icon file is cut short")
	}
	var best []byte
	bestWidth := 0
	for i := range count {
		r := ico[head+i*row:]
		width := int(r[0])
		if width == 0 {
			width = 256
		}
		better := best == nil || width >= size && (bestWidth < size || width < bestWidth) || bestWidth < size && width > bestWidth
		if !better {
			continue
		}
		length, from := uint64(binary.LittleEndian.Uint32(r[8:])), uint64(binary.LittleEndian.Uint32(r[12:]))
		if length == 0 || from+length > uint64(len(ico)) {
			return nil, errors.New("the icon file is cut short")
		}
		best, bestWidth = ico[from:from+length], width
	}
	if best == nil {
		return nil, errors.New("the icon file is empty")
	}
	return best, nil
}

// loadIcon makes an icon of size pixels. Its owner destroys it.
func loadIcon(ico []byte, size int) (windows.Handle, error) {
	bits, err := picture(ico, size)
	if err != nil {
		return 0, err
	}
	const isIcon, defaultColor = 1, 0
	icon, _, err := createIconFromResource.Call(uintptr(unsafe.Pointer(&bits[0])), uintptr(len(bits)), isIcon, iconVersion, uintptr(size), uintptr(size), defaultColor)
	if icon == 0 {
		return 0, fmt.Errorf("CreateIconFromResourceEx: %w", err)
	}
	return windows.Handle(icon), nil
}
