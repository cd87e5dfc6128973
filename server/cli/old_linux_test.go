package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standard makes the data folder the one that FCC has without being told.
func (m *machine) standard() {
	m.set("FCC_DATA_DIR", "")
	m.set("XDG_DATA_HOME", m.home)
}

func TestOldProgramsBesideTheStandardDataFolderAreFound(t *testing.T) {
	m := newMachine(t)
	folder := filepath.Join(m.home, "Downloads", "Financial-Command-Center-AI-main", "tokens")
	autostart := filepath.Join(m.home, ".config", "autostart")
	for path, text := range map[string]string{
		filepath.Join(folder, "xero_token.json"):   oldToken,
		filepath.Join(autostart, "money.desktop"):  "[Desktop Entry]\nType=Application\nName=Money\nExec=python3 /opt/fcc/financial_launcher.py\n",
		filepath.Join(autostart, "other.desktop"):  "[Desktop Entry]\nName=Other\nExec=/usr/bin/true\n",
		filepath.Join(autostart, "broken.desktop"): "no entry at all",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := m.fcc("doctor")
	if strings.Contains(got.stdout, "Older program") {
		t.Errorf("the FCC of another data folder looks beyond it:\n%s", got.stdout)
	}
	m.standard()
	got = m.fcc("doctor")
	if !strings.Contains(got.stdout, folder) || !strings.Contains(got.stdout, "computer: Money\n") || strings.Contains(got.stdout, "Other") || strings.Contains(got.stdout, "OLDMARKER") {
		t.Errorf("doctor:\n%s", got.stdout)
	}
}

func TestEraseTakesThisProgramAndNoOtherOffTheListOfThoseThatStartAtSignIn(t *testing.T) {
	m := newMachine(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	autostart := filepath.Join(m.home, ".config", "autostart")
	if err := os.MkdirAll(autostart, 0o700); err != nil {
		t.Fatal(err)
	}
	ours, other := filepath.Join(autostart, "financial-command-center.desktop"), filepath.Join(autostart, "other.desktop")
	for path, program := range map[string]string{ours: self, other: "/usr/bin/true"} {
		if err := os.WriteFile(path, []byte("[Desktop Entry]\nType=Application\nName=Financial Command Center\nExec=\""+program+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.fcc("erase", "--yes") // another data folder's
	if _, err := os.Stat(ours); err != nil {
		t.Errorf("the entry is not that FCC's: %v", err)
	}
	m.standard()
	if got := m.fcc("erase", "--yes"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(ours); !os.IsNotExist(err) {
		t.Errorf("FCC still starts: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}
