package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"financial-command-center/server/store"
)

// The test binary is also the child that is killed: it saves session after
// session and says each number when SaveSession has returned.
func TestMain(m *testing.M) {
	path := os.Getenv("STORE_TEST_WRITE")
	if path == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	s, err := store.Open(ctx, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	first, _ := strconv.Atoi(os.Getenv("STORE_TEST_FROM"))
	for i := first; ; i++ {
		if err := s.SaveSession(ctx, session(strconv.Itoa(i), noon)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

func TestWhatWasSavedIsThereAfterKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	next := 0
	for round := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "STORE_TEST_WRITE="+path, "STORE_TEST_FROM="+strconv.Itoa(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		ok(t, err)
		ok(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range 20 + round*17 {
			if !lines.Scan() {
				t.Fatal("the child ended by itself")
			}
		}
		ok(t, cmd.Process.Kill())
		for {
			n, err := strconv.Atoi(lines.Text())
			if err == nil {
				next = n + 1
			}
			if !lines.Scan() {
				break
			}
		}
		cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
			t.Fatalf("the child was not killed: %v", cmd.ProcessState)
		}

		s, err := store.Open(t.Context(), path)
		ok(t, err)
		for i := range next {
			if _, err := s.Session(t.Context(), session(strconv.Itoa(i), noon).Hash); err != nil {
				t.Fatalf("round %d: session %d of %d: %v", round, i, next, err)
			}
		}
		ok(t, s.Close())
	}
}

func TestTheFilesAreTheOwnersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	s := open(t, path)
	ok(t, s.SaveProfile(t.Context(), "c", nil))
	files, err := os.ReadDir(folder)
	ok(t, err)
	if len(files) < 2 {
		t.Errorf("%d files, want the database and its log", len(files))
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", file.Name(), info.Mode(), err)
		}
	}
	ok(t, s.Close())
	ok(t, os.Chmod(path, 0o644))
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("a file found open to others stayed %v %v", info.Mode(), err)
	}
}

// asNobody runs do without root's right to write everywhere, on a thread that
// ends with it. Who is not root has no such right and goes on as they are.
func asNobody(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, so that the thread is not used again
		if os.Geteuid() == 0 {
			syscall.Setfsuid(65534)
		}
		do()
	}()
	<-done
}

func TestAFolderThatCannotBeWrittenIsAnErrorThatSaysSo(t *testing.T) {
	folder := t.TempDir()
	ok(t, os.Chmod(folder, 0o500))
	var err error
	asNobody(func() { _, err = store.Open(t.Context(), filepath.Join(folder, "state.db")) })
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkADurableSave(b *testing.B) {
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if err := s.SaveSession(b.Context(), session("a", time.Now())); err != nil {
			b.Fatal(err)
		}
	}
}
