package keystore

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// masked is what every way of printing a Secret yields.
const masked = "[secret]"

// A Secret is a short string that must not be shown: a token, a key, a
// passphrase. Whatever prints, logs or marshals it writes "[secret]"; only
// Reveal gives it out, so that every place which does can be found by that word.
// The zero value is the empty secret.
type Secret struct {
	_ [0]func() // no ==, which would compare the pointers: use Equal

	// A pointer, so that fmt does not reach the text by reflection when the
	// Secret sits in an unexported field, where its methods are not called.
	text *string
}

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Len is the length of the text in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Equal compares in constant time for texts of one length.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

func (Secret) String() string               { return masked }
func (Secret) GoString() string             { return masked }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, masked) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(masked) }
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }
