package keystore_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"financial-command-center/keystore"
)

func TestWithoutAPassphraseWindowsKeepsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	open := func() (*keystore.File, error) { return keystore.OpenCheap(path, keystore.Secret{}) }
	f, err := open()
	if err != nil {
		t.Fatal(err)
	}
	set(t, f, "a", "1")
	again, err := open()
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, again, "a", "1")
	_, err = keystore.OpenCheap(path, passphrase)
	wantErr(t, err, keystore.ErrPassphrase)

	kept := read(t, path+".dpapi")
	for _, damaged := range [][]byte{{}, []byte("text"), kept[:len(kept)-1]} {
		write(t, path+".dpapi", damaged)
		_, err := open()
		wantErr(t, err, keystore.ErrDamaged)
		if !bytes.Equal(read(t, path+".dpapi"), damaged) {
			t.Error("what DPAPI does not open was changed")
		}
	}
}

func TestAFileMadeWithAPassphraseIsNotGivenAnother(t *testing.T) {
	path := fileWith(t, "1", "2")
	_, err := keystore.OpenCheap(path, keystore.Secret{})
	wantErr(t, err, keystore.ErrPassphrase)
	if found, _ := filepath.Glob(path + ".dpapi*"); len(found) != 0 {
		t.Errorf("made %v", found)
	}
}

// After a reset of the password DPAPI says NTE_BAD_KEY_STATE: for good on a computer
// of one's own, and in a domain until its controller is reached.
func TestAKeyThatIsAwayForGoodIsToldFromOneThatComesBack(t *testing.T) {
	badState := windows.Errno(windows.NTE_BAD_KEY_STATE)
	for _, c := range []struct {
		err      error
		inDomain bool
		want     error
	}{
		{badState, false, keystore.ErrDamaged},
		{badState, true, keystore.ErrFailed},
		{windows.Errno(windows.NTE_BAD_DATA), true, keystore.ErrDamaged},
		{windows.RPC_S_SERVER_UNAVAILABLE, false, keystore.ErrFailed},
	} {
		wantErr(t, keystore.Unopened(c.err, c.inDomain), c.want)
	}
	if text := keystore.Unopened(badState, true).Error(); !strings.Contains(text, "network") || !strings.Contains(text, "start FCC again") {
		t.Errorf("what to do is not said: %s", text)
	}
}
