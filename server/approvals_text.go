package server

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"financial-command-center/assets/words"
)

// visible writes what cannot be seen, and what turns a text around, so that it is seen:
// a program must not be able to hide what it sends.
func visible(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if !strings.ContainsFunc(text, unseen) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unseen(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unseen(r rune) bool {
	return r != '\n' && r != '\t' && (!unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' && r != '\u00a0' && r != '\u202f') ||
		r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u034f'
}

// short is a text from the books for a sentence: on one line and not too long.
func short(text string) string {
	text = strings.Join(strings.Fields(visible(text)), " ")
	if utf8.RuneCountInString(text) > mostInSentence {
		text = string([]rune(text)[:mostInSentence-1]) + "…"
	}
	return text
}

const mostInSentence = 120

// sizeWords is a number of bytes as people say it.
func sizeWords(n int64) string {
	switch {
	case n < 1000:
		return words.Say("approvals.bytes", "N", int(n))
	case n < 1_000_000:
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// fieldWords makes words of a field's name: "EmailAddress" is Email address.
func fieldWords(name string) string {
	var b strings.Builder
	runes := []rune(visible(name))
	for i, r := range runes {
		next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || next) {
			b.WriteByte(' ')
			if next {
				r = unicode.ToLower(r)
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}
