package cli_test

import (
	"os"
	"strings"
	"testing"

	"financial-command-center/server"
)

// Windows has no mode bits, and seals a keystore file without a passphrase.
func TestDoctorFindsAnOpenFolderAndAKeystoreFileWithoutAPassphrase(t *testing.T) {
	m := newMachine(t)
	m.far(freePort(t))
	if err := os.MkdirAll(m.dataDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	m.set("FCC_KEYSTORE", "file")
	d, _ := m.diagnose()
	for name, says := range map[string]string{"Data folder and disk": "open to other users", "Keychain": "passphrase"} {
		if check := d.check(t, name); check.Status != server.FoundBad || !strings.Contains(check.Found, says) {
			t.Errorf("%+v does not say %q", check, says)
		}
	}
}
