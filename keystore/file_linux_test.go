package keystore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"financial-command-center/keystore"
)

func TestOnlyItsOwnerMayReadTheFile(t *testing.T) {
	path := fileWith(t, "1", "2")
	if err := os.Chmod(path, 0o644); err != nil { // as a backup may bring it back
		t.Fatal(err)
	}
	set(t, openFile(t, path), "a", "3")
	for _, name := range []string{path, path + ".lock"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestAPipeInThePlaceOfTheFileIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := keystore.OpenCheap(path, passphrase)
	wantErr(t, err, keystore.ErrFailed)
}

// onSmallDisk is a File in a child on a disk of 64 KiB. Its folder is at inside
// for the child, at outside for the test.
func onSmallDisk(t *testing.T) (r *remote, inside, outside string) {
	t.Helper()
	inside = t.TempDir()
	r = startChild(t, "file "+filepath.Join(inside, "secrets"), nil, inNamespace)
	r.wantOK("", "mount", inside)
	return r, inside, fmt.Sprintf("/proc/%d/root%s", r.process.Pid, inside)
}

func TestAFolderThatMayNotBeWrittenFailsAndIsStillRead(t *testing.T) {
	t.Parallel()
	r, inside, _ := onSmallDisk(t)
	r.wantOK("", "set", "a", "old")
	r.wantOK("", "mount read-only", inside)
	r.want(keystore.ErrFailed, "set", "a", "new")
	r.want(keystore.ErrFailed, "delete", "a")
	r.wantOK("old", "get", "a")
}

func TestAFullDiskFailsAndKeepsTheOldValue(t *testing.T) {
	t.Parallel()
	r, _, outside := onSmallDisk(t)
	old, larger := strings.Repeat("o", 2000), strings.Repeat("l", 2500)
	r.wantOK("", "set", "a", old)
	before := read(t, filepath.Join(outside, "secrets"))
	filler := filepath.Join(outside, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for _, words := range [][]string{{"set", "a", larger}, {"set", "b", "x"}, {"delete", "a"}} {
		_, err := r.ask(words...)
		wantErr(t, err, keystore.ErrFailed)
		if !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v does not say why", words[0], err)
		}
	}
	r.wantOK(old, "get", "a")
	if string(read(t, filepath.Join(outside, "secrets"))) != string(before) {
		t.Error("the file was changed")
	}
	if _, err := os.Stat(filepath.Join(outside, "secrets.new")); err == nil {
		t.Error("half a file was left")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.wantOK("", "set", "a", larger)
	r.wantOK(larger, "get", "a")
}

func TestTwoProcessesOnOneFileLoseNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets")
	children := []*remote{startChild(t, "file "+path, nil), startChild(t, "file "+path, nil)}
	for round := range 20 {
		for i, r := range children {
			r.send("set", fmt.Sprintf("%d-%d", i, round), "x")
		}
	}
	for range 20 {
		for _, r := range children {
			if _, err := r.receive(); err != nil {
				t.Error(err)
			}
		}
	}
	if values, err := keystore.Unseal(read(t, path), passphrase); err != nil || len(values) != 40 {
		t.Errorf("%d values, %v", len(values), err)
	}
}

func TestAKillInTheMiddleOfAWriteLeavesTheOldValueOrTheNew(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "secrets")
		hits := 0
		killWriters(t, 60, func() *remote {
			if _, err := os.Stat(path + ".new"); err == nil {
				hits++
			}
			return startChild(t, "file "+path, nil)
		})
		if hits == 0 {
			t.Error("no kill hit a write: they show nothing")
		}
	})
	t.Run("keychain", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, t.TempDir(), false).unlocked(t)
		killWriters(t, 20, func() *remote { return onKeychain(t, d, unhurried) })
	})
}

// killWriters kills a process that writes, and looks what is there, again and
// again. start starts a process on the store.
func killWriters(t *testing.T, rounds int, start func() *remote) {
	t.Helper()
	reader := start()
	reader.wantOK("", "set", "other", "stays")
	count := 0
	for round := range rounds {
		r := start()
		first := count
		r.send("count up", "count", strconv.Itoa(first))
		acknowledged := first
		for {
			if _, err := r.out.ReadString('\n'); err != nil {
				break
			}
			if acknowledged++; acknowledged == first+1 {
				time.AfterFunc(time.Duration(rand.IntN(8_000))*time.Microsecond, func() { _ = r.process.Kill() })
			}
		}
		if round%2 == 0 { // a process that met the killed one, or one that did not
			reader = start()
		}
		got, err := reader.ask("get", "count")
		if err != nil {
			t.Fatal(err)
		}
		count, err = strconv.Atoi(strings.TrimLeft(got, " "))
		if err != nil || count != acknowledged && count != acknowledged+1 {
			t.Fatalf("%d writes were acknowledged, and %q is there", acknowledged, got)
		}
		reader.wantOK("stays", "get", "other")
	}
}
