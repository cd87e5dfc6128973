package keystore_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/keystore"
)

var passphrase = keystore.NewSecret("correct horse")

func openFile(t *testing.T, path string) *keystore.File {
	t.Helper()
	f, err := keystore.OpenCheap(path, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fileWith is the path of a secrets file that holds a and b.
func fileWith(t *testing.T, a, b string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets")
	f := openFile(t, path)
	set(t, f, "a", a)
	set(t, f, "b", b)
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantRefused checks that every use of f ends in want and leaves the file alone.
func wantRefused(t *testing.T, f *keystore.File, path string, want error) {
	t.Helper()
	before := read(t, path)
	_, err := f.Get(t.Context(), "a")
	wantErr(t, err, want)
	wantErr(t, f.Set(t.Context(), "a", keystore.NewSecret("x")), want)
	wantErr(t, f.Delete(t.Context(), "a"), want)
	if !bytes.Equal(read(t, path), before) {
		t.Fatal("the file was changed")
	}
}

func TestOpeningAFileCreatesNothingAndTheFirstSetDoes(t *testing.T) {
	folder := t.TempDir()
	f := openFile(t, filepath.Join(folder, "secrets"))
	wantNone(t, f, "a")
	if err := f.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if there, err := os.ReadDir(folder); err != nil || len(there) != 0 {
		t.Fatalf("before the first Set: %v, %v", there, err)
	}
	set(t, f, "a", "1")
	wantValue(t, openFile(t, filepath.Join(folder, "secrets")), "a", "1")
}

func TestTheFileShowsNeitherNamesNorValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	set(t, openFile(t, path), "connection-kauri", "MARKER")
	set(t, openFile(t, path), "connection-kauri", "MARKER")
	for _, text := range []string{"kauri", "MARKER", "TUFSS0VS", passphrase.Reveal()} { // the third is base64
		if bytes.Contains(read(t, path), []byte(text)) {
			t.Errorf("%s can be read", text)
		}
	}
}

func TestAWrongPassphraseOpensNothingAndChangesNothing(t *testing.T) {
	path := fileWith(t, "1", "2")
	before := read(t, path)
	for _, wrong := range []string{"Correct horse", "correct horse "} {
		_, err := keystore.OpenCheap(path, keystore.NewSecret(wrong))
		wantErr(t, err, keystore.ErrPassphrase)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the file was changed")
	}
}

func TestAFileThatIsNotWholeOrNotOursIsDamagedAndStaysAsItIs(t *testing.T) {
	path := fileWith(t, "1", "2")
	good := read(t, path)
	f := openFile(t, path)
	cases := map[string][]byte{
		"empty":         {},
		"text":          []byte("client_id = 1234\n"),
		"json":          []byte(`{"session-secret":"x"}`),
		"zeros":         make([]byte, len(good)),
		"too long":      append(bytes.Clone(good), 0),
		"twice":         append(bytes.Clone(good), good...),
		"huge":          append(bytes.Clone(good), make([]byte, 2<<20)...),
		"line ends":     bytes.ReplaceAll(good, []byte("\r\n"), []byte("\n")),
		"next version":  append([]byte("fcc-secrets v2\r\n"), good[16:]...),
		"header alone":  good[:16],
		"only its tail": good[len(good)-64:],
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1 << (i % 8)
		cases[fmt.Sprintf("bit %d of byte %d", i%8, i)] = flipped
		cases[fmt.Sprintf("cut after %d bytes", i)] = good[:i]
	}
	for name, data := range cases {
		write(t, path, data)
		if _, err := keystore.OpenCheap(path, passphrase); !errors.Is(err, keystore.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "empty" || name == "bit 0 of byte 64" { // the rest would only be slow
			wantRefused(t, f, path, keystore.ErrDamaged)
		}
		if !bytes.Equal(read(t, path), data) {
			t.Fatalf("%s: the file was changed", name)
		}
	}
	write(t, path, good)
	wantValue(t, f, "a", "1")
}

// resum gives data the checksum that belongs to it.
func resum(data []byte) []byte {
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

func TestAFileThatWasChangedOnPurposeDoesNotOpen(t *testing.T) {
	good := read(t, fileWith(t, "1", "2"))
	for i := range len(good) - sha256.Size {
		forged := bytes.Clone(good)
		forged[i] ^= 0x80
		_, err := keystore.Unseal(resum(forged), passphrase)
		// A changed salt, cost or check cannot be told from another passphrase.
		want := keystore.ErrDamaged
		if errors.Is(err, keystore.ErrPassphrase) && 16 <= i && i < 60 {
			want = keystore.ErrPassphrase
		}
		wantErr(t, err, want)
	}
}

func TestAFileCannotAskForMoreThanAMachineHas(t *testing.T) {
	good := read(t, fileWith(t, "1", "2"))
	for name, at := range map[string]int{"passes": 19, "memory": 23, "threads": 27} { // the highest bytes
		forged := bytes.Clone(good)
		forged[at] = 0xff
		_, err := keystore.Unseal(resum(forged), passphrase)
		if !errors.Is(err, keystore.ErrDamaged) || !strings.Contains(err.Error(), "out of bounds") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheKeyIsDerivedAsRFC9106RecommendsAndItsMemoryGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	f, err := keystore.OpenFile(path, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if held := m.HeapSys - m.HeapReleased; held > 48<<20 {
		t.Errorf("%d MB are held after the derivation", held>>20)
	}
	set(t, f, "a", "1")
	if got, err := keystore.CostOf(read(t, path)); err != nil || got != (keystore.Cost{Passes: 3, Memory: 64 << 10, Threads: 4}) {
		t.Errorf("got %+v, %v", got, err)
	}
	again, err := keystore.OpenFile(path, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, again, "a", "1")
}

func TestWhatHappensToTheFileWhileItIsInUseIsNoticed(t *testing.T) {
	path := fileWith(t, "1", "2")
	good := read(t, path)
	f := openFile(t, path)
	put := func(passphrase string) {
		t.Helper()
		data, err := keystore.Seal(map[string][]byte{"a": []byte("theirs")}, keystore.NewSecret(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, data)
	}
	t.Run("changed by another process", func(t *testing.T) {
		set(t, openFile(t, path), "a", "3")
		wantValue(t, f, "a", "3")
		set(t, f, "b", "4")
		wantValue(t, openFile(t, path), "a", "3")
	})
	t.Run("damaged", func(t *testing.T) {
		write(t, path, good[:100])
		wantRefused(t, f, path, keystore.ErrDamaged)
	})
	t.Run("made anew with another passphrase", func(t *testing.T) {
		put("battery staple")
		wantRefused(t, f, path, keystore.ErrPassphrase)
	})
	t.Run("made anew with the same passphrase", func(t *testing.T) {
		put(passphrase.Reveal())
		wantValue(t, f, "a", "theirs")
		set(t, f, "a", "ours")
		wantValue(t, openFile(t, path), "a", "ours")
	})
	t.Run("deleted", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wantNone(t, f, "a")
		set(t, f, "a", "new")
		wantValue(t, openFile(t, path), "a", "new")
	})
	t.Run("its folder gone", func(t *testing.T) {
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		_, err := f.Get(t.Context(), "a")
		wantErr(t, err, keystore.ErrFailed) // not ErrNotFound: a drive may come back
		wantErr(t, f.Set(t.Context(), "a", keystore.NewSecret("x")), keystore.ErrFailed)
		wantErr(t, f.Delete(t.Context(), "a"), keystore.ErrFailed)
	})
}

func TestAFolderInThePlaceOfTheFileIsNoFile(t *testing.T) {
	_, err := keystore.OpenCheap(t.TempDir(), passphrase)
	wantErr(t, err, keystore.ErrFailed)
}

func TestTwoFilesOnOnePathLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	files := []*keystore.File{openFile(t, path), openFile(t, path)} // both before there is a file
	var all sync.WaitGroup
	for i, f := range files {
		for round := range 20 {
			all.Go(func() {
				if err := f.Set(t.Context(), fmt.Sprintf("%d-%d", i, round), keystore.NewSecret("x")); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	values, err := keystore.Unseal(read(t, path), passphrase)
	if err != nil || len(values) != 40 {
		t.Errorf("%d values, %v: %v", len(values), err, maps.Keys(values))
	}
}

func TestALockThatIsNeverGivenUpEndsInATimeout(t *testing.T) {
	path := fileWith(t, "1", "2")
	unlock, err := keystore.LockFile(t.Context(), path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	f := openFile(t, path)
	f.SetPatience(100 * time.Millisecond)
	wantErr(t, f.Set(t.Context(), "a", keystore.NewSecret("x")), keystore.ErrTimeout)
	wantErr(t, f.Delete(t.Context(), "a"), keystore.ErrTimeout)
	wantValue(t, f, "a", "1") // reading needs no lock
	unlock()
	f.SetPatience(5 * time.Second)
	set(t, f, "a", "3")
	wantValue(t, f, "a", "3")
}

func TestWhatACrashLeftIsInNobodysWay(t *testing.T) {
	path := fileWith(t, "1", "2")
	precious := filepath.Join(t.TempDir(), "precious")
	write(t, precious, []byte("precious"))
	for name, leave := range map[string]func() error{
		"half a file": func() error { return os.WriteFile(path+".new", []byte("half"), 0o644) },
		"a link":      func() error { return os.Symlink(precious, path+".new") },
	} {
		if err := leave(); err != nil {
			t.Fatal(err)
		}
		wantValue(t, openFile(t, path), "a", "1")
		set(t, openFile(t, path), "b", name)
		if _, err := os.Lstat(path + ".new"); err == nil {
			t.Errorf("%s: still there", name)
		}
	}
	if string(read(t, precious)) != "precious" {
		t.Error("a link was followed")
	}
}

func TestAFileThatIsFullSaysSoAndKeepsWhatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	f := openFile(t, path)
	values := map[string][]byte{}
	for i := range 300 {
		values[fmt.Sprint(i)] = make([]byte, keystore.MaxSize)
	}
	data, err := keystore.Seal(values, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, data)
	for i := 300; err == nil && i < 400; i++ {
		err = f.Set(t.Context(), fmt.Sprint(i), keystore.NewSecret(strings.Repeat("x", keystore.MaxSize)))
	}
	wantErr(t, err, keystore.ErrTooBig)
	if _, err := f.Get(t.Context(), "299"); err != nil {
		t.Error(err)
	}
}

func TestFilesOfTheFirstVersionOpenForEver(t *testing.T) {
	values, err := keystore.Unseal(read(t, "testdata/secrets-v1"), passphrase)
	if err != nil || len(values) != 2 || string(values["a"]) != "1" || string(values["binary"]) != "\x00\xff" {
		t.Errorf("got %q, %v", values, err)
	}
}

func FuzzASecretsFile(f *testing.F) {
	good, err := os.ReadFile("testdata/secrets-v1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, false)
	f.Add(good, true)
	f.Add(good[:50], false)
	f.Add([]byte("fcc-secrets v1\r\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		if sum && len(data) >= sha256.Size {
			data = resum(data)
		}
		cost, err := keystore.CostOf(data)
		if err != nil {
			wantErr(t, err, keystore.ErrDamaged)
			return
		}
		if cost.Passes > 2 || cost.Memory > 1<<10 {
			return // sound, and too slow for a fuzzer
		}
		_, err = keystore.Unseal(data, passphrase)
		switch {
		case bytes.Equal(data, good):
			if err != nil {
				t.Fatal(err)
			}
		case errors.Is(err, keystore.ErrPassphrase):
		default:
			wantErr(t, err, keystore.ErrDamaged)
		}
	})
}

func BenchmarkFileGet(b *testing.B) {
	f, err := keystore.OpenFile(filepath.Join(b.TempDir(), "secrets"), passphrase)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Set(b.Context(), "a", keystore.NewSecret("1")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Get(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFileSet(b *testing.B) {
	f, err := keystore.OpenFile(filepath.Join(b.TempDir(), "secrets"), passphrase)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := f.Set(b.Context(), "a", keystore.NewSecret("1")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenFile(b *testing.B) {
	for b.Loop() {
		if _, err := keystore.OpenFile(filepath.Join(b.TempDir(), "secrets"), passphrase); err != nil {
			b.Fatal(err)
		}
	}
}
