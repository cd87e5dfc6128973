package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSignUpdateRefusesWhatNoProgramWouldTake(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	// RFC 8410, section 10.3.
	good := write("key.pem", []byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"))
	setup := write("FCC-Setup.exe", []byte("MZ"))
	for says, args := range map[string][]string{
		"--key is missing":   {},
		"no PEM file":        {"--key", setup},
		"no private key":     {"--key", write("broken.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))},
		"no Ed25519 key":     {"--key", write("other.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))},
		"the version":        {"--key", good, "--version", "v1", "windows/amd64=" + setup},
		"PLATFORM=FILE":      {"--key", good, "--version", "1.3.0", setup},
		"which no installer": {"--key", good, "--version", "1.3.0", "windows/amd64=" + good},
		"no such file":       {"--key", good, "--version", "1.3.0", "windows/amd64=" + filepath.Join(dir, "FCC-Setup-2.exe")},
		"it is no https":     {"--key", good, "--version", "1.3.0", "--page", "ftp://example.com"},
		"no sentence":        {"--key", good, "--version", "1.3.0", "--notes", "a\nb"},
	} {
		if err := signUpdate(args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
}

func TestThePackageCommandLinksNoHalfOfWhatUpdatesNeed(t *testing.T) {
	const address, key = "https://example.com/fcc/update", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	for name, c := range map[string]struct {
		address, key string
		good         bool
	}{
		"both": {address, key, true}, "neither": {"", "", true},
		"no key": {address, "", false}, "no address": {"", key, false}, "http": {"http://example.com/fcc/update", key, false}, "a private key": {address, key + key, false},
	} {
		u, err := linkedUpdates(func(name string) string {
			return map[string]string{"FCC_UPDATE_ADDRESS": c.address, "FCC_UPDATE_KEY": c.key}[name]
		}, "1.2.0")
		if (err == nil) != c.good || c.good && u != (updates{c.address, c.key}) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}
