package tray_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

const (
	watcher  = "org.kde.StatusNotifierWatcher"
	itemPath = "/StatusNotifierItem"
	menuPath = "/StatusNotifierItem/menu"
	menuName = "com.canonical.dbusmenu"
)

// patience is how long a test waits for what must come; nothing waits that long
// for what must not.
const patience = 10 * time.Second

// A panel plays the desktop: it owns the watcher's name and is told of icons.
type panel struct {
	t     *testing.T
	bus   *dbus.Conn
	icons chan string // the bus names of those who registered

	mu      sync.Mutex
	signals []*dbus.Signal
	more    chan struct{} // told of every signal
}

func newPanel(t *testing.T) *panel { return newWatcher(t, true) }

// newWatcher is a panel, or without a host only the service that would tell one.
func newWatcher(t *testing.T, host bool) *panel {
	t.Helper()
	bus, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	p := &panel{t: t, bus: bus, icons: make(chan string, 16), more: make(chan struct{}, 1)}
	t.Cleanup(p.leave)
	if err := bus.Export(p, "/StatusNotifierWatcher", watcher); err != nil {
		t.Fatal(err)
	}
	if _, err := prop.Export(bus, "/StatusNotifierWatcher", prop.Map{watcher: {
		"IsStatusNotifierHostRegistered": {Value: host},
		"ProtocolVersion":                {Value: int32(0)},
		"RegisteredStatusNotifierItems":  {Value: []string{}},
	}}); err != nil {
		t.Fatal(err)
	}
	signals := make(chan *dbus.Signal, 256)
	bus.Signal(signals)
	go func() {
		for s := range signals {
			p.mu.Lock()
			p.signals = append(p.signals, s)
			p.mu.Unlock()
			select {
			case p.more <- struct{}{}:
			default:
			}
		}
	}()
	if err := bus.AddMatchSignal(dbus.WithMatchPathNamespace(itemPath)); err != nil {
		t.Fatal(err)
	}
	if err := bus.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged")); err != nil {
		t.Fatal(err)
	}
	if got, err := bus.RequestName(watcher, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the watcher's name: %v, %v", got, err)
	}
	return p
}

// leave is the end of the panel. Its name is given back first: the bus learns of
// a closed connection in its own time, and the next panel wants the name.
func (p *panel) leave() {
	p.bus.ReleaseName(watcher)
	p.bus.Close()
}

// RegisterStatusNotifierItem is what an icon calls.
func (p *panel) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	if service != itemPath {
		p.t.Errorf("an icon registered as %q", service)
	}
	p.icons <- string(sender)
	return nil
}

// icon waits for a program's icon to register.
func (p *panel) icon() *shownIcon {
	p.t.Helper()
	i := p.iconAgain()
	i.layout() // systray answers a program's first reader without submenus, and then says that the menu has changed
	p.await("the menu after its first reading", func(s *dbus.Signal) bool { return s.Name == menuName+".LayoutUpdated" })
	return i
}

// iconAgain waits for an icon that another panel showed before.
func (p *panel) iconAgain() *shownIcon {
	p.t.Helper()
	select {
	case name := <-p.icons:
		return &shownIcon{panel: p, name: name}
	case <-time.After(patience):
		p.t.Fatal("no icon registered")
		return nil
	}
}

// received are the signals since forget, in order.
func (p *panel) received() []*dbus.Signal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.signals)
}

// forget drops the signals that came so far.
func (p *panel) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signals = nil
}

// await waits for a signal among those that came since forget.
func (p *panel) await(what string, is func(*dbus.Signal) bool) {
	p.t.Helper()
	late := time.After(patience)
	for {
		if slices.ContainsFunc(p.received(), is) {
			return
		}
		select {
		case <-p.more:
		case <-late:
			p.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A shownIcon is one that the panel shows.
type shownIcon struct {
	*panel
	name string
}

func (i *shownIcon) property(name string) dbus.Variant {
	i.t.Helper()
	v, err := i.bus.Object(i.name, itemPath).GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		i.t.Fatalf("%s: %v", name, err)
	}
	return v
}

// tooltip is the words of the tooltip.
func (i *shownIcon) tooltip() string {
	i.t.Helper()
	parts, ok := i.property("ToolTip").Value().([]any)
	if !ok || len(parts) != 4 {
		i.t.Fatalf("tooltip %v", parts)
	}
	return parts[2].(string)
}

// picture is the icon's pixels.
func (i *shownIcon) picture() string {
	i.t.Helper()
	return fmt.Sprint(i.property("IconPixmap").Value())
}

// A layout is com.canonical.dbusmenu's picture of a line and those under it.
type layout struct {
	ID       int32
	Says     map[string]dbus.Variant
	Children []dbus.Variant
}

func (i *shownIcon) layout() layout {
	i.t.Helper()
	var revision uint32
	var root layout
	err := i.bus.Object(i.name, menuPath).Call(menuName+".GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		i.t.Fatal(err)
	}
	return root
}

// menu is what a person sees: a row a line, greyed ones in brackets, submenus
// indented.
func (i *shownIcon) menu() string {
	i.t.Helper()
	var b strings.Builder
	i.layout().walk(i.t, 0, func(depth int, l layout) {
		if l.Says["type"].Value() == "separator" {
			b.WriteString("-\n")
			return
		}
		label := l.label()
		if l.Says["enabled"].Value() == false {
			label = "[" + label + "]"
		}
		b.WriteString(strings.Repeat("  ", depth) + label + "\n")
	})
	return b.String()
}

// click chooses the line that says label.
func (i *shownIcon) click(label string) {
	i.t.Helper()
	id := int32(-1)
	i.layout().walk(i.t, 0, func(_ int, l layout) {
		if l.label() == label {
			id = l.ID
		}
	})
	if id < 0 {
		i.t.Fatalf("no line says %q in\n%s", label, i.menu())
	}
	// Who is told to quit may be gone before it answers.
	err := i.bus.Object(i.name, menuPath).Call(menuName+".Event", dbus.FlagNoReplyExpected, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
	if err != nil {
		i.t.Fatal(err)
	}
}

// label undoes what menus do with underscores: two are one, one is not shown.
func (l layout) label() string {
	label, _ := l.Says["label"].Value().(string)
	return strings.NewReplacer("__", "_", "_", "").Replace(label)
}

// walk visits the lines that are visible.
func (l layout) walk(t *testing.T, depth int, visit func(int, layout)) {
	t.Helper()
	for _, v := range l.Children {
		var child layout
		if err := dbus.Store([]any{v.Value()}, &child); err != nil {
			t.Fatal(err)
		}
		if child.Says["visible"].Value() == false {
			continue
		}
		visit(depth, child)
		child.walk(t, depth+1, visit)
	}
}
