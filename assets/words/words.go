// Package words holds every sentence that FCC's pages, errors and tray say, so that
// they can be read, changed and translated in one place: en/*.toml, one file for each
// page or topic. A translation is a folder beside it.
//
// A message's id is the name of its file and its key: "invoices.none". It names what
// is put into it ("Choose {{.Name}}"), and has a form for each plural that its language
// tells apart by N (one and other in English; CLDR's names).
package words

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	textparser "github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

//go:embed en/*.toml
var files embed.FS

var localizer = i18n.NewLocalizer(mustRead(files), "en")

func mustRead(files fs.FS) *i18n.Bundle {
	bundle, err := read(files)
	if err != nil {
		panic(err) // it is part of the program
	}
	return bundle
}

// read puts the name of its file before each message's key.
func read(files fs.FS) (*i18n.Bundle, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "*/*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		messages, err := i18n.ParseMessageFileBytes(text, path.Dir(name)+".toml", map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			return nil, fmt.Errorf("words: %s: %w", name, err)
		}
		topic := strings.TrimSuffix(path.Base(name), ".toml")
		for _, m := range messages.Messages {
			m.ID = topic + "." + m.ID
		}
		if err := bundle.AddMessages(messages.Tag, messages.Messages...); err != nil {
			return nil, fmt.Errorf("words: %s: %w", name, err)
		}
	}
	return bundle, nil
}

// Say returns the message with the data put in: names and values in turn, as in
// Say("settings.choose", "Name", "Acme"). An int named N chooses the plural form. A
// message that is not there, or lacks data, is a mistake in the program, and panics.
func Say(id string, data ...any) string {
	return say(id, data, func(v any) any { return v })
}

// Number is a whole number as people read it: "12,345".
func Number(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// Mark is Say for a message with markup in it, as "<b>{{.Name}}</b> …": what is put in
// is escaped, and may stand in text and in quoted attributes.
func Mark(id string, data ...any) template.HTML {
	return template.HTML(say(id, data, func(v any) any {
		switch v := v.(type) {
		case int, template.HTML:
			return v
		default:
			return html.EscapeString(fmt.Sprint(v))
		}
	}))
}

// strict refuses a message that names what was not given.
var strict = &textparser.TextParser{Option: "missingkey=error"}

func say(id string, data []any, put func(any) any) string {
	named := make(map[string]any, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		named[data[i].(string)] = put(data[i+1])
	}
	text, err := localizer.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: named, PluralCount: named["N"], TemplateParser: strict})
	if err != nil {
		panic(fmt.Sprintf("words: %s: %v", id, err))
	}
	return text
}
