package update

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/mod/semver"
)

// Manifest is what is signed.
type Manifest struct {
	Version string          `json:"version"` // 1.3.0
	Notes   string          `json:"notes"`   // one sentence
	Page    string          `json:"page"`    // where a person finds it, https; for systems without a file
	Files   map[string]File `json:"files"`   // by platform, windows/amd64
}

// File is the installer of one platform. It lies beside the manifest.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

const (
	manifestLimit = 64 << 10
	fileLimit     = 256 << 20
	notesLimit    = 300 // characters
	// purpose is signed ahead of the manifest, so that a signature by the same key
	// of something else is none of a manifest.
	purpose = "Financial Command Center update, version 1 of the format\n"
)

// fileName is the only form that an installer's name may have: nothing that leaves
// a folder or means a device, and nothing that a person would not know again.
var fileName = regexp.MustCompile(`^FCC-Setup(?:[-_][A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*)?\.exe$`)

// Sign makes of a manifest what is published. It refuses one that FCC would.
func Sign(key ed25519.PrivateKey, m Manifest) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return signBytes(key, append(body, '\n')), nil
}

func signBytes(key ed25519.PrivateKey, body []byte) []byte {
	signature := ed25519.Sign(key, append([]byte(purpose), body...))
	return append([]byte(base64.StdEncoding.EncodeToString(signature)+"\n"), body...)
}

// open checks the signature of what was published, and only then reads it.
func open(published []byte, key ed25519.PublicKey) (m Manifest, err error) {
	first, body, ok := bytes.Cut(published, []byte("\n"))
	if !ok {
		return m, errors.New("it has no signature")
	}
	signature, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(first, []byte("\r"))))
	if err != nil || !ed25519.Verify(key, append([]byte(purpose), body...), signature) {
		return m, errors.New("its signature is not that of FCC's makers")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("it is signed and no manifest: %w", err)
	}
	return m, m.check()
}

// check looks at every field: what is signed by mistake must do no harm either.
func (m Manifest) check() error {
	if !isVersion(m.Version) {
		return fmt.Errorf("the version %q is none", m.Version)
	}
	if len([]rune(m.Notes)) > notesLimit || strings.ContainsFunc(m.Notes, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("the notes are no sentence of at most %d characters", notesLimit)
	}
	if m.Page != "" {
		if err := checkAddress(m.Page); err != nil {
			return fmt.Errorf("the page: %w", err)
		}
	}
	for platform, f := range m.Files {
		sum, err := hex.DecodeString(f.SHA256)
		switch {
		case !fileName.MatchString(f.Name) || len(f.Name) > 100:
			return fmt.Errorf("the file of %s is called %q, which no installer of FCC's is", platform, f.Name)
		case f.Size <= 0 || f.Size > fileLimit:
			return fmt.Errorf("the file of %s has %d bytes, from 1 to %d are allowed", platform, f.Size, fileLimit)
		case err != nil || len(sum) != 32:
			return fmt.Errorf("the file of %s has no SHA-256", platform)
		}
	}
	return nil
}

// isVersion reports whether text is a whole version, as 1.3.0 or 1.3.0-rc.1.
func isVersion(text string) bool {
	v := "v" + text
	return len(text) <= 64 && semver.IsValid(v) && semver.Canonical(v) == v
}

// newer reports whether version a comes after b.
func newer(a, b string) bool { return semver.Compare("v"+a, "v"+b) > 0 }

// checkAddress accepts an https address, or a plain http one on a loopback host for
// tests, without user, query or fragment.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errors.New("it is no plain web address")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return errors.New("it is no https address")
	}
	return nil
}

func isLoopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
