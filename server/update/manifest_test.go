package update_test

import (
	"crypto/ed25519"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server/update"
)

var oddNames = map[string]bool{
	"FCC-Setup.exe": true, "FCC-Setup-1.3.0.exe": true, "FCC-Setup_1.3.0-rc.1_arm64.exe": true,

	"": false, ".exe": false, "FCC-Setup": false, "fcc-setup.exe": false, "FCC-Setup.EXE": false, "FCC-Setup.msi": false,
	"../FCC-Setup.exe": false, `..\FCC-Setup.exe`: false, "FCC-Setup/../../x.exe": false, `FCC-Setup\x.exe`: false,
	"/FCC-Setup.exe": false, `C:\FCC-Setup.exe`: false, "C:FCC-Setup.exe": false, `\\host\share\FCC-Setup.exe`: false,
	"FCC-Setup-..exe": false, "FCC-Setup..exe": false, "FCC-Setup-1..3.exe": false, "FCC-Setup-.exe": false,
	"FCC-Setup.exe:stream": false, "FCC-Setup-a:b.exe": false, "FCC-Setup.exe.": false, "FCC-Setup.exe ": false, " FCC-Setup.exe": false,
	"CON": false, "CON.exe": false, "NUL": false, "COM1.exe": false, "LPT1": false, "AUX.FCC-Setup.exe": false,
	"FCC-Setup.exe\x00": false, "FCC-Setup\x00.exe": false, "FCC-Setup.exe\n": false, "FCC-Setup-\u202egpj.exe": false,
	"FCC-Setup-é.exe": false, "FCC-Setup-a b.exe": false, "FCC-Setup-%2e%2e.exe": false, "FCC-Setup-?.exe": false, "FCC-Setup-*.exe": false,
	"FCC-Setup.exe.part": false, "FCC-Setup-x.exe;x": false, "FCC-Setup-$(x).exe": false, "setup.bat": false, "update": false, "seen.json": false,
}

func TestOddFileNamesAreRefusedThoughTheyAreSigned(t *testing.T) {
	p := newPublisher(t)
	for name, good := range oddNames {
		m := manifest("1.3.0", setup)
		f := m.Files[platform]
		f.Name = name
		m.Files[platform] = f
		if _, err := update.Sign(p.key, m); (err == nil) != good {
			t.Errorf("signing %q: %v", name, err)
		}
	}
	long := manifest("1.3.0", setup)
	f := long.Files[platform]
	f.Name = "FCC-Setup-" + strings.Repeat("1", 200) + ".exe"
	long.Files[platform] = f
	if _, err := update.Sign(p.key, long); err == nil {
		t.Error("a name of 200 letters is signed")
	}
}

func FuzzAFileNameNeverLeavesTheFolder(f *testing.F) {
	for name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !update.IsFileName(name) {
			return
		}
		path := filepath.Join("folder", name)
		if filepath.Dir(path) != "folder" || filepath.Base(path) != name || !filepath.IsLocal(name) ||
			strings.ContainsAny(name, `/\:%?*"<>|`) || strings.Contains(name, "..") || !strings.HasPrefix(name, "FCC-Setup") || !strings.HasSuffix(name, ".exe") {
			t.Errorf("%q", name)
		}
	})
}

// Whatever is signed, what comes of it keeps to the limits; whatever is not, nothing
// does.
func FuzzAManifest(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	f.Add([]byte(`{"version":"1.3.0","files":{"windows/amd64":{"name":"FCC-Setup.exe","size":1,"sha256":"00"}}}`))
	f.Add([]byte(`{"version":"1.3.0","page":"javascript:alert(1)"}`))
	f.Add([]byte(`{"version":"1.3.0","notes":"\u001b[31m"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := update.Open(body, public); err == nil {
			t.Fatal("without a signature")
		}
		m, err := update.Open(update.SignBytes(key, body), public)
		if err != nil {
			return
		}
		if m.Page != "" && !strings.HasPrefix(m.Page, "https://") && !strings.HasPrefix(strings.ToLower(m.Page), "http") {
			t.Errorf("page %q", m.Page)
		}
		for platform, file := range m.Files {
			if !update.IsFileName(file.Name) || file.Size < 1 || file.Size > update.FileLimit || len(file.SHA256) != 64 {
				t.Errorf("%s: %+v", platform, file)
			}
		}
	})
}

func TestAManifestThatIsWrongIsNotSigned(t *testing.T) {
	p := newPublisher(t)
	for name, spoil := range map[string]func(*update.Manifest, *update.File){
		"no version":      func(m *update.Manifest, _ *update.File) { m.Version = "" },
		"a v":             func(m *update.Manifest, _ *update.File) { m.Version = "v1.3.0" },
		"half a version":  func(m *update.Manifest, _ *update.File) { m.Version = "1.3" },
		"a build":         func(m *update.Manifest, _ *update.File) { m.Version = "1.3.0+5" },
		"a novel":         func(m *update.Manifest, _ *update.File) { m.Notes = strings.Repeat("x", 301) },
		"two lines":       func(m *update.Manifest, _ *update.File) { m.Notes = "one\ntwo" },
		"an http page":    func(m *update.Manifest, _ *update.File) { m.Page = "http://example.com" },
		"a script":        func(m *update.Manifest, _ *update.File) { m.Page = "javascript:alert(1)" },
		"a negative size": func(_ *update.Manifest, f *update.File) { f.Size = -1 },
		"too large":       func(_ *update.Manifest, f *update.File) { f.Size = update.FileLimit + 1 },
		"half a sum":      func(_ *update.Manifest, f *update.File) { f.SHA256 = f.SHA256[:32] },
		"no sum":          func(_ *update.Manifest, f *update.File) { f.SHA256 = strings.Repeat("x", 64) },
	} {
		m := manifest("1.3.0", setup)
		f := m.Files[platform]
		spoil(&m, &f)
		m.Files[platform] = f
		if _, err := update.Sign(p.key, m); err == nil {
			t.Errorf("%s: it is signed", name)
		}
	}
}
