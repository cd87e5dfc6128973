package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// The test program is copied under the names of the two programs, and plays each.
func TestMain(m *testing.M) {
	switch self, _ := os.Executable(); filepath.Base(self) {
	case "fcc.com":
		os.Exit(run())
	case "fcc.exe":
		os.Exit(played())
	}
	if result := os.Getenv("PRESS"); result != "" {
		code, err := pressed(os.Args[1], os.Args[2])
		if err != nil {
			code = err.Error()
		}
		_ = os.WriteFile(result, []byte(code), 0o600) // this console is not the test's
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// seen is what the played fcc.exe prints of itself.
type seen struct {
	Args []string
	Line string // the command line after the program's name
}

// played is fcc.exe as far as these tests need it: PLAY says what it does.
func played() int {
	outlive() // the real one has no console, and gets no Ctrl-C
	switch os.Getenv("PLAY") {
	case "say":
		_ = json.NewEncoder(os.Stdout).Encode(seen{os.Args[1:], arguments()})
	case "copy":
		_, _ = io.Copy(os.Stdout, os.Stdin)
		_, _ = os.Stderr.WriteString("words")
	case "wait":
		handle, _ := strconv.ParseUint(os.Getenv("FCC_TERMINAL"), 10, 64)
		fmt.Println("ready")
		_, _ = os.NewFile(uintptr(handle), "").Read(make([]byte, 1))
		_ = os.WriteFile(os.Getenv("NOTE"), []byte("ended in order"), 0o600)
	case "hang":
		fmt.Println("ready")
		time.Sleep(time.Minute)
	}
	code, _ := strconv.ParseUint(os.Getenv("CODE"), 10, 32)
	return int(code)
}

// twin returns fcc.com in a folder with fcc.exe.
func twin(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Programme für Ana") // with a space and a letter
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fcc.com", "fcc.exe"} {
		if err := os.WriteFile(filepath.Join(dir, name), program, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "fcc.com"))
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func TestArgumentsArriveExactlyAsTheyWereTyped(t *testing.T) {
	for _, tail := range []string{
		``,
		` status`,
		` keys add "a name with spaces" --write`,
		`  two  spaces	and a tab `,
		` ""`,
		` "" a "" ""`,
		` "say \"yes\"" \\server\share "C:\dir\\"`,
		` a"b c"d ^& %PATH% *.txt 'x y'`,
		` Müller & Söhne 株式会社 😀`,
	} {
		cmd := twin(t, "PLAY=say")
		cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: syscall.EscapeArg(cmd.Path) + tail}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got seen
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		want, err := windows.DecomposeCommandLine("fcc" + tail)
		if err != nil {
			t.Fatal(err)
		}
		if got.Line != tail || fmt.Sprintf("%q", got.Args) != fmt.Sprintf("%q", want[1:]) {
			t.Errorf("%q arrived as %q, %q", tail, got.Line, got.Args)
		}
	}
}

func TestTheProgramsNameEndsAtTheFirstSpaceOutsideQuotes(t *testing.T) {
	for line, want := range map[string]string{
		`fcc`:                       ``,
		`fcc a b`:                   ` a b`,
		`"C:\my dir\fcc.com" a`:     ` a`,
		`"C:\my dir\"fcc.com	"a b"`: `	"a b"`,
		`"never closed a b`:         ``,
	} {
		units, err := windows.UTF16FromString(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := windows.UTF16ToString(afterProgram(units[:len(units)-1])); got != want {
			t.Errorf("%s: %q, not %q", line, got, want)
		}
	}
}

func TestPipesPassBothWaysAndNothingIsAdded(t *testing.T) {
	data := bytes.Repeat([]byte("a line\r\nbytes \x00\xff\x1a\n"), 50_000)
	cmd := twin(t, "PLAY=copy")
	var out, words bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), data) || words.String() != "words" {
		t.Errorf("%d bytes became %d; words: %q", len(data), out.Len(), &words)
	}
}

func TestTheExitCodeIsTheProgramsOwn(t *testing.T) {
	for _, code := range []int{0, 1, 3, 64, 255, 0x40010004} {
		cmd := twin(t, "PLAY=", fmt.Sprintf("CODE=%d", code))
		if _, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != code {
			t.Errorf("%d became %d (%v)", code, cmd.ProcessState.ExitCode(), err)
		}
	}
}

func TestWithoutFccExeThereIsASentence(t *testing.T) {
	cmd := twin(t)
	if err := os.Remove(filepath.Join(filepath.Dir(cmd.Path), "fcc.exe")); err != nil {
		t.Fatal(err)
	}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != exitNoProgram || out.Len() > 0 || !strings.Contains(words.String(), "Install Financial Command Center again.") {
		t.Errorf("exit %d, %q, %q", cmd.ProcessState.ExitCode(), &out, &words)
	}
}

// begin starts cmd and returns when the played program says that it is ready.
func begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, ready); err != nil {
		t.Fatalf("%q: %v", ready, err)
	}
}

// awaitNote waits for what the played program leaves when it ends in order.
func awaitNote(t *testing.T, note string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(note); err == nil && len(text) > 0 {
			return
		}
	}
	t.Fatal("fcc.exe did not end")
}

func TestFccExeEndsInOrderWhenItsTwinIsKilled(t *testing.T) {
	note := filepath.Join(t.TempDir(), "note")
	cmd := twin(t, "PLAY=wait", "NOTE="+note)
	begin(t, cmd)
	if _, err := os.Stat(note); err == nil {
		t.Fatal("fcc.exe ended by itself")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitNote(t, note)
}

func TestCtrlCEndsFccExeInOrderAndTheSecondAtOnce(t *testing.T) {
	press := func(times int, env ...string) (code string) {
		t.Helper()
		cmd := twin(t, env...)
		cmd.Path, cmd.Args = os.Args[0], []string{os.Args[0], cmd.Path, strconv.Itoa(times)}
		result := filepath.Join(t.TempDir(), "result")
		cmd.Env = append(cmd.Env, "PRESS="+result)
		// A console of its own, which no window shows: a Ctrl-C goes to all who share it.
		cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(result)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	note := filepath.Join(t.TempDir(), "note")
	if code := press(1, "PLAY=wait", "NOTE="+note, "CODE=7"); code != "7" {
		t.Errorf("the exit code is %s, not fcc.exe's", code)
	}
	awaitNote(t, note)
	if code := press(2, "PLAY=hang", "CODE=7"); code != "1" { // of TerminateProcess, as Go calls it
		t.Errorf("the exit code is %s", code)
	}
}

// pressed starts a program and presses Ctrl-C as often as it is told to. It returns
// the program's exit code.
func pressed(program, times string) (string, error) {
	outlive()
	cmd := exec.Command(program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		return "", err
	}
	for n, _ := strconv.Atoi(times); n > 0; n-- {
		if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0); err != nil {
			return "", err
		}
		time.Sleep(200 * time.Millisecond) // two at once may arrive as one
	}
	_ = cmd.Wait()
	return strconv.Itoa(cmd.ProcessState.ExitCode()), nil
}

// outlive takes each Ctrl-C and does nothing. Of one that is ignored Windows' own
// handler would make the end.
func outlive() { signal.Notify(make(chan os.Signal, 1), os.Interrupt) }
