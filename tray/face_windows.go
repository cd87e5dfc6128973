package tray

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/windows"

	"financial-command-center/assets"
)

// A face is the icon itself, with its tooltip and its balloons. systray makes the
// icon and the window that hears of it. What they look like is told to Windows
// from here: systray would load the picture at 32 pixels and leave it to the
// taskbar to make that smaller, by way of a file in TEMP, and puts an icon back
// once only when a new taskbar wants it.
type face struct {
	log    *slog.Logger
	window windows.HWND
	again  chan struct{}      // there is a new taskbar
	resize chan struct{}      // the icon may have to be of another size
	stop   context.CancelFunc // ends serve; nil: not open
	ended  sync.WaitGroup

	mu      sync.Mutex
	ico     []byte // what is shown
	tip     string
	icon    windows.Handle // ico at size
	size    int
	large   windows.Handle // for balloons
	clicked func()         // the balloon that was shown last
}

// theFace is the one of this process, which has one tray.
var theFace atomic.Pointer[face]

func newFace(log *slog.Logger) *face {
	return &face{log: log, again: make(chan struct{}, 1), resize: make(chan struct{}, 1)}
}

// open takes over the icon that systray has just made.
func (f *face) open(ctx context.Context) {
	f.window = systrayWindow()
	// The taskbar runs without administrator's rights; to a program that has them
	// its message would not come through.
	changeMessageFilter.Call(uintptr(f.window), uintptr(taskbarCreated()), msgfltAllow, 0)
	f.mu.Lock()
	var err error
	if f.large, err = loadIcon(assets.Icon, metric(smCxIcon)); err != nil {
		f.log.Warn("no picture for notifications", "err", err)
	}
	f.mu.Unlock()
	theFace.Store(f)
	// A message may come as soon as the procedure is ours: systray's is known before.
	systrays, _, err := getWindowLongPtr.Call(uintptr(f.window), gwlpWndProc)
	systrayProc.Store(systrays)
	set := uintptr(0)
	if systrays != 0 {
		set, _, err = setWindowLongPtr.Call(uintptr(f.window), gwlpWndProc, windowProc)
	}
	if set == 0 {
		f.log.Error("the icon will not come back when the taskbar is restarted", "err", err)
	}
	ctx, f.stop = context.WithCancel(ctx)
	f.ended.Go(func() { f.serve(ctx) })
}

// systrayProc is the window procedure that systray made.
var systrayProc atomic.Uintptr

// windowProc hears everything before systray does. Windows has room for about
// two thousand such functions in a process and frees none: this one is for ever.
var windowProc = windows.NewCallback(func(window windows.HWND, message uint32, w, l uintptr) uintptr {
	if f := theFace.Load(); f != nil && f.heard(message, w, l) {
		return 0
	}
	result, _, _ := callWindowProc.Call(systrayProc.Load(), uintptr(window), uintptr(message), w, l)
	return result
})

// heard runs on the thread of the window, which must not wait. It reports whether
// systray need not know.
func (f *face) heard(message uint32, w, l uintptr) bool {
	switch message {
	case taskbarCreated():
		signal(f.again)
		return true // systray would put back an icon without a picture
	case wmDisplayChange, wmDpiChanged, wmSettingChange:
		signal(f.resize)
	case wmSystray:
		if l != balloonClick {
			return false
		}
		go f.click() // the lock may be held over a call to the taskbar
		return true
	case wmEndSession:
		if w == 0 {
			return true // somebody stopped the sign-out: systray would take the icon away
		}
		// The system ends the program when this was answered. What has to be
		// written is written when it happens, so that nothing is lost; who is quick
		// enough ends in order.
		postQuitMessage.Call(0)
	}
	return false
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// serve keeps the icon there, and of the right size.
func (f *face) serve(ctx context.Context) {
	for {
		select {
		case <-f.again:
			f.putBack(ctx)
		case <-f.resize:
			f.mu.Lock()
			if metric(smCxSmIcon) != f.size && f.ico != nil {
				f.paint()
			}
			f.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// patient is how long a new taskbar may take to take icons. It announces itself
// before it does when the computer is busy, as after a sign-in.
const patient = 5 * time.Minute

func (f *face) putBack(ctx context.Context) {
	err := insist(ctx, f.again, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		before := f.load() // the new taskbar may be on another screen
		defer destroy(before)
		all := f.data(nifMessage | nifIcon | nifTip)
		err := all.tell(nimAdd)
		if err != nil && all.tell(nimModify) == nil {
			return nil // it was there
		}
		return err
	})
	switch {
	case err == nil:
		f.log.Info("the icon is back in the new taskbar")
	case ctx.Err() == nil:
		f.log.Error("the taskbar does not take the icon", "err", err)
	}
}

// insist tries once a second, and at once when there is a still newer taskbar. It
// gives up when its patience or ctx ends.
func insist(ctx context.Context, again <-chan struct{}, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-second.C:
		case <-again:
		case <-ctx.Done():
			return err
		}
	}
}

// data is what is so, of which flags says what is told. The lock is held.
func (f *face) data(flags uint32) *notifyIconData {
	d := &notifyIconData{window: f.window, id: systrayIcon, flags: flags, callbackMessage: wmSystray, icon: f.icon}
	put(d.tip[:], f.tip)
	return d
}

func (f *face) show(ico []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ico = ico
	f.paint()
}

// paint shows the picture at the size that the taskbar has now. The lock is held.
func (f *face) paint() {
	before := f.load()
	if err := f.data(nifIcon).tell(nimModify); err != nil {
		f.log.Warn("icon not shown", "err", err)
	}
	destroy(before)
}

// load makes the icon anew and returns the one before, which the taskbar may still
// show. The lock is held.
func (f *face) load() (before windows.Handle) {
	size := metric(smCxSmIcon)
	icon, err := loadIcon(f.ico, size)
	if err != nil {
		f.log.Error("icon not loaded", "err", err)
		return 0
	}
	before, f.icon, f.size = f.icon, icon, size
	return before
}

func destroy(icon windows.Handle) {
	if icon != 0 {
		destroyIcon.Call(uintptr(icon))
	}
}

func (f *face) say(tooltip string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tip = tooltip
	if err := f.data(nifTip).tell(nimModify); err != nil {
		f.log.Warn("tooltip not shown", "err", err)
	}
}

// balloon shows a notification beside the icon; Windows 10 and later make a toast
// of it, which may stay in the notification centre. A click does not say on which
// it was: it is taken for one on the last. So no notice does more than show a page
// or the log.
func (f *face) balloon(n notice, clicked func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.data(nifInfo)
	put(d.infoTitle[:], n.title)
	put(d.info[:], n.text)
	d.infoFlags = niifQuietTime
	if f.large != 0 {
		d.infoFlags |= niifUser | niifLargeIcon
		d.balloonIcon = f.large
	}
	f.clicked = clicked
	return d.tell(nimModify)
}

func (f *face) click() {
	f.mu.Lock()
	clicked := f.clicked
	f.mu.Unlock()
	if clicked != nil {
		clicked()
	}
}

// close is called when systray is done with its window, which the system may have
// ended.
func (f *face) close() {
	if f.stop == nil {
		return
	}
	theFace.CompareAndSwap(f, nil)
	f.stop()
	f.ended.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	destroy(f.icon)
	destroy(f.large)
	f.icon, f.large = 0, 0
}
