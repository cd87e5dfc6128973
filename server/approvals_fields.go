package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"financial-command-center/assets/words"
)

// A field is a part of a body, whatever form that has: a value, or fields below it.
type field struct {
	name  string
	text  string  // of a value; "" for null too
	digit bool    // it is a number, not a text that may look like one
	below []field // of an object, and of a list, whose fields have no names
	kind  fieldKind
}

type fieldKind int

const (
	valueField fieldKind = iota // the zero field is a value that is not there
	objectField
	listField
)

// mostDepth is how deep fields may be below one another.
const mostDepth = 32

var (
	errNotRead = errors.New("not a body that can be read")
	// errTwoMeanings: programs do not agree on what such a body says, so what FCC reads
	// may not be what Xero does.
	errTwoMeanings = errors.New("a body with two meanings")
)

// fieldsOf takes a body apart by the form it says it has: JSON, XML, or a form that may
// hold XML, as Xero's oldest clients send it. With errTwoMeanings there may be fields all
// the same.
func fieldsOf(contentType string, body []byte) (field, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	start := bytes.TrimLeft(body, " \t\r\n")
	charset := strings.ToLower(cmp.Or(parameters["charset"], "utf-8"))
	form := kind == "application/x-www-form-urlencoded"
	switch {
	case len(start) == 0:
		return field{kind: objectField}, nil
	case err != nil && contentType != "", !slices.Contains([]string{"utf-8", "utf8", "us-ascii"}, charset), form && (start[0] == '{' || start[0] == '<'):
		return field{}, errTwoMeanings
	case !utf8.Valid(body) && kind != "multipart/form-data":
		return field{}, errNotRead
	case strings.HasSuffix(kind, "json"):
		return jsonFields(body)
	case strings.HasSuffix(kind, "xml"):
		return xmlFields(body)
	case form:
		return formFields(string(body))
	case kind == "multipart/form-data":
		return partFields(multipart.NewReader(bytes.NewReader(body), parameters["boundary"]))
	case start[0] == '{' || start[0] == '[':
		return jsonFields(body)
	case start[0] == '<':
		return xmlFields(body)
	}
	return field{}, errNotRead
}

func jsonFields(body []byte) (field, error) {
	from := json.NewDecoder(bytes.NewReader(body))
	from.UseNumber()
	var twice bool
	f, err := readJSON(from, &twice, 0)
	if err == nil {
		if _, err = from.Token(); err == io.EOF {
			err = nil
		} else {
			return field{}, errNotRead
		}
	}
	switch {
	case err != nil:
		return field{}, errNotRead
	case twice:
		return f, errTwoMeanings
	}
	return f, nil
}

func readJSON(from *json.Decoder, twice *bool, depth int) (f field, err error) {
	token, err := from.Token()
	if err != nil || depth > mostDepth {
		return f, errors.Join(errNotRead, err)
	}
	switch token := token.(type) {
	case json.Delim:
		f.kind = listField
		if token == '{' {
			f.kind = objectField
		}
		seen := map[string]bool{}
		for from.More() {
			name := ""
			if f.kind == objectField {
				key, err := from.Token()
				if err != nil {
					return f, err
				}
				name = key.(string)
				*twice = *twice || !onlyOne(seen, name)
			}
			one, err := readJSON(from, twice, depth+1)
			if err != nil {
				return f, err
			}
			one.name = name
			f.below = append(f.below, one)
		}
		_, err = from.Token()
	case string:
		f.text = token
	case json.Number:
		f.text, f.digit = token.String(), true
	case bool:
		f.text = fmt.Sprint(token)
	}
	return f, err
}

// onlyOne reports whether name is told from all that were seen by everybody: some
// programs go by case, some do not, and not all agree on the case of every letter.
func onlyOne(seen map[string]bool, name string) bool {
	lower := strings.ToLower(name)
	was := seen[lower]
	seen[lower] = true
	return !was && !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
}

// xmlFields gives the same fields as the JSON that says the same.
func xmlFields(body []byte) (field, error) {
	from := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := from.Token()
		if err != nil {
			return field{}, errNotRead
		}
		switch token := token.(type) {
		case xml.Directive: // it may say what the text means
			return field{}, errNotRead
		case xml.StartElement:
			var odd bool
			f, err := readXML(from, token, token.Name.Space, &odd, 0)
			if err != nil {
				return field{}, errNotRead
			}
			for { // only space and comments may follow
				token, err := from.Token()
				if err == io.EOF {
					break
				}
				text, isText := token.(xml.CharData)
				if _, isComment := token.(xml.Comment); err != nil || !isComment && !(isText && len(bytes.TrimSpace(text)) == 0) {
					return field{}, errNotRead
				}
			}
			if f.kind == listField {
				f = field{kind: objectField, below: []field{f}}
			}
			if odd {
				return f, errTwoMeanings
			}
			return f, nil
		}
	}
}

// readXML reads an element. space is the namespace of the root, and so of all.
func readXML(from *xml.Decoder, start xml.StartElement, space string, odd *bool, depth int) (field, error) {
	f := field{name: start.Name.Local}
	*odd = *odd || start.Name.Space != space
	for _, a := range start.Attr {
		isNil := a.Name.Local == "nil"
		*odd = *odd || !isNil && a.Name.Space != "xmlns" && a.Name.Local != "xmlns"
	}
	var text strings.Builder
	for {
		token, err := from.Token()
		if err != nil || depth > mostDepth {
			return f, errNotRead
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.Directive, xml.ProcInst:
			return f, errNotRead
		case xml.StartElement:
			one, err := readXML(from, token, space, odd, depth+1)
			if err != nil {
				return f, err
			}
			f.below = append(f.below, one)
		case xml.EndElement:
			if f.below == nil {
				f.text = strings.TrimSpace(text.String())
				return f, nil
			}
			*odd = *odd || strings.TrimSpace(text.String()) != ""
			f.kind = objectField
			if members(f) {
				f.kind = listField
				for i := range f.below {
					f.below[i].name = ""
				}
				return f, nil
			}
			seen := map[string]bool{}
			for _, one := range f.below {
				*odd = *odd || !onlyOne(seen, one.name)
			}
			return f, nil
		}
	}
}

// members reports whether the fields below f are those of a list: all of one name,
// whose plural is f's.
func members(f field) bool {
	name := f.below[0].name
	return slices.Contains([]string{name + "s", name + "es", strings.TrimSuffix(name, "Category")}, f.name) &&
		!slices.ContainsFunc(f.below, func(one field) bool { return one.name != name })
}

// formFields reads the form that Xero's oldest clients send. What another means to Xero
// is written nowhere.
func formFields(body string) (field, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return field{}, errNotRead
	}
	if len(form) == 1 && len(form["xml"]) == 1 {
		return xmlFields([]byte(form["xml"][0]))
	}
	f := field{kind: objectField}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			f.below = append(f.below, field{name: name, text: value})
		}
	}
	return f, errTwoMeanings
}

// partFields tells of files their name and size.
func partFields(parts *multipart.Reader) (field, error) {
	f := field{kind: objectField}
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return field{}, errNotRead
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return field{}, errNotRead
		}
		one := field{name: part.FormName(), text: string(content)}
		if name := part.FileName(); name != "" || !utf8.Valid(content) {
			one.text = words.Say("approvals.file", "Name", name, "Size", sizeWords(int64(len(content))))
		}
		f.below = append(f.below, one)
	}
}

// at is the field that path leads to, or the zero field. Xero's names are told apart
// without case.
func (f field) at(path ...string) field {
	for _, name := range path {
		i := slices.IndexFunc(f.below, func(one field) bool { return strings.EqualFold(one.name, name) })
		if f.kind != objectField || i < 0 {
			return field{}
		}
		f = f.below[i]
	}
	return f
}

func (f field) has(name string) bool {
	return slices.ContainsFunc(f.below, func(one field) bool { return strings.EqualFold(one.name, name) })
}

// is reports whether the value is text, in any case.
func (f field) is(texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.EqualFold(f.text, text) })
}

// number is the value as an amount.
func (f field) number() (decimal.Decimal, bool) {
	if len(f.text) > 40 {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(strings.TrimSpace(f.text))
	return d, err == nil && d.Exponent() > -18 && d.Exponent() < 18
}

// records are those of a body: the list under its resource's name and nothing beside
// it, or one record as it is.
func (f field) records(resource string) ([]field, bool) {
	if list := f.at(resource); list.kind == listField {
		return list.below, len(f.below) == 1 && !slices.ContainsFunc(list.below, func(one field) bool { return one.kind != objectField })
	}
	return []field{f}, f.kind == objectField && !f.has(resource) && !f.has(singular(resource))
}

// A fieldLine is one value with the way to it: "Invoices[1].LineItems[2].UnitAmount".
type fieldLine struct{ Path, Text string }

// lines are the values below f in their order: all, or else whole is false.
func (f field) lines() (all []fieldLine, whole bool) {
	left := mostShown
	var walk func(f field, path string)
	walk = func(f field, path string) {
		if len(f.below) == 0 {
			line := fieldLine{visible(path), visible(f.text)}
			left -= len(line.Path) + len(line.Text)
			all = append(all, line)
		}
		for i, one := range f.below {
			if left < 0 || len(all) > mostFields {
				return
			}
			switch {
			case f.kind == listField:
				walk(one, fmt.Sprintf("%s[%d]", path, i+1))
			case path == "":
				walk(one, one.name)
			default:
				walk(one, path+"."+one.name)
			}
		}
	}
	if f.kind != valueField && len(f.below) == 0 {
		return nil, true
	}
	walk(f, "")
	return all, left >= 0 && len(all) <= mostFields
}
