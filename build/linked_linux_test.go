package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A release is linked with its version and with where updates are; a build from a
// checkout looks for none.
func TestAReleaseLooksForUpdatesAndACheckoutDoesNot(t *testing.T) {
	const flags = "-X main.version=1.2.0 -X main.updateAddress=https://example.com/fcc/update -X main.updateKey=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	home := t.TempDir()
	for linked, want := range map[string]string{"": "this build does not look for updates", flags: "1.2.0; FCC has not looked for an update yet"} {
		program := filepath.Join(home, "fcc")
		build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", linked, "-o", program, "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		doctor := exec.Command(program, "doctor", "--keystore", "memory", "--issuer", "http://localhost:1", "--api", "http://localhost:1")
		doctor.Env = []string{"HOME=" + home, "FCC_DATA_DIR=" + filepath.Join(home, "data")}
		if said, _ := doctor.Output(); !strings.Contains(string(said), want) { // exit 1: none runs
			t.Errorf("linked with %q: %s", linked, said)
		}
	}
}
