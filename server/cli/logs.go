package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"gopkg.in/natefinch/lumberjack.v2"

	"financial-command-center/server/xero"
)

// openLog writes JSON lines to logs/fcc.log in the data folder: 5 MB, then a new
// file, three old ones kept. lumberjack makes its files 0600, and leaves one that
// is there as it is.
func (s settings) openLog() (*slog.Logger, io.Closer) {
	_ = os.Chmod(s.logFile(), 0o600) // mostly there is none
	file := &lumberjack.Logger{Filename: s.logFile(), MaxSize: 5, MaxBackups: 3}
	level := slog.LevelInfo
	if s.debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewJSONHandler(file, &slog.HandlerOptions{Level: level, ReplaceAttr: maskAttr})), file
}

// keepCrashes has the runtime write a crash of the program to logs/crash.log too: a
// program without a window on Windows has no stderr that anybody reads. The file is
// that of this run, and empty while it goes well; the one before it is kept. A
// trace holds the words that functions were called with, in hexadecimal, and not
// the texts they point to; nothing in FCC panics with a text that holds a secret.
// The runtime holds the file open until end: on Windows nobody could remove it.
func (s settings) keepCrashes(log *slog.Logger) (end func()) {
	err := func() error {
		if info, err := os.Stat(s.crashFile()); err == nil && info.Size() > 0 {
			before := filepath.Join(filepath.Dir(s.crashFile()), "crash-before.log")
			if err := os.Rename(s.crashFile(), before); err != nil {
				return err
			}
			log.Warn("FCC crashed the last time", "kept", before)
		}
		file, err := os.OpenFile(s.crashFile(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer file.Close() // the runtime keeps a handle of its own
		return debug.SetCrashOutput(file, debug.CrashOptions{})
	}()
	if err != nil {
		log.Warn("a crash would not be written down", "err", err)
	}
	return func() { _ = debug.SetCrashOutput(nil, debug.CrashOptions{}) }
}

// masked stands where a secret was, as keystore.Secret prints itself.
const masked = "[secret]"

var (
	// secretWords make an attribute's name one of a secret, alone or as a part:
	// refresh_token, Set-Cookie, clientSecret.
	secretWords = []string{
		"authorization", "bearer", "code", "cookie", "cookies", "credential", "jwt", "nonce", "passphrase",
		"password", "secret", "secrets", "state", "ticket", "token", "tokens", "verifier",
	}
	nameParts = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)
	// plainWord is an error code or a state's name: no secret is one.
	plainWord = regexp.MustCompile(`^[a-z]{1,20}(_[a-z]{1,20}){0,3}$`)

	secretTexts = regexp.MustCompile(strings.Join([]string{
		`eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`, // a JWT, whole or cut
		`fcc_[A-Za-z0-9]{16,}`,                           // an API key
		`(?i:\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})`, // RFC 6750, RFC 7617
		`(?i:\b(access_token|refresh_token|id_token|client_secret|code|code_verifier|state|` + // a query or a form
			`nonce|ticket|token|passphrase)=[^&\s"'\\]+)`,
	}, "|"))
	// randomText is what random bytes look like in base64.
	randomText = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)
)

// maskAttr keeps secrets out of the log whatever a caller hands over: by the
// attribute's name, and by the look of its text. It is the second net; the first
// is that secrets travel as keystore.Secret, which masks itself.
func maskAttr(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return a
	}
	text := ""
	switch value := a.Value.Any().(type) {
	case string:
		text = value
	case xero.Code, xero.State, slog.Level, *slog.Source:
		return a
	case error:
		text = value.Error()
	case fmt.Stringer:
		text = value.String()
	default:
		data, err := json.Marshal(value)
		if err != nil {
			return slog.String(a.Key, "!unprintable: "+err.Error())
		}
		if text = string(data); maskText(text) == text && !namesSecret(a.Key) && !slices.ContainsFunc(groups, namesSecret) {
			return a
		}
	}
	if (namesSecret(a.Key) || slices.ContainsFunc(groups, namesSecret)) && !plainWord.MatchString(text) && text != "" {
		return slog.String(a.Key, masked)
	}
	return slog.String(a.Key, maskText(text))
}

func namesSecret(name string) bool {
	return slices.ContainsFunc(nameParts.FindAllString(name, -1), func(part string) bool {
		return slices.Contains(secretWords, strings.ToLower(part))
	})
}

func maskText(text string) string {
	text = secretTexts.ReplaceAllString(text, masked)
	return randomText.ReplaceAllStringFunc(text, func(run string) string {
		if strings.ToLower(run) == run || strings.ToUpper(run) == run { // a fingerprint, a long name
			return run
		}
		return masked
	})
}
