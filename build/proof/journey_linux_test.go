package proof

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The simulated Xero's organisations, as its person sees them.
const (
	joinery = "Harbour Joinery Ltd"
	café    = "Ridgeway Café"
	kauri   = `<b>Kauri</b> & "Sons"`
)

func TestADemoLeadsFromTheLinkToTheChosenOrganisation(t *testing.T) {
	i := &installation{program: filepath.Join(bin, "fcc"), port: freePort(t), home: t.TempDir()}
	i.flags = []string{"--port", strconv.Itoa(i.port)}
	demo := i.run(t, "demo")
	b := openBrowser(t, profileFolder(t))
	b.follow(t, demo.link)
	b.signIn(t, joinery, café, kauri)
	b.visit(t, i.base()+"/profile")
	b.do(t, "choose the second organisation", chromedp.Click(fmt.Sprintf(`//button[@aria-label="Choose %s"]`, café)))
	b.sees(t, café)
}

func TestASignInOutlivesBrowserAndKillWithTheKeystoreFile(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, sim.settings()...)
	outlives(t, sim, i, func() {})
}

func TestASignInOutlivesBrowserAndKillWithARealKeychain(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, sim.settings()...)
	d := openDesktop(t, i.home)
	i.onDesktop(d)
	outlives(t, sim, i, func() {
		d.close()
		i.onDesktop(openDesktop(t, i.home))
	})
}

// outlives signs in with a real browser, closes it, ends FCC by kill -9, lets
// restart do what else a restart does, and finds all as it was.
func outlives(t *testing.T, sim *simXero, i *installation, restart func()) {
	t.Helper()
	profile := profileFolder(t)
	running := i.with("FCC_DEBUG=1").start(t)
	b := openBrowser(t, profile)
	b.follow(t, running.link)
	b.signIn(t, café)
	b.sees(t, café)
	key := i.addKey(t, "sheet")
	b.fetches(t, "POST", "/api/session/test-persistence", `"success":true`)
	before := i.invoices(t, key)
	if before == 0 {
		t.Fatal("the organisation has no invoices")
	}
	b.close(t)
	running.kill()
	restart()

	i.start(t)
	b = openBrowser(t, profile)
	b.visit(t, i.base()+"/")
	b.sees(t, café)
	b.fetches(t, "GET", "/api/session/test-persistence", `"persistence_test":"PASSED"`)
	st := i.connected(t, key)
	if len(st.Connections) != 1 || len(st.Connections[0].Organisations) != 1 || st.Connections[0].Organisations[0].Name != café {
		t.Errorf("after the restart FCC knows %+v, not %s alone", st.Connections, café)
	}
	if got := i.organisation(t, key); got != café {
		t.Errorf("the key opens the books of %s, not of %s", got, café)
	}
	if got := i.invoices(t, key); got != before {
		t.Errorf("%d invoices after the restart, %d before", got, before)
	}
	signIns := 0
	for _, e := range sim.journal(t, 0) {
		if e.Form.Get("grant_type") == "authorization_code" {
			signIns++
		}
	}
	if signIns != 1 {
		t.Errorf("%d sign-ins at Xero, not 1", signIns)
	}
}

func TestTwoFCCsOnOneKeychainAndOneBrowserDoNotDisturbEachOther(t *testing.T) {
	ports := []int{freePort(t), freePort(t)}
	sim := startSim(t, ports)
	profile := profileFolder(t)
	home := t.TempDir()
	d := openDesktop(t, home)
	// Both installations share a home, and with it the keychain.
	var both []*installation
	for n, port := range ports {
		i := install(t, port, sim.settings()...).onDesktop(d)
		i.home, i.data = home, fmt.Sprintf("%s/data-%d", home, n)
		both = append(both, i.with("FCC_DATA_DIR="+i.data))
	}
	organisations := []string{joinery, café}
	var running []*fcc
	var keys []string
	b := openBrowser(t, profile)
	for n, i := range both {
		running = append(running, i.start(t))
		b.follow(t, running[n].link)
		if n == 0 {
			b.signIn(t, organisations[n])
		} else {
			b.signInAs(t, "Ben O’Leary", organisations[n])
		}
		b.sees(t, organisations[n])
		keys = append(keys, i.addKey(t, "sheet"))
	}
	b.close(t)
	for _, f := range running {
		f.kill()
	}
	for _, i := range both {
		i.start(t)
	}
	b = openBrowser(t, profile)
	for range 2 { // each is visited after the other too
		for n, i := range both {
			b.visit(t, i.base()+"/")
			b.sees(t, organisations[n])
			st := i.connected(t, keys[n])
			if got := st.Connections[0].Organisations[0].Name; len(st.Connections) != 1 || got != organisations[n] {
				t.Errorf("FCC %d reaches %s, not %s", n+1, got, organisations[n])
			}
		}
	}
	answer, err := both[0].get("/api/status", keys[1])
	if err != nil {
		t.Fatal(err)
	}
	var refused struct{ Error struct{ Code string } }
	if err := json.Unmarshal([]byte(answer.body), &refused); err != nil || refused.Error.Code != "key_required" {
		t.Errorf("the second FCC's key got %d from the first: %s", answer.status, answer.body)
	}
	both[0].command(t, "disconnect")
	if st := both[1].connected(t, keys[1]); !strings.Contains(fmt.Sprint(st.Connections), café) {
		t.Errorf("after the first FCC was disconnected, the second has %+v", st)
	}
}
