package xerosim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wantsJSON reports whether a request names application/json in its Accept. The
// Accounting API answers XML to all others, also to those that take anything
// (developer.xero.com/documentation/api/accounting/requests-and-responses).
func wantsJSON(r *http.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept"), ","), func(one string) bool {
		kind, _, _ := mime.ParseMediaType(one)
		return kind == "application/json"
	})
}

// xml is the same answer in XML.
func (a response) xml() response {
	root := "Response"
	if a.status != http.StatusOK {
		root = "ApiException"
	}
	w := xmlWriter{from: json.NewDecoder(bytes.NewReader(a.body))}
	w.from.UseNumber()
	w.to = xml.NewEncoder(&w.text)
	w.text.WriteString(xml.Header)
	if err := w.value(root); err != nil {
		panic(err) // our own JSON
	}
	if err := w.to.Close(); err != nil {
		panic(err) // elements that were not ended
	}
	return response{status: a.status, kind: "text/xml; charset=utf-8", body: w.text.Bytes(), header: a.header}
}

// An xmlWriter writes JSON as Xero's XML: an element for each field, in each list
// one for each member, named in the singular.
type xmlWriter struct {
	from *json.Decoder
	to   *xml.Encoder
	text bytes.Buffer
}

var schemas = []xml.Attr{
	{Name: xml.Name{Local: "xmlns:xsd"}, Value: "http://www.w3.org/2001/XMLSchema"},
	{Name: xml.Name{Local: "xmlns:xsi"}, Value: "http://www.w3.org/2001/XMLSchema-instance"},
}

// onlyJSON are fields that repeat a date for readers of JSON.
var onlyJSON = []string{"DateString", "DueDateString", "UpdatedDateUTCString"}

func (w *xmlWriter) value(name string) error {
	token, err := w.from.Token()
	if err != nil {
		return err
	}
	if token == nil {
		return nil // no element for null
	}
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if name == "Response" || name == "ApiException" {
		start.Attr = schemas
	}
	if slices.Contains(onlyJSON, name) {
		return nil
	}
	if err := w.to.EncodeToken(start); err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		for w.from.More() {
			field := singular(name)
			if token == '{' {
				key, err := w.from.Token()
				if err != nil {
					return err
				}
				field = key.(string)
			}
			if err := w.value(field); err != nil {
				return err
			}
		}
		_, err = w.from.Token()
	case json.Number:
		err = w.to.EncodeToken(xml.CharData(token.String()))
	case bool:
		err = w.to.EncodeToken(xml.CharData(strconv.FormatBool(token)))
	case string:
		if strings.Contains(name, "Date") {
			token = moment(token)
		}
		err = w.to.EncodeToken(xml.CharData(token))
	}
	if err != nil {
		return err
	}
	return w.to.EncodeToken(start.End())
}

// singular is the name of a list's members.
func singular(list string) string {
	switch list {
	case "Addresses":
		return "Address"
	case "Tracking":
		return "TrackingCategory"
	case "Elements":
		return "DataContractBase"
	}
	return strings.TrimSuffix(list, "s")
}

// moment is a time of JSON as XML has it.
func moment(text string) string {
	m := dotNetDate.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	ms, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return text
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999")
}

var quotedDate = regexp.MustCompile(`"/Date\((-?\d+(?:[+-]\d{4})?)\)/"`)

// escapeDates writes times as some of Xero's resources do: \/Date(0)\/ is the
// same text to who reads JSON, and not to who looks for /Date(.
func escapeDates(body []byte) []byte { return quotedDate.ReplaceAll(body, []byte(`"\/Date($1)\/"`)) }
