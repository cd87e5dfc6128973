package keystore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"strings"
	"testing"
	texttemplate "text/template"

	"financial-command-center/keystore"
)

const text = "MARKER-of-a-secret"

// shows reports whether the text can be read from out in one of the ways that
// printing code writes a string.
func shows(out string) bool {
	out = strings.ToLower(strings.NewReplacer(" ", "", "\n", "", "0x", "", ",", "").Replace(out))
	decimal := strings.Trim(strings.ReplaceAll(fmt.Sprint([]byte(text)), " ", ""), "[]")
	for _, form := range []string{text, hex.EncodeToString([]byte(text)), decimal, base64.RawStdEncoding.EncodeToString([]byte(text))} {
		if strings.Contains(out, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// Where a Secret may sit.
type (
	open      struct{ Token keystore.Secret }
	closed    struct{ token keystore.Secret }
	pointed   struct{ token *keystore.Secret }
	mapped    struct{ tokens map[string]keystore.Secret }
	hidden    struct{ inner any }
	embedded  struct{ keystore.Secret }
	failed    struct{ token keystore.Secret }
	unwrapped string
)

func (f failed) Error() string { return fmt.Sprintf("refused: %v", f.token) }

func carriers() map[string]any {
	s := keystore.NewSecret(text)
	p := &s
	return map[string]any{
		"itself": s, "pointer": p, "pointer to pointer": &p,
		"field": open{s}, "pointer to field": &open{s}, "unexported field": closed{s}, "pointer to unexported field": &closed{s},
		"pointer in a field": pointed{p}, "pointer to that": &pointed{p},
		"map": map[string]keystore.Secret{"token": s}, "map of pointers": map[string]*keystore.Secret{"token": p},
		"map in a field": mapped{map[string]keystore.Secret{"token": s}},
		"slice":          []keystore.Secret{s}, "array": [1]keystore.Secret{s}, "slice of any": []any{s, p},
		"any in a field": hidden{s}, "pointer in any": hidden{&hidden{p}},
		"embedded": embedded{s}, "pointer to embedded": &embedded{s}, "embedded in a field": hidden{embedded{s}},
		"error": failed{s}, "wrapped error": fmt.Errorf("renew: %w", failed{s}), "joined error": errors.Join(failed{s}, errors.New("x")),
	}
}

// printers are all the ways out that the program or a library of it might take.
func printers() map[string]func(any) string {
	out := map[string]func(any) string{
		"Sprint": func(v any) string { return fmt.Sprint(v) },
		"log": func(v any) string {
			var b bytes.Buffer
			log.New(&b, "", 0).Println(v)
			return b.String()
		},
		"json": func(v any) string { data, err := json.Marshal(v); return fmt.Sprint(string(data), err) },
		"xml":  func(v any) string { data, err := xml.Marshal(v); return fmt.Sprint(string(data), err) },
		"gob": func(v any) string {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return fmt.Sprint(b.String(), err)
		},
		"text/template": func(v any) string {
			var b bytes.Buffer
			err := texttemplate.Must(texttemplate.New("").Parse(`{{.}} {{printf "%q" .}} {{print .}} {{js .}}`)).Execute(&b, v)
			return fmt.Sprint(b.String(), err)
		},
		"html/template": func(v any) string {
			var b bytes.Buffer
			err := htmltemplate.Must(htmltemplate.New("").Parse(`<a title="{{.}}" href="/?q={{.}}" onclick="f({{.}})">{{.}}</a>`)).Execute(&b, v)
			return fmt.Sprint(b.String(), err)
		},
		"panic": func(v any) (out string) {
			defer func() { out = fmt.Sprint(recover()) }()
			panic(v)
		},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%#s", "%q", "%+q", "%#q", "%x", "% x", "%#x", "%X", "%d", "%t", "%c", "%U", "%b", "%o", "%e", "%p", "%10.30v", "%T", "%!"} {
		out[verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		out[name] = func(v any) string {
			var b bytes.Buffer
			l := slog.New(handler(&b))
			l.Info("message", "value", v, slog.Group("group", "value", v))
			l.With("value", v).WithGroup("group").Info("message", slog.Any("value", []any{v}))
			return b.String()
		}
	}
	return out
}

func TestASecretIsNeverShown(t *testing.T) {
	for way, print := range printers() {
		for where, value := range carriers() {
			if out := print(value); shows(out) {
				t.Errorf("%s of a secret in %s: %s", way, where, out)
			}
		}
		// The same eyes find a text that is not a Secret, wherever it can be printed.
		if way != "%d" && way != "%t" && way != "%c" && way != "%U" && way != "%b" && way != "%o" && way != "%e" && way != "%p" && way != "%T" && way != "%!" {
			if out := print(unwrapped(text)); !shows(out) {
				t.Errorf("%s of a plain text is not seen: %s", way, out)
			}
		}
	}
}

func TestASecretPrintsAsAPlaceholder(t *testing.T) {
	s := keystore.NewSecret(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "[secret]" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got, err := json.Marshal(open{s}); err != nil || string(got) != `{"Token":"[secret]"}` {
		t.Errorf("json: %s, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"Token":"x"}`), &open{}); err == nil {
		t.Error("a secret was read from JSON, where it has no business")
	}
}

func TestASecretGivesItsTextOnlyToReveal(t *testing.T) {
	s := keystore.NewSecret(text)
	if s.Reveal() != text || s.Len() != len(text) || s.IsZero() {
		t.Errorf("%q, %d, %v", s.Reveal(), s.Len(), s.IsZero())
	}
	for _, empty := range []keystore.Secret{{}, keystore.NewSecret("")} {
		if empty.Reveal() != "" || empty.Len() != 0 || !empty.IsZero() || !empty.Equal(keystore.Secret{}) || empty.Equal(s) {
			t.Errorf("the empty secret: %q", empty.Reveal())
		}
	}
	if !s.Equal(keystore.NewSecret(text)) || s.Equal(keystore.NewSecret(text+"x")) || s.Equal(keystore.NewSecret(strings.ToUpper(text))) {
		t.Error("Equal does not compare the texts")
	}
}
