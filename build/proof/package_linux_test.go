//go:build proof

package proof

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var packages = struct {
	sync.Mutex
	made map[string]string // the folder, by version
}{made: map[string]string{}}

// packaged is a folder with all that go run ./build package makes of a version.
// Each is made once.
func packaged(t testing.TB, version string) string {
	t.Helper()
	packages.Lock()
	defer packages.Unlock()
	if packages.made[version] == "" {
		to := filepath.Join(bin, "packages", version)
		makePackages(t, filepath.Join("..", ".."), to, version)
		packages.made[version] = to
	}
	return packages.made[version]
}

// makePackages runs the command in a checkout, and returns what it said.
func makePackages(t testing.TB, checkout, to, version string, env ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "build"), "package", "--to", to, "--version", version)
	cmd.Dir = checkout
	// A checkout without git says no time of its own.
	cmd.Env = append(os.Environ(), append([]string{"SOURCE_DATE_EPOCH=1700000000"}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build package: %v\n%s", err, out)
	}
	return string(out)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestThePackagesAreTheSameToTheByteFromAnotherFolder(t *testing.T) {
	one := packaged(t, "1.2.3")
	checkout, other := filepath.Join(t.TempDir(), "another folder"), t.TempDir()
	copyCheckout(t, checkout)
	said := makePackages(t, checkout, other, "1.2.3")
	for _, want := range []string{"Nothing is signed", "arm64 programs were built and inspected here, and never run"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	sums := string(read(t, filepath.Join(one, "SHA256SUMS")))
	if others := string(read(t, filepath.Join(other, "SHA256SUMS"))); sums != others {
		t.Errorf("the sums differ:\n%s\n%s", sums, others)
	}
	var names []string
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		names = append(names, name)
		if got := fmt.Sprintf("%x", sha256.Sum256(read(t, filepath.Join(one, name)))); got != sum {
			t.Errorf("%s: %s, not %s", name, got, sum)
		}
	}
	if want := []string{
		"FCC-Setup.exe", "fcc_1.2.3_linux_amd64.cdx.json", "fcc_1.2.3_linux_amd64.tar.gz", "fcc_1.2.3_windows_amd64.cdx.json",
		"financial-command-center_1.2.3_amd64.deb", "windows_amd64/fcc.com", "windows_amd64/fcc.exe", "windows_arm64/fcc.com", "windows_arm64/fcc.exe",
	}; !slices.Equal(names, want) {
		t.Errorf("made: %q", names)
	}
	for _, goos := range []string{"windows", "linux"} {
		materials := read(t, filepath.Join(one, "fcc_1.2.3_"+goos+"_amd64.cdx.json"))
		for _, want := range []string{`"pkg:golang/modernc.org/sqlite@v`, `"pkg:golang/std@`, `"v1.2.3"`} {
			if !bytes.Contains(materials, []byte(want)) {
				t.Errorf("the bill of materials for %s has no %s", goos, want)
			}
		}
		machine := regexp.MustCompile(`"timestamp"|"serialNumber"|proxy\.|/tmp/|` + regexp.QuoteMeta(mustAbs(t, "../..")))
		if found := machine.Find(materials); found != nil {
			t.Errorf("the bill of materials for %s names %s", goos, found)
		}
	}
}

func mustAbs(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// copyCheckout copies all but what was built, with git's own files.
func copyCheckout(t testing.TB, to string) {
	t.Helper()
	root := mustAbs(t, "../..")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		from, to := filepath.Join(root, entry.Name()), filepath.Join(to, entry.Name())
		switch {
		case entry.Name() == "dist":
		case entry.IsDir():
			err = errors.Join(err, os.CopyFS(to, os.DirFS(from)))
		default:
			err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, read(t, from), 0o600))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheLinuxPackagesHoldTheProgramAndItsPlaceOnTheDesktop(t *testing.T) {
	dir := packaged(t, "1.2.3")
	archive := untar(t, read(t, filepath.Join(dir, "fcc_1.2.3_linux_amd64.tar.gz")))
	const folder = "fcc_1.2.3_linux_amd64/"
	for name, mode := range map[string]int64{"fcc": 0o755, "financial-command-center.desktop": 0o644, "fcc.service": 0o644, "financial-command-center.png": 0o644, "README.md": 0o644} {
		if f := archive[folder+name]; len(f.data) == 0 || f.head.Mode != mode || f.head.Uid != 0 {
			t.Errorf("%s: %+v, %d bytes", name, f.head, len(f.data))
		}
	}
	program := filepath.Join(t.TempDir(), "fcc")
	if err := os.WriteFile(program, archive[folder+"fcc"].data, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "fcc 1.2.3, commit ") || !strings.HasSuffix(string(out), ", built 2023-11-14T22:13:20Z\n") {
		t.Errorf("fcc version: %q, %v", out, err)
	}

	deb := filepath.Join(dir, "financial-command-center_1.2.3_amd64.deb")
	into := t.TempDir()
	for _, args := range [][]string{{"--extract", deb, into}, {"--control", deb, filepath.Join(into, "DEBIAN")}} {
		if out, err := exec.Command("dpkg-deb", args...).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v\n%s", err, out)
		}
	}
	control := string(read(t, filepath.Join(into, "DEBIAN", "control")))
	for _, want := range []string{"Package: financial-command-center\n", "Version: 1.2.3\n", "Architecture: amd64\n"} {
		if !strings.Contains(control, want) {
			t.Errorf("control has no %q:\n%s", want, control)
		}
	}
	if !bytes.Equal(read(t, filepath.Join(into, "usr/bin/fcc")), archive[folder+"fcc"].data) {
		t.Error("the two packages have different programs")
	}
	for name, want := range map[string]string{
		"usr/share/applications/financial-command-center.desktop":           "\nExec=fcc\nIcon=financial-command-center\n",
		"usr/lib/systemd/user/fcc.service":                                  "\nAfter=graphical-session.target\n",
		"usr/share/icons/hicolor/256x256/apps/financial-command-center.png": "\x89PNG",
		"usr/share/doc/financial-command-center/README.md":                  "# Financial Command Center",
	} {
		if !bytes.Contains(read(t, filepath.Join(into, name)), []byte(want)) {
			t.Errorf("%s has no %q", name, want)
		}
	}
	info, err := os.Stat(filepath.Join(into, "usr/bin/fcc"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program: %v, %v", info, err)
	}
}

type tarred struct {
	head *tar.Header
	data []byte
}

func untar(t testing.TB, archive []byte) map[string]tarred {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]tarred{}
	for r := tar.NewReader(plain); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[head.Name] = tarred{head, data}
	}
}
