package tray

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// A tray runs once a process and on its main goroutine: the tests share one, which
// runs beside them.
func TestMain(m *testing.M) {
	if after, err := time.ParseDuration(os.Getenv("FCC_TEST_TRAY_ENDS_AFTER")); err == nil {
		endAfter(after)
		return
	}
	shared = &program{
		states: make(chan xero.Status),
		offers: make(chan []desktop.Offer),
		did:    make(chan string, 64),
	}
	ctx, cancel := context.WithCancel(context.Background())
	code := 1
	go func() {
		defer cancel()
		shared.states <- status(xero.Starting, "")
		for deadline := time.Now().Add(time.Minute); !painted(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				fmt.Fprintln(os.Stderr, "there is no tray")
				return
			}
		}
		code = m.Run()
		if code == 0 {
			code = endedBySystem()
		}
	}()
	if err := Run(ctx, shared.config()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 && systrayWindow() != 0 {
		fmt.Fprintln(os.Stderr, "the window is left behind")
		code = 1
	}
	os.Exit(code)
}

// endAfter is a display that is to end when systray has hardly begun.
func endAfter(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	newDisplay(slog.New(slog.NewTextHandler(os.Stderr, nil))).run(ctx, menuFor(view{}), make(chan position), func() {})
}

// endedBySystem ends the tray as Windows' Task Manager does, while its menu is open.
func endedBySystem() int {
	post(wmSystray, systrayIcon, postedRightButton)
	late := time.After(10 * time.Second)
	for popup() == 0 {
		select {
		case <-late:
			fmt.Fprintln(os.Stderr, "the menu does not open")
			return 1
		case <-time.After(10 * time.Millisecond):
		}
	}
	post(wmClose, 0, 0)
	for {
		select {
		case did := <-shared.did:
			if did == "quit" {
				return 0
			}
		case <-late:
			fmt.Fprintln(os.Stderr, "the system cannot end the tray")
			return 1
		}
	}
}

// painted says that the display has come as far as the tooltip.
func painted() bool {
	f := theFace.Load()
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tip != ""
}

// program is the tray, and what its clicks did.
type program struct {
	states chan xero.Status
	offers chan []desktop.Offer
	did    chan string
}

var shared *program

// each yields what comes.
func each[T any](from <-chan T) func(context.Context) iter.Seq[T] {
	return func(ctx context.Context) iter.Seq[T] {
		return func(yield func(T) bool) {
			for {
				select {
				case v := <-from:
					if !yield(v) {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

func (p *program) config() Config {
	turned := make(chan bool, 1)
	turned <- false
	return Config{
		Watch: each(p.states), Offers: each(p.offers),
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Note: "Port 8000 is taken & more",
		Switches: []desktop.Switch{{Label: "Start at sign-in", Watch: each(turned), Set: func(on bool) error {
			turned <- on
			p.did <- fmt.Sprint("switch ", on)
			return nil
		}}},
		Open:     func(path string) { p.did <- "open " + path },
		OpenLogs: func() { p.did <- "logs" },
		Copy:     func() { p.did <- "copy" },
		Quit:     func() { p.did <- "quit" },
	}
}

// does waits for the program to do something.
func (p *program) does(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-p.did:
		if got != want {
			t.Fatalf("it did %q, wanted %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it does not %q", want)
	}
}

// wait is for what Windows does in its own time.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

var (
	postMessage        = user32.NewProc("PostMessageW")
	sendMessage        = user32.NewProc("SendMessageW")
	getMenuItemCount   = user32.NewProc("GetMenuItemCount")
	getMenuItemInfo    = user32.NewProc("GetMenuItemInfoW")
	getIconInfo        = user32.NewProc("GetIconInfo")
	gdi32              = windows.NewLazySystemDLL("gdi32.dll")
	getObject          = gdi32.NewProc("GetObjectW")
	deleteObject       = gdi32.NewProc("DeleteObject")
	postedRightButton  = uintptr(0x0205)
	postedLeftButton   = uintptr(0x0202)
	postedDoubleClick  = uintptr(0x0203)
	wmCommand          = uintptr(0x0111)
	wmCancelMode       = uintptr(0x001f)
	wmClose            = uintptr(0x0010)
	menuHandleOfWindow = uintptr(0x01e1) // MN_GETHMENU
)

func post(message, w, l uintptr) {
	postMessage.Call(uintptr(theFace.Load().window), message, w, l)
}

// An item is a line of the real menu.
type item struct {
	label          string
	id             uint32
	greyed, marked bool
	under          []item
}

// popup is the window of the open menu, or 0.
func popup() (window uintptr) {
	for {
		window, _, _ = findWindowAfter.Call(0, window, uintptr(unsafe.Pointer(wide("#32768"))), 0)
		var process uint32
		getWindowThreadProcessID.Call(window, uintptr(unsafe.Pointer(&process)))
		if window == 0 || process == windows.GetCurrentProcessId() {
			return window
		}
	}
}

// menuNow opens the menu as a right click does, reads it, and closes it.
func menuNow(t *testing.T) []item {
	t.Helper()
	post(wmSystray, systrayIcon, postedRightButton)
	var window uintptr
	wait(t, "the menu", func() bool { window = popup(); return window != 0 })
	handle, _, _ := sendMessage.Call(window, menuHandleOfWindow, 0, 0)
	items := readMenu(t, handle)
	wait(t, "the menu to close", func() bool { post(wmCancelMode, 0, 0); return popup() == 0 })
	return items
}

func readMenu(t *testing.T, menu uintptr) []item {
	t.Helper()
	count, _, _ := getMenuItemCount.Call(menu)
	if int32(count) < 0 {
		t.Fatalf("there is no menu %#x", menu)
	}
	var items []item
	for i := range count {
		var text [257]uint16
		info := struct {
			size, mask, kind, state, id              uint32
			sub, checked, unchecked, data, text, cch uintptr
			bitmap                                   uintptr
		}{mask: 0x147, text: uintptr(unsafe.Pointer(&text)), cch: 256} // text, type, submenu, id, state
		info.size = uint32(unsafe.Sizeof(info))
		if ok, _, err := getMenuItemInfo.Call(menu, i, 1, uintptr(unsafe.Pointer(&info))); ok == 0 {
			t.Fatal(err)
		}
		it := item{label: windows.UTF16ToString(text[:]), id: info.id, greyed: info.state&3 != 0, marked: info.state&8 != 0}
		if info.sub != 0 {
			it.under = readMenu(t, info.sub)
		}
		items = append(items, it)
	}
	return items
}

// says is the menu as a person sees it.
func says(items []item) string {
	text := ""
	for _, it := range items {
		switch {
		case it.label == "":
			text += "-\n"
		case it.marked:
			text += "✓ " + it.label + "\n"
		case it.greyed:
			text += "[" + it.label + "]\n"
		default:
			text += it.label + "\n"
		}
		for _, under := range it.under {
			text += "  " + under.label + "\n"
		}
	}
	return text
}

// click chooses the line that says label.
func click(t *testing.T, label string) {
	t.Helper()
	var find func([]item) bool
	find = func(items []item) bool {
		for _, it := range items {
			if it.label == label && !it.greyed {
				post(wmCommand, uintptr(it.id), 0)
				return true
			}
			if find(it.under) {
				return true
			}
		}
		return false
	}
	if items := menuNow(t); !find(items) {
		t.Fatalf("no line says %q in\n%s", label, says(items))
	}
}

// width is how many pixels wide an icon is.
func width(t *testing.T, icon windows.Handle) int {
	t.Helper()
	var info struct {
		isIcon, x, y  uint32
		mask, colours uintptr
	}
	if ok, _, err := getIconInfo.Call(uintptr(icon), uintptr(unsafe.Pointer(&info))); ok == 0 {
		t.Fatalf("GetIconInfo: %v", err)
	}
	defer deleteObject.Call(info.mask)
	defer deleteObject.Call(info.colours)
	var bitmap struct {
		kind, width, height, bytes int32
		planes, bits               uint16
		data                       uintptr
	}
	if n, _, err := getObject.Call(info.colours, unsafe.Sizeof(bitmap), uintptr(unsafe.Pointer(&bitmap))); n == 0 {
		t.Fatalf("GetObject: %v", err)
	}
	if bitmap.width != bitmap.height {
		t.Errorf("an icon of %d by %d pixels", bitmap.width, bitmap.height)
	}
	return int(bitmap.width)
}
