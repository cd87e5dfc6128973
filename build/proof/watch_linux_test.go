//go:build proof

package proof

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A folderWatch tells at once what happens to the files of a folder, by
// inotify(7).
type folderWatch struct {
	file   *os.File
	events []folderEvent
}

type folderEvent struct {
	mask uint32
	name string
}

func watchFolder(t testing.TB, dir string) *folderWatch {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	w := &folderWatch{file: os.NewFile(uintptr(fd), "inotify")}
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE|syscall.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *folderWatch) close() { _ = w.file.Close() }

// wait returns when the file name was created or moved there, as mask says.
func (w *folderWatch) wait(t testing.TB, mask uint32, name string) {
	t.Helper()
	if err := w.file.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for {
		for len(w.events) > 0 {
			e := w.events[0]
			w.events = w.events[1:]
			if e.mask&mask != 0 && e.name == name {
				return
			}
		}
		buf := make([]byte, 4096)
		n, err := w.file.Read(buf)
		if err != nil {
			t.Fatalf("wait for %s: %v", name, err)
		}
		w.events = parseEvents(buf[:n])
	}
}

func parseEvents(buf []byte) []folderEvent {
	var events []folderEvent
	for len(buf) >= syscall.SizeofInotifyEvent {
		var e syscall.InotifyEvent
		_, _ = binary.Decode(buf, binary.NativeEndian, &e) // the length was looked at
		name, rest := buf[syscall.SizeofInotifyEvent:][:e.Len], buf[syscall.SizeofInotifyEvent+e.Len:]
		events = append(events, folderEvent{e.Mask, strings.TrimRight(string(bytes.Clone(name)), "\x00")})
		buf = rest
	}
	return events
}
