package xero

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	"financial-command-center/keystore"
)

// An Error has two voices: Problem for the person, Err for the log. Neither
// holds a secret.
type Error struct {
	Problem
	Err        error         // optional
	RetryAfter time.Duration // of CodeRateLimited: Xero takes no call before
	Kept       bool          // of CodeRateLimited: people may call all the same
}

func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: %v", e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func problem(code Code, message, action string) Problem {
	return Problem{Code: code, Message: message, Action: action}
}

// unreachable says in words why Xero could not be reached.
func unreachable(err error) *Error {
	message, action := "Xero cannot be reached.", "Check the internet connection. FCC tries again by itself."
	var (
		unknown  x509.UnknownAuthorityError
		wrong    x509.HostnameError
		invalid  x509.CertificateInvalidError
		notTLS   tls.RecordHeaderError
		name     *net.DNSError
		answered *answerError
		proxy    *proxyError
		dial     *net.OpError
	)
	switch {
	case errors.As(err, &proxy):
		message = "The proxy " + proxy.host + " on the way to Xero asks for a name and password, which FCC does not have."
		action = "Ask who looks after this network to let FCC through to xero.com without one."
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		message = "The proxy that this computer is set to use cannot be reached, so Xero cannot either."
		action = "Check the proxy setting (in Windows: Settings, Network, Proxy) and the network. FCC tries again by itself."
	case errors.As(err, &unknown), errors.As(err, &wrong), errors.As(err, &invalid), errors.As(err, &notTLS):
		message = "The connection to Xero is not safe: its certificate is not one that this computer trusts."
		action = "Something between this computer and Xero looks into encrypted connections (a company network, a virus scanner). Ask who looks after this computer, or try another network."
	case errors.As(err, &name):
		message = "Xero's address cannot be found."
	case errors.As(err, &answered):
		message = "Xero is in trouble: " + answered.words() + "."
		action = "Nothing needs doing here. FCC tries again by itself."
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		message = "Xero did not answer in time."
	}
	return &Error{Problem: problem(CodeUnreachable, message, action), Err: err}
}

// UnreachableProblem says in words why Xero could not be reached.
func UnreachableProblem(err error) Problem { return unreachable(err).Problem }

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// KeystoreProblem says in words why the keychain cannot be used.
func KeystoreProblem(err error) Problem { return keystoreError(err).Problem }

func keystoreError(err error) *Error {
	return &Error{Problem: keystoreWords(runtime.GOOS, err), Err: err}
}

// keystoreWords says it as somebody on this system knows it.
func keystoreWords(system string, err error) Problem {
	name, file := "The keychain of this computer", "choose the encrypted file: set FCC_KEYSTORE_PASSPHRASE_FILE and start FCC with --keystore file."
	if system == "windows" {
		name, file = "Windows' Credential Manager", "choose \"Keep secrets in an encrypted file\" in FCC's tray menu (or start FCC with --keystore file)."
	}
	message, action := name+" cannot be used.", "FCC tries again by itself. The log says more."
	switch {
	case errors.Is(err, keystore.ErrLocked):
		message, action = name+" is locked.", "Unlock it. FCC goes on by itself."
	case errors.Is(err, keystore.ErrAbsent) && system == "windows":
		message, action = name+" is not there for this sign-in to Windows, as for a service or over ssh.", "Start FCC from your own desktop, or "+file
	case errors.Is(err, keystore.ErrAbsent) && system == "linux":
		message, action = "This computer has no keychain that is running.", "Start one (GNOME Keyring, KWallet), or "+file
	case errors.Is(err, keystore.ErrAbsent):
		message, action = "This computer has no keychain that is running.", "Sign in at its desktop, or "+file
	case errors.Is(err, keystore.ErrPolicy):
		message, action = name+" is turned off on this computer by a policy (\"Do not allow storage of passwords and credentials for network authentication\").", "Ask who looks after this computer, or "+file
	case errors.Is(err, keystore.ErrTimeout):
		message, action = name+" does not answer.", "Look for a window that asks for its password. FCC goes on by itself."
	case errors.Is(err, keystore.ErrTooBig):
		message, action = "The sign-in is larger than the keychain holds.", "Tell us, this should not happen; and "+file
	case errors.Is(err, keystore.ErrPassphrase):
		message, action = "The passphrase does not open FCC's secrets file any more.", "Start FCC again with the passphrase that the file was made with."
	case errors.Is(err, keystore.ErrDamaged):
		message, action = "What the keychain holds for FCC is damaged.", "Nothing was overwritten. The log says which item it is."
	}
	return problem(CodeKeystoreUnavailable, message, action)
}

func needsLogin(why string) Problem {
	return problem(CodeNeedsLogin, "Sign in to Xero again. "+why, "Sign in again.")
}

func needsLoginError(p *Problem) *Error {
	if p != nil && p.Code == CodeNeedsLogin {
		return &Error{Problem: *p}
	}
	return &Error{Problem: needsLogin("The sign-in has ended.")}
}

// day writes a date as the pages do.
func day(t time.Time) string { return t.Local().Format("2 January 2006") }

// isNetwork reports whether a call broke off, rather than was answered.
func isNetwork(err error) bool {
	var op *net.OpError
	var proxy *proxyError
	return errors.As(err, &op) || errors.As(err, &proxy) || isTimeout(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrClosedPipe)
}
