package tray

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"financial-command-center/assets"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

const wholeMenu = `[STATE]
[Port 8000 is taken && more]
-
Open dashboard
ORGANISATIONSCopy local address
-
SIGNIN
Disconnect from Xero…
-
Start at sign-in
-
Health
Logs folder
-
Quit
`

func TestTheRealMenuSaysTheState(t *testing.T) {
	for _, c := range []struct {
		st                           xero.Status
		state, organisations, signIn string
	}{
		{status(xero.Connected, "", connection(xero.Connected, kauri)), "Kauri && Sons · signed in, renews by itself", "", "Sign in again"},
		{status(xero.Connected, "", connection(xero.Connected, kauri, cafe)), "Signed in · 2 organisations",
			"Organisations\n  Kauri && Sons\n  Tūī Street Café\n", "Sign in again"},
		{status(xero.Connected, "", connection(xero.Connected, cafe)), "Tūī Street Café · signed in, renews by itself", "", "Sign in again"},
	} {
		shared.states <- c.st
		want := strings.NewReplacer("STATE", c.state, "ORGANISATIONS", c.organisations, "SIGNIN", c.signIn).Replace(wholeMenu)
		wait(t, want, func() bool { return says(menuNow(t)) == want }) // one line changes after the other
	}
}

func TestClicksOnRealLinesArrive(t *testing.T) {
	shared.states <- status(xero.Connected, "", connection(xero.Connected, kauri, cafe))
	for label, want := range map[string]string{
		"Open dashboard": "open /", "Tūī Street Café": "open /?tenant=2d3e", "Copy local address": "copy",
		"Disconnect from Xero…": "open /disconnect", "Logs folder": "logs", "Quit": "quit",
	} {
		click(t, label)
		shared.does(t, want)
	}
}

func TestALeftClickOpensTheDashboard(t *testing.T) {
	time.Sleep(doubleClick + 100*time.Millisecond) // after the click of another test
	post(wmSystray, systrayIcon, postedLeftButton)
	shared.does(t, "open /")
}

func TestADoubleClickOpensOneDashboard(t *testing.T) {
	time.Sleep(doubleClick + 100*time.Millisecond)
	post(wmSystray, systrayIcon, postedLeftButton)
	post(wmSystray, systrayIcon, postedDoubleClick)
	post(wmSystray, systrayIcon, postedLeftButton)
	shared.does(t, "open /")
	click(t, "Logs folder")
	shared.does(t, "logs")
	time.Sleep(doubleClick + 100*time.Millisecond)
	post(wmSystray, systrayIcon, postedLeftButton)
	shared.does(t, "open /")
}

func TestACheckMarkFollowsItsSwitch(t *testing.T) {
	click(t, "Start at sign-in")
	shared.does(t, "switch true")
	wait(t, "the mark", func() bool { return strings.Contains(says(menuNow(t)), "\n✓ Start at sign-in\n") })
	click(t, "Start at sign-in")
	shared.does(t, "switch false")
	wait(t, "no mark", func() bool { return strings.Contains(says(menuNow(t)), "\nStart at sign-in\n") })
}

func TestAnOfferIsALineThatComesAndGoes(t *testing.T) {
	shared.offers <- []desktop.Offer{{Label: "Install version 2…", Take: func() { shared.did <- "taken" }}}
	wait(t, "the offer", func() bool { return strings.Contains(says(menuNow(t)), "more]\nInstall version 2…\n-\n") })
	click(t, "Install version 2…")
	shared.does(t, "taken")
	shared.offers <- nil
	wait(t, "the offer to go", func() bool { return strings.Contains(says(menuNow(t)), "more]\n-\n") })
}

// now is what the face shows.
func now() (f *face, icon windows.Handle, size int) {
	f = theFace.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.icon, f.size
}

func TestTheIconIsAsLargeAsTheTaskbarWantsIt(t *testing.T) {
	metric := metric(smCxSmIcon)
	_, icon, size := now()
	if got := width(t, icon); got != metric || size != metric {
		t.Errorf("the icon is %d pixels wide, noted as %d; the taskbar shows %d", got, size, metric)
	}
}

func TestEveryDensityHasAPictureOfItsOwn(t *testing.T) {
	for name, ico := range map[string][]byte{
		"signed in": assets.IconSignedIn, "working": assets.IconWorking,
		"attention": assets.IconAttention, "signed out": assets.IconSignedOut,
	} {
		for percent := 100; percent <= 400; percent += 25 {
			size := 16 * percent / 100
			icon, err := loadIcon(ico, size)
			if err != nil {
				t.Fatalf("%s at %d %%: %v", name, percent, err)
			}
			if got := width(t, icon); got != size {
				t.Errorf("%s at %d %%: %d pixels wide, wanted %d", name, percent, got, size)
			}
			destroy(icon)
		}
		for percent, drawn := range map[int]int{100: 16, 125: 20, 150: 24, 175: 28, 200: 32, 225: 36, 250: 40, 275: 48, 300: 48, 350: 56, 400: 64, 500: 64} {
			bits, err := picture(ico, 16*percent/100)
			if err != nil {
				t.Fatal(err)
			}
			// PNG or BITMAPINFOHEADER: the width stands in both.
			got := int(binary.LittleEndian.Uint32(bits[4:]))
			if bytes.HasPrefix(bits, []byte("\x89PNG")) {
				got = int(binary.BigEndian.Uint32(bits[16:]))
			}
			if got != drawn {
				t.Errorf("%s at %d %% takes the picture of %d pixels, wanted %d", name, percent, got, drawn)
			}
		}
	}
	for _, broken := range [][]byte{nil, []byte("\x00\x00\x01\x00\x01\x00"), assets.IconWorking[:200], make([]byte, 64)} {
		if _, err := picture(broken, 16); err == nil {
			t.Errorf("%d bytes pass for an icon", len(broken))
		}
	}
}

// isThere asks the taskbar, which changes no icon that it does not have.
func isThere(f *face) bool {
	d := notifyIconData{window: f.window, id: systrayIcon}
	return d.tell(nimModify) == nil
}

func TestTheIconComesBackWhenTheTaskbarIsNew(t *testing.T) {
	f, _, _ := now()
	window := f.window
	takeAway := func() {
		if err := (notifyIconData{window: window, id: systrayIcon}).tell(nimDelete); err != nil {
			t.Fatal(err)
		}
	}
	if !isThere(f) {
		t.Fatal("the icon is not there to begin with")
	}
	takeAway()
	sendMessage.Call(uintptr(window), uintptr(taskbarCreated()), 0, 0)
	wait(t, "the icon", func() bool { return isThere(f) })
	if _, icon, _ := now(); width(t, icon) != metric(smCxSmIcon) {
		t.Error("it came back in another size")
	}
	sendMessage.Call(uintptr(window), uintptr(taskbarCreated()), 0, 0) // though it is there
	wait(t, "the icon", func() bool { return isThere(f) })
}

func TestATaskbarThatTakesNoIconsYetIsTriedForSomeMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := errors.New("busy")
		tries, again := 0, make(chan struct{})
		try := func() error {
			if tries++; tries < 90 {
				return busy
			}
			return nil
		}
		begun := time.Now()
		if err := insist(t.Context(), again, try); err != nil || time.Since(begun) != 89*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		tries, begun = 88, time.Now()
		go func() { again <- struct{}{} }()
		if err := insist(t.Context(), again, try); err != nil || time.Since(begun) != 0 {
			t.Errorf("with a newer taskbar after %v: %v", time.Since(begun), err)
		}
		tries, begun = -10000, time.Now()
		if err := insist(t.Context(), again, try); err != busy || time.Since(begun) != patient {
			t.Errorf("it gives up after %v: %v", time.Since(begun), err)
		}
	})
}

func TestAChangedScreenIsLookedAt(t *testing.T) {
	f, before, _ := now()
	f.mu.Lock()
	f.size = 5 // as if the taskbar had been elsewhere
	f.mu.Unlock()
	post(wmDisplayChange, 32, 0)
	wait(t, "the icon of the right size", func() bool { _, _, size := now(); return size == metric(smCxSmIcon) })
	_, icon, _ := now()
	if icon == before || width(t, icon) != metric(smCxSmIcon) {
		t.Error("it is the icon from before")
	}
	var info [32]byte
	if ok, _, _ := getIconInfo.Call(uintptr(before), uintptr(unsafe.Pointer(&info))); ok != 0 {
		t.Error("the icon from before is still in memory")
	}
}

func TestASignOutThatSomebodyStoppedLeavesTheIcon(t *testing.T) {
	f, _, _ := now()
	sendMessage.Call(uintptr(f.window), wmEndSession, 0, 0)
	if !isThere(f) {
		t.Error("the icon is gone")
	}
}

func TestASignInThatIsNeededShowsABalloonWhoseClickOpensThePage(t *testing.T) {
	shared.states <- status(xero.Connected, "", connection(xero.Connected, kauri))
	f, _, _ := now()
	f.mu.Lock()
	f.clicked = nil
	f.mu.Unlock()
	shared.states <- status(xero.NeedsLogin, xero.CodeNeedsLogin, connection(xero.NeedsLogin, kauri))
	// Others may be shown before it. Each is clicked once, so that nothing is left
	// over for another test.
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		shown := f.clicked != nil
		f.mu.Unlock()
		if !shown {
			continue
		}
		post(wmSystray, systrayIcon, balloonClick)
		select {
		case did := <-shared.did:
			if did == "open /login" {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a click does nothing")
		}
		f.mu.Lock()
		f.clicked = nil
		f.mu.Unlock()
	}
	t.Fatal("no click opens the page")
}

// A program of its own plays the tray: it can be run once.
func TestATrayThatIsToEndAsItBeginsEnds(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		begins := exec.CommandContext(ctx, os.Args[0])
		begins.Env = append(os.Environ(), "FCC_TEST_TRAY_ENDS_AFTER="+after.String())
		if out, err := begins.CombinedOutput(); err != nil {
			t.Errorf("after %v: %v\n%s", after, err, out)
		}
		cancel()
	}
}

func TestABalloonWithLongTextsIsShown(t *testing.T) {
	f, _, _ := now()
	n := notice{title: strings.Repeat("Überschrift ", 20), text: strings.Repeat("Ein 𝄞 Satz. ", 60)}
	if err := f.balloon(n, nil); err != nil {
		t.Error(err)
	}
	var field [8]uint16
	for text, want := range map[string]string{"1234567": "1234567", "12345678": "1234567", "123456𝄞": "123456", "12345𝄞": "12345𝄞", "": ""} {
		put(field[:], text)
		if got := windows.UTF16ToString(field[:]); got != want || field[7] != 0 {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestNothingIsLeftInTheTemporaryFolder(t *testing.T) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "systray_temp_icon_*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left there: %v, %v", left, err)
	}
}

func TestTheTaskbarTakesATrialIcon(t *testing.T) {
	if err := takesIcons(); err != nil {
		t.Error(err)
	}
}
