package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A release is linked with its version and with where updates are; a build from a
// checkout looks for none. On Linux, where Go is beside the tests.
func TestAReleaseLooksForUpdatesAndACheckoutDoesNot(t *testing.T) {
	doctor := []string{"doctor", "--keystore", "memory", "--issuer", "http://localhost:1", "--api", "http://localhost:1"}
	if _, said, _ := fcc(t, nil, doctor...); !strings.Contains(said, "this build does not look for updates") {
		t.Errorf("a checkout: %s", said)
	}
	const flags = "-X main.version=1.2.0 -X main.updateAddress=https://example.com/fcc/update -X main.updateKey=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	home := t.TempDir()
	program := filepath.Join(home, "fcc.exe")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", flags, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	release := exec.Command(program, doctor...)
	release.Env = []string{"HOME=" + home, "FCC_DATA_DIR=" + filepath.Join(home, "data")}
	if said, _ := release.Output(); !strings.Contains(string(said), "1.2.0; FCC has not looked for an update yet") { // 1: none runs
		t.Errorf("a release: %s", said)
	}
}
