package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// A panel is the part of a desktop that shows tray icons: it owns the watcher's
// name on a bus of its own, and is told of icons.
type panel struct {
	bus   *dbus.Conn
	icons chan dbus.Sender
}

const watcherName = "org.kde.StatusNotifierWatcher"

func openPanel(t testing.TB, address string) *panel {
	t.Helper()
	bus, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	p := &panel{bus, make(chan dbus.Sender, 4)}
	if err := bus.Export(p, "/StatusNotifierWatcher", watcherName); err != nil {
		t.Fatal(err)
	}
	if reply, err := bus.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own %s: %v %v", watcherName, reply, err)
	}
	return p
}

// RegisterStatusNotifierItem is called by each icon that appears.
func (p *panel) RegisterStatusNotifierItem(sender dbus.Sender, _ string) *dbus.Error {
	p.icons <- sender
	return nil
}

// node is a line of a menu as com.canonical.dbusmenu sends it.
type node struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// A menuLine is one line of a menu.
type menuLine struct {
	id    int32
	label string
}

// lines reads the menu of icon.
func (p *panel) lines(icon dbus.Sender) ([]menuLine, error) {
	var revision uint32
	var root node
	menu := p.bus.Object(string(icon), "/StatusNotifierItem/menu")
	if err := menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
		return nil, err
	}
	var lines []menuLine
	for _, child := range root.Children {
		var line node
		if err := dbus.Store([]any{child.Value()}, &line); err != nil {
			return nil, err
		}
		label, _ := line.Properties["label"].Value().(string)
		lines = append(lines, menuLine{line.ID, label})
	}
	return lines, nil
}

// click clicks the line with this label in the menu of icon.
func (p *panel) click(t testing.TB, icon dbus.Sender, label string) {
	t.Helper()
	eventually(t, "a line "+label+" in the menu", func() (bool, string) {
		lines, err := p.lines(icon)
		for _, line := range lines {
			if line.label == label {
				// Who is told to quit may be gone before it answers.
				menu := p.bus.Object(string(icon), "/StatusNotifierItem/menu")
				err := menu.Call("com.canonical.dbusmenu.Event", dbus.FlagNoReplyExpected, line.id, "clicked", dbus.MakeVariant(""), uint32(0)).Err
				return err == nil, "clicked"
			}
		}
		return false, fmt.Sprint(lines, err)
	})
}

// shows waits until the first line of the menu has the text.
func (p *panel) shows(t testing.TB, icon dbus.Sender, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the tray shows %q", text), func() (bool, string) {
		lines, err := p.lines(icon)
		return len(lines) > 0 && strings.Contains(lines[0].label, text), fmt.Sprint(lines, err)
	})
}

// icon waits for the next icon that appears.
func (p *panel) icon(t testing.TB) dbus.Sender {
	t.Helper()
	select {
	case icon := <-p.icons:
		return icon
	case <-time.After(patience):
		t.Fatal("no icon appears")
		return ""
	}
}

func TestTheTraysClicksReachBrowserAndProgram(t *testing.T) {
	home := t.TempDir()
	bus := start(t, environment(home), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address")
	address := bus.line(t, "unix:")
	p := openPanel(t, address)

	opened := filepath.Join(home, "opened")
	browser := "#!/bin/sh\nprintf '%s\\n' \"$1\" >> '" + opened + "'\n"
	if err := os.WriteFile(filepath.Join(home, "xdg-open"), []byte(browser), 0o700); err != nil {
		t.Fatal(err)
	}
	env := environment(home, "DBUS_SESSION_BUS_ADDRESS="+address, "DISPLAY=:99", "TMPDIR="+home)
	env = append(env, "PATH="+home+":"+os.Getenv("PATH"))
	f := start(t, env, filepath.Join(bin, "fcc"), "demo")
	link := strings.TrimPrefix(f.line(t, "Open "), "Open ")
	base, _, _ := strings.Cut(link, "/open?")

	openedAre := func(want ...string) {
		t.Helper()
		eventually(t, "the browser is sent on", func() (bool, string) {
			data, _ := os.ReadFile(opened)
			return string(data) == strings.Join(want, "\n")+"\n", string(data)
		})
	}
	openedAre(base + "/") // the first start
	icon := p.icon(t)
	if said := f.stderr.String(); strings.Contains(said, "no system tray") {
		t.Errorf("with a tray it says: %s", said)
	}
	p.click(t, icon, "Health")
	openedAre(base+"/", base+"/health")
	p.click(t, icon, "Logs folder")
	eventually(t, "the logs folder", func() (bool, string) {
		data, _ := os.ReadFile(opened)
		return strings.HasPrefix(string(data), base+"/\n"+base+"/health\nfile://"+home) && strings.HasSuffix(string(data), "/logs\n"), string(data)
	})
	p.click(t, icon, "Quit")
	select {
	case <-f.ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if code := f.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after Quit", code)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "fcc-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
