//go:build proof

package proof

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// registeredPorts are those of the redirect URIs (contract: 8000, then 18000, 28000).
var registeredPorts = []int{8000, 18000, 28000}

// otherUID is a second person of the computer.
const otherUID = 54321

// installFor prepares an FCC of the user with this uid that takes the first
// registered port that is free.
func installFor(t testing.TB, uid int) *installation {
	t.Helper()
	i := install(t, 0)
	i.settings = slices.DeleteFunc(i.settings, func(s string) bool { return strings.HasPrefix(s, "FCC_PORT=") })
	i.uid = uid
	// Every folder on the way may be entered by others; what is in this one may not.
	for dir := filepath.Dir(i.home); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(i.program), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{i.home, filepath.Join(i.home, "passphrase")} {
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// portOf is the port of a one-time link.
func portOf(t testing.TB, link string) int {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatalf("the link %q names no port", link)
	}
	return port
}

func TestTwoUsersOfOneComputerHaveAnFCCEach(t *testing.T) {
	first := installFor(t, os.Getuid())
	one := first.start(t)
	first.port = portOf(t, one.link)
	at := slices.Index(registeredPorts, first.port)
	if at < 0 || at == len(registeredPorts)-1 {
		t.Fatalf("the first FCC is on port %d, which leaves no registered one for the second", first.port)
	}

	second := installFor(t, otherUID)
	two := second.start(t)
	second.port = portOf(t, two.link)
	if !slices.Contains(registeredPorts[at+1:], second.port) {
		t.Fatalf("the second user's FCC is on port %d, the first one's on %d", second.port, first.port)
	}
	if said := two.stderr.String(); !strings.Contains(said, strconv.Itoa(first.port)) {
		t.Errorf("the second FCC does not say why it is not on %d: %q", first.port, said)
	}

	// Each user's second start and commands reach that user's own.
	for _, i := range []*installation{first, second} {
		if link := i.command(t, "open", "--print"); portOf(t, link) != i.port {
			t.Errorf("fcc open of the FCC on port %d leads to %s", i.port, link)
		}
		again := i.run(t, "serve")
		if portOf(t, again.link) != i.port {
			t.Errorf("the second start of the FCC on port %d leads to %s", i.port, again.link)
		}
		if <-again.ended; again.cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("the second start ended with %d: %s", again.cmd.ProcessState.ExitCode(), again.stderr)
		}
	}

	// The second user's doctor says who has the port that everybody wants.
	report := second.mayFail(t, "doctor")
	if want := fmt.Sprintf("Port %d", first.port); !strings.Contains(report, want) {
		t.Errorf("the doctor does not speak of port %d:\n%s", first.port, report)
	}

	// Neither may come in at the other's.
	key := second.addKey(t, "script")
	if answer, err := first.get("/api/status", key); err != nil || answer.status != 401 {
		t.Errorf("the second user's key at the first one's FCC: %d %s %v", answer.status, answer.body, err)
	}
	data, err := os.Stat(second.data)
	if err != nil {
		t.Fatal(err)
	}
	if owner := data.Sys().(*syscall.Stat_t).Uid; owner != otherUID || data.Mode().Perm() != 0o700 {
		t.Errorf("the second user's data folder is of uid %d with mode %v", owner, data.Mode().Perm())
	}
}
