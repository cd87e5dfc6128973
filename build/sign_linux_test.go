package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes a throw-away one, as PEM files, and as a PKCS #12 file with a
// password.
func certificate(t *testing.T) (cert, key, both, password string) {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	cert, key, both, password = in("cert.pem"), in("key.pem"), in("both.p12"), in("password")
	if err := os.WriteFile(password, []byte("a password"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{
		{"req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=FCC test",
			"-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature"},
		{"pkcs12", "-export", "-in", cert, "-inkey", key, "-out", both, "-passout", "file:" + password},
	} {
		if out, err := exec.Command("openssl", line...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s (what is missing: go run ./build test)", line[0], err, out)
		}
	}
	return cert, key, both, password
}

func verify(program, cert string) error {
	out, err := exec.Command("osslsigncode", "verify", "-CAfile", cert, "-in", program).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Succeeded")) {
		return fmt.Errorf("osslsigncode verify: %v\n%s", err, out)
	}
	return nil
}

func TestAProgramIsSignedWithTheCertificateOfTheEnvironment(t *testing.T) {
	r := newTestRelease(t)
	program := r.path("fcc.com")
	if err := r.compile(program, "./server/cli/console", "windows", "amd64", ""); err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, both, password := certificate(t)
	now := time.Now()
	if err := verify(program, cert); err == nil {
		t.Fatal("an unsigned program is called signed")
	}
	for name, env := range map[string]map[string]string{
		"PEM":     {"FCC_SIGN_CERT": cert, "FCC_SIGN_KEY": key},
		"PKCS 12": {"FCC_SIGN_PKCS12": both, "FCC_SIGN_PASSWORD_FILE": password},
	} {
		t.Run(name, func(t *testing.T) {
			var before []byte
			for range 2 {
				if err := os.WriteFile(program, plain, 0o755); err != nil {
					t.Fatal(err)
				}
				s, err := newSigner(settings(env))
				if err != nil {
					t.Fatal(err)
				}
				if err := s.sign(program, now); err != nil {
					t.Fatal(err)
				}
				if err := verify(program, cert); err != nil {
					t.Fatal(err)
				}
				signed, err := os.ReadFile(program)
				if err != nil {
					t.Fatal(err)
				}
				if before != nil && !bytes.Equal(before, signed) {
					t.Error("two signatures at the same time differ")
				}
				before = signed
			}
			before[len(before)/3] ^= 1
			if err := os.WriteFile(program, before, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := verify(program, cert); err == nil {
				t.Error("a changed program is called signed")
			}
		})
	}
	s, err := newSigner(settings(map[string]string{"FCC_SIGN_CERT": cert, "FCC_SIGN_KEY": password}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sign(program, now); err == nil {
		t.Error("a key that is none was used")
	}
	if left, _ := filepath.Glob(program + "?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestACertificateIsNamedWhollyOrNotAtAll(t *testing.T) {
	if s, err := newSigner(settings(nil)); s != nil || err != nil {
		t.Errorf("without any: %v, %v", s, err)
	}
	for _, names := range []string{
		"FCC_SIGN_CERT", "FCC_SIGN_KEY", "FCC_SIGN_PASSWORD_FILE", "FCC_SIGN_TIMESTAMP", "FCC_SIGN_PKCS12 FCC_SIGN_CERT", "FCC_SIGN_PKCS12 FCC_SIGN_KEY",
	} {
		env := map[string]string{}
		for _, name := range strings.Fields(names) {
			env[name] = "x"
		}
		if _, err := newSigner(settings(env)); err == nil {
			t.Errorf("%s was enough", names)
		}
	}
	if _, err := newSigner(settings(map[string]string{"FCC_SIGN_PKCS12": "it's $HOME.p12"})); err == nil {
		t.Error("a name that a shell would take apart was taken")
	}
}
