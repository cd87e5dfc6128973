package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"financial-command-center/server/update"
)

// signUpdate writes what is published for programs that look for updates; the form
// is server/update's.
func signUpdate(args []string) error {
	flags := flag.NewFlagSet("sign-update", flag.ContinueOnError)
	keyFile := flags.String("key", "", "`file` with the Ed25519 private key, PEM: openssl genpkey -algorithm ed25519")
	var m update.Manifest
	flags.StringVar(&m.Version, "version", "", "the new `version`, as 1.3.0")
	flags.StringVar(&m.Notes, "notes", "", "one `sentence` about it")
	flags.StringVar(&m.Page, "page", "", "https `address` of a page to download it from, for systems without an installer")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage: go run ./build sign-update --key FILE --version V [flags] windows/amd64=dist/FCC-Setup.exe … >dist/update\n\n"+
			"Writes the signed manifest of a new version. Publish it with the installers beside it.\n"+
			"The public key goes to stderr: the package command links programs with it, and with FCC_UPDATE_ADDRESS.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	key, err := readSigningKey(*keyFile)
	if err != nil {
		return err
	}
	m.Files = map[string]update.File{}
	for _, arg := range flags.Args() {
		platform, path, ok := strings.Cut(arg, "=")
		if !ok || strings.Count(platform, "/") != 1 {
			return fmt.Errorf("%q is not PLATFORM=FILE", arg)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		m.Files[platform] = update.File{Name: filepath.Base(path), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	}
	published, err := update.Sign(key, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "FCC_UPDATE_KEY=%s\n", base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
	_, err = os.Stdout.Write(published)
	return err
}

// updates is what programs are linked with that look for them; see server/update.
type updates struct{ address, key string }

// linkedUpdates reads it from the environment, and checks it as the programs will.
func linkedUpdates(env func(string) string, version string) (updates, error) {
	u := updates{env("FCC_UPDATE_ADDRESS"), env("FCC_UPDATE_KEY")}
	if u == (updates{}) {
		return u, nil
	}
	_, err := update.New(update.Config{Address: u.address, Key: u.key, Version: version, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return u, fmt.Errorf("FCC_UPDATE_ADDRESS and FCC_UPDATE_KEY: %w", err)
	}
	return u, nil
}

func readSigningKey(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, errors.New("--key is missing")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key that can be read", path)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key in %s is no Ed25519 key", path)
	}
	return key, nil
}
