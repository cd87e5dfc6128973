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
	"time"

	"financial-command-center/server/xero/xerosim"
)

// The packaged programs, as a bookkeeper meets them: a double click, the tray, the
// browser. It runs as root's and Wine's only user, in a network of its own, where
// FCC's own port is free.
func TestABookkeepersDaysOnWindows(t *testing.T) {
	old, next := packaged(t, "1.2.3"), packaged(t, "1.3.0")
	b := newBookkeeper(t)
	data := filepath.Join(b.local, "Financial-Command-Center-AI")
	b.settle(t, data)
	signedIn := "" // the connection's id
	for _, step := range []struct {
		name string
		do   func(t *testing.T)
	}{
		{"installed, and started by a double click", func(t *testing.T) {
			if code := b.setup(t, old); code != 0 {
				t.Fatalf("exit %d", code)
			}
			b.doubleClick(t, b.installed("fcc.exe"))
			b.serves(t, "live")
			b.opens(t, b.base+"/", "the first start")
			b.hasIcon(t, true)
			b.shows(t, []shown{
				{Label: "Not signed in to Xero", Disabled: true}, {},
				{Label: "Open dashboard"}, {Label: "Copy local address"}, {},
				{Label: "Sign in to Xero"}, {Label: "Disconnect from Xero…", Disabled: true}, {},
				{Label: "Start at sign-in"}, {Label: "Notifications", Checked: true}, {},
				{Label: "Health"}, {Label: "Logs folder"}, {},
				{Label: "Quit"},
			})
			b.photograph(t, "signed-out")
		}},
		{"the lines of the menu open their pages", func(t *testing.T) {
			b.click(t, "Open dashboard")
			b.opens(t, b.base+"/", "Open dashboard")
			b.click(t, "Health")
			b.opens(t, b.base+"/health", "Health")
		}},
		{"signed in to Xero from the tray", func(t *testing.T) {
			b.click(t, "Sign in to Xero")
			b.opens(t, b.base+"/login", "Sign in to Xero")
			b.signIn(t, "/login")
			b.line(t, "Signed in · 3 organisations")
			signedIn = b.connection(t)
			lines := b.menu(t)
			var names []string
			for _, l := range lines {
				for _, under := range l.Under {
					names = append(names, under.Label)
				}
			}
			// Windows takes one ampersand for the mark of the letter that follows.
			if want := []string{joinery, café, strings.ReplaceAll(kauri, "&", "&&")}; strings.Join(names, "\n") != strings.Join(want, "\n") {
				t.Errorf("the organisations: %q, not %q", names, want)
			}
			b.click(t, "Organisations", café)
			if got := b.opened(t, "an organisation"); !strings.HasPrefix(got, b.base+"/?tenant=") {
				t.Errorf("an organisation opens %s", got)
			}
			b.photograph(t, "signed-in")
		}},
		{"a second double click opens the dashboard of the first", func(t *testing.T) {
			quickest := time.Hour
			for range 3 {
				begun := time.Now()
				if code, out := b.run(t, b.installed("fcc.exe")); code != 0 {
					t.Fatalf("exit %d: %s", code, out)
				}
				quickest = min(quickest, time.Since(begun))
				b.opens(t, b.base+"/", "a second start")
			}
			t.Logf("handed over in %v", quickest.Round(10*time.Millisecond))
			if quickest > time.Second {
				t.Errorf("it took %v", quickest)
			}
		}},
		{"start at sign-in is written and removed", func(t *testing.T) {
			program := `"` + b.Path(b.installed("fcc.exe")) + `"`
			for _, want := range []string{program, ""} {
				b.click(t, "Start at sign-in")
				eventually(t, "the entry", func() (bool, string) {
					got := b.value(t, runKey, product)
					return got == want, got
				})
				eventually(t, "the check mark", func() (bool, string) {
					for _, l := range b.menu(t) {
						if l.Label == "Start at sign-in" {
							return l.Checked == (want != ""), fmt.Sprintf("%+v", l)
						}
					}
					return false, "no such line"
				})
			}
		}},
		{"ended from the tray, and signed in after the next start", func(t *testing.T) {
			if got := b.kept(t); !strings.Contains(got, "Financial-Command-Center-AI") {
				t.Errorf("Credential Manager has no item of FCC: %s", got)
			}
			b.click(t, "Quit")
			eventually(t, "the end", func() (bool, string) {
				code := b.status(t)
				return code == notRunning, fmt.Sprint("fcc status: ", code)
			})
			b.hasIcon(t, false)
			b.doubleClick(t, b.installed("fcc.exe"))
			b.line(t, "Signed in · 3 organisations")
			b.sameSignIn(t, signedIn)
		}},
		{"upgraded while it runs", func(t *testing.T) {
			if code := b.setup(t, next); code != 0 {
				t.Fatalf("exit %d", code)
			}
			eventually(t, "the new one is signed in", func() (bool, string) {
				code, out := b.run(t, b.installed("fcc.exe"), "status", "--json")
				return code == 0 && strings.Contains(out, `"1.3.0"`), out
			})
			b.sameSignIn(t, signedIn)
			b.line(t, "Signed in · 3 organisations")
		}},
		{"removed with the data", func(t *testing.T) {
			if code := b.uninstall(t, "/REMOVEDATA=1"); code != 0 {
				t.Errorf("exit %d", code)
			}
			b.hasIcon(t, false)
			menu := filepath.Join(filepath.Dir(b.local), "Roaming", "Microsoft", "Windows", "Start Menu", "Programs", product+".lnk")
			b.nothingLeft(t, menu, "")
			if !missing(data) {
				t.Errorf("%s is still there", data)
			}
			if got := b.kept(t); strings.Contains(got, "Financial-Command-Center-AI") {
				t.Errorf("in Credential Manager: %s", got)
			}
			deleted, revoked := 0, 0
			for _, e := range b.sim.journal(t, 0) {
				if e.Point == xerosim.PointConnections && e.Method == http.MethodDelete && e.Status < 300 {
					deleted++
				}
				if e.Point == xerosim.PointRevocation && e.Status < 300 {
					revoked++
				}
			}
			if deleted != 3 || revoked == 0 {
				t.Errorf("at Xero %d connections were deleted, and %d sign-ins revoked", deleted, revoked)
			}
		}},
	} {
		if !t.Run(step.name, step.do) {
			t.FailNow() // what follows builds on it
		}
	}
}

func TestADemoRunsFromAFolderOfAnyName(t *testing.T) {
	b := newBookkeeper(t)
	folder := filepath.Join(b.Drive(), "Müller & Söhne – Bücher 100 %")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "fcc.exe")
	if err := os.WriteFile(program, read(t, filepath.Join(packaged(t, "1.2.3"), "windows_amd64", "fcc.exe")), 0o700); err != nil {
		t.Fatal(err)
	}
	b.doubleClick(t, program, "demo", "--port", "8787")
	b.base = "http://localhost:8787"
	b.meet(t, 8787)
	b.serves(t, "demo")
	b.opens(t, b.base+"/", "the demo")
	b.hasIcon(t, true)
	if got := b.menu(t)[0].Label; got != "Demo · invented books, nothing reaches Xero" {
		t.Errorf("the menu begins with %q", got)
	}
	b.click(t, "Sign in to Xero")
	b.opens(t, b.base+"/login", "Sign in to Xero")
	b.signIn(t, "/login")
	b.lineAt(t, 1, "Signed in · 3 organisations")
	b.photograph(t, "demo")
	b.click(t, "Quit")
	b.hasIcon(t, false)

	// Of a data folder of any name, another start finds what the first has kept.
	data := "FCC_DATA_DIR=" + b.Path(filepath.Join(folder, "Größe und Wörter"))
	cookie := ""
	for range 2 {
		f := b.begin(t, []string{data, "FCC_PORT=8787"}, program, "serve")
		f.line(t, "Open ")
		if answer := b.me.visit(t, "/"); answer.status != http.StatusOK {
			t.Fatalf("a visit: %d: %s", answer.status, answer.body)
		}
		kept := b.me.cookies["fcc_session_8787"]
		if cookie != "" && kept != cookie {
			t.Error("the browser's session was not found again")
		}
		cookie = kept
		stop := b.Command(t.Context(), program, "stop")
		stop.Env = append(stop.Env, data)
		if out, err := stop.CombinedOutput(); err != nil {
			t.Fatalf("fcc stop: %v: %s", err, out)
		}
		<-f.ended
	}
}

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
