//go:build proof

package proof

import (
	"fmt"
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
			if want := []string{strings.ReplaceAll(kauri, "&", "&&"), joinery, café}; strings.Join(names, "\n") != strings.Join(want, "\n") {
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
	b.lineAt(t, 1, "Not signed in to Xero") // the menu of a start that is not over is still to change
	b.click(t, "Sign in to Xero")
	b.opens(t, b.base+"/login", "Sign in to Xero")
	b.signIn(t, "/login")
	b.lineAt(t, 1, "Signed in · 3 organisations")
	b.photograph(t, "demo")
	b.click(t, "Quit")
	b.hasIcon(t, false)

	// Of a data folder of any name, another start finds what the first has kept.
	data := "FCC_DATA_DIR=" + b.Path(filepath.Join(folder, "Größe und Wörter"))
	for start := range 2 {
		f := b.begin(t, []string{data, "FCC_PORT=8787"}, program, "serve")
		f.line(t, "Open ")
		if start == 0 {
			if answer := b.me.visit(t, "/"); answer.status != http.StatusOK {
				t.Fatalf("a visit: %d: %s", answer.status, answer.body)
			}
		}
		// Nobody gets this by visiting alone.
		if answer := b.me.visit(t, "/api/status"); answer.status != http.StatusOK {
			t.Errorf("with the session's cookie, after start %d: %d: %s", start+1, answer.status, answer.body)
		}
		stop := b.Command(t.Context(), program, "stop")
		stop.Env = append(stop.Env, data)
		if out, err := stop.CombinedOutput(); err != nil {
			t.Fatalf("fcc stop: %v: %s", err, out)
		}
		<-f.ended
	}
}
