package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A signer signs Windows programs by osslsigncode. A nil one does nothing.
type signer struct {
	with      []string // the arguments that name the certificate
	timestamp string
}

// newSigner reads what the environment says of a certificate; nil says that there
// is none. The password is given by file: a command line can be read by others.
func newSigner(env func(string) string) (*signer, error) {
	cert, key, both := env("FCC_SIGN_CERT"), env("FCC_SIGN_KEY"), env("FCC_SIGN_PKCS12")
	s := &signer{timestamp: env("FCC_SIGN_TIMESTAMP")}
	switch {
	case both != "" && (cert != "" || key != ""):
		return nil, errors.New("FCC_SIGN_PKCS12 stands for itself: leave FCC_SIGN_CERT and FCC_SIGN_KEY out, or it")
	case both != "":
		s.with = []string{"-pkcs12", both}
	case cert != "" && key != "":
		s.with = []string{"-certs", cert, "-key", key}
	case cert != "" || key != "":
		return nil, errors.New("FCC_SIGN_CERT and FCC_SIGN_KEY are needed together")
	case s.timestamp != "" || env("FCC_SIGN_PASSWORD_FILE") != "":
		return nil, errors.New("a signature is wanted, and no certificate named: FCC_SIGN_CERT and FCC_SIGN_KEY, or FCC_SIGN_PKCS12")
	default:
		return nil, nil
	}
	if password := env("FCC_SIGN_PASSWORD_FILE"); password != "" {
		s.with = append(s.with, "-readpass", password)
	}
	for _, word := range append(s.with, s.timestamp) { // NSIS and a shell get them in quotes
		if strings.ContainsAny(word, "\"'`$\\%\n") {
			return nil, fmt.Errorf("%q: a quote, $, %%, ` or \\ in the name of a certificate's file cannot be handed on to NSIS", word)
		}
	}
	return s, nil
}

// sign signs the program at path, in place.
func (s *signer) sign(path string, when time.Time) error {
	if s == nil {
		return nil
	}
	signed := path + ".signed"
	if err := run(nil, s.command(path, signed, when)...); err != nil {
		return fmt.Errorf("sign: %w", errors.Join(err, os.RemoveAll(signed)))
	}
	return os.Rename(signed, path)
}

// command is osslsigncode's. Without a time-stamp server the signature carries the
// release's time, and is good while the certificate is.
func (s *signer) command(in, out string, when time.Time) []string {
	args := append([]string{"osslsigncode", "sign"}, s.with...)
	args = append(args, "-h", "sha256", "-n", product)
	if s.timestamp != "" {
		args = append(args, "-ts", s.timestamp)
	} else {
		args = append(args, "-time", strconv.FormatInt(when.Unix(), 10))
	}
	return append(args, "-in", in, "-out", out)
}

// shell is the command for NSIS, which hands over the uninstaller's path as %1.
func (s *signer) shell(when time.Time) string {
	var line []string
	for _, word := range s.command("%1", "%1.signed", when) {
		line = append(line, `"`+word+`"`)
	}
	return strings.Join(line, " ") + ` && mv "%1.signed" "%1"`
}
