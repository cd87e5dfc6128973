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

	"financial-command-center/assets/words"
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
	message, action := words.Say("xero.unreachable.message"), words.Say("xero.unreachable.action")
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
		message, action = words.Say("xero.proxy-asks.message", "Proxy", proxy.host), words.Say("xero.proxy-asks.action")
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		message, action = words.Say("xero.proxy-lost.message"), words.Say("xero.proxy-lost.action")
	case errors.As(err, &unknown), errors.As(err, &wrong), errors.As(err, &invalid), errors.As(err, &notTLS):
		message, action = words.Say("xero.unsafe.message"), words.Say("xero.unsafe.action")
	case errors.As(err, &name):
		message = words.Say("xero.unreachable.no-address")
	case errors.As(err, &answered):
		message, action = words.Say("xero.trouble.message", "Why", answered.words()), words.Say("xero.trouble.action")
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		message = words.Say("xero.unreachable.timeout")
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
	name, file := words.Say("xero.keychain.here"), words.Say("xero.keychain.file")
	if system == "windows" {
		name, file = words.Say("xero.keychain.windows"), words.Say("xero.keychain.file-windows")
	}
	message, action := words.Say("xero.keychain.message", "Keychain", name), words.Say("xero.keychain.action")
	switch {
	case errors.Is(err, keystore.ErrLocked):
		message, action = words.Say("xero.keychain-locked.message", "Keychain", name), words.Say("xero.keychain-locked.action")
	case errors.Is(err, keystore.ErrAbsent) && system == "windows":
		message, action = words.Say("xero.keychain-absent.windows", "Keychain", name), words.Say("xero.keychain-absent.windows-action", "File", file)
	case errors.Is(err, keystore.ErrAbsent) && system == "linux":
		message, action = words.Say("xero.keychain-absent.message"), words.Say("xero.keychain-absent.linux-action", "File", file)
	case errors.Is(err, keystore.ErrAbsent):
		message, action = words.Say("xero.keychain-absent.message"), words.Say("xero.keychain-absent.action", "File", file)
	case errors.Is(err, keystore.ErrPolicy):
		message, action = words.Say("xero.keychain-policy.message", "Keychain", name), words.Say("xero.keychain-policy.action", "File", file)
	case errors.Is(err, keystore.ErrTimeout):
		message, action = words.Say("xero.keychain-silent.message", "Keychain", name), words.Say("xero.keychain-silent.action")
	case errors.Is(err, keystore.ErrTooBig):
		message, action = words.Say("xero.keychain-small.message"), words.Say("xero.keychain-small.action", "File", file)
	case errors.Is(err, keystore.ErrPassphrase):
		message, action = words.Say("xero.passphrase.message"), words.Say("xero.passphrase.action")
	case errors.Is(err, keystore.ErrDamaged):
		message, action = words.Say("xero.keychain-damaged.message"), words.Say("xero.keychain-damaged.action")
	}
	return problem(CodeKeystoreUnavailable, message, action)
}

func needsLogin(why string) Problem {
	return problem(CodeNeedsLogin, words.Say("xero.needs-login.message", "Why", why), words.Say("xero.needs-login.action"))
}

func needsLoginError(p *Problem) *Error {
	if p != nil && p.Code == CodeNeedsLogin {
		return &Error{Problem: *p}
	}
	return &Error{Problem: needsLogin(words.Say("xero.needs-login.ended"))}
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
