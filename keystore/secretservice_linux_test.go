package keystore_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// connect is a connection of the test to d's bus, under a name that others call.
func (d *desk) connect(t *testing.T, name string) *dbus.Conn {
	t.Helper()
	bus, err := dbus.Connect(d.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	if reply, err := bus.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own %s: %v, %v", name, reply, err)
	}
	return bus
}

func export(t *testing.T, bus *dbus.Conn, path dbus.ObjectPath, api string, methods any) {
	t.Helper()
	if err := bus.Export(methods, path, api); err != nil {
		t.Fatal(err)
	}
}

// unlock types the password in.
func (d *desk) unlock(t *testing.T) {
	t.Helper()
	bus, err := dbus.Connect(d.address())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	var none dbus.Variant
	var session dbus.ObjectPath
	service := bus.Object("org.freedesktop.secrets", secrets)
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		t.Fatal(err)
	}
	password := secretStruct{session, []byte{}, []byte("any password"), "text/plain"}
	if err := service.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0, keyring, password).Err; err != nil {
		t.Fatal(err)
	}
}

// signal stops gnome-keyring or lets it go on.
func (d *desk) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.keyring.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// A prompter shows gnome-keyring's prompts in the place of GNOME Shell: to
// somebody who does not look, or to somebody who cancels.
type prompter struct {
	bus     *dbus.Conn
	cancels bool
	began   chan struct{} // one element per prompt
}

func newPrompter(t *testing.T, d *desk, cancels bool) *prompter {
	t.Helper()
	p := &prompter{d.connect(t, "org.gnome.keyring.SystemPrompter"), cancels, make(chan struct{}, 100)}
	export(t, p.bus, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter", p)
	return p
}

const promptCallback = "org.gnome.keyring.internal.Prompter.Callback."

func (p *prompter) BeginPrompting(call dbus.Message, from dbus.Sender, callback dbus.ObjectPath) *dbus.Error {
	p.began <- struct{}{}
	if p.cancels {
		// gnome-keyring does not listen before it has the answer to this call,
		// so that goes ahead. godbus then sends another one, which the bus drops.
		p.bus.Send(&dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(string(from)),
			dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		}}, nil)
		p.bus.Object(string(from), callback).Go(promptCallback+"PromptReady", 0, nil, "", map[string]dbus.Variant{}, "")
	}
	return nil
}

func (p *prompter) PerformPrompt(from dbus.Sender, callback dbus.ObjectPath, _ string, _ map[string]dbus.Variant, _ string) *dbus.Error {
	p.bus.Object(string(from), callback).Go(promptCallback+"PromptReady", 0, nil, "no", map[string]dbus.Variant{}, "")
	return nil
}

func (p *prompter) StopPrompting(from dbus.Sender, callback dbus.ObjectPath) *dbus.Error {
	p.bus.Object(string(from), callback).Go(promptCallback+"PromptDone", 0, nil)
	return nil
}

// A clerk is a Secret Service with one unlocked keyring for one item, which does
// to a write what the test says.
type clerk struct {
	hold sync.Mutex // a write waits for it

	mu      sync.Mutex
	kept    []byte // nil: no item
	written []string
	write   func(string) (string, error)
}

type secretStruct struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

var (
	errNoRoom = errors.New("no space left on device")
	errLost   = errors.New("")
)

const (
	secrets  = dbus.ObjectPath("/org/freedesktop/secrets")
	keyring  = secrets + "/collection/login"
	item     = keyring + "/1"
	noPrompt = dbus.ObjectPath("/")
)

func newClerk(t *testing.T, d *desk) *clerk {
	t.Helper()
	c := &clerk{write: func(value string) (string, error) { return value, nil }}
	bus := d.connect(t, "org.freedesktop.secrets")
	export(t, bus, secrets, "org.freedesktop.Secret.Service", clerkService{})
	export(t, bus, secrets, "org.freedesktop.DBus.Properties", properties{"Collections": []dbus.ObjectPath{keyring}})
	export(t, bus, secrets+"/session/1", "org.freedesktop.Secret.Session", clerkSession{})
	export(t, bus, keyring, "org.freedesktop.Secret.Collection", clerkCollection{c})
	export(t, bus, keyring, "org.freedesktop.DBus.Properties", properties{"Locked": false})
	export(t, bus, item, "org.freedesktop.Secret.Item", clerkItem{c})
	return c
}

// onWrite sets what is kept of the values written from now on.
func (c *clerk) onWrite(write func(string) (string, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write = write
}

func (c *clerk) writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.written)
}

type properties map[string]any

func (p properties) Get(_, name string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(p[name]), nil
}

type clerkService struct{}

func (clerkService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), secrets + "/session/1", nil
}

func (clerkService) Unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return objects, noPrompt, nil
}

type clerkSession struct{}

func (clerkSession) Close() *dbus.Error { return nil }

type clerkCollection struct{ *clerk }

func (c clerkCollection) SearchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return []dbus.ObjectPath{}, nil
	}
	return []dbus.ObjectPath{item}, nil
}

func (c clerkCollection) CreateItem(_ map[string]dbus.Variant, s secretStruct, _ bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	c.hold.Lock()
	defer c.hold.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = append(c.written, string(s.Value))
	kept, err := c.write(string(s.Value))
	switch {
	case err == nil:
		c.kept = []byte(kept)
	case errors.Is(err, errLost): // says that it is kept, and it is not
		c.kept = nil
	default:
		return noPrompt, noPrompt, dbus.MakeFailedError(err)
	}
	return item, noPrompt, nil
}

type clerkItem struct{ *clerk }

func (c clerkItem) GetSecret(session dbus.ObjectPath) (secretStruct, *dbus.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return secretStruct{session, []byte{}, c.kept, "text/plain"}, nil
}

func (c clerkItem) Delete() (dbus.ObjectPath, *dbus.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
	return noPrompt, nil
}
