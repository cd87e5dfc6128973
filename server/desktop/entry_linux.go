package desktop

import "strings"

// An entry is the text of a desktop entry file, by lines:
// specifications.freedesktop.org/desktop-entry-spec.
type entry []string

func parseEntry(text string) entry { return strings.Split(text, "\n") }

// find is the line of a key in the group that counts, or -1.
func (e entry) find(key string) int {
	ours := false
	for i, l := range e {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "[") {
			ours = l == "[Desktop Entry]"
		}
		if k, _, ok := strings.Cut(l, "="); ok && ours && strings.TrimSpace(k) == key {
			return i
		}
	}
	return -1
}

func (e entry) value(key string) string {
	i := e.find(key)
	if i < 0 {
		return ""
	}
	_, v, _ := strings.Cut(e[i], "=")
	return unescapeValue(strings.TrimSpace(v))
}

// with is the text with another value, already escaped, of a key that is there.
func (e entry) with(key, value string) string {
	lines := append(entry{}, e...)
	lines[e.find(key)] = key + "=" + value
	return strings.Join(lines, "\n")
}

var (
	valueEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	valuePlain   = strings.NewReplacer(`\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`)
	// argEscapes are those within the quotes of an argument; a percent sign begins
	// a field code.
	argEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`, `%`, `%%`)
)

func escapeValue(text string) string   { return valueEscapes.Replace(text) }
func unescapeValue(text string) string { return valuePlain.Replace(text) }

// execLine quotes every argument, as the Exec key wants it, and then escapes the
// whole as a value: a backslash in a path becomes four.
func execLine(command []string) string {
	var quoted []string
	for _, arg := range command {
		quoted = append(quoted, `"`+argEscapes.Replace(arg)+`"`)
	}
	return escapeValue(strings.Join(quoted, " "))
}

// firstWord is the program of an Exec value.
func firstWord(exec string) string {
	exec = strings.TrimLeft(exec, " ")
	quoted := strings.HasPrefix(exec, `"`)
	var word strings.Builder
	for i := 0; i < len(exec); i++ {
		switch c := exec[i]; {
		case quoted && c == '"' && i > 0, !quoted && c == ' ':
			return strings.ReplaceAll(word.String(), "%%", "%")
		case quoted && i == 0:
		case quoted && c == '\\' && i+1 < len(exec):
			i++
			word.WriteByte(exec[i])
		default:
			word.WriteByte(c)
		}
	}
	return strings.ReplaceAll(word.String(), "%%", "%")
}
