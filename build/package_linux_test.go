package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// newTestRelease goes to the module's root, where the command works.
func newTestRelease(t *testing.T) *release {
	t.Helper()
	if _, err := os.Stat("go.mod"); err != nil {
		t.Chdir("..")
	}
	r, err := newRelease(t.TempDir(), "1.2.3", settings(map[string]string{"SOURCE_DATE_EPOCH": "1700000000"}))
	if err != nil {
		t.Fatal(err)
	}
	r.work = t.TempDir()
	return r
}

func settings(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// resource reads a resource out of a Windows program.
func resource(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command("wrestool", append(append([]string{"--extract"}, args...), program)...).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("wrestool %v: %v (what is missing: go run ./build test)", args, err)
	}
	return out
}

func TestTheWindowsProgramsAreWhatWindowsShows(t *testing.T) {
	r := newTestRelease(t)
	if err := r.windowsPrograms("amd64"); err != nil {
		t.Fatal(err)
	}
	for _, p := range windowsPrograms {
		program := r.path("windows_amd64/" + p.file)
		if got := iconSizes(resource(t, program, "--type=14")); !slices.Equal(got, []int{16, 20, 24, 32, 40, 48, 64, 256}) {
			t.Errorf("%s: icon sizes %v", p.file, got)
		}
		properties := resource(t, program, "--raw", "--type=16")
		for name, want := range map[string]string{
			"FileVersion": "1.2.3", "ProductVersion": "1.2.3", "ProductName": product, "FileDescription": p.describes,
			"CompanyName": product, "OriginalFilename": p.file, "InternalName": "fcc",
		} {
			if got := property(properties, name); got != want {
				t.Errorf("%s: %s is %q, not %q", p.file, name, got, want)
			}
		}
		// VS_FIXEDFILEINFO: its signature, its own version, then the two of the program.
		fixed := properties[bytes.Index(properties, []byte{0xbd, 0x04, 0xef, 0xfe})+8:]
		want := []byte{2, 0, 1, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 3, 0} // 1.2.3.0, by halves
		if !bytes.HasPrefix(fixed, want) {
			t.Errorf("%s: the version in numbers is % x", p.file, fixed[:16])
		}
		manifest := string(resource(t, program, "--raw", "--type=24"))
		for _, want := range []string{
			`level="asInvoker"`, "permonitorv2", "Microsoft.Windows.Common-Controls", "<longPathAware", "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}",
		} {
			if !strings.Contains(strings.ToLower(manifest), strings.ToLower(want)) {
				t.Errorf("%s: the manifest has no %s:\n%s", p.file, want, manifest)
			}
		}
		for _, machine := range [][]byte{[]byte(os.TempDir()), mustRoot(t)} {
			data, err := os.ReadFile(program)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, machine) {
				t.Errorf("%s names %s", p.file, machine)
			}
		}
	}
	again := newTestRelease(t)
	if err := again.windowsPrograms("amd64"); err != nil {
		t.Fatal(err)
	}
	for _, name := range r.files {
		if !same(t, r.path(name), again.path(name)) {
			t.Errorf("%s differs from one build to the next", name)
		}
	}
	for _, what := range []struct {
		goarch string
		max    int64
		says   string
	}{{"amd64", 1 << 20, "more than"}, {"arm64", maxProgram, "machine"}} {
		if err := inspect(r.path("windows_amd64/fcc.exe"), what.goarch, what.max); err == nil || !strings.Contains(err.Error(), what.says) {
			t.Errorf("inspected for %s and %d bytes: %v", what.goarch, what.max, err)
		}
	}
}

func mustRoot(t *testing.T) []byte {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(root)
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(one, other)
}

// iconSizes reads the head of an icon file.
func iconSizes(ico []byte) []int {
	var sizes []int
	for i := range int(binary.LittleEndian.Uint16(ico[4:])) {
		size := int(ico[6+16*i])
		if size == 0 {
			size = 256
		}
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	return sizes
}

// property finds a string of a version resource: its name, padded to four bytes,
// then its value.
func property(resource []byte, name string) string {
	wide := func(s string) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return append(b, 0, 0)
	}
	_, rest, ok := bytes.Cut(resource, wide(name))
	if !ok {
		return ""
	}
	var value []uint16
	for i := 0; i+1 < len(rest); i += 2 {
		u := binary.LittleEndian.Uint16(rest[i:])
		if u == 0 && len(value) > 0 {
			break
		}
		if u != 0 {
			value = append(value, u)
		}
	}
	return string(utf16.Decode(value))
}

func TestAVersionIsThreeNumbersAndPerhapsAWord(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "1.2.3.0", "0.0.0-dev.20261125030500": "0.0.0.0", "10.0.65535-rc.1": "10.0.65535.0",
		"1.2": "", "v1.2.3": "", "1.2.3.4": "", "1.2.65536": "", "1.2.3 beta": "", "1.2.3-": "", "": "", "1.2.3-a/b": "",
	} {
		got, err := fourNumbers(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", version, got, err)
		}
	}
	t.Chdir("..")
	for given, want := range map[string]string{"v2.0.1": "2.0.1", "2.0.1": "2.0.1", "": ""} {
		r, err := newRelease("", given, settings(map[string]string{"SOURCE_DATE_EPOCH": "1700000000"}))
		if err != nil || (want != "" && r.version != want) {
			t.Errorf("%q: %v, %v", given, r, err)
		}
		if r != nil && r.time.Unix() != 1700000000 {
			t.Errorf("the time is %v", r.time)
		}
	}
	if _, err := newRelease("", "", settings(map[string]string{"SOURCE_DATE_EPOCH": "yesterday"})); err == nil {
		t.Error("a wrong SOURCE_DATE_EPOCH was taken")
	}
}

func TestOnlyWhatAnEarlierRunMadeIsCleared(t *testing.T) {
	r := &release{to: t.TempDir()}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sum := strings.Repeat("0", 64) + "  "
	write("old/fcc.exe", "")
	write("mine.txt", "")
	write(sumsFile, sum+"old/fcc.exe\n"+sum+"gone already\n")
	if err := r.clear(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.path("old/fcc.exe")); err == nil {
		t.Error("an old program stays")
	}
	if _, err := os.Stat(r.path("mine.txt")); err != nil {
		t.Error(err)
	}
	write("../outside", "")
	for _, list := range []string{"no list\n", sum + "../outside\n", sum + "/etc/hostname\n"} {
		write(sumsFile, list)
		if err := r.clear(); err == nil {
			t.Errorf("%q was followed", list)
		}
	}
	if _, err := os.Stat(r.path("../outside")); err != nil {
		t.Error(err)
	}
}
