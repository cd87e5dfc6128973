package tray_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"financial-command-center/server/xero"
)

const notifications = "org.freedesktop.Notifications"

// A notified desktop is one that shows notifications.
type notified struct {
	t     *testing.T
	bus   *dbus.Conn
	can   []string
	shown chan bubble
}

type bubble struct {
	id          uint32
	title, text string
}

func newNotified(t *testing.T, can ...string) *notified {
	t.Helper()
	bus, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	d := &notified{t: t, bus: bus, can: can, shown: make(chan bubble, 16)}
	t.Cleanup(func() {
		bus.ReleaseName(notifications)
		bus.Close()
	})
	if err := bus.Export(d, "/org/freedesktop/Notifications", notifications); err != nil {
		t.Fatal(err)
	}
	if got, err := bus.RequestName(notifications, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name: %v, %v", got, err)
	}
	return d
}

func (d *notified) GetCapabilities() ([]string, *dbus.Error) { return d.can, nil }

func (d *notified) Notify(program string, replaces uint32, icon, title, text string, actions []string, hints map[string]dbus.Variant, expires int32) (uint32, *dbus.Error) {
	if program != "Financial Command Center" || fmt.Sprint(actions) != "[default Open]" || hints["desktop-entry"].Value() != "financial-command-center" {
		d.t.Errorf("a notification of %q with %q and %v", program, actions, hints)
	}
	b := bubble{uint32(7 + len(d.shown)), title, text}
	d.shown <- b
	return b.id, nil
}

func (d *notified) next() bubble {
	d.t.Helper()
	select {
	case b := <-d.shown:
		return b
	case <-time.After(patience):
		d.t.Fatal("there is no notification")
		return bubble{}
	}
}

func (d *notified) emit(signal string, body ...any) {
	d.t.Helper()
	if err := d.bus.Emit("/org/freedesktop/Notifications", notifications+"."+signal, body...); err != nil {
		d.t.Fatal(err)
	}
}

func TestASignInThatIsNeededIsANotificationWhoseClickOpensThePage(t *testing.T) {
	for markup, text := range map[string]string{
		"body-markup": "Kauri &amp; Sons needs a sign-in since 3 March. A click here begins it.",
		"persistence": "Kauri & Sons needs a sign-in since 3 March. A click here begins it.",
	} {
		d := newNotified(t, "actions", markup)
		c := start(t) // on a desktop without a panel, where nothing else would say so
		c.says("log " + "no tray: nothing on this desktop shows icons yet")
		c.show(signedIn(xero.Connected, kauri))
		c.show(signedIn(xero.NeedsLogin, kauri))
		b := d.next()
		if b.title != "Sign in to Xero again" || b.text != text {
			t.Errorf("%+v", b)
		}
		d.emit("ActionInvoked", b.id+1, "default") // another program's
		d.emit("ActionInvoked", b.id, "settings")
		d.emit("ActionInvoked", b.id, "default")
		d.emit("NotificationClosed", b.id, uint32(2))
		d.emit("ActionInvoked", b.id, "default") // of a later one with that number, not ours
		c.says("open /login")
		c.show(signedIn(xero.NeedsLogin, kauri))
		c.in.Close()
		c.says("ended <nil>")
		if len(d.shown) > 0 {
			t.Errorf("told again: %+v", <-d.shown)
		}
		d.bus.ReleaseName(notifications)
	}
}

func TestTheFirstStartSaysWhereTheIconIs(t *testing.T) {
	d := newNotified(t)
	p := newPanel(t)
	c := start(t, "FCC_TRAY_FIRST=1")
	c.show(signedIn(xero.Connected, kauri))
	p.icon()
	if b := d.next(); b.title != "Financial Command Center runs here" || !strings.Contains(b.text, "panel") {
		t.Errorf("%+v", b)
	}
}

func TestALineWithACheckMarkIsAToggle(t *testing.T) {
	p := newPanel(t)
	c := start(t, "FCC_TRAY_SWITCH=1")
	c.show(signedIn(xero.Connected, kauri))
	i := p.icon()
	marked := func() (kind, state any) {
		i.layout().walk(t, 0, func(_ int, l layout) {
			if l.label() == "Start at sign-in" {
				kind, state = l.Says["toggle-type"].Value(), l.Says["toggle-state"].Value()
			}
		})
		return kind, state
	}
	for _, on := range []bool{true, false} {
		i.click("Start at sign-in")
		c.says(fmt.Sprint("switch ", on))
		want := map[bool]int32{true: 1, false: 0}[on]
		i.await("the mark", func(*dbus.Signal) bool { _, state := marked(); return state == want })
		if kind, _ := marked(); kind != "checkmark" {
			t.Errorf("the line is a %v", kind)
		}
	}
}
