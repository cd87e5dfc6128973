package wine_test

import (
	"bufio"
	"context"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"financial-command-center/build/wine"
)

var (
	windows *wine.Wine
	exe     string // the probe
	drive   string // menudrive
)

func TestMain(m *testing.M) {
	code, err := startAnd(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func startAnd(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "fcc-probe-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	overlay, err := wine.Overlay(dir)
	if err != nil {
		return 0, err
	}
	exe, drive = filepath.Join(dir, "probe.exe"), filepath.Join(dir, "menudrive.exe")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	windows, err = wine.Start(ctx, wine.OwnNetwork)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, windows.Close()) }()
	if err := windows.Build(ctx, drive, "./menudrive"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func probe(t *testing.T, verb string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := windows.Command(ctx, exe, args...)
	cmd.Env = append(cmd.Env, asProbe+"="+verb)
	return cmd
}

// run runs the probe to its end.
func run(t *testing.T, verb string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := probe(t, verb, args...)
	var out, words strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", verb, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), words.String()
}

func TestAGoProgramStartsAndDrawsRandomBytes(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		code, text, words := run(t, "random")
		if text = strings.TrimSpace(text); code != 0 || len(text) < 26 || seen[text] {
			t.Errorf("exit code %d, %q, %q", code, text, words)
		}
		seen[text] = true
	}
}

func TestTheForwarderIsADLLThatGoReadsToo(t *testing.T) {
	f, err := pe.Open(filepath.Join(windows.Drive(), "windows", "system32", "bcryptprimitives.dll"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Characteristics&pe.IMAGE_FILE_DLL == 0 || len(f.Sections) != 1 || f.Sections[0].Name != ".edata" {
		t.Errorf("%+v", f.FileHeader)
	}
}

func TestExitCodeOutputAndEnvironmentComeThrough(t *testing.T) {
	for _, want := range []int{0, 3, 64} {
		if code, _, words := run(t, "exit", fmt.Sprint(want)); code != want {
			t.Errorf("exit code %d, not %d: %s", code, want, words)
		}
	}
	if code, out, words := run(t, "say", "Größe & 100 %", "a word"); code != 0 || out != "Größe & 100 %\n" ||
		!strings.HasPrefix(words, "a word\n") { // at a program's end Wine may add "wine client error"
		t.Errorf("exit code %d, %q, %q", code, out, words)
	}
	t.Setenv("FCC_DATA_DIR", "the developer's")
	for name, want := range map[string]string{asProbe: "environment", "FCC_DATA_DIR": "", "PROCESSOR_ARCHITECTURE": "AMD64"} {
		if _, out, _ := run(t, "environment", name); strings.TrimSpace(out) != want {
			t.Errorf("%s is %q, not %q", name, out, want)
		}
	}
}

func TestAFolderWithFilesIsRemoved(t *testing.T) {
	if code, _, words := run(t, "remove"); code != 0 {
		t.Errorf("exit code %d: %s", code, words)
	}
}

func TestWhatIsOpenedIsCaughtAsItWasGiven(t *testing.T) {
	page := filepath.Join(t.TempDir(), "an open page.html")
	if err := os.WriteFile(page, []byte("<p>"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := windows.Opened()
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"http://localhost:8000/a?b=c%2Fd&e=f%20g+h#i":                                                 "http://localhost:8000/a?b=c%2Fd&e=f%20g+h#i",
		"file:///" + strings.ReplaceAll(strings.ReplaceAll(windows.Path(page), `\`, "/"), " ", "%20"): "file://" + strings.ReplaceAll(page, " ", "%20"),
	} {
		if code, _, words := run(t, "open", given); code != 0 {
			t.Fatalf("%q: exit code %d: %s", given, code, words)
		}
		var opened []string
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && len(opened) <= len(before); time.Sleep(20 * time.Millisecond) {
			if opened, err = windows.Opened(); err != nil {
				t.Fatal(err)
			}
		}
		if len(opened) != len(before)+1 {
			t.Fatalf("%q is not opened: %q", given, opened)
		}
		if opened[len(before)] != want {
			t.Errorf("%q is opened as %q", given, opened[len(before):])
		}
		before = opened
	}
}

func TestNobodyOutsideReachesAnOwnNetworkNorIsReached(t *testing.T) {
	inside := probe(t, "listen")
	out, err := inside.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := inside.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)
	if conn, err := net.Dial("tcp4", address); err == nil {
		conn.Close()
		t.Errorf("a program of Linux reaches %s", address)
	}
	for name, dial := range map[string]func() error{
		"a program of Windows": func() error {
			if code, _, words := run(t, "dial", address); code != 0 {
				return errors.New(words)
			}
			return nil
		},
		"one of Linux beside it": func() error {
			return windows.Beside(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/"+strings.Replace(address, ":", "/", 1)).Run()
		},
		"this one, by the way in": func() error {
			conn, err := windows.DialContext(t.Context(), "tcp", strings.Replace(address, "127.0.0.1", "localhost", 1))
			if err == nil {
				err = conn.Close()
			}
			return err
		},
	} {
		if err := dial(); err != nil {
			t.Errorf("%s does not reach it: %v", name, err)
		}
	}
	if err := inside.Wait(); err != nil {
		t.Errorf("the one that was reached: %v", err)
	}
	outside, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	if code, _, _ := run(t, "dial", outside.Addr().String()); code == 0 {
		t.Error("a program of Windows reaches one of Linux")
	}
}

func TestTheRegistryIsReadValueByValue(t *testing.T) {
	const key = `HKCU\Software\Probe of a test`
	ctx := t.Context()
	value := `"C:\Program Files\a b\fcc.exe" --flag`
	if _, err := windows.Output(ctx, "reg", "add", key, "/v", "A name", "/d", value, "/f"); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := windows.Registry(ctx, key, "A name"); got != value || !ok || err != nil {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
	for _, absent := range [][2]string{{key, "Another name"}, {key + " not there", "A name"}} {
		if got, ok, err := windows.Registry(ctx, absent[0], absent[1]); ok || err != nil {
			t.Errorf("%q: %q, %v", absent, got, err)
		}
	}
}

func TestPathsLeadThereAndBack(t *testing.T) {
	for linux, want := range map[string]string{
		filepath.Join(windows.Drive(), "Program Files", "x"): `C:\Program Files\x`,
		windows.Drive():  `C:\`,
		"/tmp/Größe/a b": `Z:\tmp\Größe\a b`,
	} {
		got := windows.Path(linux)
		if back, err := windows.File(got); got != want || back != linux || err != nil {
			t.Errorf("%s is %s there, and that is %s here (%v)", linux, got, back, err)
		}
	}
	local, err := windows.Folder(t.Context(), "LOCALAPPDATA")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(local); err != nil || !info.IsDir() || !strings.HasPrefix(local, windows.Drive()) {
		t.Errorf("LOCALAPPDATA is %s: %v", local, err)
	}
}

// A shown line is one as menudrive prints it.
type shown struct {
	Label             string
	Disabled, Checked bool
	Under             []shown
}

func TestTheTrayMenuIsReadAndClickedByItsText(t *testing.T) {
	ctx := t.Context()
	program := probe(t, "tray")
	stdin, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	says := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the program says %q, not %q", lines.Text(), want)
		}
	}
	says("ready <nil>")
	hasIcon(t, true)

	out, err := windows.Output(ctx, drive, "list")
	if err != nil {
		t.Fatal(err)
	}
	var menu []shown
	if err := json.Unmarshal([]byte(out), &menu); err != nil {
		t.Fatal(err)
	}
	want := []shown{
		{Label: "Open · Größe"}, {}, {Label: "Grey", Disabled: true},
		{Label: "More", Under: []shown{{Label: "Café && Co", Checked: true}, {Label: "Grey"}}},
	}
	if !reflect.DeepEqual(menu, want) {
		t.Errorf("the menu is read as %+v", menu)
	}
	for _, click := range []struct {
		labels []string
		code   int
		says   string
	}{
		{[]string{"Open · Größe"}, 0, "clicked 0"},
		{[]string{"Grey"}, 3, ""},
		{[]string{"More", "Café && Co"}, 0, "clicked 2"},
		{[]string{"More", "Grey"}, 0, "clicked 3"},
		{[]string{"Open"}, 2, ""},
	} {
		cmd := windows.Command(ctx, drive, append([]string{"click"}, click.labels...)...)
		words, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != click.code {
			t.Errorf("%q: exit code %d, %s", click.labels, code, words)
		} else if click.says != "" {
			says(click.says)
		}
	}

	if _, err := windows.Output(ctx, drive, "show"); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.ArtifactDir(), "menu.png")
	if err := windows.Screenshot(ctx, picture); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if size, err := png.DecodeConfig(f); err != nil || size.Width != 1024 {
		t.Errorf("the picture is %d wide: %v", size.Width, err)
	}

	stdin.Close()
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
	hasIcon(t, false)
}

// hasIcon waits until the notification area has an icon, or has none.
func hasIcon(t *testing.T, want bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		got, err := windows.HasTrayIcon(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	t.Errorf("a tray icon is not %v within 10 seconds", want)
}

func TestAStartThatCannotBeLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("PATH", t.TempDir())
	w, err := wine.Start(t.Context())
	if err == nil {
		err = w.Close()
		t.Fatalf("it starts without Xvfb and Wine, and ends with %v", err)
	}
	if !strings.Contains(err.Error(), "go run ./build test") {
		t.Errorf("%v does not say what to do", err)
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
