//go:build proof

package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"financial-command-center/keystore"
	"financial-command-center/server/xero/xerosim"
)

func TestNoSecretIsFoundOutsideTheKeystore(t *testing.T) {
	for _, found := range eventfulJourney(t, filepath.Join(bin, "fcc")) {
		t.Error(found)
	}
}

// A program that hands tokens to its log, as nobody should, shows that the masks
// hold, and without them that the search finds what there is to find.
func TestAPlantedLeakIsMasked(t *testing.T) {
	leaky := filepath.Join(t.TempDir(), "fcc")
	buildChanged(t, leaky, leak)
	for _, found := range eventfulJourney(t, leaky) {
		t.Error(found)
	}
}

func TestTheSearchFindsAPlantedLeakWithMaskingOff(t *testing.T) {
	bare := filepath.Join(t.TempDir(), "fcc")
	buildChanged(t, bare, leak, unmasked)
	found := strings.Join(eventfulJourney(t, bare), "\n")
	for _, marker := range []string{"marker 1", "marker 3"} { // opaque tokens, and JWTs
		if !strings.Contains(found, marker+" in logs/fcc.log") {
			t.Errorf("the search did not find %s in the log; it found: %s", marker, found)
		}
	}
}

// A change replaces text in a source file for one build.
type change map[string][2]string

var (
	leak = change{"server/xero/renew.go": {
		`s.set.log.Info("renewal", `,
		`s.set.log.Info("renewal", "planted", s.access.token, "text", s.grant.RefreshToken+" "+s.access.token.Reveal(), `,
	}}
	unmasked = change{
		"server/cli/logs.go": {`, ReplaceAttr: maskAttr`, ``},
		"keystore/secret.go": {
			`func (Secret) LogValue() slog.Value         { return slog.StringValue(masked) }`,
			`func (s Secret) LogValue() slog.Value { return slog.StringValue(s.Reveal()) }`,
		},
	}
)

// buildChanged builds fcc with changes, by go build -overlay.
func buildChanged(t *testing.T, output string, changes ...change) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), map[string]string{}
	for _, c := range changes {
		for name, texts := range c {
			source, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), texts[0]); n != 1 {
				t.Fatalf("%s has %q %d times, not once: bring the change up to date", name, texts[0], n)
			}
			changed := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
			if err := os.WriteFile(changed, []byte(strings.Replace(string(source), texts[0], texts[1], 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(root, name)] = changed
		}
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := goBuild(output, "../..", "-overlay="+overlay); err != nil {
		t.Fatal(err)
	}
}

// eventfulJourney is all that may befall FCC from the first start to the call of
// a script after a kill, with every debug switch on and an app that has a secret.
// It returns where secrets are found that should be in the keystore alone.
func eventfulJourney(t *testing.T, program string) []string {
	t.Helper()
	port := freePort(t)
	sim := startSim(t, []int{port}, "--client-secret", xerosim.DemoClientSecret)
	i := install(t, port, append(sim.settings(), "FCC_DEBUG=1")...)
	i.program = program
	withoutSecret := slices.Clone(i.settings)
	places := map[string]string{}
	said := func(name string, p *process) { places["stderr of "+name] = p.stderr.String() }

	first := i.with("XERO_CLIENT_SECRET=" + xerosim.DemoClientSecret).start(t)
	p := i.signIn(t, sim, café, kauri)
	ticket, _ := url.Parse(first.link)
	for _, path := range []string{
		ticket.RequestURI(), ticket.RequestURI(), // good once
		"/", "/setup", "/profile", "/health", "/api/status", "/api/xero/contacts", "/api/xero/invoices", "/api/session/debug",
		"/api/session/test-persistence", "/api/oauth/test-flow", "/no-such-page",
		"/callback?state=SimulatedXero--state&code=" + "SimulatedXero--code-AAAABBBBCCCCDDDDEEEE22",
		"/callback?error=access_denied&state=SimulatedXero--state", "/callback?code=SimulatedXero--code",
	} {
		p.visit(t, path)
	}
	p.firstEvent(t)
	if _, err := i.get("/api/status", "fcc_nosuchkey"); err != nil {
		t.Fatal(err)
	}
	key := i.addKey(t, "sheet")
	for _, trouble := range []xerosim.Trouble{xerosim.Half, xerosim.Bare, xerosim.Big, xerosim.HTML, xerosim.Lose} {
		sim.fault(t, xerosim.PointToken, trouble)
		sim.control(t, "expire", nil, nil)
		_, _ = i.get("/connections", key) // refused while Xero cannot be reached
		eventually(t, "a renewal after "+string(trouble), func() (bool, string) {
			err := i.answers(key)
			return err == nil, fmt.Sprint(err)
		})
	}
	token := i.command(t, "token")
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"doctor"}, {"doctor", "--json"}, {"keys", "list"}, {"version"}} {
		cmd := exec.Command(i.program, args...)
		cmd.Env = environment(i.home, withoutSecret...)
		out, _ := cmd.CombinedOutput() // the exit code says how FCC stands
		places["output of fcc "+strings.Join(args, " ")] = string(out)
	}
	said("the first fcc", first.process)
	first.kill()

	i.settings = withoutSecret
	second := i.start(t)
	i.connected(t, key)
	if err := i.answers(key); err != nil { // with the client secret of the keystore
		t.Error(err)
	}
	said("the second fcc", second.process)
	second.collectProcesses(t, places, sim.pid())
	second.kill()
	collectFiles(t, i.data, places)
	places["the recorded answers"] = recorded.String()

	needles := map[string]string{
		"the API key": key, "the passphrase": passphrase, "an access token": token, "the session secret": sessionSecret(t, i),
		"the first ticket": ticket.Query().Get("ticket"), "the second ticket": second.link[strings.Index(second.link, "=")+1:],
	}
	for n, marker := range xerosim.Markers() {
		needles[fmt.Sprintf("marker %d", n+1)] = marker
	}
	return search(t, places, needles)
}

// search names every place that holds a needle.
func search(t *testing.T, places, needles map[string]string) []string {
	t.Helper()
	var found []string
	for what, needle := range needles {
		if len(needle) < 8 {
			t.Fatalf("%s is too short to look for: %q", what, needle)
		}
		for _, place := range slices.Sorted(maps.Keys(places)) {
			if at := strings.Index(places[place], needle); at >= 0 {
				around := places[place][max(0, at-60):at]
				found = append(found, fmt.Sprintf("%s in %s, after %q", what, place, around))
			}
		}
	}
	if len(places) < 20 || len(places["logs/fcc.log"]) == 0 || len(places["the recorded answers"]) == 0 {
		t.Fatalf("only %d places were searched", len(places))
	}
	return found
}

// collectFiles adds every file of the data folder but the keystore.
func collectFiles(t *testing.T, dir string, places map[string]string) {
	t.Helper()
	data := os.DirFS(dir)
	err := fs.WalkDir(data, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == secretsFile {
			return err
		}
		text, err := fs.ReadFile(data, name)
		places[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// collectProcesses adds what any user may read of every process, but for the
// simulated Xero, which was given its client's secret as an argument.
func (f *fcc) collectProcesses(t *testing.T, places map[string]string, sim int) {
	t.Helper()
	pids, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(pids) == 0 {
		t.Fatalf("no processes in /proc: %v", err)
	}
	for _, dir := range pids {
		if filepath.Base(dir) == strconv.Itoa(sim) {
			continue
		}
		for _, name := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil { // it may have ended
				places[filepath.Join(dir, name)] = string(text)
			}
		}
	}
	if own := places[fmt.Sprintf("/proc/%d/environ", f.pid())]; !strings.Contains(own, "FCC_DATA_DIR") {
		t.Fatalf("the environment of FCC itself was not read: %q", own)
	}
}

func sessionSecret(t *testing.T, i *installation) string {
	t.Helper()
	file, err := keystore.OpenFile(filepath.Join(i.data, secretsFile), keystore.NewSecret(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := file.Get(t.Context(), "session-secret")
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// firstEvent reads what /events says at once.
func (p *person) firstEvent(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range p.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := make([]byte, 4096)
	n, err := resp.Body.Read(text)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("/events: %s: %v", resp.Status, err)
	}
	recorded.add(resp, text[:n])
}
