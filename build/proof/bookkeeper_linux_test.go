//go:build proof

package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

// A bookkeeper sits at a Windows with a browser, and has a Xero.
type bookkeeper struct {
	*desk
	sim       *simXero
	base      string
	me        *person // the browser
	menudrive string
	seen      int // of what was opened
}

func newBookkeeper(t *testing.T) *bookkeeper {
	t.Helper()
	b := &bookkeeper{desk: newDesk(t), base: "http://localhost:8000"}
	tools := t.TempDir()
	b.menudrive = filepath.Join(tools, "menudrive.exe")
	relay := filepath.Join(tools, "relay.exe")
	for exe, pkg := range map[string]string{b.menudrive: "../wine/menudrive", relay: "../wine/relay"} {
		if err := b.Build(t.Context(), exe, pkg); err != nil {
			t.Fatal(err)
		}
	}
	sim := b.Beside(t.Context(), filepath.Join(bin, "build"), "sim", "--port", "0")
	client := &http.Client{Transport: &http.Transport{DialContext: b.DialContext}, Timeout: patience}
	b.sim = newSim(t, start(t, environment(t.TempDir()), sim.Path, sim.Args[1:]...), client)
	b.meet(t, 8000)
	return b
}

// meet points the browser to an FCC: what it asks of that comes from a program of the
// same user, what it asks of Xero from anybody.
func (b *bookkeeper) meet(t *testing.T, port int) {
	t.Helper()
	ours := fmt.Sprintf("localhost:%d", port)
	relay := b.begin(t, nil, filepath.Join(filepath.Dir(b.menudrive), "relay.exe"), fmt.Sprintf("127.0.0.1:%d", port))
	way := relay.line(t, "127.0.0.1:")
	b.me = newPerson("http://" + ours)
	b.me.transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == ours {
			address = way
		}
		return b.DialContext(ctx, network, address)
	}}
}

// settle writes the settings that the set-up page would write, so that they count
// however FCC is started.
func (b *bookkeeper) settle(t *testing.T, data string) {
	t.Helper()
	settings, err := json.Marshal(map[string]string{"client_id": xerosim.DemoClientID, "issuer": b.sim.base, "api": b.sim.base})
	if err == nil {
		err = os.MkdirAll(data, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(data, "settings.json"), settings, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// doubleClick starts a program as the shell does, which gives it no standard files.
func (b *bookkeeper) doubleClick(t *testing.T, exe string, args ...string) {
	t.Helper()
	if code, out := b.run(t, "start", append([]string{b.Path(exe)}, args...)...); code != 0 {
		t.Fatalf("start %s: exit %d: %s", exe, code, out)
	}
}

// serves waits until FCC answers.
func (b *bookkeeper) serves(t *testing.T, mode string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: b.DialContext, DisableKeepAlives: true}, Timeout: patience}
	eventually(t, "/health answers", func() (bool, string) {
		resp, err := client.Get(b.base + "/health")
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		var health struct{ Mode string }
		err = json.NewDecoder(resp.Body).Decode(&health)
		return err == nil && resp.StatusCode == http.StatusOK && health.Mode == mode, fmt.Sprint(resp.Status, health, err)
	})
}

// opened waits for the next address that the browser is sent to.
func (b *bookkeeper) opened(t *testing.T, by string) string {
	t.Helper()
	var addresses []string
	eventually(t, by+" opens the browser", func() (bool, string) {
		var err error
		if addresses, err = b.Opened(); err != nil {
			t.Fatal(err)
		}
		return len(addresses) > b.seen, ""
	})
	b.seen++
	return addresses[b.seen-1]
}

func (b *bookkeeper) opens(t *testing.T, want, by string) {
	t.Helper()
	if got := b.opened(t, by); got != want {
		t.Fatalf("%s opens %s, not %s", by, got, want)
	}
}

func (b *bookkeeper) hasIcon(t *testing.T, want bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("an icon in the tray: %v", want), func() (bool, string) {
		got, err := b.HasTrayIcon(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got == want, ""
	})
}

// A shown line is one of the tray's menu, as menudrive reads it.
type shown struct {
	Label             string
	Disabled, Checked bool
	Under             []shown
}

func (b *bookkeeper) menu(t *testing.T) (lines []shown) {
	t.Helper()
	out, err := b.Output(t.Context(), b.menudrive, "list")
	if err == nil {
		err = json.Unmarshal([]byte(out), &lines)
	}
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// shows waits until the menu is as wanted, every line of it.
func (b *bookkeeper) shows(t *testing.T, want []shown) {
	t.Helper()
	eventually(t, "the menu", func() (bool, string) {
		got := fmt.Sprintf("%+v", b.menu(t))
		return got == fmt.Sprintf("%+v", want), got
	})
}

// line waits until the menu begins with a line.
func (b *bookkeeper) line(t *testing.T, want string) { t.Helper(); b.lineAt(t, 0, want) }

func (b *bookkeeper) lineAt(t *testing.T, n int, want string) {
	t.Helper()
	eventually(t, "the tray says "+want, func() (bool, string) {
		got := b.menu(t)[n].Label
		return got == want, got
	})
}

func (b *bookkeeper) click(t *testing.T, labels ...string) {
	t.Helper()
	if _, err := b.Output(t.Context(), b.menudrive, append([]string{"click"}, labels...)...); err != nil {
		t.Fatal(err)
	}
}

// photograph keeps a picture of tray and menu: go test -artifacts.
func (b *bookkeeper) photograph(t *testing.T, name string) {
	t.Helper()
	ctx := t.Context()
	if _, err := b.Output(ctx, b.menudrive, "show"); err != nil {
		t.Fatal(err)
	}
	if err := b.Screenshot(ctx, filepath.Join(t.ArtifactDir(), name+".png")); err != nil {
		t.Fatal(err)
	}
	b.menu(t) // which shuts it
}

// signIn follows a page of FCC to Xero, allows what is asked there, and comes back.
func (b *bookkeeper) signIn(t *testing.T, page string) {
	t.Helper()
	toXero := b.me.visit(t, page)
	if toXero.status != http.StatusFound {
		t.Fatalf("%s: %d: %s", page, toXero.status, toXero.body)
	}
	back := b.me.consent(t, toXero.header.Get("Location"))
	if end := b.me.visit(t, strings.TrimPrefix(back, b.base)); end.status != http.StatusSeeOther && end.status != http.StatusOK {
		t.Fatalf("the callback: %d: %s", end.status, end.body)
	}
}

// connection is the id of the one sign-in that FCC has.
func (b *bookkeeper) connection(t *testing.T) (id string) {
	t.Helper()
	eventually(t, "one connection", func() (bool, string) {
		_, out := b.run(t, b.installed("fcc.exe"), "status", "--json")
		var st status
		err := json.Unmarshal([]byte(out), &st)
		if err != nil || st.State != "connected" || len(st.Connections) != 1 {
			return false, out
		}
		id = st.Connections[0].ID
		return true, ""
	})
	return id
}

// sameSignIn makes sure that nobody had to sign in again.
func (b *bookkeeper) sameSignIn(t *testing.T, want string) {
	t.Helper()
	if got := b.connection(t); got != want {
		t.Errorf("the connection is %s, and was %s", got, want)
	}
	signIns := 0
	for _, e := range b.sim.journal(t, 0) {
		if e.Form.Get("grant_type") == "authorization_code" {
			signIns++
		}
	}
	if signIns != 1 {
		t.Errorf("%d sign-ins at Xero, not 1", signIns)
	}
}

// kept is what Wine's Credential Manager holds. Only the names can be read.
func (b *bookkeeper) kept(t *testing.T) string {
	t.Helper()
	out, err := b.Output(t.Context(), "reg", "query", `HKCU\Software\Wine\Credential Manager`, "/s")
	if err != nil {
		t.Fatal(err)
	}
	return out
}
